// SPDX-License-Identifier: MIT
#include "image/pipeline.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "image/foreign.h"
#include "image/peek.h"
#include "image/readahead.h"
#include "image/size.h"

/* Takes `below` over; its thread is started with the first read of the image. */
static struct reader *add_queue(struct image *image, struct reader *below)
{
	struct reader *queue = readahead_new(below, QUEUE_CHUNK, QUEUE_COUNT);

	image->queues[image->queue_count++] = queue;
	return queue;
}

static int check_head(const uint8_t *head, size_t size, bool decoded, struct err *err)
{
	if (size == 0)
		return err_set(err, ERR_IMAGE, decoded ? "there is nothing in it" : "it is empty");
	return foreign_check(head, size, decoded, err);
}

/* The decoded bytes of the source, and their first ones. */
static int open_decoded(struct image *image, struct reader **reader, const uint8_t **head,
			size_t *size, struct err *err)
{
	_cleanup_(reader_closep) struct reader *given = NULL;
	struct reader *decoder;
	const struct codec *codec;
	int rc;

	rc = peek_open(&given, tap_new(steal(image->source.reader), &image->given), head, size,
		       err);
	if (rc < 0)
		return rc;
	codec = codec_of(*head, *size);
	if (!codec) {
		rc = check_head(*head, *size, false, err);
		*reader = rc < 0 ? NULL : add_queue(image, steal(given));
		return rc;
	}
	image->info.codec = codec->name;
	decoder = codec->open(add_queue(image, steal(given)));
	rc = peek_open(&given, decoder, head, size, err);
	if (rc == 0)
		rc = check_head(*head, *size, true, err);
	*reader = rc < 0 ? NULL : add_queue(image, steal(given));
	return rc;
}

static int open_stream(struct image *image, struct layout **layout, struct err *err)
{
	struct image_info *info = &image->info;
	const uint8_t *head;
	struct reader *reader;
	size_t size;
	int rc = open_decoded(image, &reader, &head, &size, err);

	if (rc < 0)
		return rc;
	if (layout_is_sparse(head, size)) {
		info->layout = "android-sparse";
		return layout_sparse(layout, reader, &info->size, err);
	}
	if (text_equal(info->codec, "none"))
		info->size = image->source.size;
	else if (image->source.local)
		info->size = size_of_decoded(info->codec, image->source.fd, image->source.size);
	*layout = layout_stream(reader);
	return 0;
}

/* A local file that is neither compressed nor expanded is read by its map of holes. *layout stays
   NULL for all others. */
static int open_raw_file(struct image *image, struct layout **layout, struct err *err)
{
	uint8_t head[PEEK_SIZE];
	ssize_t n;
	int rc;

	if (!image->source.local)
		return 0;
	n = pread(image->source.fd, head, sizeof(head), 0);
	if (n < 0)
		return err_errno(err, ERR_HOST, "reading");
	if (codec_of(head, (size_t)n) || layout_is_sparse(head, (size_t)n))
		return 0;
	rc = check_head(head, (size_t)n, false, err);
	if (rc < 0)
		return rc;
	image->info.size = image->source.size;
	image->same = true;
	*layout = layout_tally(layout_file(image->source.fd, image->source.size, image->deadline),
			       &image->given);
	return 0;
}

/* IMAGE.bmap; or as Yocto names it, IMAGE without the suffix of its compression. NULL: none. */
static char *find_bmap(const char *ref)
{
	static const char *const suffixes[] = {".gz", ".xz", ".zst", ".bz2", ".lz4"};
	_cleanup_(freep) char *path = xasprintf("%s.bmap", ref);
	size_t i;

	if (access(path, F_OK) == 0)
		return steal(path);
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (!text_ends(ref, suffixes[i]))
			continue;
		freep(&path);
		path = xasprintf("%.*s.bmap", (int)(strlen(ref) - strlen(suffixes[i])), ref);
		return access(path, F_OK) == 0 ? steal(path) : NULL;
	}
	return NULL;
}

static int apply_bmap(struct image *image, const char *path, struct layout **layout,
		      struct err *err)
{
	struct image_info *info = &image->info;
	_cleanup_(bmap_freep) struct bmap *bmap = NULL;
	int rc = bmap_load(&bmap, path, err);

	if (rc < 0)
		return rc;
	if (!text_equal(info->layout, "raw"))
		return err_set(err, ERR_IMAGE,
			       "%s: a block map cannot go with an Android sparse image", path);
	if (info->size != IMAGE_SIZE_UNKNOWN && info->size != bmap->image_size) {
		err_set(err, ERR_IMAGE,
			"%s: the map is for an image of %llu bytes, this one has %llu", path,
			(unsigned long long)bmap->image_size, (unsigned long long)info->size);
		return err_remedy(err, "use the map that belongs to this image, or move it away");
	}
	info->size = bmap->image_size;
	image->same = false;
	*layout = layout_bmap(*layout, steal(bmap));
	return 0;
}

static int add_bmap(struct image *image, const char *ref, const struct image_options *options,
		    struct layout **layout, struct err *err)
{
	_cleanup_(freep) char *path = NULL;

	if (options->bmap)
		path = xstrdup(options->bmap);
	else if (source_is_path(ref))
		path = find_bmap(ref);
	return path ? apply_bmap(image, path, layout, err) : 0;
}

int pipeline_build(struct image *image, const char *ref, const struct image_options *options,
		   struct err *err)
{
	_cleanup_(layout_closep) struct layout *layout = NULL;
	int rc = open_raw_file(image, &layout, err);

	if (rc == 0 && !layout)
		rc = open_stream(image, &layout, err);
	if (rc == 0)
		rc = add_bmap(image, ref, options, &layout, err);
	if (rc < 0)
		return rc;
	if (!image->same)
		layout = layout_tally(layout, &image->decoded);
	image->layout = layout_unpack(add_queue(image, layout_pack(steal(layout))));
	return 0;
}
