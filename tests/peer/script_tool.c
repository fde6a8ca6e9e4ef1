// SPDX-License-Identifier: MIT
/* script_build() as a program, with the command line of uboot-script-gen: for tests of the text. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "build/script.h"

extern char **environ;

static const struct option long_options[] = {
	{"form", required_argument, NULL, 'F'},
	{"strict", no_argument, NULL, 'S'},
	{"memory-map", no_argument, NULL, 'M'},
	{0},
};

static void print_map(const struct map *map)
{
	_cleanup_(buf_free) struct buf text = {0};

	map_text(map, &text);
	fputs(buf_text(&text), stderr);
}

static int parse(int argc, char **argv, struct script_options *options, bool *show_map)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:d:t:o:fk:u:p:s", long_options, NULL)) != -1) {
		/* clang-format off */
		switch (c) {
		case 'c': options->config = optarg; break;
		case 'd': options->root = optarg; break;
		case 't': options->load_cmd = optarg; break;
		case 'o': options->output = optarg; break;
		case 'f': options->fit = true; break;
		case 'k': options->key = optarg; break;
		case 'u': options->control_dtb = optarg; break;
		case 'p': options->prefix = optarg; break;
		case 's': options->dynamic = true; break;
		case 'F': options->form = optarg; break;
		case 'S': options->strict = true; break;
		case 'M': *show_map = true; break;
		default: return -1;
		}
		/* clang-format on */
	}
	return options->config && options->root ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct script_options options = {.environment = (const char *const *)environ,
					 .now = time(NULL)};
	struct script_result result;
	bool show_map = false;
	struct err err = {0};
	size_t i;
	int rc;

	if (parse(argc, argv, &options, &show_map) < 0) {
		fprintf(stderr, "usage: script_tool -c CONFIG -d ROOT [-t LOAD]\n");
		return 2;
	}
	rc = script_build(&options, &result, DEADLINE_NEVER, &err);
	for (i = 0; i < result.notes.count; i++)
		fprintf(result.notes.items[i].level == NOTE_NOTICE ? stdout : stderr, "%s%s\n",
			result.notes.items[i].level == NOTE_NOTICE ? "" : "warning: ",
			result.notes.items[i].text);
	if (show_map || result.map_is_at_fault)
		print_map(&result.map);
	if (rc < 0)
		fprintf(stderr, "error: %s\n%s%s", err.text, err.remedy, *err.remedy ? "\n" : "");
	else
		fputs(result.summary, stdout);
	script_result_free(&result);
	return rc < 0 ? err_exit_status(err.kind) : 0;
}
