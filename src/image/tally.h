// SPDX-License-Identifier: MIT
/*
 * What is known of bytes that have gone by: how many, and their SHA-256, compared with an expected
 * one at the end. tap_new() is a tally as a reader, for streams.
 */
#ifndef ABOARD_IMAGE_TALLY_H
#define ABOARD_IMAGE_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/reader.h"

struct tally {
	struct digest *digest;
	_Atomic uint64_t bytes;     /* may be read from another thread at any time */
	uint64_t data_bytes;        /* without tally_zeros() */
	char expected[SHA256_TEXT]; /* empty: none */
	const char *of;             /* "image as given", for the message; borrowed */
};

void tally_init(struct tally *tally, const char *of);
void tally_done(struct tally *tally);
void tally_add(struct tally *tally, const void *data, size_t size);
/* Zeros that nobody has to read. */
void tally_zeros(struct tally *tally, uint64_t size);
void tally_text(const struct tally *tally, char sha256[SHA256_TEXT]);

/* At the end: ERR_DIGEST when another digest was expected. */
int tally_check(const struct tally *tally, struct err *err);

/* Hands `below` (taken over) through and counts it in `tally` (borrowed); its end is an error when
 * the digest is not the expected one. */
struct reader *tap_new(struct reader *below, struct tally *tally);

#endif
