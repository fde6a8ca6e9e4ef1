// SPDX-License-Identifier: MIT
/* A guest that Xen starts itself: its node under /chosen. Bindings: Xen
   docs/misc/arm/device-tree/booting.txt and passthrough.txt. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/script_model.h"

/* Marks the devices a guest gets, so that Xen keeps them from dom0. */
static int passthrough(struct script *script, const struct guest *guest, struct err *err)
{
	const char *at = config_text_at(&script->config, "DOMU_PASSTHROUGH_PATHS", guest->number);
	char *word;
	int rc = 0;

	while (rc == 0 && at && script_word(&at, &word)) {
		if (word[0] != '/' || strpbrk(word, "\"'\\$;&|<>()`#"))
			rc = script_error(script, "DOMU_PASSTHROUGH_PATHS", guest->number, err,
					  "'%s' is no path of a node", word);
		else
			ops_set_empty(&script->ops, word, "xen,passthrough", true);
		if (rc == 0 && script->tree.size && !tree_has_node(&script->tree, word))
			notes_add(&script->result->notes, NOTE_WARNING,
				  "DOMU_PASSTHROUGH_PATHS[%u]: the device tree has no node %s",
				  guest->number, word);
		free(word);
	}
	return rc;
}

#define KIB_DEFAULT 524288 /* 512 MiB */

/* KiB of memory: what static memory adds up to, or DOMU_MEM MiB. */
static int memory_kib(struct script *script, const struct guest *guest, const char *path,
		      const uint64_t *numbers, size_t count, uint64_t *kib, struct err *err)
{
	uint64_t sum = 0;
	size_t i;
	int rc = script_number(script, "DOMU_MEM", guest->number, 0, UINT64_MAX >> 11, kib, err);

	if (rc < 0)
		return rc;
	*kib *= 1024;
	for (i = 1; i < count; i += 2)
		sum += numbers[i];
	if (count) {
		if (*kib && *kib != sum >> 10)
			notes_add(&script->result->notes, NOTE_NOTICE,
				  "%s: specified DOMU_MEM does not match DOMU_STATIC_MEM amount. "
				  "Ignoring DOMU_MEM.",
				  path);
		*kib = sum >> 10;
	}
	if (*kib == 0)
		*kib = KIB_DEFAULT;
	return 0;
}

static void set_memory(struct script *script, const char *path, uint64_t kib)
{
	const struct cell cells[] = {{0, 'd'}, {(uint32_t)kib, 'd'}};

	if (script->form->high_memory_cell || kib > UINT32_MAX)
		ops_set_pairs(&script->ops, path, "memory", &kib, 1, 'X', true);
	else
		ops_set_cells(&script->ops, path, "memory", cells, 2, false);
}

static int memory(struct script *script, const struct guest *guest, const char *path,
		  struct err *err)
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	uint64_t kib, direct, vcpus;
	size_t count;
	int rc = script_numbers(script, "DOMU_STATIC_MEM", guest->number, 2, &numbers, &count, err);

	if (rc == 0)
		rc = memory_kib(script, guest, path, numbers, count, &kib, err);
	if (rc == 0)
		rc = script_number(script, "DOMU_VCPUS", guest->number, 1, 4096, &vcpus, err);
	if (rc == 0)
		rc = script_number(script, "DOMU_DIRECT_MAP", guest->number, 1, INT64_MAX, &direct,
				   err);
	if (rc < 0)
		return rc;
	set_memory(script, path, kib);
	ops_set_cell(&script->ops, path, "cpus", (uint32_t)vcpus, 'd');
	if (!count)
		return 0;
	ops_set_pairs(&script->ops, path, "xen,static-mem", numbers, count, 'x', false);
	if (direct == 1)
		ops_set_empty(&script->ops, path, "direct-map", false);
	return 0;
}

/* Whether the guest has a virtual serial port. */
static int has_serial(const struct script *script, const struct guest *guest, bool *yes,
		      struct err *err)
{
	uint64_t value;
	int rc = script_number(script, "DOMU_VPL011", guest->number, 1, 1, &value, err);

	*yes = value != 0;
	return rc;
}

/* AMD's branch has one switch for all guests, and gives vpl011 as a flag or a string. Here it may
   also be set for single guests. */
static int serial(struct script *script, const struct guest *guest, const char *path,
		  struct err *err)
{
	const struct config_entry *first = config_find(&script->config, "DOMU_VUART_PL011", 0, -1);
	int64_t index = first && !first->indexed ? 0 : guest->number;
	const char *amd = config_text_at(&script->config, "DOMU_VUART_PL011", index);
	uint64_t value;
	bool yes;
	int rc = has_serial(script, guest, &yes, err);

	if (rc == 0)
		rc = script_number(script, "DOMU_VUART_PL011", index, 0, 1, &value, err);
	if (rc < 0 || !yes)
		return rc;
	if (!amd)
		ops_set_cell(&script->ops, path, "vpl011", 1, 'x');
	else if (value == 1)
		ops_set_string(&script->ops, path, "vpl011", "pl011");
	else
		ops_set_empty(&script->ops, path, "vpl011", false);
	return 0;
}

static int enhanced(struct script *script, const struct guest *guest, const char *path,
		    struct err *err)
{
	bool dom0 = config_text(&script->config, "DOM0_KERNEL") != NULL;
	uint64_t value;
	int rc =
		script_number(script, "DOMU_ENHANCED", guest->number, dom0 ? 1 : 0, 2, &value, err);

	if (rc < 0)
		return rc;
	if (value == 1 || (value == 2 && dom0))
		ops_set_string(&script->ops, path, "xen,enhanced", "enabled");
	else if (value == 2)
		ops_set_string(&script->ops, path, "xen,enhanced", "no-xenstore");
	return 0;
}

/* "6-14" as a mask with the bits 6 to 14 set. */
static int colors(struct script *script, const struct guest *guest, const char *path,
		  struct err *err)
{
	const char *text = config_text_at(&script->config, "DOMU_COLORS", guest->number), *dash;
	_cleanup_(freep) char *low = NULL;
	uint64_t from, to;

	if (!text)
		return 0;
	dash = strchr(text, '-');
	low = dash ? xstrndup(text, (size_t)(dash - text)) : xstrdup(text);
	if (!text_u64(low, 31, &from) || !text_u64(dash ? dash + 1 : text, 31, &to) || from > to)
		return script_error(script, "DOMU_COLORS", guest->number, err,
				    "'%s' is no range of colours FIRST-LAST from 0 to 31", text);
	ops_set_cell(&script->ops, path, "colors",
		     (uint32_t)(((uint64_t)2 << to) - ((uint64_t)1 << from)), 'x');
	return 0;
}

static const char *const compatible_of[ROLE_COUNT] = {
	[ROLE_GUEST_KERNEL] = "multiboot,kernel",
	[ROLE_GUEST_RAMDISK] = "multiboot,ramdisk",
	[ROLE_GUEST_DTB] = "multiboot,device-tree",
};

static void guest_module(struct script *script, const struct guest *guest, enum role role,
			 const char *path, const char *bootargs)
{
	const char *const strings[] = {compatible_of[role], "multiboot,module", NULL};
	size_t module = modules_find(&script->modules, role, guest->number);
	_cleanup_(freep) char *node = NULL;
	_cleanup_(freep) char *own = NULL;

	if (module == script->modules.count)
		return;
	node = xasprintf("module%s%" PRIX64, script->form->unit,
			 script->modules.items[module].address);
	own = xasprintf("%s/%s", path, node);
	ops_mknod(&script->ops, path, node);
	ops_set_strings(&script->ops, own, "compatible", strings);
	ops_set_reg(&script->ops, own, "reg", module);
	if (bootargs)
		ops_set_string(&script->ops, own, "bootargs", bootargs);
}

static int guest_modules(struct script *script, const struct guest *guest, const char *path,
			 struct err *err)
{
	const char *bootargs = config_text_at(&script->config, "DOMU_CMD", guest->number);
	bool console;
	int rc = has_serial(script, guest, &console, err);

	if (rc < 0)
		return rc;
	if (!bootargs)
		bootargs = console ? "console=ttyAMA0" : "";
	guest_module(script, guest, ROLE_GUEST_KERNEL, path, bootargs);
	guest_module(script, guest, ROLE_GUEST_RAMDISK, path, NULL);
	guest_module(script, guest, ROLE_GUEST_DTB, path, NULL);
	return 0;
}

int script_guest(struct script *script, const struct guest *guest, struct err *err)
{
	_cleanup_(freep) char *node = xasprintf("domU%u", guest->number);
	_cleanup_(freep) char *path = xasprintf("/chosen/%s", node);
	int rc = passthrough(script, guest, err);

	if (rc < 0 || !guest->started)
		return rc;
	ops_mknod(&script->ops, "/chosen", node);
	ops_set_string(&script->ops, path, "compatible", "xen,domain");
	ops_set_cell(&script->ops, path, "#address-cells", 2, 'x');
	ops_set_cell(&script->ops, path, "#size-cells", 2, 'x');
	rc = memory(script, guest, path, err);
	if (rc == 0)
		rc = serial(script, guest, path, err);
	if (rc == 0)
		rc = script_guest_spis(script, guest, path, err);
	if (rc == 0)
		rc = enhanced(script, guest, path, err);
	if (rc == 0)
		rc = script_guest_extras(script, guest, path, err);
	if (rc == 0)
		rc = colors(script, guest, path, err);
	if (rc == 0)
		rc = script_guest_vcpus(script, guest, path, err);
	if (rc < 0)
		return rc;
	script_channels(script, guest, path);
	return guest_modules(script, guest, path, err);
}
