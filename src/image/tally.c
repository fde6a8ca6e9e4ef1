// SPDX-License-Identifier: MIT
#include "image/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const uint8_t zeros[64 << 10];

void tally_init(struct tally *tally, const char *of)
{
	*tally = (struct tally){.digest = digest_new(), .of = of};
}

void tally_done(struct tally *tally)
{
	digest_freep(&tally->digest);
}

void tally_add(struct tally *tally, const void *data, size_t size)
{
	digest_add(tally->digest, data, size);
	tally->data_bytes += size;
	atomic_fetch_add_explicit(&tally->bytes, size, memory_order_relaxed);
}

void tally_zeros(struct tally *tally, uint64_t size)
{
	uint64_t left = size;
	size_t step;

	for (; left > 0; left -= step) {
		step = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
		digest_add(tally->digest, zeros, step);
	}
	atomic_fetch_add_explicit(&tally->bytes, size, memory_order_relaxed);
}

void tally_text(const struct tally *tally, char sha256[SHA256_TEXT])
{
	char text[129];

	digest_text(tally->digest, text);
	memcpy(sha256, text, SHA256_TEXT);
}

int tally_check(const struct tally *tally, struct err *err)
{
	char found[SHA256_TEXT];

	if (!tally->expected[0])
		return 0;
	tally_text(tally, found);
	if (text_equal(found, tally->expected))
		return 0;
	err_set(err, ERR_DIGEST, "the SHA-256 of the %s is %s, expected was %s", tally->of, found,
		tally->expected);
	return err_remedy(err, "get the image again, or the digest that belongs to it");
}

struct tap {
	struct reader reader;
	struct reader *below;
	struct tally *tally;
};

static int tap_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct tap *tap = container_of(reader, struct tap, reader);
	int rc = tap->below->read(tap->below, data, size, got, err);

	if (rc < 0)
		return rc;
	if (*got == 0)
		return tally_check(tap->tally, err);
	tally_add(tap->tally, data, *got);
	return 0;
}

static void tap_close(struct reader *reader)
{
	struct tap *tap = container_of(reader, struct tap, reader);

	tap->below->close(tap->below);
	free(tap);
}

struct reader *tap_new(struct reader *below, struct tally *tally)
{
	struct tap *tap = xcalloc(1, sizeof(*tap));

	tap->reader = (struct reader){.read = tap_read, .close = tap_close};
	tap->below = below;
	tap->tally = tally;
	return &tap->reader;
}
