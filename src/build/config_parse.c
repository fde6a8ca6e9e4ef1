// SPDX-License-Identifier: MIT
/* Statements of the configuration language: assignments, and nothing else. */
#include "build/config_scan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Words that begin what we do not run, and what they are called. */
static const struct {
	const char *word, *what;
} refused[] = {
	{"if", "a condition"},
	{"then", "a condition"},
	{"else", "a condition"},
	{"elif", "a condition"},
	{"fi", "a condition"},
	{"for", "a loop"},
	{"while", "a loop"},
	{"until", "a loop"},
	{"do", "a loop"},
	{"done", "a loop"},
	{"case", "a condition"},
	{"esac", "a condition"},
	{"function", "a function"},
	{"source", "another file"},
	{".", "another file"},
	{"[", "a test"},
	{"[[", "a test"},
	{"test", "a test"},
	{"((", "a command"},
	{"{", "a group of commands"},
	{"(", "a group of commands"},
	{"eval", "a command"},
	{"declare", "a declaration"},
	{"typeset", "a declaration"},
	{"local", "a declaration"},
	{"readonly", "a declaration"},
	{"unset", "a command"},
};

static int refuse_word(struct scanner *scanner, struct place place)
{
	size_t length = 0, left = scanner->size - scanner->at, i;
	_cleanup_(freep) char *word = NULL;
	const char *what = "a command";

	while (length < left && length < 40 &&
	       !isspace((unsigned char)scanner->text[scanner->at + length]))
		length++;
	word = xstrndup(scanner->text + scanner->at, length);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		if (text_equal(word, refused[i].word))
			what = refused[i].what;
	scan_error(scanner, place, "'%s' would be run as %s", word, what);
	return err_remedy(scanner->err, "a config holds only assignments (NAME=\"value\"); text "
					"with blanks needs quotes");
}

/* A name, into *name (owned); false when there is none. */
static bool scan_name(struct scanner *scanner, char **name)
{
	size_t start = scanner->at;

	if (!isalpha((unsigned char)scan_peek(scanner)) && scan_peek(scanner) != '_')
		return false;
	while (isalnum((unsigned char)scan_peek(scanner)) || scan_peek(scanner) == '_')
		scan_next(scanner);
	*name = xstrndup(scanner->text + start, scanner->at - start);
	return true;
}

static struct config_entry *assign(struct scanner *scanner, struct place place, const char *name,
				   const struct key *key)
{
	struct config_entry *entry = config_entry(scanner->config, name, key->index, key->second);

	if (!entry) {
		scan_error(scanner, place, "more than %d variables", CONFIG_ENTRIES);
		return NULL;
	}
	entry->indexed = key->indexed;
	entry->line = place.line;
	entry->column = place.column;
	return entry;
}

/* What += adds to: what is there, else what the environment holds. */
static const char *text_before(const struct config *config, const char *name, const struct key *key)
{
	const struct config_entry *entry = config_find(config, name, key->index, key->second);
	const char *text = NULL;

	if (entry)
		return entry->text;
	if (key->index == 0 && key->second < 0)
		text = config_environment(config, name);
	return text ? text : "";
}

static int assign_text(struct scanner *scanner, struct place place, const char *name,
		       const struct key *key, const char *text, bool append)
{
	const char *before = append ? text_before(scanner->config, name, key) : "";
	_cleanup_(freep) char *joined = NULL;
	struct config_entry *entry;

	if (strlen(before) + strlen(text) > CONFIG_TEXT)
		return scan_error(scanner, place, "%s is longer than %d bytes", name, CONFIG_TEXT);
	joined = xasprintf("%s%s", before, text);
	scanner->work += strlen(joined) + 256;
	entry = assign(scanner, place, name, key);
	if (!entry)
		return -ERR_CONFIG;
	free(entry->text);
	entry->text = steal(joined);
	return 0;
}

static int64_t next_index(const struct config *config, const char *name)
{
	int64_t next = 0;
	size_t i;

	for (i = 0; i < config->count; i++)
		if (strcmp(config->entries[i].name, name) == 0 && config->entries[i].index >= next)
			next = config->entries[i].index + 1;
	return next;
}

/* Blanks, line ends and comments between the elements of an array. */
static void skip_between(struct scanner *scanner)
{
	while (isspace((unsigned char)scan_peek(scanner)) || scan_peek(scanner) == '#' ||
	       scan_continues(scanner)) {
		if (scan_peek(scanner) == '#')
			scan_skip_comment(scanner);
		else if (scan_continues(scanner))
			scan_skip(scanner, 2);
		else
			scan_next(scanner);
	}
}

/* Elements of an array that is being read. They are assigned when all are there, so that each may
   refer to what the array held before. */
struct array {
	struct element {
		struct place place;
		struct key key;
		char *text;
	} * items;
	size_t count;
};

static void free_array(struct array *array)
{
	while (array->count)
		free(array->items[--array->count].text);
	free(array->items);
}

static void add_element(struct array *array, struct place place, const struct key *key, char *text)
{
	array->items = xrealloc(array->items, array->count + 1, sizeof(*array->items));
	array->items[array->count++] = (struct element){place, *key, text};
}

/* [i]=value or value [value...] (a variable without quotes may hold several words). */
static int scan_element(struct scanner *scanner, struct array *array, struct key *key)
{
	_cleanup_(scan_list_free) struct scan_list words = {0};
	struct place place = scan_place(scanner);
	bool keyed = scan_peek(scanner) == '[';
	size_t i;
	int rc = 0;

	if (keyed) {
		rc = scan_key(scanner, key);
		if (rc == 0 && scan_peek(scanner) != '=')
			rc = scan_error(scanner, place, "a '=' is missing after ']'");
		if (rc < 0)
			return rc;
		scan_next(scanner);
	}
	rc = scan_words(scanner, keyed, &words);
	for (i = 0; rc == 0 && i < words.count; i++, key->index++) {
		if (key->index > CONFIG_INDEX_MAX || array->count >= CONFIG_ENTRIES)
			return scan_error(scanner, place, "the array has too many elements");
		add_element(array, place, key, steal(words.items[i]));
	}
	return rc;
}

/* NAME=( ... ) */
static int scan_array(struct scanner *scanner, struct place place, const char *name, bool append)
{
	_cleanup_(free_array) struct array array = {0};
	struct key key = {.indexed = true, .second = -1};
	size_t i;
	int rc = 0;

	if (append)
		key.index = next_index(scanner->config, name);
	scan_next(scanner);
	for (skip_between(scanner); rc == 0 && scan_peek(scanner) != ')'; skip_between(scanner)) {
		if (scan_end(scanner))
			return scan_error(scanner, place, "the array %s is not closed", name);
		rc = scan_element(scanner, &array, &key);
	}
	scan_next(scanner);
	if (rc == 0 && !append)
		config_clear(scanner->config, name);
	for (i = 0; rc == 0 && i < array.count; i++)
		rc = assign_text(scanner, array.items[i].place, name, &array.items[i].key,
				 array.items[i].text, false);
	return rc;
}

static int scan_assignment(struct scanner *scanner, struct place place, const char *name)
{
	_cleanup_(buf_free) struct buf value = {.max = CONFIG_TEXT};
	struct key key = {.second = -1};
	bool append;
	int rc = 0;

	if (scan_peek(scanner) == '[')
		rc = scan_key(scanner, &key);
	if (rc < 0)
		return rc;
	append = scan_peek(scanner) == '+';
	scan_skip(scanner, append ? 2 : 1);
	if (scan_peek(scanner) == '(') {
		if (!key.indexed)
			return scan_array(scanner, place, name, append);
		return scan_error(scanner, place, "an array cannot be an element of an array");
	}
	rc = scan_value(scanner, &value);
	if (rc < 0)
		return rc;
	return assign_text(scanner, place, name, &key, buf_text(&value), append);
}

/* Whether an assignment follows the name just read: '=', '+=' or '[...]=' . */
static bool is_assignment(const struct scanner *scanner)
{
	const char *at = scanner->text + scanner->at;
	size_t left = scanner->size - scanner->at, depth = 0;

	if (left && *at == '[') {
		do {
			depth += (*at == '[') - (size_t)(*at == ']');
			at++;
			left--;
		} while (left && depth && *at != '\n');
	}
	return (left && *at == '=') || (left > 1 && at[0] == '+' && at[1] == '=');
}

/* `export NAME`, `export NAME=value`: to us the same as without export. */
static int scan_export(struct scanner *scanner)
{
	_cleanup_(freep) char *name = NULL;
	struct place place;
	int rc = 0;

	scan_blanks(scanner);
	while (rc == 0 && !scan_statement_end(scanner)) {
		place = scan_place(scanner);
		free(name);
		name = NULL;
		if (!scan_name(scanner, &name))
			return scan_error(scanner, place, "export needs the name of a variable");
		if (is_assignment(scanner))
			rc = scan_assignment(scanner, place, name);
		scan_blanks(scanner);
	}
	return rc;
}

static int scan_statement(struct scanner *scanner)
{
	_cleanup_(freep) char *name = NULL;
	struct place place = scan_place(scanner);
	size_t start = scanner->at;

	if (!scan_name(scanner, &name))
		return refuse_word(scanner, place);
	if (text_equal(name, "export") && isblank((unsigned char)scan_peek(scanner)))
		return scan_export(scanner);
	if (is_assignment(scanner))
		return scan_assignment(scanner, place, name);
	scanner->at = start;
	return refuse_word(scanner, place);
}

int config_parse_text(struct config *config, const char *text, size_t size, struct err *err)
{
	struct scanner scanner = {
		.config = config, .text = text, .size = size, .line = 1, .column = 1, .err = err};
	int rc;

	if (memchr(text, '\0', size))
		return err_set(err, ERR_CONFIG, "%s is not a text file", config->path);
	for (;;) {
		scan_blanks(&scanner);
		if (scan_peek(&scanner) == '#')
			scan_skip_comment(&scanner);
		else if (scan_peek(&scanner) == '\n' || scan_peek(&scanner) == ';')
			scan_next(&scanner);
		else if (scan_end(&scanner))
			return 0;
		else if ((rc = scan_statement(&scanner)) < 0)
			return rc;
	}
}
