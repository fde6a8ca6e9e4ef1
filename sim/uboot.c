// SPDX-License-Identifier: MIT
#include "sim/uboot.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

void uboot_begin(struct uboot *uboot)
{
	/* Only what is used of it takes memory. */
	void *ram = mmap(NULL, (size_t)uboot->ram_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	uboot->ram = ram == MAP_FAILED ? NULL : ram;
}

static void unload(struct uboot *uboot)
{
	size_t i;

	for (i = 0; i < uboot->count; i++)
		free(uboot->lines[i].text);
	free(uboot->lines);
	uboot->lines = NULL;
	uboot->count = uboot->at = uboot->depth = 0;
	uboot->active = true;
	uboot->status = 0;
}

void uboot_free(struct uboot *uboot)
{
	unload(uboot);
	if (uboot->ram)
		munmap(uboot->ram, (size_t)uboot->ram_size);
	uboot->ram = NULL;
}

uint8_t *uboot_memory(struct uboot *uboot, uint64_t address, uint64_t size)
{
	if (!uboot->ram || address < uboot->ram_base || size > uboot->ram_size ||
	    address - uboot->ram_base > uboot->ram_size - size)
		return NULL;
	return uboot->ram + (address - uboot->ram_base);
}

void uboot_print(struct uboot *uboot, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	if (uboot->console < 0)
		return;
	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	if (write(uboot->console, text, strlen(text)) < 0)
		uboot->console = -1;
}

static void add_line(struct uboot *uboot, enum uboot_kind kind, enum uboot_join join,
		     const char *text, size_t size)
{
	struct uboot_line *line;

	uboot->lines = xrealloc(uboot->lines, uboot->count + 1, sizeof(*uboot->lines));
	line = &uboot->lines[uboot->count++];
	*line = (struct uboot_line){kind, join, xstrndup(text, size)};
}

static const struct {
	const char *word;
	enum uboot_kind kind;
} keywords[] = {{"if", UBOOT_IF}, {"then", UBOOT_THEN}, {"else", UBOOT_ELSE}, {"fi", UBOOT_FI}};

/* One piece between separators: perhaps a keyword, and a command behind it. */
static void add_piece(struct uboot *uboot, enum uboot_join join, const char *text, size_t size)
{
	size_t i, length;

	while (size && isspace((unsigned char)*text)) {
		text++;
		size--;
	}
	for (length = 0; length < size && !isspace((unsigned char)text[length]); length++)
		;
	if (!length || *text == '#')
		return;
	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strlen(keywords[i].word) == length &&
		    strncmp(text, keywords[i].word, length) == 0) {
			add_line(uboot, keywords[i].kind, join, "", 0);
			add_piece(uboot, UBOOT_ALWAYS, text + length, size - length);
			return;
		}
	add_line(uboot, UBOOT_COMMAND, join, text, size);
}

/* Length of the piece that begins here, up to a separator outside of quotes. */
static size_t piece_length(const char *text, size_t size)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < size; i++) {
		if (text[i] == '\\' && quote != '\'')
			i++;
		else if (quote)
			quote = text[i] == quote ? '\0' : quote;
		else if (text[i] == '"' || text[i] == '\'')
			quote = text[i];
		else if (text[i] == ';' || text[i] == '\n' ||
			 ((text[i] == '&' || text[i] == '|') && i + 1 < size &&
			  text[i + 1] == text[i]))
			break;
	}
	return i < size ? i : size;
}

/* A comment ends with its line, whatever stands in it. */
static size_t comment_length(const char *text, size_t size)
{
	const char *end;
	size_t blanks = 0;

	while (blanks < size && (text[blanks] == ' ' || text[blanks] == '\t'))
		blanks++;
	if (blanks == size || text[blanks] != '#')
		return 0;
	end = memchr(text, '\n', size);
	return end ? (size_t)(end - text) : size;
}

static enum uboot_join join_at(const char *text, size_t size)
{
	if (!size || (*text != '&' && *text != '|'))
		return UBOOT_ALWAYS;
	return *text == '&' ? UBOOT_AND : UBOOT_OR;
}

void uboot_load(struct uboot *uboot, const char *text, size_t size)
{
	enum uboot_join join = UBOOT_ALWAYS;
	size_t length;

	unload(uboot);
	size = strnlen(text, size);
	while (size) {
		length = comment_length(text, size);
		if (!length)
			length = piece_length(text, size);
		add_piece(uboot, join, text, length);
		join = join_at(text + length, size - length);
		length += join == UBOOT_ALWAYS ? 1 : 2;
		if (length >= size)
			return;
		text += length;
		size -= length;
	}
}

/* What is being expanded: words with NUL between them. */
struct words {
	struct buf text;
	size_t starts[UBOOT_WORDS], count;
	bool inside;
};

static void add_char(struct words *words, char c)
{
	if (!words->inside && words->count < UBOOT_WORDS - 1)
		words->starts[words->count++] = words->text.size;
	words->inside = true;
	buf_add_char(&words->text, c);
}

static void end_word(struct words *words)
{
	if (words->inside)
		buf_add_char(&words->text, '\0');
	words->inside = false;
}

/* "$name" or "${name}" at `text`; its length. */
static size_t add_variable(const struct uboot *uboot, struct words *words, const char *text,
			   bool quoted)
{
	bool braces = text[1] == '{';
	const char *name = text + 1 + braces, *value;
	size_t length = 0;

	while (isalnum((unsigned char)name[length]) || name[length] == '_' ||
	       (braces && name[length] && name[length] != '}'))
		length++;
	_cleanup_(freep) char *copy = xstrndup(name, length);

	if (text[1] == '?') {
		add_char(words, (char)('0' + (uboot->status ? 1 : 0)));
		return 2;
	}
	for (value = env_get(uboot->env, copy); value && *value; value++) {
		if (!quoted && isspace((unsigned char)*value))
			end_word(words);
		else
			add_char(words, *value);
	}
	return 1 + braces + length + (braces && name[length] == '}');
}

static void expand(const struct uboot *uboot, const char *text, struct words *words)
{
	char quote = '\0';

	while (*text) {
		if (*text == '\\' && text[1] && quote != '\'') {
			add_char(words, text[1]);
			text += 2;
			continue;
		}
		if (*text == '$' && quote != '\'') {
			text += add_variable(uboot, words, text, quote != '\0');
			continue;
		}
		if (quote ? *text == quote : *text == '"' || *text == '\'') {
			quote = quote ? '\0' : *text;
			if (quote && !words->inside && words->count < UBOOT_WORDS - 1) {
				words->starts[words->count++] = words->text.size;
				words->inside = true; /* "" is a word too */
			}
		} else if (!quote && isspace((unsigned char)*text)) {
			end_word(words);
		} else {
			add_char(words, *text);
		}
		text++;
	}
	end_word(words);
}

static void run_command(struct uboot *uboot, const char *text)
{
	struct words words = {0};
	char *argv[UBOOT_WORDS] = {0};
	const struct uboot_command *command;
	size_t i;

	expand(uboot, text, &words);
	for (i = 0; i < words.count; i++)
		argv[i] = words.text.data + words.starts[i];
	if (words.count) {
		command = uboot_find(uboot, argv[0]);
		if (command)
			uboot->status = command->run(uboot, (int)words.count, argv);
		else
			uboot_print(uboot, "Unknown command '%s' - try 'help'\n", argv[0]);
		uboot->status = command ? uboot->status : 1;
	}
	buf_free(&words.text);
}

static void take_keyword(struct uboot *uboot, enum uboot_kind kind)
{
	struct uboot_if *frame = uboot->depth ? &uboot->frames[uboot->depth - 1] : NULL;

	if (kind == UBOOT_IF && uboot->depth < UBOOT_DEPTH) {
		uboot->frames[uboot->depth++] = (struct uboot_if){uboot->active, false};
		return;
	}
	if (!frame)
		return;
	if (kind == UBOOT_THEN)
		uboot->active = frame->taken = frame->outer && uboot->status == 0;
	if (kind == UBOOT_ELSE)
		uboot->active = frame->outer && !frame->taken;
	if (kind == UBOOT_FI) {
		uboot->active = frame->outer;
		uboot->depth--;
	}
}

enum uboot_stop uboot_run(struct uboot *uboot)
{
	const struct uboot_line *line;

	uboot->stop = UBOOT_GOES_ON;
	while (uboot->at < uboot->count && uboot->stop == UBOOT_GOES_ON) {
		line = &uboot->lines[uboot->at++];
		if (line->kind != UBOOT_COMMAND)
			take_keyword(uboot, line->kind);
		else if (uboot->active && !(line->join == UBOOT_AND && uboot->status) &&
			 !(line->join == UBOOT_OR && !uboot->status))
			run_command(uboot, line->text);
	}
	return uboot->stop == UBOOT_GOES_ON ? UBOOT_ENDED : uboot->stop;
}
