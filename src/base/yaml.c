// SPDX-License-Identifier: MIT
#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

/* One pass over libyaml's document tree, with ceilings: aliases could otherwise unfold without end.
 */
struct parse {
	yaml_document_t *document;
	const char *file;
	size_t nodes;
	struct err *err;
};

static void node_free(struct yaml *node)
{
	size_t i;

	if (!node)
		return;
	for (i = 0; i < node->count; i++)
		node_free(node->items[i]);
	free(node->items);
	free(node->key);
	free(node->text);
	free(node);
}

static void node_freep(struct yaml **node)
{
	node_free(*node);
}

static void add_item(struct yaml *node, struct yaml *item)
{
	node->items = xrealloc(node->items, node->count + 1, sizeof(*node->items));
	node->items[node->count++] = item;
}

static struct yaml *convert(struct parse *parse, int index, unsigned int depth);

static int convert_list(struct parse *parse, const yaml_node_t *from, struct yaml *list,
			unsigned int depth)
{
	const yaml_node_item_t *item = from->data.sequence.items.start;
	struct yaml *child;

	for (; item < from->data.sequence.items.top; item++) {
		child = convert(parse, *item, depth + 1);
		if (!child)
			return -ERR_CONFIG;
		add_item(list, child);
	}
	return 0;
}

static int convert_pair(struct parse *parse, const yaml_node_pair_t *pair, struct yaml *map,
			unsigned int depth)
{
	_cleanup_(node_freep) struct yaml *key = convert(parse, pair->key, depth + 1);
	struct yaml *value;
	size_t i;

	if (!key)
		return -ERR_CONFIG;
	if (key->kind != YAML_SCALAR)
		return yaml_err(key, parse->err, "a key must be a word");
	for (i = 0; i < map->count; i++)
		if (strcmp(map->items[i]->key, key->text) == 0)
			return yaml_err(key, parse->err, "'%s' is given twice", key->text);
	value = convert(parse, pair->value, depth + 1);
	if (!value)
		return -ERR_CONFIG;
	value->key = steal(key->text);
	add_item(map, value);
	return 0;
}

static int convert_map(struct parse *parse, const yaml_node_t *from, struct yaml *map,
		       unsigned int depth)
{
	const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
	int rc;

	for (; pair < from->data.mapping.pairs.top; pair++) {
		rc = convert_pair(parse, pair, map, depth);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int convert_scalar(struct parse *parse, const yaml_node_t *from, struct yaml *scalar)
{
	const char *text = (const char *)from->data.scalar.value;

	if (strlen(text) != from->data.scalar.length)
		return yaml_err(scalar, parse->err, "a text must not hold a NUL");
	scalar->text = xstrdup(text);
	scalar->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int convert_value(struct parse *parse, const yaml_node_t *from, struct yaml *node,
			 unsigned int depth)
{
	switch (from->type) {
	case YAML_SEQUENCE_NODE:
		node->kind = YAML_LIST;
		return convert_list(parse, from, node, depth);
	case YAML_MAPPING_NODE:
		node->kind = YAML_MAP;
		return convert_map(parse, from, node, depth);
	default:
		node->kind = YAML_SCALAR;
		return convert_scalar(parse, from, node);
	}
}

static struct yaml *convert(struct parse *parse, int index, unsigned int depth)
{
	_cleanup_(node_freep) struct yaml *node = xcalloc(1, sizeof(*node));
	const yaml_node_t *from = yaml_document_get_node(parse->document, index);

	node->file = parse->file;
	node->line = (unsigned int)from->start_mark.line + 1;
	node->column = (unsigned int)from->start_mark.column + 1;
	if (depth > YAML_DEPTH_MAX || ++parse->nodes > YAML_NODES_MAX) {
		yaml_err(node, parse->err, "too deep or too large");
		return NULL;
	}
	if (convert_value(parse, from, node, depth) < 0)
		return NULL;
	return steal(node);
}

static int syntax_err(const char *file, const yaml_parser_t *parser, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s:%zu:%zu: %s", file, parser->problem_mark.line + 1,
		       parser->problem_mark.column + 1,
		       parser->problem ? parser->problem : "not YAML");
}

/* Adds the next document to the array; *more becomes false at the end of the stream. */
static int next_document(yaml_parser_t *parser, const char *file, struct yaml ***roots,
			 size_t *count, bool *more, struct err *err)
{
	yaml_document_t document;
	struct parse parse = {.document = &document, .file = file, .err = err};
	struct yaml *root = NULL;

	if (!yaml_parser_load(parser, &document))
		return syntax_err(file, parser, err);
	*more = yaml_document_get_root_node(&document) != NULL;
	if (*more)
		root = convert(&parse, 1, 0);
	yaml_document_delete(&document);
	if (*more && !root)
		return -ERR_CONFIG;
	if (root) {
		*roots = xrealloc(*roots, *count + 1, sizeof(**roots));
		(*roots)[(*count)++] = root;
	}
	return 0;
}

int yaml_parse(const char *file, const void *data, size_t size, struct yaml ***roots, size_t *count,
	       struct err *err)
{
	yaml_parser_t parser;
	char *kept = xstrdup(file);
	bool more = true;
	int rc = 0;

	*count = 0;
	*roots = xmalloc(sizeof(**roots));
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, data, size);
	while (rc == 0 && more)
		rc = next_document(&parser, kept, roots, count, &more, err);
	yaml_parser_delete(&parser);
	if (rc < 0 || *count == 0) {
		if (rc == 0)
			rc = err_set(err, ERR_CONFIG, "%s: the file is empty", file);
		yaml_free_all(*roots, *count);
		if (*count == 0)
			free(kept);
		*roots = NULL;
		*count = 0;
	}
	return rc;
}

int yaml_parse_file(const char *path, struct yaml ***roots, size_t *count, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	int rc = path_read(path, YAML_FILE_MAX, &text, err);

	if (rc < 0)
		return rc;
	return yaml_parse(path, buf_text(&text), text.size, roots, count, err);
}

void yaml_free_all(struct yaml **roots, size_t count)
{
	char *file = count ? (char *)(uintptr_t)roots[0]->file : NULL;
	size_t i;

	for (i = 0; i < count; i++)
		node_free(roots[i]);
	free(file);
	free(roots);
}

int yaml_err(const struct yaml *at, struct err *err, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return err_set(err, ERR_CONFIG, "%s:%u:%u: %s", at->file, at->line, at->column, text);
}
