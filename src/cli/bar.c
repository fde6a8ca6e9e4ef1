// SPDX-License-Identifier: MIT
#include "cli/bar.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BAR_MIN 10 /* columns inside the brackets */
#define BAR_MAX 40

enum part {
	PART_BYTES,
	PART_RATE,
	PART_ETA,
	PART_COUNT
};

struct parts {
	char text[PART_COUNT][3 * TEXT_SIZE];
};

static void bytes_part(const struct bar *bar, char *out, size_t size)
{
	char done[TEXT_SIZE], total[TEXT_SIZE];

	text_of_size(bar->done, done);
	if (bar->total < 0)
		snprintf(out, size, "%s", done);
	else
		snprintf(out, size, "%s of %s", done, text_of_size((uint64_t)bar->total, total));
}

/* What is not known stays empty. */
static void make_parts(const struct bar *bar, struct parts *parts)
{
	char text[TEXT_SIZE];

	memset(parts, 0, sizeof(*parts));
	if (!bar->moving)
		return;
	bytes_part(bar, parts->text[PART_BYTES], sizeof(parts->text[PART_BYTES]));
	if (bar->rate >= 1)
		snprintf(parts->text[PART_RATE], sizeof(parts->text[PART_RATE]), "%s/s",
			 text_of_size((uint64_t)bar->rate, text));
	if (bar->eta_ms >= 0)
		snprintf(parts->text[PART_ETA], sizeof(parts->text[PART_ETA]), "%s left",
			 text_of_duration(bar->eta_ms, text));
}

static size_t parts_width(const struct parts *parts)
{
	size_t width = 0, i;

	for (i = 0; i < PART_COUNT; i++)
		if (parts->text[i][0])
			width += 2 + strlen(parts->text[i]);
	return width;
}

static unsigned int whole_percent(double percent)
{
	return percent <= 0 ? 0 : percent >= 100 ? 100 : (unsigned int)percent;
}

static void add_brackets(struct buf *out, size_t width, double percent)
{
	size_t full = width * whole_percent(percent) / 100, i;

	buf_add_text(out, "  [");
	for (i = 0; i < width; i++)
		buf_add_char(out, i < full ? '#' : '.');
	buf_add_char(out, ']');
}

void bar_line(const struct bar *bar, size_t width, struct buf *out)
{
	static const enum part least_first[] = {PART_RATE, PART_BYTES, PART_ETA};
	size_t room = width > 1 ? width - 1 : 0, fixed = strlen(bar->label) + 2 + 4, i;
	struct parts parts;

	make_parts(bar, &parts);
	for (i = 0; i < ARRAY_SIZE(least_first); i++)
		if (fixed + parts_width(&parts) + 4 + BAR_MIN > room)
			parts.text[least_first[i]][0] = '\0';
	fixed += parts_width(&parts) + 4;
	buf_addf(out, "%.*s", (int)(strlen(bar->label) < room ? strlen(bar->label) : room),
		 bar->label);
	if (fixed + BAR_MIN <= room)
		add_brackets(out, room - fixed < BAR_MAX ? room - fixed : BAR_MAX, bar->percent);
	if (strlen(bar->label) + 2 + 4 <= room)
		buf_addf(out, "  %3u%%", whole_percent(bar->percent));
	for (i = 0; i < PART_COUNT; i++)
		if (parts.text[i][0])
			buf_addf(out, "  %s", parts.text[i]);
}

void bar_words(const struct bar *bar, struct buf *out)
{
	struct parts parts;
	size_t i;

	make_parts(bar, &parts);
	buf_addf(out, "%s: %u%%", bar->label, whole_percent(bar->percent));
	for (i = 0; i < PART_COUNT; i++)
		if (parts.text[i][0])
			buf_addf(out, ", %s", parts.text[i]);
}
