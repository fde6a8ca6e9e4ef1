// SPDX-License-Identifier: MIT
/* The memory map of a boot: what is loaded, what must not be touched, and whether both agree. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "build/script_model.h"

#define FOUR_GIB ((uint64_t)1 << 32)
#define PAGE     0x1000

static int add_numbers(struct script *script, const char *variable, unsigned int guest,
		       struct map *map, const char *what, struct err *err)
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	_cleanup_(freep) char *name = role_text(what, guest);
	size_t count, i;
	int rc = script_numbers(script, variable, guest, 2, &numbers, &count, err);

	for (i = 0; rc == 0 && i + 1 < count; i += 2)
		map_add(map, REGION_STATIC, numbers[i], numbers[i + 1], "%s", name);
	return rc;
}

/* Host addresses of shared memory are in the operations already. */
static void add_shared(const struct script *script, struct map *map)
{
	const struct cell *cells;
	const struct op *op;

	for (op = script->ops.items; op < script->ops.items + script->ops.count; op++) {
		if (op->kind != OP_SET || op->cell_count != 6 || !op->name ||
		    strcmp(op->name, "xen,shared-mem") != 0)
			continue;
		cells = op->cells;
		map_add(map, REGION_STATIC, (uint64_t)cells[0].value << 32 | cells[1].value,
			(uint64_t)cells[4].value << 32 | cells[5].value, "shared memory of %s",
			op->path);
	}
}

static int add_static(struct script *script, struct map *map, struct err *err)
{
	unsigned int i;
	int rc = 0;

	if (!script->xen)
		return 0;
	for (i = 0; rc == 0 && i < script->guest_count; i++)
		if (script->guests[i].started)
			rc = add_numbers(script, "DOMU_STATIC_MEM", i, map,
					 "static memory of guest #", err);
	add_shared(script, map);
	return rc < 0 ? rc
		      : add_numbers(script, "XEN_STATIC_HEAP", 0, map, "Xen's static heap", err);
}

static void add_ranges(struct map *map, enum region_kind kind, const struct ranges *ranges)
{
	size_t i;

	for (i = 0; i < ranges->count; i++)
		map_add(map, kind, ranges->items[i].start, ranges->items[i].size, "%s",
			ranges->items[i].name);
}

/* The tree with what it grows by: U-Boot rounds up to whole pages. */
static uint64_t tree_room(const struct script *script, const struct module *module)
{
	return (module->size + script->resize + 2 * PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static void add_modules(struct script *script, struct map *map)
{
	const struct module *module, *end = script->modules.items + script->modules.count;

	for (module = script->modules.items; module < end; module++) {
		_cleanup_(freep) char *what =
			role_text(role_facts(module->role)->what, module->number);

		/* The bitstream is in the device before the tree grows. */
		map_add(map, REGION_LOADED, module->address,
			module->role == ROLE_DTB ? tree_room(script, module) : module->size,
			"%s: %s", what, module->file);
	}
}

static int over(struct script *script, const char *text, struct err *err)
{
	if (script->form->conflicts_are_notes) {
		notes_add(&script->result->notes, NOTE_WARNING, "%s", text);
		return 0;
	}
	script->result->map_is_at_fault = true;
	err_set(err, ERR_CONFIG, "%s", text);
	return err_remedy(err, "choose another MEMORY_START, or move what is in the way");
}

/* What has room for 32 bits of address only. */
static int check_limits(struct script *script, struct err *err)
{
	size_t ramdisk = modules_find(&script->modules, ROLE_LINUX_RAMDISK, 0), i;
	const struct module *modules = script->modules.items;

	if (script->placement.script >= FOUR_GIB && !script->fit)
		notes_add(&script->result->notes, NOTE_WARNING,
			  "the header of %s has 32 bits for the address 0x%" PRIX64
			  ": it is cut; `source` does not look at it",
			  script->image, script->placement.script);
	if (ramdisk < script->modules.count &&
	    modules[ramdisk].address + modules[ramdisk].size > FOUR_GIB) {
		script->result->map_is_at_fault = true;
		return err_set(err, ERR_CONFIG,
			       "the ramdisk ends at 0x%" PRIX64
			       ", above 4 GiB: linux,initrd-start and "
			       "linux,initrd-end are one cell each",
			       modules[ramdisk].address + modules[ramdisk].size);
	}
	for (i = 0; script->fit && i < script->modules.count; i++) {
		if (modules[i].address < FOUR_GIB)
			continue;
		script->result->map_is_at_fault = true;
		return err_set(err, ERR_CONFIG,
			       "%s is loaded to 0x%" PRIX64
			       ", above 4 GiB: load addresses in a FIT "
			       "are one cell each",
			       modules[i].name, modules[i].address);
	}
	return 0;
}

/* Bytes of all parts of the FIT, which is loaded behind the places they are taken out to. */
static uint64_t fit_room(const struct script *script)
{
	uint64_t size = PLACEMENT_STEP;
	size_t i;

	for (i = 0; i < script->modules.count; i++)
		size += script->modules.items[i].file_size;
	return size;
}

/* ImageBuilder's own rule: one step stays free before MEMORY_END. */
static int check_window(struct script *script, struct err *err)
{
	uint64_t end = script->placement.next, room;

	room = script->fit ? fit_room(script) : PLACEMENT_STEP;
	if (script->dynamic && !script->memory_end)
		return 0;
	if (end <= script->memory_end && script->memory_end - end >= room)
		return 0;
	script->result->map_is_at_fault = true;
	if (!script->memory_end)
		return err_set(err, ERR_CONFIG, "%s: MEMORY_END is not set", script->config.path);
	return err_set(err, ERR_CONFIG,
		       "there is not enough memory to load all files: they end at 0x%" PRIX64
		       " and need 0x%" PRIX64 " more, but MEMORY_END is 0x%" PRIX64,
		       end, room, script->memory_end);
}

int script_check_map(struct script *script, struct err *err)
{
	struct map *map = &script->result->map;
	char text[512];
	int rc;

	if (script->memory_end > script->memory_start)
		map_add(map, REGION_WINDOW, script->memory_start,
			script->memory_end - script->memory_start, "MEMORY_START to MEMORY_END");
	add_ranges(map, REGION_MEMORY, &script->memory);
	map_add_uboot(map);
	add_ranges(map, REGION_RESERVED, &script->reserved);
	rc = add_static(script, map, err);
	if (rc < 0)
		return rc;
	/* With addresses worked out by U-Boot only the script's own is known. */
	map_add(map, REGION_LOADED, script->placement.script, PLACEMENT_STEP, "boot script");
	if (!script->dynamic)
		add_modules(script, map);
	if (script->fit)
		map_add(map, REGION_LOADED, script->placement.next, fit_room(script), "the FIT: %s",
			script->fit_name);
	map_sort(map);
	rc = check_window(script, err);
	if (rc == 0)
		rc = check_limits(script, err);
	if (rc == 0 && map_conflict(map, text, sizeof(text)))
		rc = over(script, text, err);
	return rc;
}
