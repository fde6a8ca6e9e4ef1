// SPDX-License-Identifier: MIT
#include "build/placement.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static uint64_t round_up(uint64_t value)
{
	return (value + PLACEMENT_STEP - 1) & ~(PLACEMENT_STEP - 1);
}

struct placement placement_begin(uint64_t start, const struct ranges *dodge)
{
	uint64_t script = start + PLACEMENT_STEP;

	if (script < PLACEMENT_FLOOR)
		script = PLACEMENT_FLOOR;
	return (struct placement){
		.script = script, .next = script + PLACEMENT_STEP, .dodge = dodge};
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && (a < b ? b - a < a_size : a - b < b_size);
}

/* The rule of ImageBuilder, to the letter. It looks at the size of the file just placed and not of
   the one to come, at the last range of each node only, and once; a range that is only touched
   counts, and there is always a gap behind one. map_conflict() finds what that leaves. */
static void dodge(struct placement *placement, uint64_t size)
{
	const struct ranges *ranges = placement->dodge;
	uint64_t start, end;
	size_t i;

	for (i = 0; ranges && i < ranges->count; i++) {
		start = ranges->items[i].start;
		if (!ranges->items[i].last ||
		    __builtin_add_overflow(start, ranges->items[i].size, &end) ||
		    end > UINT64_MAX - PLACEMENT_STEP)
			continue;
		if (placement->next <= end && placement->next + size >= start)
			placement->next = (end + PLACEMENT_STEP) & ~(PLACEMENT_STEP - 1);
	}
}

int placement_put(struct placement *placement, uint64_t size, uint64_t *address, struct err *err)
{
	uint64_t end;

	*address = placement->next;
	if (__builtin_add_overflow(placement->next, size, &end) ||
	    end > UINT64_MAX - 2 * PLACEMENT_STEP)
		return err_set(err, ERR_CONFIG,
			       "a file of %" PRIu64 " bytes has no place from "
			       "0x%" PRIX64 " on",
			       size, placement->next);
	placement->next = round_up(end);
	dodge(placement, size);
	return 0;
}

void map_add(struct map *map, enum region_kind kind, uint64_t start, uint64_t size,
	     const char *format, ...)
{
	va_list args;

	map->items = xrealloc(map->items, map->count + 1, sizeof(*map->items));
	va_start(args, format);
	map->items[map->count++] = (struct region){
		.kind = kind, .start = start, .size = size, .name = xvasprintf(format, args)};
	va_end(args);
}

void map_free(struct map *map)
{
	size_t i;

	for (i = 0; i < map->count; i++)
		free(map->items[i].name);
	free(map->items);
	*map = (struct map){0};
}

#define FOUR_GIB ((uint64_t)1 << 32)

void map_add_uboot(struct map *map)
{
	uint64_t end, size = PLACEMENT_UBOOT;
	const struct region *first = NULL;
	size_t i;

	for (i = 0; i < map->count; i++)
		if (map->items[i].kind == REGION_MEMORY &&
		    (!first || map->items[i].start < first->start))
			first = &map->items[i];
	if (!first || first->start >= FOUR_GIB)
		return;
	end = first->start + first->size;
	if (end > FOUR_GIB)
		end = FOUR_GIB;
	if (size > (end - first->start) / 4)
		size = (end - first->start) / 4;
	map_add(map, REGION_UBOOT, end - size, size, "U-Boot itself");
}

static int by_address(const void *a, const void *b)
{
	const struct region *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->name, y->name);
}

void map_sort(struct map *map)
{
	if (map->count)
		qsort(map->items, map->count, sizeof(*map->items), by_address);
}

static const char *const kind_names[] = {
	[REGION_MEMORY] = "memory",     [REGION_WINDOW] = "window", [REGION_LOADED] = "loaded",
	[REGION_RESERVED] = "reserved", [REGION_STATIC] = "static", [REGION_UBOOT] = "u-boot",
};

const char *region_kind_name(enum region_kind kind)
{
	return kind_names[kind];
}

void map_text(const struct map *map, struct buf *out)
{
	const struct region *region;
	char size[TEXT_SIZE];

	for (region = map->items; region < map->items + map->count; region++)
		buf_addf(out, "  0x%09" PRIX64 " - 0x%09" PRIX64 "  %10s  %-8s  %s\n",
			 region->start, region->start + region->size - (region->size ? 1 : 0),
			 text_of_size(region->size, size), kind_names[region->kind], region->name);
}

/* Whether the whole region is RAM; banks that touch count as one. */
static bool in_memory(const struct map *map, const struct region *region)
{
	uint64_t at = region->start, left = region->size, there;
	bool moved = true, known = false;
	size_t i;

	while (left && moved) {
		moved = false;
		for (i = 0; i < map->count && left; i++) {
			if (map->items[i].kind != REGION_MEMORY)
				continue;
			known = true;
			if (at < map->items[i].start ||
			    at - map->items[i].start >= map->items[i].size)
				continue;
			there = map->items[i].size - (at - map->items[i].start);
			there = there < left ? there : left;
			at += there;
			left -= there;
			moved = true;
		}
	}
	return left == 0 || !known;
}

static void say(char *text, size_t size, const struct region *loaded, const struct region *other)
{
	snprintf(text, size,
		 "%s (0x%" PRIX64 " to 0x%" PRIX64 ") lies over %s (0x%" PRIX64 " to 0x%" PRIX64
		 ")",
		 loaded->name, loaded->start, loaded->start + loaded->size - 1, other->name,
		 other->start, other->start + other->size - 1);
}

bool map_conflict(const struct map *map, char *text, size_t size)
{
	const struct region *end = map->items + map->count, *loaded, *other;

	for (loaded = map->items; loaded < end; loaded++) {
		if (loaded->kind != REGION_LOADED)
			continue;
		for (other = map->items; other < end; other++) {
			if (other == loaded || other->kind == REGION_MEMORY ||
			    other->kind == REGION_WINDOW ||
			    !overlap(loaded->start, loaded->size, other->start, other->size))
				continue;
			say(text, size, loaded, other);
			return true;
		}
		if (in_memory(map, loaded))
			continue;
		snprintf(text, size,
			 "%s (0x%" PRIX64 " to 0x%" PRIX64 ") is not in the board's "
			 "memory",
			 loaded->name, loaded->start, loaded->start + loaded->size - 1);
		return true;
	}
	return false;
}
