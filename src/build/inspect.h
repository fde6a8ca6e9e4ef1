// SPDX-License-Identifier: MIT
/*
 * Tells what a file is by its content, never by its name, with facts about it, and verifies what it
 * carries to be verified by: checksums, CRCs, hashes. One table of recognisers; a new format is a
 * row in it.
 */
#ifndef ABOARD_BUILD_INSPECT_H
#define ABOARD_BUILD_INSPECT_H

#include "base/deadline.h"
#include "base/err.h"
#include "build/finding.h"

struct recogniser {
	const char *kind, *name; /* "stm32", "STM32 image" */
	bool (*match)(const struct input *input);
	void (*explain)(const struct input *input, struct finding *finding);
};

/* Ends with an empty row; the first one that matches counts. */
extern const struct recogniser recognisers[];

/* What begins here. Never fails: what nothing knows is a finding too, and damage is told in it. */
void inspect_input(const struct input *input, struct finding *finding);

/* The same of a file or block device. ERR_NOT_FOUND, ERR_HOST, ERR_CANCELLED; nothing to free
   then. */
int inspect_file(const char *path, struct deadline deadline, struct finding *finding,
		 struct err *err);

/* Adds what begins at `offset` of the input to a row of facts as "holds", if it is known; when it
   is damaged, so is what it is part of (`what`: "partition 2"). */
void inspect_part(const struct input *input, uint64_t offset, uint64_t size, const char *what,
		  json_t *row, struct finding *whole);

#endif
