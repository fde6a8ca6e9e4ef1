// SPDX-License-Identifier: MIT
#include "build/fit_trust.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define CONTROL_MAX ((size_t)16 << 20)
#define KEYS_MAX    64

static void add_key(struct fit_keys *keys, const char *hint, const char *algo, const char *required,
		    EVP_PKEY *key)
{
	keys->items = xrealloc(keys->items, keys->count + 1, sizeof(*keys->items));
	keys->items[keys->count++] = (struct fit_known_key){
		.hint = xstrdup(hint),
		.algo = algo ? xstrdup(algo) : NULL,
		.required = required ? xstrdup(required) : NULL,
		.key = key,
	};
}

void fit_keys_free(struct fit_keys *keys)
{
	size_t i;

	for (i = 0; i < keys->count; i++) {
		free(keys->items[i].hint);
		free(keys->items[i].algo);
		free(keys->items[i].required);
		EVP_PKEY_free(keys->items[i].key);
	}
	free(keys->items);
	*keys = (struct fit_keys){0};
}

static int load_node(struct fit_keys *keys, const void *control, int node, struct err *err)
{
	const char *hint = dt_text(control, node, "key-name-hint");
	const char *algo = dt_text(control, node, "algo");
	EVP_PKEY *key;
	int rc = fit_key_from_node(control, node, &key, err);

	if (rc < 0)
		return rc;
	add_key(keys, hint ? hint : "", algo ? algo : "", dt_text(control, node, "required"), key);
	return 0;
}

static int load_control(struct fit_keys *keys, const char *path, struct err *err)
{
	_cleanup_(buf_free) struct buf control = {0};
	int rc = path_read(path, CONTROL_MAX, &control, err), parent, node;

	if (rc == 0)
		rc = dt_check(control.data, control.size, err);
	if (rc < 0)
		return rc;
	parent = fdt_path_offset(control.data, "/signature");
	if (parent < 0)
		return err_set(err, ERR_CONFIG, "it holds no keys: there is no node /signature");
	keys->any = text_equal(dt_text(control.data, parent, "required-mode"), "any");
	fdt_for_each_subnode(node, control.data, parent)
	{
		if (rc == 0 && keys->count < KEYS_MAX)
			rc = load_node(keys, control.data, node, err);
	}
	if (rc == 0 && !keys->count)
		rc = err_set(err, ERR_CONFIG, "it holds no keys");
	return rc;
}

static bool is_loaded(const struct fit_keys *keys, const char *hint)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (text_equal(keys->items[i].hint, hint))
			return true;
	return false;
}

/* The keys the FIT names, as far as the folder has them. */
static int load_folder(struct fit_keys *keys, const char *folder, const void *tree, struct err *err)
{
	int node, depth = 0, rc;
	const char *hint;
	EVP_PKEY *key;

	for (node = fdt_next_node(tree, 0, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(tree, node, &depth)) {
		hint = depth == 3 ? dt_text(tree, node, "key-name-hint") : NULL;
		if (!hint || keys->count == KEYS_MAX || is_loaded(keys, hint))
			continue;
		rc = fit_key_public(folder, hint, &key, err);
		if (rc == 0)
			add_key(keys, hint, NULL, NULL, key);
		else if (rc != -ERR_NOT_FOUND)
			return rc;
	}
	if (keys->count)
		return 0;
	return err_set(err, ERR_DIGEST, "no signature is of a key in %s", folder);
}

int fit_keys_load(struct fit_keys *keys, const struct fit_trust *trust, const void *tree,
		  struct err *err)
{
	int rc;

	if (trust && trust->control_dtb) {
		rc = load_control(keys, trust->control_dtb, err);
		return rc < 0 ? err_prefix(err, "%s", trust->control_dtb) : 0;
	}
	return trust && trust->key_folder ? load_folder(keys, trust->key_folder, tree, err) : 0;
}

enum fit_verdict fit_keys_check(const struct fit_keys *keys, const void *tree, int signature,
				const struct regions *regions, int only)
{
	const char *hint = dt_text(tree, signature, "key-name-hint");
	enum fit_verdict verdict = FIT_NO_KEY;
	const struct fit_known_key *known;
	struct fit_algo algo;
	int length;
	const void *value = fdt_getprop(tree, signature, "value", &length);
	size_t i;

	if (fit_algo_parse(dt_text(tree, signature, "algo"), dt_text(tree, signature, "padding"),
			   &algo, NULL) < 0)
		return FIT_UNKNOWN;
	for (i = 0; i < keys->count; i++) {
		known = &keys->items[i];
		if (only >= 0 && i != (size_t)only)
			continue;
		if (known->algo && !text_equal(known->algo, algo.text))
			continue;
		if (value && fit_key_verifies(known->key, &algo, regions, value, (size_t)length))
			return FIT_GOOD;
		if (only >= 0 || text_equal(known->hint, hint))
			verdict = FIT_BAD;
	}
	return keys->count && !value ? FIT_BAD : verdict;
}

static size_t strings_size(const void *tree, int signature)
{
	int length;
	const char *range = fdt_getprop(tree, signature, "hashed-strings", &length);

	return range && length >= 8 ? fdt32_ld((const void *)(range + 4)) : 0;
}

static enum fit_verdict check_nodes(const struct fit_keys *keys, const void *tree, int signature,
				    const struct fit_nodes *nodes, int only)
{
	_cleanup_(regions_free) struct regions regions = {0};

	if (fit_regions(tree, nodes, strings_size(tree, signature), &regions, NULL) < 0)
		return FIT_BAD;
	return fit_keys_check(keys, tree, signature, &regions, only);
}

/* Takes the image and what is below it out of the set. */
static void leave_out(struct fit_nodes *nodes, const char *image)
{
	size_t length = strlen(image), i, kept = 0;

	for (i = 0; i < nodes->count; i++) {
		const char *path = nodes->paths[i];

		if (text_starts(path, image) && (path[length] == '\0' || path[length] == '/'))
			continue;
		if (kept != i)
			memcpy(nodes->paths[kept], path, sizeof(nodes->paths[kept]));
		kept++;
	}
	nodes->count = kept;
}

static bool is_essential(const char *property)
{
	return text_equal(property, "kernel") || text_equal(property, "fdt") ||
	       text_equal(property, "firmware");
}

static bool list_has(const void *tree, int signature, const char *path)
{
	return fdt_stringlist_search(tree, signature, "hashed-nodes", path) >= 0;
}

/* Leaves out the images that `hashed-nodes` does not name; false when there is none to leave out,
   or an essential one. */
static bool narrow(const void *tree, int config, int signature, struct fit_nodes *nodes,
		   struct buf *left_out)
{
	struct fit_use use = {0};
	char path[FIT_PATH_MAX];

	while (fit_next_use(tree, config, &use)) {
		if (use.image < 0 || !dt_path(tree, use.image, path) ||
		    list_has(tree, signature, path))
			continue;
		if (is_essential(use.property_name))
			return false;
		leave_out(nodes, path);
		buf_addf(left_out, "%s%s", left_out->size ? ", " : "", use.image_name);
	}
	return left_out->size > 0;
}

enum fit_verdict fit_keys_check_config(const struct fit_keys *keys, const void *tree, int config,
				       int signature, int only, char **note)
{
	_cleanup_(freep) struct fit_nodes *nodes = xcalloc(1, sizeof(*nodes));
	_cleanup_(buf_free) struct buf left_out = {0};
	enum fit_verdict verdict;
	struct err err = {0};

	if (!keys->count)
		return FIT_NO_KEY;
	if (fit_signed_nodes(tree, config, nodes, &err) < 0) {
		if (note)
			*note = xstrdup(err.text);
		return FIT_BAD;
	}
	verdict = check_nodes(keys, tree, signature, nodes, only);
	if (verdict == FIT_BAD && narrow(tree, config, signature, nodes, &left_out)) {
		verdict = check_nodes(keys, tree, signature, nodes, only);
		if (note && verdict == FIT_GOOD)
			*note = xasprintf("the signature does not cover %s", buf_text(&left_out));
	}
	if (note && !*note && verdict == FIT_BAD)
		*note = xstrdup("the configuration is not what was signed");
	return verdict;
}
