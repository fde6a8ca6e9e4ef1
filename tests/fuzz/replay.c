// SPDX-License-Identifier: MIT
/* Runs a fuzz target over a folder of inputs, each also cut short and with single bytes changed, so
   that the targets are plain tests where no fuzzing engine is at hand. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VARIATIONS 64

/* Memory of exactly this size, so that a read past the end is seen. */
static void run_once(const char *data, size_t size)
{
	_cleanup_(freep) uint8_t *copy = xmemdup(data, size);

	LLVMFuzzerTestOneInput(copy, size);
}

static void run_variations(struct buf *input)
{
	size_t step = input->size / VARIATIONS + 1, i;
	char kept;

	for (i = 0; i < input->size; i += step) {
		run_once(input->data, i);
		kept = input->data[i];
		input->data[i] = (char)(kept ^ (1 << (i % 8)));
		run_once(input->data, input->size);
		input->data[i] = (char)0xff;
		run_once(input->data, input->size);
		input->data[i] = kept;
	}
}

static int run_file(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(buf_free) struct buf input = {0};
	struct err err;

	if (path_read(path, (size_t)16 << 20, &input, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	run_once(buf_text(&input), input.size);
	run_variations(&input);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count, done = 0, i;

	if (argc != 2 || (count = scandir(argv[1], &entries, NULL, alphasort)) < 0) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.' && run_file(argv[1], entries[i]->d_name) == 0)
			done++;
		free(entries[i]);
	}
	free(entries);
	printf("%d inputs\n", done);
	return done > 0 ? 0 : 1;
}
