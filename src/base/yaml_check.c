// SPDX-License-Identifier: MIT
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

struct truth {
	const char *word;
	bool value;
};

static const struct truth truths[] = {
	{"true", true},   {"yes", true}, {"on", true},
	{"false", false}, {"no", false}, {"off", false},
};

static bool is_bool(const char *text, bool *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(truths); i++) {
		if (strcasecmp(truths[i].word, text) == 0) {
			*value = truths[i].value;
			return true;
		}
	}
	return false;
}

static bool is_null(const struct yaml *node)
{
	return node->kind == YAML_SCALAR && !node->quoted &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
		strcasecmp(node->text, "null") == 0);
}

static bool all_scalars(const struct yaml *node)
{
	size_t i;

	for (i = 0; i < node->count; i++)
		if (node->items[i]->kind != YAML_SCALAR)
			return false;
	return true;
}

static bool scalar_fits(const struct yaml *node, enum key_type type)
{
	uint64_t number;
	int64_t ms;
	bool truth;

	if (node->kind != YAML_SCALAR)
		return false;
	switch (type) {
	case KEY_BOOL:
		return is_bool(node->text, &truth);
	case KEY_UINT:
		return text_u64(node->text, INT64_MAX, &number);
	case KEY_SIZE:
		return text_size(node->text, &number);
	case KEY_DURATION:
		return text_duration(node->text, &ms);
	default:
		return true;
	}
}

static bool fits(const struct yaml *node, enum key_type type)
{
	switch (type) {
	case KEY_TEXTS:
		return node->kind == YAML_SCALAR || (node->kind == YAML_LIST && all_scalars(node));
	case KEY_TEXT_MAP:
		return node->kind == YAML_MAP && all_scalars(node);
	case KEY_MAP:
		return node->kind == YAML_MAP;
	case KEY_LIST:
		return node->kind == YAML_LIST;
	case KEY_ANY:
		return true;
	default:
		return scalar_fits(node, type);
	}
}

static const char *const type_names[] = {
	[KEY_TEXT] = "a text",
	[KEY_BOOL] = "true or false",
	[KEY_UINT] = "a number",
	[KEY_SIZE] = "a size (4096, 64K, 16MiB)",
	[KEY_DURATION] = "a time (30, 1.5s, 250ms, 5m)",
	[KEY_SECRET] = "the name of an entry of 'secrets'",
	[KEY_TEXTS] = "a list of texts",
	[KEY_TEXT_MAP] = "names with texts",
	[KEY_MAP] = "a mapping of keys to values",
	[KEY_LIST] = "a list",
	[KEY_ANY] = "anything",
};

static const struct key *find(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static int unknown_key(const struct yaml *node, const struct key *keys, struct err *err)
{
	const char *words[64], *near;
	size_t count = 0;

	for (; keys->name && count + 1 < ARRAY_SIZE(words); keys++)
		words[count++] = keys->name;
	words[count] = NULL;
	near = text_nearest(node->key, words);
	yaml_err(node, err, "unknown key '%s'", node->key);
	if (near)
		return err_remedy(err, "did you mean '%s'?", near);
	return -ERR_CONFIG;
}

/* What to do with an unknown key. */
struct checking {
	yaml_unknown_fn *unknown; /* NULL: it is an error */
	void *context;
	struct err *err;
};

static int check_map(const struct checking *checking, const struct yaml *map,
		     const struct key *keys);

static int check_items(const struct checking *checking, const struct yaml *list,
		       const struct key *keys)
{
	size_t i;
	int rc;

	for (i = 0; i < list->count; i++) {
		rc = check_map(checking, list->items[i], keys);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_value(const struct checking *checking, const struct yaml *node,
		       const struct key *key)
{
	struct err *err = checking->err;

	if (is_null(node) && key->type != KEY_ANY)
		return key->required ? yaml_err(node, err, "'%s' has no value", key->name) : 0;
	if (!fits(node, key->type))
		return yaml_err(node, err, "'%s' must be %s", key->name, type_names[key->type]);
	if (!key->sub)
		return 0;
	if (key->type == KEY_MAP)
		return check_map(checking, node, key->sub);
	return check_items(checking, node, key->sub);
}

static int check_unknown(const struct checking *checking, const struct yaml *node,
			 const struct key *keys)
{
	if (!checking->unknown)
		return unknown_key(node, keys, checking->err);
	checking->unknown(checking->context, node);
	return 0;
}

static int check_map(const struct checking *checking, const struct yaml *map,
		     const struct key *keys)
{
	const struct key *key;
	size_t i;
	int rc;

	if (map->kind != YAML_MAP)
		return yaml_err(map, checking->err, "a mapping of keys to values is wanted here");
	for (i = 0; i < map->count; i++) {
		key = find(keys, map->items[i]->key);
		rc = key ? check_value(checking, map->items[i], key)
			 : check_unknown(checking, map->items[i], keys);
		if (rc < 0)
			return rc;
	}
	for (key = keys; key->name; key++)
		if (key->required && !yaml_get(map, key->name))
			return yaml_err(map, checking->err, "'%s' is missing (%s)", key->name,
					key->help);
	return 0;
}

int yaml_check(const struct yaml *map, const struct key *keys, struct err *err)
{
	struct checking checking = {.err = err};

	return check_map(&checking, map, keys);
}

int yaml_check_loosely(const struct yaml *map, const struct key *keys, yaml_unknown_fn *unknown,
		       void *context, struct err *err)
{
	struct checking checking = {.unknown = unknown, .context = context, .err = err};

	return check_map(&checking, map, keys);
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	size_t i;

	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (i = 0; i < map->count; i++)
		if (strcmp(map->items[i]->key, key) == 0)
			return is_null(map->items[i]) ? NULL : map->items[i];
	return NULL;
}

const char *yaml_text(const struct yaml *map, const char *key, const char *fallback)
{
	const struct yaml *node = yaml_get(map, key);

	return node && node->kind == YAML_SCALAR ? node->text : fallback;
}

bool yaml_bool(const struct yaml *map, const char *key, bool fallback)
{
	const char *text = yaml_text(map, key, NULL);
	bool value = fallback;

	if (text)
		is_bool(text, &value);
	return value;
}

uint64_t yaml_uint(const struct yaml *map, const char *key, uint64_t fallback)
{
	const char *text = yaml_text(map, key, NULL);
	uint64_t value;

	return text && text_u64(text, INT64_MAX, &value) ? value : fallback;
}

uint64_t yaml_size(const struct yaml *map, const char *key, uint64_t fallback)
{
	const char *text = yaml_text(map, key, NULL);
	uint64_t value;

	return text && text_size(text, &value) ? value : fallback;
}

int64_t yaml_duration_ms(const struct yaml *map, const char *key, int64_t fallback_ms)
{
	const char *text = yaml_text(map, key, NULL);
	int64_t value;

	return text && text_duration(text, &value) ? value : fallback_ms;
}

const char **yaml_texts(const struct yaml *map, const char *key)
{
	const struct yaml *node = yaml_get(map, key);
	const char **texts;
	size_t i;

	if (!node)
		return NULL;
	texts = xcalloc(node->count + 2, sizeof(*texts));
	if (node->kind == YAML_SCALAR)
		texts[0] = node->text;
	for (i = 0; i < node->count; i++)
		texts[i] = node->items[i]->text;
	return texts;
}
