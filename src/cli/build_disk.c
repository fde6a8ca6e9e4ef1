// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/genimage.h"
#include "build/xen_disk.h"
#include "cli/build.h"
#include "cli/build_notes.h"
#include "cli/output.h"

#define SLACK_MAX (1U << 24) /* MiB */

static void print_partitions(const char *output, const struct xen_disk_result *result)
{
	char size[TEXT_SIZE];
	size_t i;

	printf("%s: %s\n", output, text_of_size(result->size, size));
	for (i = 0; i < result->count; i++) {
		const struct xen_disk_partition *part = &result->partitions[i];

		printf("%2u  %-8s %-5s %10s  PARTUUID=%s\n", part->number, part->name, part->fs,
		       text_of_size(part->size, size), part->uuid);
	}
}

static void print_json(const char *output, const struct xen_disk_result *result)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < result->count; i++) {
		const struct xen_disk_partition *part = &result->partitions[i];

		json_array_append_new(list, json_pack("{s:i,s:s,s:s,s:s,s:I,s:I}", "number",
						      (int)part->number, "name", part->name, "fs",
						      part->fs, "partuuid", part->uuid, "start",
						      (json_int_t)part->start, "size",
						      (json_int_t)part->size));
	}
	json_print(stdout,
		   json_pack("{s:i,s:o,s:I,s:o,s:o}", "v", EVENTS_VERSION, "outputs",
			     json_pack("[o,o]", json_text(output), json_sprintf("%s.bmap", output)),
			     "size", (json_int_t)result->size, "partitions", list, "notes",
			     build_notes_json(&result->notes)));
}

static int read_xen(const struct args *args, struct xen_disk_options *options, struct err *err)
{
	unsigned int slack;
	int rc = args_uint(args, "space", XEN_DISK_SLACK, SLACK_MAX, &slack, err);

	if (rc < 0)
		return rc;
	*options = (struct xen_disk_options){
		.config = args_value(args, "config", NULL),
		.root = args_value(args, "directory", NULL),
		.output = args_value(args, "output", NULL),
		.load_cmd = args_value(args, "load", NULL),
		.prefix = args_value(args, "prepend", NULL),
		.slack_mib = slack,
		.power_of_two = args_flag(args, "align", false),
		.disk_id = args_value(args, "disk-id", NULL),
	};
	if (options->config && options->root && options->output && slack)
		return 0;
	err_set(err, ERR_USAGE, "%s",
		!slack             ? "-s 0: file systems need some space"
		: !options->config ? "no -c CONFIG was given"
		: !options->root   ? "no -d DIR was given"
				   : "no -o IMAGE was given");
	return err_remedy(err, "aboard build disk -c CONFIG -d DIR -o IMAGE [-t LOAD]");
}

static int run_xen(struct cli *cli, struct deadline deadline, struct err *err)
{
	_cleanup_(xen_disk_result_free) struct xen_disk_result result = {0};
	_cleanup_(build_free_texts) char **environment = build_environment();
	struct xen_disk_options options;
	int rc = read_xen(cli->args, &options, err);

	if (rc < 0)
		return rc;
	options.environment = (const char *const *)environment;
	rc = xen_disk_build(&options, &result, deadline, err);
	build_print_notes(cli, &result.notes);
	if (rc < 0)
		return rc;
	if (cli->json)
		print_json(options.output, &result);
	else if (!cli->quiet)
		print_partitions(options.output, &result);
	return 0;
}

static int run_genimage(struct cli *cli, const char *config, struct deadline deadline,
			struct err *err)
{
	_cleanup_(genimage_result_free) struct genimage_result result = {0};
	struct genimage_options options = {
		.config = config,
		.input = args_value(cli->args, "inputpath", NULL),
		.root = args_value(cli->args, "rootpath", NULL),
		.output = args_value(cli->args, "outputpath", NULL),
		.include = args_value(cli->args, "includepath", NULL),
	};
	json_t *outputs = json_array();
	char **path;
	int rc = genimage_build(&options, &result, deadline, err);

	build_print_notes(cli, &result.notes);
	for (path = result.outputs; rc == 0 && path && *path; path++) {
		if (!cli->json && !cli->quiet)
			puts(*path);
		json_array_append_new(outputs, json_text(*path));
	}
	if (rc == 0 && cli->json)
		json_print(stdout, json_pack("{s:i,s:O,s:o}", "v", EVENTS_VERSION, "outputs",
					     outputs, "notes", build_notes_json(&result.notes)));
	json_decref(outputs);
	return rc;
}

/* Options of one way that were given with the other. */
static int check_mixed(const struct args *args, bool genimage, struct err *err)
{
	static const char *const of_xen[] = {"config", "directory", "output",  "load",    "work",
					     "space",  "align",     "prepend", "disk-id", NULL};
	static const char *const of_genimage[] = {"inputpath", "rootpath", "outputpath",
						  "includepath", NULL};
	const char *const *name;

	for (name = genimage ? of_xen : of_genimage; *name; name++)
		if (args_count(args, *name))
			return err_set(err, ERR_USAGE, "--%s goes %s --genimage", *name,
				       genimage ? "not with" : "only with");
	return 0;
}

static int run(struct cli *cli, struct err *err)
{
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = cli->cancel_fd};
	const char *genimage = args_value(cli->args, "genimage", NULL);
	int rc = check_mixed(cli->args, genimage != NULL, err);

	if (rc < 0)
		return rc;
	return genimage ? run_genimage(cli, genimage, deadline, err) : run_xen(cli, deadline, err);
}

static const struct option options[] = {
	BUILD_CONFIG_OPTIONS,
	{.name = "output",
	 .letter = 'o',
	 .argument = "IMAGE",
	 .help = "The image; its block map becomes IMAGE.bmap."},
	{.name = "load",
	 .letter = 't',
	 .argument = "COMMAND",
	 .help = "U-Boot's load command, which tells what Linux calls the disk: sd, scsi, or any "
		 "text. LOAD_CMD of the configuration goes before it."},
	{.name = "work",
	 .letter = 'w',
	 .argument = "DIR",
	 .help = "Not needed; for old command lines."},
	{.name = "space",
	 .letter = 's',
	 .argument = "MIB",
	 .help = "Free space for each root file system; the default is 128."},
	{.name = "align", .letter = 'a', .help = "Round the image's size up to a power of two."},
	{.name = "prepend",
	 .letter = 'p',
	 .argument = "PATH",
	 .help = "Folder inside the boot partition that everything goes to."},
	{.name = "disk-id",
	 .argument = "UUID",
	 .help = "Identity of the disk, instead of one derived from names; the partitions' follow "
		 "from it."},
	{.name = "genimage", .argument = "FILE", .help = "Make what this genimage file says."},
	{.name = "inputpath", .argument = "DIR", .help = "genimage: folder of files to put in."},
	{.name = "rootpath",
	 .argument = "DIR",
	 .help = "genimage: root file system, a folder or an archive."},
	{.name = "outputpath", .argument = "DIR", .help = "genimage: folder for the images."},
	{.name = "includepath",
	 .argument = "DIRS",
	 .help = "genimage: folders to look for included files in, with colons between."},
	{0},
};

static const struct example examples[] = {
	{"aboard build disk -c config -d . -t sd -o disk.img",
	 "What ImageBuilder's disk_image makes"},
	{"aboard build disk --genimage genimage.cfg --inputpath out --outputpath out",
	 "What Buildroot calls genimage for"},
	{0},
};

const struct verb verb_build_disk = {
	.name = "disk",
	.summary = "make a disk image with partitions and file systems",
	.description =
		"Reads the configuration files of Xen's ImageBuilder (-c), or one of genimage "
		"(--genimage). Root file systems come straight from archives (tar or cpio, plain "
		"or "
		"packed) with owners, modes and device nodes; no root is needed, nothing is "
		"mounted.\n"
		"\n"
		"The image is sparse. Its block map leaves out what file systems do not use, and "
		"nothing else. Identifiers are derived from names and contents and times are "
		"SOURCE_DATE_EPOCH, or 1980, so the same input gives the same bytes.",
	.options = options,
	.examples = examples,
	.run = run,
};
