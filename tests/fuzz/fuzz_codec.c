// SPDX-License-Identifier: MIT
/* Decoders: the first byte selects one, so that the fuzzer need not find the magic; 'm' finds it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz_memory.h"
#include "image/codec.h"
#include "image/codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reader *(*const openers[])(struct reader *) = {gzip_open, xz_open, zstd_open,
								     bzip2_open, lz4_open};
	_cleanup_(reader_closep) struct reader *reader = NULL;
	const struct codec *codec;
	struct err err;

	if (size < 2)
		return 0;
	reader = fuzz_memory(data + 1, size - 1);
	if (data[0] == 'm') {
		codec = codec_of(data + 1, size - 1);
		reader = codec ? codec->open(reader) : reader;
	} else {
		reader = openers[data[0] % ARRAY_SIZE(openers)](reader);
	}
	fuzz_drain(reader, OUTPUT_MAX, &err);
	return 0;
}
