// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/genimage_model.h"

#define WORDS_MAX 64

int gen_holes(struct gen_image *image, cfg_t *section, struct err *err)
{
	unsigned int count = section ? cfg_size(section, "holes") : 0, i;
	uint64_t start, end;
	int rc;

	for (i = 0; i < count; i++) {
		const char *text = cfg_getnstr(section, "holes", i);
		_cleanup_(freep) char *copy = xstrdup(text);
		char *inside = text_trim(copy), *second;
		size_t length = strlen(inside);

		second = strchr(inside, ';');
		if (length < 2 || inside[0] != '(' || inside[length - 1] != ')' || !second)
			return gen_error(image, err, "hole '%s': write it \"(START; END)\"", text);
		inside[length - 1] = '\0';
		*second++ = '\0';
		rc = gen_size(image, "hole", text_trim(inside + 1), &start, err);
		if (rc == 0)
			rc = gen_size(image, "hole", text_trim(second), &end, err);
		if (rc < 0)
			return rc;
		if (end <= start)
			return gen_error(image, err, "hole '%s' ends before it starts", text);
		spans_add(&image->holes, start, end);
	}
	return 0;
}

int gen_words(const struct gen_image *image, const char *text, char **copy, char ***words,
	      struct err *err)
{
	size_t count = 0;
	char *at = xstrdup(text ? text : "");

	*copy = at;
	*words = xcalloc(WORDS_MAX + 1, sizeof(**words));
	for (;;) {
		char *end;

		at += strspn(at, " \t\n");
		if (!*at)
			return 0;
		if (count == WORDS_MAX)
			return gen_error(image, err, "too many arguments");
		if (*at == '\'' || *at == '"') {
			end = strchr(at + 1, *at);
			(*words)[count++] = at + 1;
		} else {
			end = at + strcspn(at, " \t\n");
			(*words)[count++] = at;
		}
		if (!end || strpbrk((*words)[count - 1], "\\$`|&;<>"))
			return gen_error(image, err,
					 "arguments '%s': nothing is run by a shell here", text);
		if (!*end)
			return 0;
		*end = '\0';
		at = end + 1;
	}
}

static const cfg_opt_t file_options[] = {
	CFG_STR("name", NULL, CFGF_NONE),
	CFG_BOOL("copy", cfg_true, CFGF_NONE),
	CFG_STR_LIST("holes", NULL, CFGF_NONE),
	CFG_END(),
};

/* Whether the output would be the input itself. */
static bool is_same(const struct gen_config *config, const char *name, const char *input)
{
	_cleanup_(freep) char *path = path_join(config->output, name);

	return path_same(path, input);
}

static int file_setup(struct gen_image *image, struct err *err)
{
	const char *name = image->section ? cfg_getstr(image->section, "name") : NULL;
	struct stat st;

	free(image->path);
	image->path = path_join(image->config->input, name ? name : image->name);
	if (stat(image->path, &st) < 0) {
		err_errno(err, ERR_NOT_FOUND, "cannot read %s", image->path);
		return err_prefix(err, "%s: image %s", image->config->options->config, image->name);
	}
	if (!S_ISREG(st.st_mode))
		return gen_error(image, err, "%s is no file", image->path);
	if (image->size && (uint64_t)st.st_size > image->size)
		return gen_error(image, err, "%s has %llu bytes, more than the size %" PRIu64,
				 image->path, (unsigned long long)st.st_size, image->size);
	image->size = (uint64_t)st.st_size;
	image->in_place = !image->section || !cfg_getbool(image->section, "copy") ||
			  is_same(image->config, image->name, image->path);
	return gen_holes(image, image->section, err);
}

static int file_make(struct gen_image *image, struct err *err)
{
	const char *name = cfg_getstr(image->section, "name");
	_cleanup_(freep) char *from = path_join(image->config->input, name ? name : image->name);

	if (truncate(image->path, (off_t)image->size) < 0)
		return err_errno(err, ERR_HOST, "cannot make a file of %" PRIu64 " bytes",
				 image->size);
	return gen_copy(from, 0, image->path, 0, image->size, image->config->deadline, err);
}

const struct gen_type gen_file = {
	.name = "file", .options = file_options, .setup = file_setup, .make = file_make};
