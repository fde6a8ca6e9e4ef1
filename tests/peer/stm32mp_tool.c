// SPDX-License-Identifier: MIT
/* The script that makes U-Boot prove what it wrote, for tests against a real U-Boot:

     stm32mp-tool IMAGE INTERFACE DEVICE MEMORY OUT

   writes the commands that prove IMAGE on that medium as a U-Boot script image into OUT, and prints
   how many variables there will be;

     stm32mp-tool IMAGE VALUE...

   says for the values of these variables, one a line, whether each is "right" or "wrong". */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/legacy.h"
#include "drivers/stm32mp/script.h"

static int measure(struct script *script, const char *path, struct err *err)
{
	struct image_options options = {0};
	_cleanup_(image_closep) struct image *image = NULL;
	int rc = image_open(&image, path, &options, DEADLINE_NEVER, err);

	return rc < 0 ? rc : script_measure(script, image, (struct script_place){0}, err);
}

static int make(char **argv, struct script *script, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(buf_free) struct buf image = {0};
	struct script_settings settings = {.interface = argv[2]};
	uint64_t device, memory;
	int rc;

	if (!text_u64(argv[3], 9, &device) || !text_u64(argv[4], UINT32_MAX, &memory))
		return err_set(err, ERR_USAGE, "DEVICE and MEMORY are numbers");
	settings.device = (unsigned int)device;
	settings.memory = (uint32_t)memory;
	rc = measure(script, argv[1], err);
	if (rc < 0)
		return rc;
	script_proof(script, &settings, &text);
	rc = legacy_script(text.data, text.size, 0, 0, &image, err);
	if (rc == 0)
		rc = path_write(argv[5], image.data, image.size, 0644, err);
	if (rc == 0)
		printf("%zu\n", script_groups(script));
	return rc;
}

static int judge(int argc, char **argv, struct script *script, struct err *err)
{
	int rc = measure(script, argv[1], err), i;
	uint64_t value;

	for (i = 2; rc == 0 && i < argc; i++)
		printf("%s\n", text_hex(argv[i], &value) && script_matches(script, (size_t)i - 2,
									   (uint32_t)value)
				       ? "right"
				       : "wrong");
	return rc;
}

int main(int argc, char **argv)
{
	struct script script = {0};
	struct err err;
	int rc;

	if (argc < 3) {
		fprintf(stderr, "usage: %s IMAGE INTERFACE DEVICE MEMORY OUT | IMAGE VALUE...\n",
			argv[0]);
		return 2;
	}
	rc = argc == 6 ? make(argv, &script, &err) : judge(argc, argv, &script, &err);
	script_free(&script);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	return rc < 0 ? err_exit_status(err.kind) : 0;
}
