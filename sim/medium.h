// SPDX-License-Identifier: MIT
/*
 * A medium that a model writes to: a file or memory, with the faults that belong to media and what
 * writing costs.
 */
#ifndef ABOARD_SIM_MEDIUM_H
#define ABOARD_SIM_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sim/sim.h"

struct medium {
	int fd;
	uint64_t size;       /* bytes */
	uint64_t write_rate; /* bytes a second; 0: no time */
	uint64_t read_rate;
	struct sim_device *device; /* whose faults and time it takes; borrowed */
};

/* A file (made when it is missing, never shortened) or, with NULL, memory. Size 0: the file's own.
 */
int medium_open(struct medium *medium, struct sim_device *device, const char *path, uint64_t size,
		struct err *err);
void medium_close(struct medium *medium);

/* False: outside of it, or it fails. What it costs is added to the device's busy_us. */
bool medium_read(struct medium *medium, uint64_t at, void *data, size_t size);
bool medium_write(struct medium *medium, uint64_t at, const void *data, size_t size);
bool medium_erase(struct medium *medium, uint64_t at, uint64_t size, uint8_t value);
void medium_flush(struct medium *medium);

#endif
