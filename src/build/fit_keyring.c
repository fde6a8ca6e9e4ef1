// SPDX-License-Identifier: MIT
#include "build/fit_keyring.h"

#include <libfdt.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define CONTROL_MAX  ((size_t)16 << 20)
#define ROOM_PER_KEY 4096

struct use {
	char *hint;
	const char *required;
	struct fit_algo algo;
	EVP_PKEY *key;
};

struct fit_keyring {
	const char *folder;
	struct use *uses;
	size_t count;
};

struct fit_keyring *fit_keyring_new(const char *folder)
{
	struct fit_keyring *ring = xcalloc(1, sizeof(*ring));

	ring->folder = folder;
	return ring;
}

void fit_keyring_freep(struct fit_keyring **ring)
{
	size_t i;

	if (!*ring)
		return;
	for (i = 0; i < (*ring)->count; i++) {
		free((*ring)->uses[i].hint);
		EVP_PKEY_free((*ring)->uses[i].key);
	}
	free((*ring)->uses);
	free(*ring);
	*ring = NULL;
}

/* The use of a key for `required`; NULL: none yet. */
static const struct use *find_use(const struct fit_keyring *ring, const char *hint,
				  const char *required)
{
	size_t i;

	for (i = 0; i < ring->count; i++)
		if (text_equal(ring->uses[i].hint, hint) &&
		    (!required || text_equal(ring->uses[i].required, required)))
			return &ring->uses[i];
	return NULL;
}

static int add_use(struct fit_keyring *ring, const char *hint, const char *required,
		   const struct fit_algo *algo, struct err *err)
{
	const struct use *known = find_use(ring, hint, NULL);
	EVP_PKEY *key = NULL;
	int rc;

	if (known) {
		key = known->key;
		EVP_PKEY_up_ref(key);
	} else {
		rc = fit_key_private(ring->folder, hint, &key, err);
		if (rc < 0)
			return rc;
	}
	ring->uses = xrealloc(ring->uses, ring->count + 1, sizeof(*ring->uses));
	ring->uses[ring->count++] = (struct use){xstrdup(hint), required, *algo, key};
	return 0;
}

int fit_keyring_use(struct fit_keyring *ring, const void *tree, int signature, const char *required,
		    struct fit_algo *algo, EVP_PKEY **key, struct err *err)
{
	const char *hint = dt_text(tree, signature, "key-name-hint");
	const struct use *use;
	int rc = fit_algo_parse(dt_text(tree, signature, "algo"),
				dt_text(tree, signature, "padding"), algo, err);

	if (rc < 0)
		return rc;
	if (!hint)
		return err_set(err, ERR_CONFIG, "the signature has no key-name-hint");
	if (!find_use(ring, hint, required)) {
		rc = add_use(ring, hint, required, algo, err);
		if (rc < 0)
			return rc;
	}
	use = find_use(ring, hint, required);
	if (!text_equal(use->algo.text, algo->text))
		return err_set(err, ERR_CONFIG,
			       "key '%s' is used with both %s and %s, but U-Boot keeps one "
			       "algorithm for a key",
			       hint, use->algo.text, algo->text);
	*key = use->key;
	return 0;
}

static void delete_node(void *tree, const char *name)
{
	int parent = fdt_subnode_offset(tree, 0, "signature");
	int node = parent < 0 ? parent : fdt_subnode_offset(tree, parent, name);

	if (node >= 0)
		fdt_del_node(tree, node);
}

static int put_use(const struct fit_keyring *ring, const struct use *use, void *tree,
		   struct err *err)
{
	_cleanup_(freep) char *name = xasprintf("key-%s", use->hint);
	_cleanup_(freep) char *second = xasprintf("key-%s-image", use->hint);
	bool is_second = text_equal(use->required, "image") && find_use(ring, use->hint, "conf");

	/* left from an earlier run they would demand what is not signed any more */
	delete_node(tree, second);
	if (!is_second)
		delete_node(tree, name);
	return fit_key_to_node(tree, is_second ? second : name, use->hint, &use->algo,
			       use->required, use->key, err);
}

int fit_keyring_control(const struct fit_keyring *ring, const char *path, struct buf *control,
			struct err *err)
{
	static const char *const order[] = {"conf", "image"};
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(freep) void *tree = NULL;
	const void *given;
	size_t room, i, k;
	int rc = path_read(path, CONTROL_MAX, &text, err);

	if (rc == 0)
		rc = dt_check(text.data, text.size, err);
	if (rc < 0)
		return err_prefix(err, "control device tree %s", path);
	given = text.data;
	room = fdt_totalsize(given) + (ring->count + 1) * ROOM_PER_KEY;
	tree = xcalloc(1, room);
	if (fdt_open_into(text.data, tree, (int)room) < 0)
		return err_set(err, ERR_IMAGE, "control device tree %s is damaged", path);
	for (k = 0; k < ARRAY_SIZE(order); k++)
		for (i = 0; i < ring->count && rc == 0; i++)
			if (text_equal(ring->uses[i].required, order[k]))
				rc = put_use(ring, &ring->uses[i], tree, err);
	if (rc < 0)
		return rc;
	fdt_pack(tree);
	control->max = CONTROL_MAX + room;
	buf_clear(control);
	buf_add(control, tree, fdt_totalsize(tree));
	return 0;
}
