// SPDX-License-Identifier: MIT
#include "build/fit_fill.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/fit_hash.h"
#include "build/fit_keyring.h"
#include "build/fit_tree.h"

#define ROOM_FIXED    65536
#define ROOM_PER_NODE (FIT_SIGNED_NODES_MAX * FIT_PATH_MAX + 4096)
#define DEPTH_MAX     32

/* Where in a FIT a node is. */
enum place {
	PLACE_ROOT,
	PLACE_IMAGES,
	PLACE_IMAGE,
	PLACE_IMAGE_HASH,
	PLACE_IMAGE_SIGNATURE,
	PLACE_CONFIGS,
	PLACE_CONFIG,
	PLACE_CONFIG_SIGNATURE,
	PLACE_OTHER,
};

struct fill {
	const void *plain;
	void *out;
	struct fit_keyring *keys; /* NULL: signature nodes are copied as they are */
	uint32_t timestamp;
	int above[DEPTH_MAX]; /* the nodes the copy is in, in `plain` */
	int depth;
};

static enum place place_below(enum place place, const void *tree, int node)
{
	const char *name = fdt_get_name(tree, node, NULL);

	if (place == PLACE_ROOT && text_equal(name, "images"))
		return PLACE_IMAGES;
	if (place == PLACE_ROOT && text_equal(name, "configurations"))
		return PLACE_CONFIGS;
	if (place == PLACE_IMAGES)
		return PLACE_IMAGE;
	if (place == PLACE_CONFIGS)
		return PLACE_CONFIG;
	if (place == PLACE_IMAGE && fit_is_hash(tree, node))
		return PLACE_IMAGE_HASH;
	if (place == PLACE_IMAGE && fit_is_signature(tree, node))
		return PLACE_IMAGE_SIGNATURE;
	if (place == PLACE_CONFIG && fit_is_signature(tree, node))
		return PLACE_CONFIG_SIGNATURE;
	return PLACE_OTHER;
}

/* Whether the filler writes this property itself, whatever stood there. */
static bool is_replaced(const struct fill *fill, enum place place, const char *name)
{
	static const char *const signed_ones[] = {"value",     "signer-name",  "signer-version",
						  "timestamp", "hashed-nodes", "hashed-strings"};
	size_t i;

	if (place == PLACE_ROOT)
		return text_equal(name, "timestamp");
	if (place == PLACE_IMAGE_HASH)
		return text_equal(name, "value");
	if (!fill->keys || (place != PLACE_IMAGE_SIGNATURE && place != PLACE_CONFIG_SIGNATURE))
		return false;
	for (i = 0; i < ARRAY_SIZE(signed_ones); i++)
		if (text_equal(name, signed_ones[i]))
			return true;
	return false;
}

static int written(int rc, struct err *err)
{
	if (rc == 0)
		return 0;
	return err_set(err, ERR_INTERNAL, "the FIT cannot be written: %s", fdt_strerror(rc));
}

static int image_data(const struct fill *fill, struct region *data, struct err *err)
{
	int image = fill->above[fill->depth - 1];

	return fit_tree_data(fill->plain, fdt_totalsize(fill->plain), image, &data->data,
			     &data->size, err);
}

static int write_hash(struct fill *fill, int node, struct err *err)
{
	const char *algo = dt_text(fill->plain, node, "algo");
	uint8_t value[FIT_HASH_MAX];
	struct region data;
	size_t size;
	int rc = image_data(fill, &data, err);

	if (rc < 0)
		return rc;
	size = fit_hash(algo, data.data, data.size, value);
	if (size)
		return written(fdt_property(fill->out, "value", value, (int)size), err);
	err_set(err, ERR_CONFIG, "hash algorithm '%s' is not known", algo ? algo : "");
	return err_remedy(err, "use sha256; crc32, md5, sha1, sha384 and sha512 work too");
}

static int write_signer(struct fill *fill, const uint8_t *value, size_t size, struct err *err)
{
	int rc = fdt_property_u32(fill->out, "timestamp", fill->timestamp);

	if (rc == 0)
		rc = dt_put_text(fill->out, "signer-version", ABOARD_VERSION);
	if (rc == 0)
		rc = dt_put_text(fill->out, "signer-name", "aboard");
	if (rc == 0)
		rc = fdt_property(fill->out, "value", value, (int)size);
	return written(rc, err);
}

static int write_image_signature(struct fill *fill, int node, struct err *err)
{
	_cleanup_(regions_free) struct regions regions = {0};
	uint8_t value[FIT_SIGNATURE_MAX];
	struct fit_algo algo;
	struct region data;
	EVP_PKEY *key;
	int rc;

	if (!fill->keys)
		return 0;
	rc = image_data(fill, &data, err);
	if (rc == 0)
		rc = fit_keyring_use(fill->keys, fill->plain, node, "image", &algo, &key, err);
	if (rc < 0)
		return rc;
	regions_add(&regions, data.data, data.size);
	rc = fit_key_sign(key, &algo, &regions, value, err);
	return rc < 0 ? rc : write_signer(fill, value, algo.signature, err);
}

static int write_hashed_nodes(struct fill *fill, struct err *err)
{
	_cleanup_(freep) struct fit_nodes *nodes = xcalloc(1, sizeof(*nodes));
	_cleanup_(buf_free) struct buf list = {0};
	int rc = fit_signed_nodes(fill->plain, fill->above[fill->depth - 1], nodes, err);
	size_t i;

	if (rc < 0)
		return rc;
	for (i = 0; i < nodes->count; i++)
		buf_add(&list, nodes->paths[i], strlen(nodes->paths[i]) + 1);
	return written(fdt_property(fill->out, "hashed-nodes", list.data, (int)list.size), err);
}

/* What depends on the finished tree is left zero here, for sign_configs(). */
static int write_config_signature(struct fill *fill, int node, struct err *err)
{
	static const uint8_t zeros[FIT_SIGNATURE_MAX];
	struct fit_algo algo;
	EVP_PKEY *key;
	int rc;

	if (!fill->keys)
		return 0;
	rc = fit_keyring_use(fill->keys, fill->plain, node, "conf", &algo, &key, err);
	if (rc == 0)
		rc = written(fdt_property(fill->out, "hashed-strings", zeros, 8), err);
	if (rc == 0)
		rc = write_hashed_nodes(fill, err);
	return rc < 0 ? rc : write_signer(fill, zeros, algo.signature, err);
}

static int write_own(struct fill *fill, enum place place, int node, struct err *err)
{
	switch (place) {
	case PLACE_ROOT:
		return written(fdt_property_u32(fill->out, "timestamp", fill->timestamp), err);
	case PLACE_IMAGE_HASH:
		return write_hash(fill, node, err);
	case PLACE_IMAGE_SIGNATURE:
		return write_image_signature(fill, node, err);
	case PLACE_CONFIG_SIGNATURE:
		return write_config_signature(fill, node, err);
	default:
		return 0;
	}
}

static int copy_properties(struct fill *fill, enum place place, int node, struct err *err)
{
	const char *name;
	const void *value;
	int property, length, rc = 0;

	fdt_for_each_property_offset(property, fill->plain, node)
	{
		value = fdt_getprop_by_offset(fill->plain, property, &name, &length);
		if (value && !is_replaced(fill, place, name))
			rc = fdt_property(fill->out, name, value, length);
		if (rc < 0)
			break;
	}
	return written(rc, err);
}

static int copy_node(struct fill *fill, enum place place, int node, struct err *err)
{
	const char *name = fdt_get_name(fill->plain, node, NULL);
	int sub, rc;

	if (fill->depth == DEPTH_MAX)
		return err_set(err, ERR_CONFIG, "the tree is nested too deeply");
	fill->above[fill->depth] = node;
	rc = written(fdt_begin_node(fill->out, name), err);
	if (rc == 0)
		rc = write_own(fill, place, node, err);
	if (rc == 0)
		rc = copy_properties(fill, place, node, err);
	fill->depth++;
	fdt_for_each_subnode(sub, fill->plain, node)
	{
		if (rc < 0)
			break;
		rc = copy_node(fill, place_below(place, fill->plain, sub), sub, err);
	}
	fill->depth--;
	if (rc < 0)
		return *name ? err_prefix(err, "%s", name) : rc;
	return written(fdt_end_node(fill->out), err);
}

static int copy_tree(struct fill *fill, int room, struct err *err)
{
	int count = fdt_num_mem_rsv(fill->plain), i, rc = fdt_create(fill->out, room);
	uint64_t address, size;

	for (i = 0; i < count && rc == 0; i++) {
		rc = fdt_get_mem_rsv(fill->plain, i, &address, &size);
		if (rc == 0)
			rc = fdt_add_reservemap_entry(fill->out, address, size);
	}
	if (rc == 0)
		rc = fdt_finish_reservemap(fill->out);
	if (rc < 0)
		return written(rc, err);
	rc = copy_node(fill, PLACE_ROOT, 0, err);
	return rc < 0 ? rc : written(fdt_finish(fill->out), err);
}

static int sign_config(struct fill *fill, int config, int node, struct err *err)
{
	_cleanup_(freep) struct fit_nodes *nodes = xcalloc(1, sizeof(*nodes));
	_cleanup_(regions_free) struct regions regions = {0};
	size_t strings = fdt_size_dt_strings(fill->out);
	uint8_t value[FIT_SIGNATURE_MAX];
	fdt32_t range[2] = {0, cpu_to_fdt32((uint32_t)strings)};
	struct fit_algo algo;
	EVP_PKEY *key;
	int rc = fit_keyring_use(fill->keys, fill->out, node, "conf", &algo, &key, err);

	if (rc == 0)
		rc = fit_signed_nodes(fill->out, config, nodes, err);
	if (rc == 0)
		rc = fit_regions(fill->out, nodes, strings, &regions, err);
	if (rc == 0)
		rc = fit_key_sign(key, &algo, &regions, value, err);
	if (rc < 0)
		return rc;
	rc = fdt_setprop_inplace(fill->out, node, "value", value, (int)algo.signature);
	if (rc == 0)
		rc = fdt_setprop_inplace(fill->out, node, "hashed-strings", range, sizeof(range));
	return written(rc, err);
}

static int sign_configs(struct fill *fill, struct err *err)
{
	int configs = fdt_path_offset(fill->out, "/configurations");
	int config, sub, rc = 0;

	if (!fill->keys || configs < 0)
		return 0;
	fdt_for_each_subnode(config, fill->out, configs)
	{
		fdt_for_each_subnode(sub, fill->out, config)
		{
			if (rc == 0 && fit_is_signature(fill->out, sub))
				rc = sign_config(fill, config, sub, err);
		}
	}
	return rc;
}

/* Nodes that may get a hash or a signature: all of them, to be sure of the room. */
static uint64_t room_for(const void *plain)
{
	uint64_t room = (uint64_t)fdt_totalsize(plain) + ROOM_FIXED;
	int node, depth = 0;

	for (node = fdt_next_node(plain, 0, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(plain, node, &depth))
		if (depth == 3)
			room += ROOM_PER_NODE;
	return room;
}

int fit_fill(const void *plain, const struct fit_signing *signing, uint64_t timestamp,
	     void **filled, size_t *size, struct buf *control, struct err *err)
{
	_cleanup_(fit_keyring_freep) struct fit_keyring *keys =
		signing && signing->key_folder ? fit_keyring_new(signing->key_folder) : NULL;
	_cleanup_(freep) void *out = NULL;
	struct fill fill = {.plain = plain, .keys = keys, .timestamp = (uint32_t)timestamp};
	uint64_t room = room_for(plain);
	int rc;

	if (room > INT32_MAX)
		return err_set(err, ERR_CONFIG, "a FIT cannot be larger than 2 GiB");
	fill.out = out = xcalloc(1, (size_t)room);
	rc = copy_tree(&fill, (int)room, err);
	if (rc == 0)
		rc = sign_configs(&fill, err);
	if (rc == 0 && keys && signing->control_dtb)
		rc = fit_keyring_control(keys, signing->control_dtb, control, err);
	if (rc < 0)
		return rc;
	*filled = steal(out);
	*size = fdt_totalsize(fill.out);
	return 0;
}
