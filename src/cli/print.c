// SPDX-License-Identifier: MIT
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

static const char *const codes[] = {
	[COLOUR_NONE] = "",        [COLOUR_GOOD] = "\033[32m", [COLOUR_WARN] = "\033[33m",
	[COLOUR_BAD] = "\033[31m", [COLOUR_FAINT] = "\033[2m",
};

const char *colour_begin(enum colour colour, bool on)
{
	return on ? codes[colour] : "";
}

const char *colour_end(bool on)
{
	return on ? "\033[0m" : "";
}

bool term_has_colour(FILE *file)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(file)) && !(no && *no) && term && !text_equal(term, "dumb");
}

/* Bytes of the UTF-8 sequence that begins here (RFC 3629); 0: none does. */
static size_t sequence(const unsigned char *c)
{
	size_t length = c[0] < 0x80   ? 1
			: c[0] < 0xc2 ? 0
			: c[0] < 0xe0 ? 2
			: c[0] < 0xf0 ? 3
			: c[0] < 0xf5 ? 4
				      : 0;
	size_t i;

	for (i = 1; i < length; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* C0 controls, DEL, and the C1 controls (U+0080 to U+009F). */
static bool is_control(const unsigned char *c)
{
	return *c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

void print_clean(FILE *out, const char *text, size_t indent)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t length;

	for (; *c; c += length ? length : 1) {
		length = sequence(c);
		if (*c == '\n' && c[1])
			fprintf(out, "\n%*s", (int)indent, "");
		else if (*c == '\t')
			fputc(' ', out);
		else if (length && !is_control(c))
			fwrite(c, 1, length, out);
		else if (*c != '\n' && *c != '\r')
			fputc('?', out);
	}
}

void print_err(FILE *out, const struct err *err, bool colour)
{
	fprintf(out, "%saboard:%s ", colour_begin(COLOUR_BAD, colour), colour_end(colour));
	print_clean(out, err->text[0] ? err->text : err_kind_help(err->kind), 8);
	fputc('\n', out);
	if (!err->remedy[0])
		return;
	fputs("     -> ", out);
	print_clean(out, err->remedy, 8);
	fputc('\n', out);
}

static void print_value(FILE *out, const json_t *value, size_t indent)
{
	char size[TEXT_SIZE];
	json_int_t bytes;

	if (json_is_string(value)) {
		print_clean(out, json_string_value(value), indent);
	} else if (json_is_integer(value)) {
		bytes = json_integer_value(value);
		fputs(text_of_size((uint64_t)bytes, size), out);
		if (bytes >= 1024)
			fprintf(out, " (%" JSON_INTEGER_FORMAT " bytes)", bytes);
	} else {
		_cleanup_(freep) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		print_clean(out, text ? text : "", indent);
	}
}

/* Widths of a plan's columns: section and key, each with two blanks behind it. */
struct columns {
	size_t section, key;
};

static void widen(size_t *width, const char *text)
{
	if (strlen(text) + 2 > *width)
		*width = strlen(text) + 2;
}

static struct columns measure(json_t *facts)
{
	struct columns columns = {.section = strlen("digest") + 2};
	const char *name, *key;
	json_t *section, *value;

	json_object_foreach(facts, name, section)
	{
		widen(&columns.section, name);
		json_object_foreach(section, key, value) widen(&columns.key, key);
	}
	return columns;
}

static void print_column(FILE *out, const char *text, size_t width)
{
	print_clean(out, text, 0);
	fprintf(out, "%*s", (int)(width - strlen(text)), "");
}

static void print_facts(FILE *out, const char *section, json_t *facts, struct columns columns)
{
	const char *key, *shown = section;
	json_t *value;

	json_object_foreach(facts, key, value)
	{
		fputs("  ", out);
		print_column(out, shown, columns.section);
		print_column(out, key, columns.key);
		print_value(out, value, 2 + columns.section + columns.key);
		fputc('\n', out);
		shown = "";
	}
}

static void print_steps(FILE *out, const json_t *steps, struct columns columns)
{
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		fputs("  ", out);
		print_column(out, i ? "" : "steps", columns.section);
		fprintf(out, "%zu. ", i + 1);
		print_clean(out, json_is_string(step) ? json_string_value(step) : "",
			    columns.section + 5);
		fputc('\n', out);
	}
}

static void print_warning(FILE *out, const char *start, const json_t *text, bool colour)
{
	fprintf(out, "%s!%s %s", colour_begin(COLOUR_WARN, colour), colour_end(colour), start);
	print_clean(out, json_is_string(text) ? json_string_value(text) : "", 2);
	fputc('\n', out);
}

static void print_warnings(FILE *out, const json_t *plan, bool colour)
{
	const json_t *irreversible = json_object_get(plan, "irreversible");
	json_t *warning;
	size_t i;

	json_array_foreach(json_object_get(plan, "warnings"), i, warning)
		print_warning(out, "", warning, colour);
	if (irreversible)
		print_warning(out, "cannot be undone: ", irreversible, colour);
}

void print_plan(FILE *out, const json_t *plan, const char *digest, bool colour)
{
	json_t *facts = json_object_get(plan, "facts"), *section;
	struct columns columns = measure(facts);
	const char *name;

	json_object_foreach(facts, name, section) print_facts(out, name, section, columns);
	print_steps(out, json_object_get(plan, "steps"), columns);
	print_warnings(out, plan, colour);
	fputs("  ", out);
	print_column(out, "digest", columns.section);
	fprintf(out, "%s\n", digest ? digest : "");
}
