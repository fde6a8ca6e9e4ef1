// SPDX-License-Identifier: MIT
#include "build/genimage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "build/block_map.h"
#include "build/disk_table_write.h"
#include "build/genimage_model.h"

#define PIECE ((size_t)1 << 20)

void gen_free(struct gen_config *config)
{
	size_t i;

	for (i = 0; i < config->count; i++) {
		struct gen_image *image = config->images[i];

		rootfs_free(image->tree);
		spans_free(&image->holes);
		spans_free(&image->unused);
		free(image->parts);
		free(image->path);
		free(image->own);
		free(image);
	}
	free(config->images);
	outputs_free(&config->scratch);
	outputs_free(&config->outputs);
	if (config->cfg)
		cfg_free(config->cfg);
}

/* The next stretch of data from *at on, up to `limit`. */
static bool next_data(int fd, uint64_t *at, uint64_t *end, uint64_t limit)
{
	off_t data = lseek(fd, (off_t)*at, SEEK_DATA), hole;

	if (data < 0 || (uint64_t)data >= limit)
		return false;
	hole = lseek(fd, data, SEEK_HOLE);
	*at = (uint64_t)data;
	*end = hole < 0 || (uint64_t)hole > limit ? limit : (uint64_t)hole;
	return true;
}

int gen_copy(const char *from, uint64_t from_at, const char *to, uint64_t to_at, uint64_t size,
	     struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int out = open(to, O_WRONLY | O_CLOEXEC);
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	uint64_t at = from_at, end, limit = from_at + size;
	int rc;

	if (in < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot open %s", from);
	if (out < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", to);
	while (next_data(in, &at, &end, limit))
		while (at < end) {
			size_t step = end - at < PIECE ? (size_t)(end - at) : PIECE;

			rc = deadline_check(deadline, err);
			if (rc == 0)
				rc = file_get(in, piece, step, at, err);
			if (rc == 0)
				rc = file_put(out, piece, step, to_at + (at - from_at), err);
			if (rc < 0)
				return err_prefix(err, "copying %s", from);
			at += step;
		}
	return 0;
}

static int tree_share(struct gen_image *image, struct err *err)
{
	uint64_t bytes = 0, i;
	int rc = gen_tree(image, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < image->tree->count; i++) {
		const struct rootfs_inode *inode = image->tree->inodes[i];

		if (inode->links && S_ISDIR(inode->mode))
			bytes += 4096;
		else if (inode->links)
			bytes += (inode->size + 4095) / 4096 * 4096;
	}
	image->size = bytes * image->percent / 100;
	return 0;
}

static int set_up(struct gen_image *image, struct err *err)
{
	size_t i;
	int rc = 0;

	if (image->state == GEN_SET_UP)
		return 0;
	if (image->state == GEN_BUSY)
		return gen_error(image, err, "is made of itself");
	image->state = GEN_BUSY;
	for (i = 0; i < image->part_count && rc == 0; i++)
		if (image->parts[i].image)
			rc = set_up(gen_find(image->config, image->parts[i].image), err);
	if (rc == 0 && image->percent)
		rc = tree_share(image, err);
	if (rc == 0 && image->type->needs_size && !image->size)
		rc = gen_error(image, err, "no size is given");
	if (rc == 0 && image->type->setup)
		rc = image->type->setup(image, err);
	image->state = GEN_SET_UP;
	return rc;
}

static int make(struct gen_image *image, struct err *err);

static int make_children(struct gen_image *image, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < image->part_count && rc == 0; i++)
		if (image->parts[i].image)
			rc = make(gen_find(image->config, image->parts[i].image), err);
	return rc;
}

/* The folders of a name like "a/b.img". */
static int make_folders(struct gen_config *config, const char *path, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	struct stat st;
	int rc;

	if (stat(folder, &st) == 0)
		return 0;
	rc = make_folders(config, folder, err);
	return rc < 0 ? rc : outputs_folder(&config->outputs, folder, err);
}

static int add_map(struct gen_image *image, const char *path, struct err *err)
{
	_cleanup_(freep) char *name = xasprintf("%s.bmap", path);
	_cleanup_(buf_free) struct buf map = {0};
	int rc;

	if (!image->has_map || image->temporary)
		return 0;
	rc = block_map_make(image->path, &image->unused, &map, image->config->deadline, err);
	return rc < 0 ? rc : outputs_add(&image->config->outputs, name, map.data, map.size, err);
}

static int make(struct gen_image *image, struct err *err)
{
	struct gen_config *config = image->config;
	struct outputs *outputs = image->temporary ? &config->scratch : &config->outputs;
	_cleanup_(freep) char *path = path_join(config->output, image->name);
	int rc;

	if (image->state == GEN_MADE)
		return 0;
	image->state = GEN_MADE;
	rc = make_children(image, err);
	if (rc < 0 || image->in_place)
		return rc;
	rc = make_folders(config, path, err);
	if (rc == 0)
		rc = outputs_stage(outputs, path, err);
	if (rc < 0)
		return rc;
	free(image->path);
	image->path = xstrdup(outputs->items[outputs->count - 1].staged);
	rc = image->type->make(image, err);
	if (rc < 0)
		return err_prefix(err, "image %s", image->name);
	return add_map(image, path, err);
}

static char **list_outputs(const struct outputs *outputs)
{
	char **list = xcalloc(outputs->count + 1, sizeof(*list));
	size_t i;

	for (i = 0; i < outputs->count; i++)
		list[i] = xstrdup(outputs->items[i].path);
	return list;
}

int genimage_build(const struct genimage_options *options, struct genimage_result *result,
		   struct deadline deadline, struct err *err)
{
	_cleanup_(gen_free) struct gen_config config = {
		.options = options, .result = result, .deadline = deadline, .time = ident_time()};
	size_t i;
	int rc = gen_read(&config, err);

	for (i = 0; i < config.count && rc == 0; i++)
		rc = set_up(config.images[i], err);
	for (i = 0; i < config.count && rc == 0; i++)
		rc = make(config.images[i], err);
	if (rc < 0)
		return rc;
	rc = outputs_commit(&config.outputs, err);
	if (rc == 0)
		result->outputs = list_outputs(&config.outputs);
	return rc;
}

void genimage_result_free(struct genimage_result *result)
{
	char **path;

	for (path = result->outputs; path && *path; path++)
		free(*path);
	free(result->outputs);
	notes_free(&result->notes);
	*result = (struct genimage_result){0};
}
