// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "engine/import_jumpstarter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes in, what comes out is YAML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf board = {0}, notes = {0};
	struct yaml **roots;
	struct err err;
	size_t count;

	if (import_jumpstarter_text("fuzz.yaml", data, size, &board, &notes, &err) == 0) {
		if (yaml_parse("board", buf_text(&board), board.size, &roots, &count, &err) < 0)
			abort();
		yaml_free_all(roots, count);
	}
	buf_free(&board);
	buf_free(&notes);
	return 0;
}
