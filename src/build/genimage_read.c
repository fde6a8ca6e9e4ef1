// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/genimage_model.h"

#define IMAGES_MAX 1024
#define PARTS_MAX  1024
#define FILE_MAX   ((size_t)1 << 20)

/* libconfuse takes the end of a file for all braces that are still open. This setting, put behind
   the text, is known only outside of all braces. */
#define END_MARK "end-of-file"

const struct gen_type *const gen_types[] = {
	&gen_hdimage, &gen_ext2, &gen_ext3,     &gen_ext4,           &gen_vfat, &gen_file,
	&gen_cpio,    &gen_tar,  &gen_squashfs, &gen_android_sparse, NULL,
};

/* What genimage itself knows and is not done here. */
static const char *const of_genimage[] = {
	"exec-pre",       "exec-post",   "flash",       "flashtype",  "btrfs",  "cramfs",
	"custom",         "erofs",       "f2fs",        "fip",        "fit",    "iso",
	"jffs2",          "mdraid",      "qemu",        "rauc",       "ubi",    "ubifs",
	"verity",         "mke2fs-conf", "mke2fs_conf", "usage-type", "sparse", "loglevel",
	"forced-primary", NULL,
};

/* The tables libconfuse works by; it wants them writable. */
struct tables {
	cfg_opt_t partition[32], image[48], config[16], top[8];
};

static void fill_tables(struct tables *tables)
{
	const cfg_opt_t partition[] = {
		CFG_STR("offset", NULL, CFGF_NONE),
		CFG_STR("size", NULL, CFGF_NONE),
		CFG_STR("align", NULL, CFGF_NONE),
		CFG_STR("imageoffset", NULL, CFGF_NONE),
		CFG_INT("partition-type", 0, CFGF_NONE),
		CFG_BOOL("bootable", cfg_false, CFGF_NONE),
		CFG_BOOL("read-only", cfg_false, CFGF_NONE),
		CFG_BOOL("hidden", cfg_false, CFGF_NONE),
		CFG_BOOL("no-automount", cfg_false, CFGF_NONE),
		CFG_BOOL("fill", cfg_false, CFGF_NONE),
		CFG_STR("image", NULL, CFGF_NONE),
		CFG_STR_LIST("holes", NULL, CFGF_NONE),
		CFG_BOOL("autoresize", cfg_false, CFGF_NONE),
		CFG_BOOL("in-partition-table", cfg_true, CFGF_NONE),
		CFG_STR("partition-uuid", NULL, CFGF_NONE),
		CFG_STR("partition-type-uuid", NULL, CFGF_NONE),
		CFG_END(),
	};
	const cfg_opt_t image[] = {
		CFG_STR("name", NULL, CFGF_NONE),
		CFG_STR("size", NULL, CFGF_NONE),
		CFG_STR("mountpoint", NULL, CFGF_NONE),
		CFG_STR("srcpath", NULL, CFGF_NONE),
		CFG_BOOL("empty", cfg_false, CFGF_NONE),
		CFG_BOOL("temporary", cfg_false, CFGF_NONE),
		CFG_SEC("partition", tables->partition,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_FUNC("include", &cfg_include),
	};
	const cfg_opt_t config[] = {
		CFG_STR("rootpath", NULL, CFGF_NONE),    CFG_STR("tmppath", NULL, CFGF_NONE),
		CFG_STR("inputpath", NULL, CFGF_NONE),   CFG_STR("outputpath", NULL, CFGF_NONE),
		CFG_STR("includepath", NULL, CFGF_NONE), CFG_END(),
	};
	const cfg_opt_t top[] = {
		CFG_SEC("image", tables->image, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("config", tables->config, CFGF_MULTI),
		CFG_FUNC("include", &cfg_include),
		CFG_BOOL(END_MARK, cfg_false, CFGF_NONE),
		CFG_END(),
	};
	const cfg_opt_t end = CFG_END();
	size_t i, count = ARRAY_SIZE(image);

	memcpy(tables->partition, partition, sizeof(partition));
	memcpy(tables->config, config, sizeof(config));
	memcpy(tables->top, top, sizeof(top));
	memcpy(tables->image, image, sizeof(image));
	for (i = 0; gen_types[i]; i++) {
		const cfg_opt_t type =
			CFG_SEC(gen_types[i]->name, (cfg_opt_t *)(uintptr_t)gen_types[i]->options,
				CFGF_MULTI);

		memcpy(&tables->image[count++], &type, sizeof(type));
	}
	memcpy(&tables->image[count], &end, sizeof(end));
}

/* libconfuse has no place for a pointer of ours, so the first message is left where the section's
   comment would be; find_message() finds it. */
static void keep_message(cfg_t *section, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void keep_message(cfg_t *section, const char *format, va_list args)
{
	_cleanup_(freep) char *text = NULL;

	if (section->comment)
		return;
	text = xvasprintf(format, args);
	section->comment = xasprintf("%s:%d: %s", section->filename ? section->filename : "?",
				     section->line, text);
}

static const char *find_message(const cfg_t *section)
{
	const char *found = section->comment;
	const cfg_opt_t *option;
	unsigned int i;

	for (option = section->opts; !found && option->name; option++)
		for (i = 0; !found && option->type == CFGT_SEC && i < option->nvalues; i++)
			found = find_message(option->values[i]->section);
	return found;
}

static int parse_failed(const struct gen_config *config, struct err *err)
{
	const char *message = find_message(config->cfg);
	const char *quoted = message ? strrchr(message, '\'') : NULL;
	const char *const *name;
	size_t length;

	err_set(err, ERR_CONFIG, "%s", message ? message : config->options->config);
	if (message && strstr(message, "'" END_MARK "'"))
		return err_set(err, ERR_CONFIG, "%.*s: a brace is not closed",
			       (int)strcspn(message, ":"), message);
	if (message && strstr(message, "nested too deeply"))
		return err_remedy(err, "the files include each other in a circle");
	if (!message || !quoted || !strstr(message, "no such option"))
		return -ERR_CONFIG;
	for (name = of_genimage; *name; name++) {
		length = strlen(*name);
		if ((size_t)(quoted - message) > length &&
		    strncmp(quoted - length, *name, length) == 0 &&
		    quoted[-1 - (long)length] == '\'')
			return err_remedy(err, "genimage knows %s, aboard does not do it", *name);
	}
	return -ERR_CONFIG;
}

static int add_include_paths(struct gen_config *config, struct err *err)
{
	const char *path = config->options->include;
	size_t length;

	while (path && *path) {
		_cleanup_(freep) char *folder = NULL;

		length = strcspn(path, ":");
		folder = xstrndup(path, length);
		if (length && cfg_add_searchpath(config->cfg, folder) != CFG_SUCCESS)
			return err_set(err, ERR_HOST, "cannot search in %s", folder);
		path += length + (path[length] == ':');
	}
	if (config->options->include && cfg_add_searchpath(config->cfg, ".") != CFG_SUCCESS)
		return err_set(err, ERR_HOST, "cannot search here");
	return 0;
}

static int parse(struct gen_config *config, struct err *err)
{
	_cleanup_(freep) struct tables *tables = xcalloc(1, sizeof(*tables));
	const char *path = config->options->config;
	_cleanup_(buf_free) struct buf text = {0};
	FILE *file;
	int rc = path_read(path, FILE_MAX, &text, err);

	if (rc < 0)
		return rc;
	text.max += sizeof(END_MARK) + 16;
	buf_add_text(&text, "\n" END_MARK " = true\n");
	fill_tables(tables);
	config->cfg = cfg_init(tables->top, CFGF_NONE);
	cfg_set_error_function(config->cfg, keep_message);
	rc = add_include_paths(config, err);
	if (rc < 0)
		return rc;
	file = fmemopen(text.data, text.size, "r");
	if (!file)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	config->cfg->filename = xstrdup(path);
	rc = cfg_parse_fp(config->cfg, file);
	fclose(file);
	return rc == CFG_SUCCESS ? 0 : parse_failed(config, err);
}

int gen_error(const struct gen_image *image, struct err *err, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return err_set(err, ERR_CONFIG, "%s: image %s: %s", image->config->options->config,
		       image->name, text);
}

int gen_size(const struct gen_image *image, const char *what, const char *text, uint64_t *bytes,
	     struct err *err)
{
	static const struct {
		char suffix;
		uint64_t factor;
	} suffixes[] = {{'\0', 1},   {'s', SECTOR_SIZE},       {'k', 1024},
			{'K', 1024}, {'M', (uint64_t)1 << 20}, {'G', (uint64_t)1 << 30}};
	unsigned long long value;
	char *end;
	size_t i;

	*bytes = 0;
	if (!text)
		return 0;
	errno = 0;
	value = strtoull(text, &end, 0);
	for (i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (*end == suffixes[i].suffix && (!*end || !end[1]))
			break;
	if (end == text || *text == '-' || errno || i == ARRAY_SIZE(suffixes) ||
	    value > ((uint64_t)1 << 62) / suffixes[i].factor)
		return gen_error(image, err, "%s: '%s' is no size (a number, and s, k, M or G)",
				 what, text);
	*bytes = value * suffixes[i].factor;
	return 0;
}

static int read_size(struct gen_image *image, const char *text, struct err *err)
{
	_cleanup_(freep) char *number = NULL;
	uint64_t percent;

	if (!text || !text_ends(text, "%"))
		return gen_size(image, "size", text, &image->size, err);
	number = xstrndup(text, strlen(text) - 1);
	if (!text_u64(number, 100000, &percent) || percent == 0)
		return gen_error(image, err, "size: '%s' is no share", text);
	image->percent = (unsigned int)percent;
	return 0;
}

static int read_part(struct gen_image *image, struct gen_part *part, cfg_t *section,
		     struct err *err)
{
	const char *offset = cfg_getstr(section, "offset");
	long type = cfg_getint(section, "partition-type");
	int rc;

	*part = (struct gen_part){
		.section = section,
		.name = cfg_title(section),
		.has_offset = offset != NULL,
		.mbr_type = (uint8_t)type,
		.bootable = cfg_getbool(section, "bootable"),
		.read_only = cfg_getbool(section, "read-only"),
		.hidden = cfg_getbool(section, "hidden"),
		.no_automount = cfg_getbool(section, "no-automount"),
		.fill = cfg_getbool(section, "fill"),
		.autoresize = cfg_getbool(section, "autoresize"),
		.in_table = cfg_getbool(section, "in-partition-table"),
		.image = cfg_getstr(section, "image"),
		.uuid = cfg_getstr(section, "partition-uuid"),
		.type_uuid = cfg_getstr(section, "partition-type-uuid"),
	};
	if (type < 0 || type > 255)
		return gen_error(image, err, "partition %s: partition-type %ld is no byte",
				 part->name, type);
	rc = gen_size(image, "offset", offset, &part->offset, err);
	if (rc == 0)
		rc = gen_size(image, "size", cfg_getstr(section, "size"), &part->size, err);
	if (rc == 0)
		rc = gen_size(image, "align", cfg_getstr(section, "align"), &part->align, err);
	if (rc == 0)
		rc = gen_size(image, "imageoffset", cfg_getstr(section, "imageoffset"),
			      &part->image_offset, err);
	return rc;
}

static int read_parts(struct gen_image *image, cfg_t *section, struct err *err)
{
	unsigned int count = cfg_size(section, "partition"), i;
	int rc = 0;

	if (count > PARTS_MAX)
		return gen_error(image, err, "%u partitions are too many", count);
	image->parts = xcalloc(count + 1, sizeof(*image->parts));
	for (i = 0; i < count && rc == 0; i++)
		rc = read_part(image, &image->parts[image->part_count++],
			       cfg_getnsec(section, "partition", i), err);
	return rc;
}

static struct gen_image *add_image(struct gen_config *config, const char *name)
{
	struct gen_image *image = xcalloc(1, sizeof(*image));

	config->images = xrealloc(config->images, config->count + 1, sizeof(struct gen_image *));
	config->images[config->count++] = image;
	image->config = config;
	image->name = name;
	return image;
}

static int read_type(struct gen_image *image, cfg_t *section, struct err *err)
{
	size_t i;

	for (i = 0; gen_types[i]; i++) {
		if (!cfg_size(section, gen_types[i]->name))
			continue;
		if (image->type)
			return gen_error(image, err, "both %s and %s", image->type->name,
					 gen_types[i]->name);
		image->type = gen_types[i];
		image->section = cfg_getnsec(section, gen_types[i]->name, 0);
	}
	return image->type ? 0 : gen_error(image, err, "no type is given");
}

static int read_image(struct gen_config *config, cfg_t *section, struct err *err)
{
	const char *name = cfg_title(section);
	bool again = gen_find(config, name) != NULL;
	struct gen_image *image = add_image(config, name);
	int rc;

	image->mountpoint = cfg_getstr(section, "mountpoint");
	image->srcpath = cfg_getstr(section, "srcpath");
	image->empty = cfg_getbool(section, "empty");
	image->temporary = cfg_getbool(section, "temporary");
	while (image->mountpoint && *image->mountpoint == '/')
		image->mountpoint++;
	if (again)
		return gen_error(image, err, "described twice");
	if (!path_is_confined(name))
		return gen_error(image, err, "its name leads out of the output folder");
	if (image->mountpoint && *image->mountpoint && !path_is_confined(image->mountpoint))
		return gen_error(image, err, "mountpoint '%s' leads out of the root",
				 image->mountpoint);
	if (image->srcpath && image->mountpoint)
		return gen_error(image, err, "both srcpath and mountpoint");
	rc = read_type(image, section, err);
	if (rc == 0)
		rc = read_size(image, cfg_getstr(section, "size"), err);
	if (rc == 0)
		rc = read_parts(image, section, err);
	return rc;
}

/* Images that are only named: files of the input folder. */
static int add_named_files(struct gen_config *config, struct gen_image *image, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < image->part_count && rc == 0; i++) {
		struct gen_part *part = &image->parts[i];
		struct gen_image *child = part->image ? gen_find(config, part->image) : NULL;
		bool holes = part->section && cfg_size(part->section, "holes");

		if (!part->image) {
			if (!part->in_table)
				return gen_error(image, err,
						 "partition %s: neither an image nor in the table",
						 part->name);
			continue;
		}
		if (child && holes && child->section)
			return gen_error(image, err,
					 "partition %s: holes are for images that are not "
					 "described themselves",
					 part->name);
		if (!child) {
			child = add_image(config, part->image);
			child->type = &gen_file;
			child->empty = true;
		}
		if (holes && !child->holes.count)
			rc = gen_holes(child, part->section, err);
	}
	return rc;
}

/* What a vfat or an Android sparse image is made of are parts too. */
static int add_made_of(struct gen_image *image, struct err *err)
{
	bool vfat = image->type == &gen_vfat, sparse = image->type == &gen_android_sparse;
	unsigned int files, sections, i;

	if (image->part_count && image->type != &gen_hdimage)
		return gen_error(image, err, "a %s has no partitions", image->type->name);
	files = vfat ? cfg_size(image->section, "files") : 0;
	sections = vfat ? cfg_size(image->section, "file") : 0;
	image->parts = xrealloc(image->parts, image->part_count + files + sections + 1,
				sizeof(*image->parts));
	for (i = 0; i < sections; i++) {
		cfg_t *section = cfg_getnsec(image->section, "file", i);

		image->parts[image->part_count++] = (struct gen_part){
			.name = cfg_title(section), .image = cfg_getstr(section, "image")};
	}
	for (i = 0; i < files; i++)
		image->parts[image->part_count++] = (struct gen_part){
			.name = "", .image = cfg_getnstr(image->section, "files", i)};
	if (sparse)
		image->parts[image->part_count++] = (struct gen_part){
			.name = "image", .image = cfg_getstr(image->section, "image")};
	return 0;
}

static const char *folder_of(cfg_t *section, const char *given, const char *name,
			     const char *environment, const char *fallback)
{
	const char *said = section ? cfg_getstr(section, name) : NULL;
	const char *from = getenv(environment);

	return given ? given : said ? said : from && *from ? from : fallback;
}

static void read_folders(struct gen_config *config)
{
	const struct genimage_options *options = config->options;
	cfg_t *section =
		cfg_size(config->cfg, "config") ? cfg_getnsec(config->cfg, "config", 0) : NULL;

	config->input =
		folder_of(section, options->input, "inputpath", "GENIMAGE_INPUTPATH", "input");
	config->root = folder_of(section, options->root, "rootpath", "GENIMAGE_ROOTPATH", "root");
	config->output =
		folder_of(section, options->output, "outputpath", "GENIMAGE_OUTPUTPATH", "images");
}

struct gen_image *gen_find(const struct gen_config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->count; i++)
		if (strcmp(config->images[i]->name, name) == 0)
			return config->images[i];
	return NULL;
}

int gen_read(struct gen_config *config, struct err *err)
{
	unsigned int count, i;
	int rc = parse(config, err);

	if (rc < 0)
		return rc;
	read_folders(config);
	count = cfg_size(config->cfg, "image");
	if (count == 0 || count > IMAGES_MAX)
		return err_set(err, ERR_CONFIG, "%s: %u images are described",
			       config->options->config, count);
	for (i = 0; i < count && rc == 0; i++)
		rc = read_image(config, cfg_getnsec(config->cfg, "image", i), err);
	for (i = 0; i < count && rc == 0; i++) {
		rc = add_made_of(config->images[i], err);
		if (rc == 0)
			rc = add_named_files(config, config->images[i], err);
	}
	return rc;
}
