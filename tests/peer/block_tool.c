// SPDX-License-Identifier: MIT
/* The block writer as a program, for tests on real block devices:

     block-tool PORT LUN [VERB ARGUMENT...]...
	 info                   prints node, vendor, model, bytes, bytes of a sector, rw or ro
	 check SIZE             whether so many bytes may be written
	 open                   for writing
	 write OFFSET FILE      the bytes of the file
	 read OFFSET SIZE FILE  into the file
	 zero OFFSET SIZE
	 flush
	 eject

   In their order, until one fails: then the kind of error and its text go to standard output, the
   remedy behind them; the exit status is that of aboard. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/block.h"

struct tool {
	struct block_info info;
	struct block *block;
};

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

static int do_info(struct tool *tool, char **arg, struct err *err)
{
	const struct block_info *info = &tool->info;

	(void)arg, (void)err;
	printf("%s '%s' '%s' %" PRIu64 " %" PRIu32 " %s\n", info->node, info->vendor, info->model,
	       info->size, info->sector, info->read_only ? "ro" : "rw");
	return 0;
}

static int do_check(struct tool *tool, char **arg, struct err *err)
{
	return block_check(NULL, &tool->info, number(arg[0]), err);
}

static int do_open(struct tool *tool, char **arg, struct err *err)
{
	(void)arg;
	return block_open(&tool->block, &tool->info, true, err);
}

static int do_write(struct tool *tool, char **arg, struct err *err)
{
	_cleanup_(buf_free) struct buf data = {.max = (size_t)64 << 20};
	int rc = path_read(arg[1], data.max, &data, err);

	return rc < 0 ? rc : block_write(tool->block, number(arg[0]), data.data, data.size, err);
}

static int do_read(struct tool *tool, char **arg, struct err *err)
{
	size_t size = (size_t)number(arg[1]);
	_cleanup_(freep) void *data = xmalloc(size);
	int rc = block_read(tool->block, number(arg[0]), data, size, err);

	return rc < 0 ? rc : path_write(arg[2], data, size, 0644, err);
}

static int do_zero(struct tool *tool, char **arg, struct err *err)
{
	return block_zero(tool->block, number(arg[0]), number(arg[1]), err);
}

static int do_flush(struct tool *tool, char **arg, struct err *err)
{
	(void)arg;
	return block_flush(tool->block, err);
}

static int do_eject(struct tool *tool, char **arg, struct err *err)
{
	(void)arg, (void)err;
	block_eject(tool->block);
	return 0;
}

static const struct verb {
	const char *name;
	int arguments;
	bool opened; /* needs it */
	int (*run)(struct tool *tool, char **arg, struct err *err);
} verbs[] = {
	{"info", 0, false, do_info},  {"check", 1, false, do_check}, {"open", 0, false, do_open},
	{"write", 2, true, do_write}, {"read", 3, true, do_read},    {"zero", 2, true, do_zero},
	{"flush", 0, true, do_flush}, {"eject", 0, true, do_eject},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (text_equal(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

static int find(struct tool *tool, const char *port, unsigned int lun, struct err *err)
{
	struct block_info list[BLOCK_LUNS];
	size_t count;
	int rc = block_find(NULL, port, list, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (list[i].lun == lun) {
			tool->info = list[i];
			return 0;
		}
	}
	return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, "no logical unit %u on %s", lun, port);
}

static int run(struct tool *tool, char **word, struct err *err)
{
	int rc = 0;

	while (rc == 0 && *word) {
		const struct verb *verb = find_verb(*word++);
		int i;

		for (i = 0; verb && i < verb->arguments && word[i]; i++)
			;
		if (!verb || i < verb->arguments || (verb->opened && !tool->block))
			return err_set(err, ERR_USAGE, "wrong: %s", word[-1]);
		rc = verb->run(tool, word, err);
		word += verb->arguments;
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct tool tool = {0};
	struct err err = {0};
	int rc;

	if (argc < 3)
		return 2;
	rc = find(&tool, argv[1], (unsigned int)number(argv[2]), &err);
	if (rc == 0)
		rc = run(&tool, argv + 3, &err);
	block_close(tool.block);
	if (rc == 0)
		return 0;
	printf("%s: %s\n", err_kind_name(err.kind), err.text);
	if (err.remedy[0])
		printf("-> %s\n", err.remedy);
	return err_exit_status(err.kind);
}
