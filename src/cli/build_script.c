// SPDX-License-Identifier: MIT
#include "build/script.h"

#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/build.h"
#include "cli/build_notes.h"
#include "cli/output.h"
#include "cli/term.h"

static void print_map(FILE *out, const struct map *map)
{
	_cleanup_(buf_free) struct buf text = {0};

	map_text(map, &text);
	fprintf(out, "memory map:\n%s", buf_text(&text));
}

static json_t *map_json(const struct map *map)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < map->count; i++)
		json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:o}", "start",
						      (json_int_t)map->items[i].start, "size",
						      (json_int_t)map->items[i].size, "kind",
						      region_kind_name(map->items[i].kind), "name",
						      json_text(map->items[i].name)));
	return list;
}

static void print_json(const struct script_result *result)
{
	json_t *outputs = json_array();
	char **path;

	for (path = result->outputs; *path; path++)
		json_array_append_new(outputs, json_text(*path));
	json_print(stdout,
		   json_pack("{s:i,s:o,s:I,s:o,s:o,s:o}", "v", EVENTS_VERSION, "outputs", outputs,
			     "address", (json_int_t)result->address, "commands",
			     json_text(result->commands), "notes", build_notes_json(&result->notes),
			     "map", map_json(&result->map)));
}

static void print_result(const struct cli *cli, const struct script_result *result)
{
	if (cli->json) {
		print_json(result);
		return;
	}
	if (args_flag(cli->args, "memory-map", false))
		print_map(stdout, &result->map);
	if (!cli->quiet)
		printf("%s\n%s\n", result->headline, result->commands);
}

static int read_options(const struct cli *cli, struct script_options *options, struct err *err)
{
	const struct args *args = cli->args;

	*options = (struct script_options){
		.config = args_value(args, "config", NULL),
		.root = args_value(args, "directory", NULL),
		.load_cmd = args_value(args, "load", NULL),
		.output = args_value(args, "output", NULL),
		.prefix = args_value(args, "prepend", NULL),
		.key = args_value(args, "key", NULL),
		.control_dtb = args_value(args, "control", NULL),
		.form = args_value(args, "form", NULL),
		.fit = args_flag(args, "fit", false),
		.dynamic = args_flag(args, "dynamic", false),
		.strict = args_flag(args, "strict", false),
		.now = time(NULL),
	};
	if (options->config && options->root)
		return 0;
	err_set(err, ERR_USAGE, "no %s was given", options->config ? "-d DIR" : "-c CONFIG");
	return err_remedy(err, "aboard build script -c CONFIG -d DIR [-t LOAD]");
}

static int run(struct cli *cli, struct err *err)
{
	_cleanup_(script_result_free) struct script_result result = {0};
	_cleanup_(build_free_texts) char **environment = build_environment();
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = cli->cancel_fd};
	struct script_options options;
	int rc = read_options(cli, &options, err);

	if (rc < 0)
		return rc;
	options.environment = (const char *const *)environment;
	rc = script_build(&options, &result, deadline, err);
	build_print_notes(cli, &result.notes);
	if (rc == 0)
		print_result(cli, &result);
	else if (result.map_is_at_fault)
		print_map(stderr, &result.map);
	return rc;
}

static const struct option options[] = {
	BUILD_CONFIG_OPTIONS,
	{.name = "load",
	 .letter = 't',
	 .argument = "COMMAND",
	 .help = "U-Boot's load command, instead of LOAD_CMD: tftp, sd, usb, scsi, virtio, or any "
		 "text. fit is the same as --fit."},
	{.name = "output",
	 .letter = 'o',
	 .argument = "NAME",
	 .help = "Make NAME.source and NAME.scr, instead of UBOOT_SOURCE and UBOOT_SCRIPT."},
	{.name = "fit", .letter = 'f', .help = "Make a FIT image."},
	{.name = "key",
	 .letter = 'k',
	 .argument = "DIR/HINT",
	 .help = "Sign the FIT with DIR/HINT.key, instead of FIT_ENC_KEY_DIR."},
	{.name = "control",
	 .letter = 'u',
	 .argument = "FILE",
	 .help = "U-Boot's control device tree, which is told the public key, instead of "
		 "FIT_ENC_UB_DTB."},
	{.name = "prepend",
	 .letter = 'p',
	 .argument = "PATH",
	 .help = "Put PATH/ before every file name in the script."},
	{.name = "dynamic",
	 .letter = 's',
	 .help = "Let U-Boot work addresses and sizes out. Files need not be there yet."},
	{.name = "form",
	 .argument = "next|2404|seed",
	 .help = "Which state of ImageBuilder's text: as of 2026, of April 2024, or of 2022. The "
		 "default is next."},
	{.name = "strict",
	 .help = "The script stops at the first of its commands that fails, says which, and fails. "
		 "The "
		 "lines of APPEND_EXTRA_CMDS are left out then, but not watched."},
	{.name = "memory-map", .help = "Print what is where in the board's memory."},
	{0},
};

static const struct example examples[] = {
	{"aboard build script -c config -d images -t tftp", "Makes a script that loads over TFTP."},
	{"aboard build script -c config -d images -f -k keys/dev -u u-boot.dtb",
	 "Makes a signed FIT."},
	{0},
};

const struct verb verb_build_script = {
	.name = "script",
	.summary = "make a U-Boot script that starts Xen and its guests, or Linux",
	.description =
		"Reads the configuration files of Xen's ImageBuilder, and takes the options of its "
		"uboot-script-gen; the program may also be called by that name. The file is read, "
		"not run: it holds assignments; what else a shell could do is an error with its "
		"place.\n\n"
		"Every file is looked into and given a place in memory, which is checked against "
		"the device tree's memory and reserved memory, static memory of guests, and "
		"U-Boot itself. All outputs are written, or none.",
	.options = options,
	.examples = examples,
	.run = run,
};
