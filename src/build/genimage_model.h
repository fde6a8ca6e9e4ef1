// SPDX-License-Identifier: MIT
/*
 * A genimage configuration as a list of images, and what is done with each. Only the genimage_*.c
 * files use it.
 */
#ifndef ABOARD_BUILD_GENIMAGE_MODEL_H
#define ABOARD_BUILD_GENIMAGE_MODEL_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/disk_table.h"
#include "build/genimage.h"
#include "build/outputs.h"
#include "build/rootfs.h"
#include "build/spans.h"

/* Texts are borrowed from the parsed file. */
struct gen_part {
	cfg_t *section; /* NULL: a file of a vfat, or a part of the table itself */
	const char *name;
	uint64_t offset, size, align, image_offset; /* bytes */
	bool has_offset;
	uint8_t mbr_type;
	bool bootable, read_only, hidden, no_automount, autoresize, in_table;
	bool fill;         /* zeros behind its image are written, too */
	const char *image; /* name of what is in it; NULL: nothing */
	const char *uuid, *type_uuid;
	bool logical;
};

struct gen_image;

struct gen_type {
	const char *name; /* section: "hdimage" */
	const cfg_opt_t *options;
	bool needs_size;
	bool needs_tree; /* made from a tree of files */
	/* Works its size out; images it is made of are set up. NULL: nothing to do. */
	int (*setup)(struct gen_image *image, struct err *err);
	/* Writes it to image->path, an empty file. */
	int (*make)(struct gen_image *image, struct err *err);
};

struct gen_config;

struct gen_image {
	struct gen_config *config;
	const char *name; /* of the file */
	const struct gen_type *type;
	cfg_t *section;       /* of its type; NULL: a file nobody described */
	uint64_t size;        /* bytes; 0: not known (yet) */
	unsigned int percent; /* size is this much of its tree; 0: no */
	const char *mountpoint, *srcpath;
	bool empty, temporary;
	struct gen_part *parts;
	size_t part_count;
	struct spans holes; /* it may be written over there */

	enum {
		GEN_NEW,
		GEN_BUSY,
		GEN_SET_UP,
		GEN_MADE
	} state;
	char *path;    /* where to read it, once it is made */
	bool in_place; /* `path` is an input, not made here */
	struct rootfs *tree;
	bool has_map; /* of a disk: `unused` is known */
	struct spans unused;
	void *own; /* of its type; freed with free() */
};

struct gen_config {
	const struct genimage_options *options;
	struct genimage_result *result;
	struct deadline deadline;
	int64_t time;
	cfg_t *cfg;
	const char *input, *root, *output; /* folders */
	struct gen_image **images;
	size_t count;
	struct outputs outputs;
	struct outputs scratch; /* never put in place */
};

/* Reads the file into config->images. ERR_CONFIG with file and line. */
int gen_read(struct gen_config *config, struct err *err);

/* Frees what it holds; files that were not put in place are removed. */
void gen_free(struct gen_config *config);

/* The image of this name; NULL when there is none. */
struct gen_image *gen_find(const struct gen_config *config, const char *name);

/* An error about an image: "FILE: image NAME: ...". */
int gen_error(const struct gen_image *image, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "16M", "34s", "0x100"; ERR_CONFIG names `what`. NULL is 0. */
int gen_size(const struct gen_image *image, const char *what, const char *text, uint64_t *bytes,
	     struct err *err);

/* Words between blanks; quotes around a whole word are taken off. *words ends with NULL; it and
   `copy` are the caller's. */
int gen_words(const struct gen_image *image, const char *text, char **copy, char ***words,
	      struct err *err);

/* The tree of files the image is made from, read when it is first wanted. */
int gen_tree(struct gen_image *image, struct err *err);

/* The folder the tree comes from, and whether it is a folder at all. */
char *gen_tree_path(const struct gen_image *image);

/* "(440; 33K)" of a list of holes. */
int gen_holes(struct gen_image *image, cfg_t *section, struct err *err);

/* Copies `size` bytes of a file into another, holes staying holes. */
int gen_copy(const char *from, uint64_t from_at, const char *to, uint64_t to_at, uint64_t size,
	     struct deadline deadline, struct err *err);

/* Warns about what the STM32MP boot chain would not find, or find slow. */
void gen_check_stm32(const struct gen_image *image, const struct disk_table *table);

extern const struct gen_type gen_hdimage, gen_ext2, gen_ext3, gen_ext4, gen_vfat, gen_file,
	gen_cpio, gen_tar, gen_squashfs, gen_android_sparse;
extern const struct gen_type *const gen_types[]; /* NULL-terminated */

#endif
