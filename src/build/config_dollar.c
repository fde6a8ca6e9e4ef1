// SPDX-License-Identifier: MIT
/* What a dollar sign stands for in the configuration language. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/config_scan.h"

/* $(( expression )) */
static int scan_arithmetic(struct scanner *scanner, struct word *word, bool quoted)
{
	_cleanup_(buf_free) struct buf text = {.max = CONFIG_TEXT};
	struct word inner = {.text = &text, .in_quotes = true};
	struct place start = scan_place(scanner);
	struct err why = {0};
	char number[24];
	int64_t value;
	int rc;

	scan_skip(scanner, 3);
	rc = scan_until(scanner, &inner, IN_ARITH, "))", start, "$((");
	if (rc < 0)
		return rc;
	scan_count_expression(scanner, text.size);
	if (config_arithmetic(scanner->config, buf_text(&text), &value, &why) < 0)
		return scan_error(scanner, start, "%s", why.text);
	snprintf(number, sizeof(number), "%lld", (long long)value);
	word_put_text(word, number, quoted);
	return 0;
}

static char *scan_name(struct scanner *scanner)
{
	size_t start = scanner->at;

	if (isalpha((unsigned char)scan_peek(scanner)) || scan_peek(scanner) == '_')
		while (isalnum((unsigned char)scan_peek(scanner)) || scan_peek(scanner) == '_')
			scan_next(scanner);
	return xstrndup(scanner->text + start, scanner->at - start);
}

/* What ${...} refers to. */
struct reference {
	struct key key;
	bool all;    /* [@] or [*] */
	bool each;   /* [@] */
	bool length; /* ${#...} */
};

static int by_key(const void *a, const void *b)
{
	const struct config_entry *x = *(struct config_entry *const *)a;
	const struct config_entry *y = *(struct config_entry *const *)b;

	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->second < y->second ? -1 : x->second > y->second;
}

/* The elements of an array in the order of their keys; the list (not the elements) is the
   caller's to free. */
static struct config_entry **elements(struct scanner *scanner, const char *name, size_t *count)
{
	struct config *config = scanner->config;
	struct config_entry **found = xcalloc(config->count + 1, sizeof(*found));
	size_t i;

	*count = 0;
	scanner->work += 8 * config->count;
	for (i = 0; i < config->count; i++)
		if (strcmp(config->entries[i].name, name) == 0) {
			config->entries[i].used = true;
			found[(*count)++] = &config->entries[i];
		}
	qsort(found, *count, sizeof(struct config_entry *), by_key);
	return found;
}

/* The number of elements, or all of them with a blank between. */
static void put_all(struct scanner *scanner, const char *name, bool only_count, struct buf *out)
{
	size_t count, i;
	_cleanup_(freep) struct config_entry **list = elements(scanner, name, &count);

	if (only_count)
		buf_addf(out, "%zu", count);
	for (i = 0; !only_count && i < count; i++) {
		buf_add_text(out, i ? " " : "");
		buf_add_text(out, list[i]->text);
	}
}

/* "${NAME[@]}" in an array: each element stays one. */
static void put_each(struct scanner *scanner, const char *name, struct word *word)
{
	size_t count, i;
	_cleanup_(freep) struct config_entry **list = elements(scanner, name, &count);

	word->no_words = count == 0;
	for (i = 0; i < count; i++) {
		if (i)
			word_finish(word);
		word_put_text(word, list[i]->text, true);
	}
}

/* %suffix}, taken off `value`. In it quotes count also when all of it stands in quotes. */
static int scan_suffix(struct scanner *scanner, struct buf *value, struct place start)
{
	_cleanup_(buf_free) struct buf text = {.max = CONFIG_TEXT};
	struct word inner = {.text = &text};
	int rc = scan_until(scanner, &inner, IN_BRACES, "}", start, "${");

	if (rc < 0)
		return rc;
	if (strpbrk(buf_text(&text), "*?[\\"))
		return scan_error(scanner, start,
				  "a suffix with *, ?, [ or a backslash is not understood");
	if (value->size && text_ends(buf_text(value), buf_text(&text)))
		value->data[value->size -= text.size] = '\0';
	return 0;
}

/* word}, which goes to `outer` if it is used: as any other text it may be divided there. */
static int scan_default(struct scanner *scanner, struct word *outer, bool quoted, bool used,
			struct place start)
{
	_cleanup_(buf_free) struct buf text = {.max = CONFIG_TEXT};
	struct word unused = {.text = &text, .in_quotes = quoted};
	bool around = outer->in_quotes;
	int rc;

	outer->in_quotes = quoted;
	rc = scan_until(scanner, used ? outer : &unused, IN_BRACES, "}", start, "${");
	outer->in_quotes = around;
	return rc;
}

/* What follows a name in braces: nothing, :-word, -word or %suffix. `set`: there is a value, if
   only an empty one. */
static int scan_operator(struct scanner *scanner, struct word *word, bool quoted, bool set,
			 struct buf *value, struct place start)
{
	bool colon = scan_looking_at(scanner, ":-"), dash = scan_looking_at(scanner, "-");
	int rc = 0;

	if (scan_end(scanner))
		return scan_error(scanner, start, "${ is not closed");
	if (colon || dash) {
		bool used = colon ? value->size == 0 : !set;

		scan_skip(scanner, colon ? 2 : 1);
		rc = scan_default(scanner, word, quoted, used, start);
		if (rc < 0 || used)
			return rc;
	} else if (scan_looking_at(scanner, "%") && !scan_looking_at(scanner, "%%")) {
		scan_next(scanner);
		rc = scan_suffix(scanner, value, start);
	} else if (scan_looking_at(scanner, "}")) {
		scan_next(scanner);
	} else {
		return scan_error(scanner, scan_place(scanner),
				  "only ${NAME}, ${NAME:-text} and ${NAME%%suffix} are understood");
	}
	if (rc == 0)
		word_put_text(word, buf_text(value), quoted);
	return rc;
}

/* The name with its index behind ${ or ${# . */
static int scan_reference(struct scanner *scanner, struct place start, char **name,
			  struct reference *reference)
{
	*reference = (struct reference){.key = {.second = -1}};
	reference->length = scan_peek(scanner) == '#';
	if (reference->length)
		scan_next(scanner);
	*name = scan_name(scanner);
	if (!**name)
		return scan_error(scanner, start, "${ needs the name of a variable");
	reference->each = scan_looking_at(scanner, "[@]");
	reference->all = reference->each || scan_looking_at(scanner, "[*]");
	if (reference->all)
		scan_skip(scanner, 3);
	else if (scan_peek(scanner) == '[')
		return scan_key(scanner, &reference->key);
	return 0;
}

/* ${...} */
static int scan_braces(struct scanner *scanner, struct word *word, bool quoted)
{
	_cleanup_(buf_free) struct buf value = {.max = CONFIG_TEXT};
	_cleanup_(freep) char *name = NULL;
	struct place start = scan_place(scanner);
	struct reference reference;
	const char *text = NULL;
	int rc;

	scan_skip(scanner, 2);
	rc = scan_reference(scanner, start, &name, &reference);
	if (rc < 0)
		return rc;
	if (reference.each && !reference.length && quoted && word->list &&
	    scan_looking_at(scanner, "}")) {
		scan_next(scanner);
		put_each(scanner, name, word);
		return 0;
	}
	if (reference.all)
		put_all(scanner, name, reference.length, &value);
	else
		text = config_lookup(scanner->config, name, reference.key.index,
				     reference.key.second);
	if (!reference.all && reference.length)
		buf_addf(&value, "%zu", text ? strlen(text) : (size_t)0);
	else if (text)
		buf_add_text(&value, text);
	word->too_long = word->too_long || buf_over(&value);
	if (reference.length && !scan_looking_at(scanner, "}"))
		return scan_error(scanner, start, "${ is not closed");
	return scan_operator(scanner, word, quoted, text || (reference.all && value.size), &value,
			     start);
}

int scan_dollar(struct scanner *scanner, struct word *word, enum where where)
{
	bool quoted = where != PLAIN && !(where == IN_BRACES && !word->in_quotes);
	struct place start = scan_place(scanner);
	_cleanup_(freep) char *name = NULL;
	const char *text;
	int rc;

	if (++scanner->depth > SCAN_DEPTH_MAX)
		return scan_error(scanner, start, "too many ${ in one another");
	scanner->work += 1 + scanner->config->count / 16;
	if (scan_looking_at(scanner, "$((")) {
		rc = scan_arithmetic(scanner, word, quoted);
	} else if (scan_looking_at(scanner, "${")) {
		rc = scan_braces(scanner, word, quoted);
	} else if (scan_looking_at(scanner, "$(")) {
		return scan_error(scanner, start, "$( would be run as a command");
	} else if (scan_looking_at(scanner, "$[")) {
		return scan_error(scanner, start, "$[ is not understood: use $(( ))");
	} else if (where == PLAIN &&
		   (scan_looking_at(scanner, "$'") || scan_looking_at(scanner, "$\""))) {
		return scan_error(scanner, start, "$ before a quote is not understood");
	} else {
		scan_next(scanner);
		name = scan_name(scanner);
		text = *name ? config_lookup(scanner->config, name, 0, -1) : NULL;
		if (!*name && scan_peek(scanner) && strchr("0123456789@*#?$!-", scan_peek(scanner)))
			return scan_error(scanner, start, "$%c has no meaning in a config",
					  scan_peek(scanner));
		word_put_text(word, *name ? (text ? text : "") : "$", quoted || !*name);
		rc = 0;
	}
	scanner->depth--;
	return rc;
}
