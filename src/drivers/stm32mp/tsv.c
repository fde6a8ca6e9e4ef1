// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/tsv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/stm32.h"

#define COLUMNS     7
#define COLUMNS_MIN 6

static const struct tsv_type types[] = {
	{"Binary", "8da63339-0007-60c0-c436-083ac8230908", 0},
	{"FIP", "19d5df83-11b0-457b-be2c-7559c13142a5", 202110},
	{"FWU_MDATA", "8a7a84a0-8387-40f6-ab41-a8b9a5a60d23", 202210},
	{"ENV", "3de21764-95bd-54bd-a5c3-4abe786f38a8", 202210},
	{"ESP", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 202210},
	{"FileSystem", "0fc63daf-8483-4772-8e79-3d69d8477de4", 0},
	{"System", "0fc63daf-8483-4772-8e79-3d69d8477de4", 0},
	{"RawImage", NULL, 0},
};

void tsv_note(struct tsv *tsv, enum tsv_gravity gravity, unsigned int line, const char *format, ...)
{
	struct tsv_note *note;
	va_list args;

	tsv->error_count += gravity == TSV_ERROR;
	if (tsv->note_count == TSV_NOTES_MAX)
		return;
	note = &tsv->notes[tsv->note_count++];
	note->gravity = gravity;
	note->line = line;
	va_start(args, format);
	vsnprintf(note->text, sizeof(note->text), format, args);
	va_end(args);
}

static void wrong(struct tsv *tsv, const struct tsv_line *line, const char *what, const char *word,
		  const char *wanted)
{
	tsv_note(tsv, TSV_ERROR, line->number, "%s '%.40s': %s", what, word, wanted);
}

static void read_options(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	const char *at;

	if (strcmp(word, "-") == 0)
		return;
	for (at = word; *at; at++) {
		if (!strchr("PED", *at))
			return wrong(tsv, line, "option", word, "only -, P, E and D are known");
		line->selected |= *at == 'P';
		line->empty |= *at == 'E';
		line->erase |= *at == 'D';
	}
	if (!line->selected)
		wrong(tsv, line, "option", word, "E and D need P");
}

/* As C writes numbers: 0x, a leading 0 for octal, decimal. */
static bool read_c_number(const char *word, unsigned long *value)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	*value = strtoul(word, &end, 0);
	return !*end;
}

static void read_id(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	unsigned long id;

	if (!read_c_number(word, &id) || id > TSV_ID_MAX)
		return wrong(tsv, line, "id", word, "a number from 0x01 to 0xF0 is wanted");
	line->id = (uint8_t)id;
}

static void read_name(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	const char *at;

	for (at = word; *at; at++)
		if (*at <= ' ' || *at > '~')
			return wrong(tsv, line, "name", word,
				     "only printable ASCII without blanks");
	if (at - word >= TSV_NAME)
		return wrong(tsv, line, "name", word, "at most 16 characters");
	memcpy(line->name, word, (size_t)(at - word) + 1);
}

static bool read_copies(const char *word, struct tsv_line *line)
{
	_cleanup_(freep) char *number = NULL;
	size_t length = strlen(word);
	uint64_t copies;

	if (!text_starts(word, "Binary(") || word[length - 1] != ')')
		return false;
	number = xstrndup(word + 7, length - 8);
	if (!text_u64(number, 64, &copies) || copies == 0)
		return false;
	line->copies = (unsigned int)copies;
	line->type = &types[0];
	return true;
}

static void read_type(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	const char *names[ARRAY_SIZE(types) + 1] = {NULL};
	const char *nearest;
	size_t i;

	line->copies = 1;
	if (read_copies(word, line))
		return;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		names[i] = types[i].name;
		if (strcmp(types[i].name, word) == 0)
			line->type = &types[i];
	}
	if (line->type)
		return;
	nearest = text_nearest(word, names);
	tsv_note(tsv, TSV_ERROR, line->number, "type '%.40s' is not known%s%s%s", word,
		 nearest ? "; '" : "", nearest ? nearest : "", nearest ? "' is" : "");
}

struct medium {
	const char *name;
	enum tsv_medium medium;
};

static const struct medium mediums[] = {
	{"mmc", TSV_MMC},
	{"nor", TSV_NOR},
	{"nand", TSV_NAND},
	{"spi-nand", TSV_SPI_NAND},
};

static void read_device(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	size_t i, length;

	if (strcmp(word, "none") == 0 || text_starts(word, "ram")) {
		line->medium = *word == 'r' ? TSV_RAM : TSV_NO_MEDIUM;
		snprintf(line->device, sizeof(line->device), "%s", *word == 'r' ? "ram" : "none");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(mediums); i++) {
		length = strlen(mediums[i].name);
		if (!text_starts(word, mediums[i].name) || strlen(word) != length + 1 ||
		    word[length] < '0' || word[length] > '9')
			continue;
		line->medium = mediums[i].medium;
		snprintf(line->device, sizeof(line->device), "%s", word);
		return;
	}
	wrong(tsv, line, "device", word,
	      "none, ram, mmcN, norN, nandN or spi-nandN with one digit");
}

static void read_offset(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	if (text_starts(word, "boot")) {
		if (strcmp(word, "boot1") != 0 && strcmp(word, "boot2") != 0)
			return wrong(tsv, line, "boot partition", word, "boot1 or boot2");
		if (line->medium != TSV_MMC)
			return wrong(tsv, line, "boot partition", word, "only an mmc has them");
		line->boot = word[4] == '1' ? 1 : 2;
		return;
	}
	if (!text_u64(word, INT64_MAX, &line->offset))
		wrong(tsv, line, "offset", word, "bytes, decimal or 0x, or boot1, boot2");
}

static void read_file(struct tsv *tsv, struct tsv_line *line, const char *word)
{
	if (word && strcmp(word, "none") != 0)
		line->file = xstrdup(word);
	if (!line->file && tsv_is_sent(line))
		tsv_note(tsv, TSV_ERROR, line->number,
			 "%s is to be programmed (P), but no file is named", line->name);
	if (line->file && line->selected && line->empty)
		tsv_note(tsv, TSV_WARNING, line->number, "%s is not sent: the option has E",
			 line->file);
}

/* Columns are separated by one TAB or more, so there are no empty ones. */
static size_t cut_columns(char *text, char *columns[COLUMNS])
{
	size_t count = 0;

	for (text += strspn(text, "\t"); *text && count < COLUMNS; count++) {
		columns[count] = text;
		text += strcspn(text, "\t");
		if (*text)
			*text++ = '\0';
		text += strspn(text, "\t");
	}
	return count;
}

static void read_line(struct tsv *tsv, unsigned int number, char *text)
{
	char *columns[COLUMNS] = {NULL};
	struct tsv_line *line;
	size_t count;

	count = *text == '#' ? 0 : cut_columns(text, columns);
	if (count == 0)
		return;
	if (count < COLUMNS_MIN) {
		tsv_note(tsv, TSV_ERROR, number, "%zu columns of at least 6%s", count,
			 strchr(columns[0], ' ') ? "; they are separated by TAB, not by blanks"
						 : "");
		return;
	}
	if (tsv->count == TSV_LINES_MAX) {
		tsv_note(tsv, TSV_ERROR, number, "more than %d partitions", TSV_LINES_MAX);
		return;
	}
	line = &tsv->lines[tsv->count++];
	line->number = number;
	read_options(tsv, line, columns[0]);
	read_id(tsv, line, columns[1]);
	read_name(tsv, line, columns[2]);
	read_type(tsv, line, columns[3]);
	read_device(tsv, line, columns[4]);
	read_offset(tsv, line, columns[5]);
	read_file(tsv, line, columns[6]);
}

/* U-Boot ends a line at a CR: what would follow it there is lost, so it must be the end here. */
static void end_at_cr(struct tsv *tsv, unsigned int number, char *text)
{
	char *cr = strchr(text, '\r');

	if (!cr)
		return;
	if (cr[1])
		tsv_note(tsv, TSV_ERROR, number, "a carriage return in the middle of the line");
	*cr = '\0';
}

void tsv_parse(struct tsv *tsv, const void *data, size_t size)
{
	const char *from = size ? data : "";
	_cleanup_(freep) char *text = xstrndup(from, strnlen(from, size));
	char *line = text, *next;
	unsigned int number;

	*tsv = (struct tsv){0};
	if (strlen(text) != size)
		return tsv_note(tsv, TSV_ERROR, 0, "this is no text: it has a zero byte");
	if (size > TSV_SIZE_MAX)
		return tsv_note(tsv, TSV_ERROR, 0, "larger than 256 KiB");
	for (number = 1; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		end_at_cr(tsv, number, line);
		read_line(tsv, number, line);
	}
	if (tsv->count == 0 && tsv->error_count == 0)
		tsv_note(tsv, TSV_ERROR, 0, "no partition in it");
}

void tsv_free(struct tsv *tsv)
{
	size_t i;

	for (i = 0; i < tsv->count; i++)
		free(tsv->lines[i].file);
	tsv->count = 0;
}

int tsv_verdict(const struct tsv *tsv, const char *file, struct err *err)
{
	const struct tsv_note *note = tsv->notes;
	char more[64] = "";

	if (tsv->error_count == 0)
		return 0;
	while (note < tsv->notes + tsv->note_count - 1 && note->gravity != TSV_ERROR)
		note++;
	if (tsv->error_count > 1)
		snprintf(more, sizeof(more), " (and %zu more)", tsv->error_count - 1);
	if (note->line)
		return err_set(err, ERR_CONFIG, "%s:%u: %s%s", file, note->line, note->text, more);
	return err_set(err, ERR_CONFIG, "%s: %s%s", file, note->text, more);
}

const struct tsv_line *tsv_find(const struct tsv *tsv, uint8_t id)
{
	size_t i;

	for (i = 0; i < tsv->count; i++)
		if (tsv->lines[i].id == id)
			return &tsv->lines[i];
	return NULL;
}

bool tsv_is_sent(const struct tsv_line *line)
{
	return line->selected && !line->empty && line->medium != TSV_NO_MEDIUM;
}

static void write_line(const struct tsv_line *line, struct buf *out)
{
	buf_addf(out, "%s%s%s%s\t0x%02x\t%s\t%s", line->selected ? "P" : "-",
		 line->empty ? "E" : "", line->erase ? "D" : "", "", line->id, line->name,
		 line->type ? line->type->name : "");
	if (line->copies > 1)
		buf_addf(out, "(%u)", line->copies);
	buf_addf(out, "\t%s\t", line->device);
	if (line->boot)
		buf_addf(out, "boot%u\n", line->boot);
	else
		buf_addf(out, "0x%" PRIx64 "\n", line->offset);
}

void tsv_write(const struct tsv *tsv, struct buf *out)
{
	size_t i;

	for (i = 0; i < tsv->count; i++)
		write_line(&tsv->lines[i], out);
}

void tsv_wrap(const void *text, size_t size, struct buf *out)
{
	struct stm32_header header = {
		.layout = stm32_layout_find("1.0"),
		.length = (uint32_t)size,
		.checksum = stm32_checksum(0, text, size),
	};
	uint8_t bytes[STM32_HEADER_MAX];

	stm32_make(&header, bytes);
	buf_add(out, bytes, header.layout->size);
	buf_add(out, text, size);
}

unsigned int tsv_uboot_version(const char *text)
{
	char year[5], month[3];
	uint64_t y, m;

	text += *text == 'v';
	if (strlen(text) < 7 || text[4] != '.')
		return 0;
	snprintf(year, sizeof(year), "%.4s", text);
	snprintf(month, sizeof(month), "%.2s", text + 5);
	if (!text_u64(year, 9999, &y) || !text_u64(month[0] == '0' ? month + 1 : month, 12, &m) ||
	    y < 2018 || m == 0)
		return 0;
	return (unsigned int)(y * 100 + m);
}
