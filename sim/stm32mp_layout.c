// SPDX-License-Identifier: MIT
#include "sim/stm32mp_layout.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define COLUMNS 6

bool stm_error(char error[STM_ERROR], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, STM_ERROR, format, args);
	va_end(args);
	return false;
}

bool stm_line_is_real(const struct stm_line *line)
{
	return !text_equal(line->device, "none");
}

/* As strict_strtoul(text, 0): hexadecimal with 0x, octal with a leading 0. */
static bool number_of(const char *text, unsigned long long *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return isdigit((unsigned char)text[0]) && !*end && !errno;
}

static bool parse_option(struct stm_line *line, const char *text, char *error)
{
	const char *at;

	if (text_equal(text, "-"))
		return true;
	for (at = text; *at; at++) {
		const char *found = strchr("PED", *at);

		if (!found)
			return stm_error(error, "Layout line %u: invalid option '%c' in %s",
					 line->number, *at, text);
		line->option |= *at == 'P' ? STM_SELECT : *at == 'E' ? STM_EMPTY : STM_DELETE;
	}
	if (!(line->option & STM_SELECT))
		return stm_error(error, "Layout line %u: missing 'P' in option %s", line->number,
				 text);
	return true;
}

static bool parse_id(struct stm_line *line, const char *text, char *error)
{
	unsigned long long value;

	if (!number_of(text, &value) || value > STM_ID_MAX)
		return stm_error(error, "Layout line %u: invalid phase value %s", line->number,
				 text);
	line->id = (uint8_t)value;
	return true;
}

static bool parse_name(struct stm_line *line, const char *text, char *error)
{
	if (strlen(text) >= sizeof(line->name))
		return stm_error(error, "Layout line %u: partition name too long [%zu]: %s",
				 line->number, strlen(text), text);
	snprintf(line->name, sizeof(line->name), "%s", text);
	return true;
}

static const char *const types[] = {
	[STM_BINARY] = "Binary", [STM_FIP] = "FIP",      [STM_FWU_MDATA] = "FWU_MDATA",
	[STM_ENV] = "ENV",       [STM_ESP] = "ESP",      [STM_FS] = "FileSystem",
	[STM_SYSTEM] = "System", [STM_RAW] = "RawImage",
};

/* "(2)" behind Binary. */
static bool parse_copies(struct stm_line *line, const char *text)
{
	unsigned long long value;
	size_t length = strlen(text);

	if (length < 3 || text[0] != '(' || text[length - 1] != ')')
		return false;
	_cleanup_(freep) char *number = xstrndup(text + 1, length - 2);

	if (!number_of(number, &value) || !value || value > 255)
		return false;
	line->copies = (unsigned int)value;
	return true;
}

static bool parse_type(struct stm_line *line, const char *text, char *error)
{
	size_t i;

	line->copies = 1;
	if (text_starts(text, "Binary(") && parse_copies(line, text + strlen("Binary")))
		return true;
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (text_equal(text, types[i])) {
			line->type = (enum stm_type)i;
			return true;
		}
	return stm_error(error, "Layout line %u: invalid type '%s'", line->number, text);
}

static bool parse_device(struct stm_line *line, const char *text, char *error)
{
	static const char *const prefixes[] = {"mmc", "nor", "nand", "spi-nand"};
	size_t i, length;

	snprintf(line->device, sizeof(line->device), "%s", text);
	if (text_equal(text, "none")) {
		if (line->option & STM_SELECT)
			return stm_error(error, "Layout line %u: ip none not allowed with option P",
					 line->number);
		return true;
	}
	if (text_starts(text, "ram")) {
		snprintf(line->device, sizeof(line->device), "ram");
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		length = strlen(prefixes[i]);
		if (text_starts(text, prefixes[i]) && isdigit((unsigned char)text[length]) &&
		    !text[length + 1])
			return true;
	}
	return stm_error(error, "Layout line %u: invalid ip '%s'", line->number, text);
}

static bool parse_offset(struct stm_line *line, const char *text, char *error)
{
	unsigned long long value;

	if (text_starts(text, "boot")) {
		if (!text_equal(text, "boot1") && !text_equal(text, "boot2"))
			return stm_error(error, "Layout line %u: bad boot part '%s'", line->number,
					 text);
		line->hwpart = (uint8_t)(text[4] - '0');
		return true;
	}
	if (!number_of(text, &value))
		return stm_error(error, "Layout line %u: bad offset '%s'", line->number, text);
	line->offset = value;
	return true;
}

typedef bool parse_column(struct stm_line *line, const char *text, char *error);

static bool parse_line(struct stm_line *line, char *text, char *error)
{
	static parse_column *const columns[COLUMNS] = {parse_option, parse_id,     parse_name,
						       parse_type,   parse_device, parse_offset};
	char *rest = text, *field;
	unsigned int i = 0;

	while (i < COLUMNS && (field = strsep(&rest, "\t"))) {
		if (!*field)
			continue;
		if (!columns[i++](line, field, error))
			return false;
	}
	if (i < COLUMNS)
		return stm_error(error, "Layout line %u: not enough columns (%u)", line->number, i);
	return true;
}

/* What U-Boot checks of the table as a whole. Lines that are only for the boot chain come once
   each, too: a second one is found only behind a real one, as there. */
static bool check_lines(const struct stm_layout *layout, char *error)
{
	const struct stm_line *line;
	size_t i, k;

	if (!layout->count)
		return stm_error(error, "Layout: no partition found");
	for (i = 0; i < layout->count; i++) {
		line = &layout->lines[i];
		if (!stm_line_is_real(line))
			continue;
		if (!line->id)
			return stm_error(error, "Layout: invalid phase = 0x%x", line->id);
		for (k = i + 1; k < layout->count; k++)
			if (layout->lines[k].id == line->id)
				return stm_error(error,
						 "Layout: duplicated phase 0x%x at line %u and %u",
						 line->id, line->number, layout->lines[k].number);
	}
	return true;
}

bool stm_layout_parse(struct stm_layout *layout, const char *text, size_t size,
		      char error[STM_ERROR])
{
	_cleanup_(freep) char *copy = xstrndup(text, size);
	char *rest = copy, *line;
	unsigned int number = 0;

	*layout = (struct stm_layout){0};
	while ((line = strsep(&rest, "\n"))) {
		number++;
		line[strcspn(line, "\r")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		if (layout->count == STM_LINES_MAX)
			return stm_error(error, "Layout: too many partitions (%d)", STM_LINES_MAX);
		layout->lines[layout->count].number = number;
		if (!parse_line(&layout->lines[layout->count++], line, error))
			return false;
	}
	return check_lines(layout, error);
}
