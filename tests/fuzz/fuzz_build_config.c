// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "build/config.h"
#include "build/config_vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const environment[] = {"PWD=/w", NULL};
	struct notes notes = {0};
	struct config config;
	struct err err;
	int64_t value;

	if (size > CONFIG_FILE ||
	    config_parse(&config, "fuzz", (const char *)data, size, environment, &err) < 0)
		return 0;
	config_check_names(&config, &notes);
	config_number(&config, "MEMORY_START", 0, 0, &value, &err);
	notes_free(&notes);
	config_free(&config);
	return 0;
}
