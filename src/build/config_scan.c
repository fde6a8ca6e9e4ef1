// SPDX-License-Identifier: MIT
/* Words of the configuration language: a place in the text, and quotes. */
#include "build/config_scan.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static int scan_part(struct scanner *scanner, struct word *word, enum where where);

char scan_peek(const struct scanner *scanner)
{
	return scanner->at < scanner->size ? scanner->text[scanner->at] : '\0';
}

bool scan_end(const struct scanner *scanner)
{
	return scanner->at >= scanner->size;
}

static char peek_at(const struct scanner *scanner, size_t offset)
{
	return scanner->at + offset < scanner->size ? scanner->text[scanner->at + offset] : '\0';
}

bool scan_looking_at(const struct scanner *scanner, const char *text)
{
	size_t length = strlen(text);

	return scanner->size - scanner->at >= length &&
	       memcmp(scanner->text + scanner->at, text, length) == 0;
}

void scan_next(struct scanner *scanner)
{
	if (scan_end(scanner))
		return;
	if (scanner->text[scanner->at++] == '\n') {
		scanner->line++;
		scanner->column = 1;
		return;
	}
	scanner->column++;
}

void scan_skip(struct scanner *scanner, size_t count)
{
	while (count--)
		scan_next(scanner);
}

struct place scan_place(const struct scanner *scanner)
{
	return (struct place){scanner->line, scanner->column};
}

bool scan_continues(const struct scanner *scanner)
{
	return scan_looking_at(scanner, "\\\n");
}

static bool at_carriage_return(const struct scanner *scanner)
{
	return scan_looking_at(scanner, "\r\n") ||
	       (scan_peek(scanner) == '\r' && scanner->at + 1 == scanner->size);
}

void scan_blanks(struct scanner *scanner)
{
	for (;;) {
		if (isblank((unsigned char)scan_peek(scanner)) || at_carriage_return(scanner))
			scan_next(scanner);
		else if (scan_continues(scanner))
			scan_skip(scanner, 2);
		else
			return;
	}
}

void scan_skip_comment(struct scanner *scanner)
{
	while (!scan_end(scanner) && scan_peek(scanner) != '\n')
		scan_next(scanner);
}

bool scan_statement_end(const struct scanner *scanner)
{
	return scan_end(scanner) || strchr("\n;#", scan_peek(scanner));
}

int scan_error(struct scanner *scanner, struct place place, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(scanner->err, ERR_CONFIG, "%s:%u:%u: %s", scanner->config->path, place.line,
		       place.column, text);
}

void scan_list_free(struct scan_list *words)
{
	size_t i;

	for (i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct scan_list){0};
}

void word_finish(struct word *word)
{
	if (word->started) {
		word->list->items = xrealloc(word->list->items, word->list->count + 1,
					     sizeof(*word->list->items));
		word->list->items[word->list->count++] = xstrdup(buf_text(word->text));
	}
	word->too_long = word->too_long || buf_over(word->text);
	word->started = false;
	buf_clear(word->text);
}

static void put(struct word *word, char c)
{
	word->started = true;
	buf_add_char(word->text, c);
}

/* Adds what a variable held. */
void word_put_text(struct word *word, const char *text, bool quoted)
{
	if (!word->list || quoted) {
		word->started = word->started || quoted || *text;
		buf_add_text(word->text, text);
		return;
	}
	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			word_finish(word);
		else
			put(word, *text);
	}
}

/* Reads up to `end`, which is skipped. */
int scan_until(struct scanner *scanner, struct word *word, enum where where, const char *end,
	       struct place start, const char *what)
{
	int rc = 0;

	while (rc == 0 && !scan_looking_at(scanner, end)) {
		if (scan_end(scanner))
			return scan_error(scanner, start, "%s is not closed", what);
		rc = scan_part(scanner, word, where);
	}
	scan_skip(scanner, rc == 0 ? strlen(end) : 0);
	return rc;
}

static int scan_single_quotes(struct scanner *scanner, struct word *word)
{
	struct place start = scan_place(scanner);

	word->started = true;
	for (scan_next(scanner); scan_peek(scanner) != '\''; scan_next(scanner)) {
		if (scan_end(scanner))
			return scan_error(scanner, start, "the quote is not closed");
		put(word, scan_peek(scanner));
	}
	scan_next(scanner);
	return 0;
}

static int scan_double_quotes(struct scanner *scanner, struct word *word)
{
	struct place start = scan_place(scanner);
	size_t size = word->text->size;
	bool started = word->started;
	int rc;

	word->started = true;
	word->no_words = false;
	scan_next(scanner);
	rc = scan_until(scanner, word, IN_QUOTES, "\"", start, "the quote");
	if (word->no_words && word->text->size == size)
		word->started = started;
	return rc;
}

static void scan_backslash(struct scanner *scanner, struct word *word, enum where where)
{
	bool quoted = where == IN_QUOTES || (where == IN_BRACES && word->in_quotes);
	char c = peek_at(scanner, 1);

	if (c == '\n') {
		scan_skip(scanner, 2);
		return;
	}
	scan_next(scanner);
	if (scan_end(scanner) ||
	    (quoted && !strchr("$`\"\\", c) && !(c == '}' && where == IN_BRACES)))
		put(word, '\\');
	if (scan_end(scanner))
		return;
	put(word, scan_peek(scanner));
	scan_next(scanner);
}

/* What stands without quotes and would make bash do more than assign. */
static int refuse_plain(struct scanner *scanner, const struct word *word)
{
	struct place place = scan_place(scanner);
	char c = scan_peek(scanner);

	if (strchr("|&<>()", c))
		return scan_error(scanner, place, "'%c' outside of quotes would run a command", c);
	if (c == '~' && !word->started)
		return scan_error(scanner, place, "'~' is not expanded: use $HOME");
	if (word->in_array && strchr("*?[{", c))
		return scan_error(scanner, place, "'%c' outside of quotes is not expanded", c);
	return 0;
}

/* One character, quoted piece or expansion. */
static int scan_part(struct scanner *scanner, struct word *word, enum where where)
{
	bool plain = where == PLAIN || (where == IN_BRACES && !word->in_quotes);
	char c = scan_peek(scanner);
	int rc;

	if (scanner->work > CONFIG_WORK)
		return scan_error(scanner, scan_place(scanner), "the file asks for too much work");
	if (c == '`')
		return scan_error(scanner, scan_place(scanner), "` would run a command");
	if (c == '$')
		return scan_dollar(scanner, word, where);
	if (c == '\\') {
		scan_backslash(scanner, word, where);
		return 0;
	}
	if (c == '\'' && plain)
		return scan_single_quotes(scanner, word);
	if (c == '"' && where != IN_QUOTES)
		return scan_double_quotes(scanner, word);
	if (where == IN_ARITH && c == '(') {
		struct place start = scan_place(scanner);

		put(word, c);
		scan_next(scanner);
		if (++scanner->depth > SCAN_DEPTH_MAX)
			return scan_error(scanner, start, "too many parentheses");
		rc = scan_until(scanner, word, IN_ARITH, ")", start, "the parenthesis");
		scanner->depth--;
		put(word, ')');
		return rc;
	}
	rc = where == PLAIN ? refuse_plain(scanner, word) : 0;
	if (plain && word->list && isspace((unsigned char)c))
		word_finish(word);
	else
		put(word, c);
	scan_next(scanner);
	return rc;
}

static bool word_ends(const struct scanner *scanner, bool in_array)
{
	char c = scan_peek(scanner);

	return scan_end(scanner) || isspace((unsigned char)c) || (c == ';' && !in_array) ||
	       (c == ')' && in_array);
}

static int scan_word(struct scanner *scanner, struct word *word)
{
	struct place place = scan_place(scanner);
	int rc = 0;

	scanner->depth = 0;
	while (rc == 0 && !word_ends(scanner, word->in_array))
		rc = scan_part(scanner, word, PLAIN);
	if (rc == 0 && (word->too_long || buf_over(word->text)))
		return scan_error(scanner, place, "a value is longer than %d bytes", CONFIG_TEXT);
	return rc;
}

int scan_value(struct scanner *scanner, struct buf *value)
{
	struct word word = {.text = value};

	return scan_word(scanner, &word);
}

int scan_words(struct scanner *scanner, bool whole, struct scan_list *words)
{
	_cleanup_(buf_free) struct buf text = {.max = CONFIG_TEXT};
	struct word word = {.text = &text, .list = whole ? NULL : words, .in_array = true};
	int rc = scan_word(scanner, &word);

	word.list = words;
	word.started = word.started || whole;
	if (rc == 0)
		word_finish(&word);
	return rc;
}

void scan_count_expression(struct scanner *scanner, size_t size)
{
	scanner->work += 64 + size * (1 + scanner->config->count / 64);
}

static int evaluate_index(struct scanner *scanner, struct place start, const char *text,
			  int64_t *value)
{
	struct err why = {0};

	scan_count_expression(scanner, strlen(text));
	if (config_arithmetic(scanner->config, text, value, &why) < 0)
		return scan_error(scanner, start, "the index: %s", why.text);
	if (*value < 0 || *value > CONFIG_INDEX_MAX)
		return scan_error(scanner, start, "an index is 0 to %d", CONFIG_INDEX_MAX);
	return 0;
}

int scan_key(struct scanner *scanner, struct key *key)
{
	_cleanup_(buf_free) struct buf text = {.max = 1024};
	struct word word = {.text = &text};
	struct place start = scan_place(scanner);
	char *comma;
	int rc;

	if (++scanner->depth > SCAN_DEPTH_MAX)
		return scan_error(scanner, start, "too many [ in one another");
	scan_next(scanner);
	rc = scan_until(scanner, &word, IN_BRACKETS, "]", start, "[");
	scanner->depth--;
	if (rc < 0)
		return rc;
	if (buf_over(&text) || !text.size)
		return scan_error(scanner, start, "the index is %s",
				  text.size ? "too long" : "empty");
	comma = strchr(text.data, ',');
	if (comma)
		*comma = '\0';
	key->indexed = true;
	key->second = -1;
	rc = evaluate_index(scanner, start, text.data, &key->index);
	if (rc == 0 && comma)
		rc = evaluate_index(scanner, start, comma + 1, &key->second);
	return rc;
}
