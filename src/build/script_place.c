// SPDX-License-Identifier: MIT
/* The files: found, checked, and each given its address. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/legacy.h"
#include "build/script_model.h"

/* The load command for a module: its component's, else the general one. */
static const char *load_command_of(const struct script *script, enum role role, unsigned int number)
{
	const struct config *config = &script->config;
	const char *own = NULL;

	if (role == ROLE_XEN || (role == ROLE_DTB && script->xen))
		own = config_text(config, "XEN_LOAD");
	else if (role == ROLE_DOM0_KERNEL || role == ROLE_DOM0_RAMDISK)
		own = config_text(config, "DOM0_LOAD");
	else if (role == ROLE_GUEST_KERNEL || role == ROLE_GUEST_RAMDISK || role == ROLE_GUEST_DTB)
		own = config_text_at(config, "DOMU_LOAD", number);
	return own ? own : script->load_cmd;
}

/* uImages are for guests and for Linux alone, where `bootm` starts them. */
static int check_kernel(const struct script *script, const struct module *module, const char *name,
			struct err *err)
{
	if (module->role == ROLE_XEN && module->facts.kind == FILE_UIMAGE &&
	    script->boot_cmd != BOOT_BOOTM)
		return err_set(err, ERR_IMAGE,
			       "%s is a U-Boot legacy image; Xen must be the plain "
			       "file",
			       name);
	if (module->role == ROLE_LINUX && module->facts.kind == FILE_UIMAGE &&
	    script->boot_cmd != BOOT_BOOTM && script->boot_cmd != BOOT_NONE)
		return err_set(err, ERR_IMAGE,
			       "%s is a U-Boot legacy image, which only "
			       "BOOT_CMD=bootm starts",
			       name);
	return 0;
}

static int check_file(struct script *script, struct module *module, const char *name,
		      struct err *err)
{
	int rc;

	module->present = access(module->path, F_OK) == 0;
	if (!module->present && script->dynamic)
		return 0;
	if (!module->present)
		return err_set(err, ERR_NOT_FOUND, "%s is not there (looked for %s)", name,
			       module->path);
	rc = filetype_check(module->path, name, role_facts(module->role)->wanted, &module->facts,
			    err);
	if (rc < 0)
		return rc;
	module->file_size = module->size = module->facts.size;
	if (script->form->header_sizes && module->facts.claimed > module->size)
		module->size = module->facts.claimed;
	return check_kernel(script, module, name, err);
}

/* A file of the config: `name` is what it says, `path` where to read it if not there. */
static int place_file(struct script *script, enum role role, unsigned int number, const char *name,
		      const char *path, struct err *err)
{
	struct module *module = modules_add(&script->modules, role, number);
	_cleanup_(freep) char *label = role_text(role_facts(role)->what, number);
	int rc;

	module->name = role_text(role_facts(role)->name, number);
	module->path = path ? xstrdup(path) : script_path(script, name);
	module->said = xstrdup(name);
	module->file = script_file(script, name);
	module->load_cmd = load_command_of(script, role, number);
	if (!module->load_cmd && !script->fit)
		return err_set(err, ERR_CONFIG, "%s: there is no load command for %s",
			       script->config.path, label);
	rc = check_file(script, module, name, err);
	if (rc < 0)
		return err_prefix(err, "%s", label);
	/* Where the size is U-Boot's to know, addresses are only names: one step each. */
	if (role == ROLE_DTB && script->edits && script->fit)
		module->file_size = module->size = script->tree.size;
	return placement_put(&script->placement, script->dynamic ? 1 : module->size,
			     &module->address, err);
}

static int place_variable(struct script *script, enum role role, const char *variable,
			  int64_t index, struct err *err)
{
	const char *name = config_text_at(&script->config, variable, index);

	return name ? place_file(script, role, (unsigned int)index, name, NULL, err) : 0;
}

static int place_guest(struct script *script, const struct guest *guest, struct err *err)
{
	bool noboot = config_text_at(&script->config, "DOMU_NOBOOT", guest->number) != NULL;
	int rc;

	if (!guest->started && !noboot)
		notes_add(&script->result->notes, NOTE_NOTICE,
			  "Skipping DomU[%u]: cannot handle non-ramdisk rootfs for dom0less VMs.",
			  guest->number);
	if (!guest->started)
		return 0;
	if (!config_text_at(&script->config, "DOMU_KERNEL", guest->number))
		return err_set(err, ERR_CONFIG, "%s: DOMU_KERNEL[%u] is not set",
			       script->config.path, guest->number);
	rc = place_variable(script, ROLE_GUEST_KERNEL, "DOMU_KERNEL", guest->number, err);
	if (rc == 0)
		rc = place_variable(script, ROLE_GUEST_RAMDISK, "DOMU_RAMDISK", guest->number, err);
	if (rc == 0 && guest->dtb)
		rc = place_file(script, ROLE_GUEST_DTB, guest->number, guest->dtb, guest->dtb_path,
				err);
	return rc;
}

/* What mkimage would say about the image, line by line. */
static void describe(struct script *script, const struct legacy *legacy)
{
	_cleanup_(buf_free) struct buf text = {0};
	char *rest, *line;

	legacy_text(legacy, &text);
	for (rest = text.data; (line = strsep(&rest, "\n"));)
		if (*line)
			notes_add(&script->result->notes, NOTE_NOTICE, "%s", line);
}

/* `bootm` starts only images with a header: Xen gets one, at the address it is loaded to. */
static int wrap_xen(struct script *script, const char *name, struct err *err)
{
	_cleanup_(freep) char *path = script_path(script, name);
	_cleanup_(freep) char *wrapped = xasprintf("%s.ub", name);
	_cleanup_(freep) char *target = script_path(script, wrapped);
	_cleanup_(buf_free) struct buf data = {.max = (size_t)256 << 20};
	uint8_t header[LEGACY_HEADER];
	struct file_facts facts;
	struct legacy legacy;
	int rc = filetype_check(path, name, WANTED_KERNEL, &facts, err);

	if (rc == 0 && facts.kind == FILE_UIMAGE)
		rc = err_set(err, ERR_IMAGE, "%s is a U-Boot legacy image already", name);
	if (rc == 0)
		rc = path_read(path, data.max, &data, err);
	if (rc < 0)
		return err_prefix(err, "Xen");
	legacy = (struct legacy){
		.size = (uint32_t)data.size,
		.load = (uint32_t)script->placement.next,
		.entry = (uint32_t)script->placement.next,
		.data_crc = crc32_add(0, buf_text(&data), data.size),
		.os = LEGACY_OS_LINUX,
		.arch = facts.arch == ARCH_ARM ? LEGACY_ARM : LEGACY_ARM64,
		.type = LEGACY_KERNEL,
	};
	if (script->placement.next > UINT32_MAX)
		return err_set(err, ERR_CONFIG,
			       "BOOT_CMD=bootm: the header of %s cannot hold the address 0x%" PRIX64
			       ": it has 32 bits",
			       wrapped, script->placement.next);
	rc = script_time(script, &legacy.time, err);
	if (rc < 0)
		return rc;
	legacy_header(&legacy, header);
	describe(script, &legacy);
	rc = outputs_add_before(&script->outputs, target, header, sizeof(header), path, err);
	if (rc < 0)
		return rc;
	return place_file(script, ROLE_XEN, 0, wrapped,
			  script->outputs.items[script->outputs.count - 1].staged, err);
}

static int place_xen(struct script *script, struct err *err)
{
	const char *name = config_text(&script->config, "XEN");
	unsigned int i;
	int rc = place_variable(script, ROLE_DOM0_KERNEL, "DOM0_KERNEL", 0, err);

	if (rc == 0)
		rc = place_variable(script, ROLE_DOM0_RAMDISK, "DOM0_RAMDISK", 0, err);
	for (i = 0; rc == 0 && i < script->guest_count; i++)
		rc = place_guest(script, &script->guests[i], err);
	if (rc < 0)
		return rc;
	rc = script->boot_cmd == BOOT_BOOTM ? wrap_xen(script, name, err)
					    : place_file(script, ROLE_XEN, 0, name, NULL, err);
	return rc < 0 ? rc : place_variable(script, ROLE_POLICY, "XEN_POLICY", 0, err);
}

static int place_linux(struct script *script, struct err *err)
{
	int rc = place_variable(script, ROLE_LINUX, "LINUX", 0, err);

	return rc < 0 ? rc : place_variable(script, ROLE_LINUX_RAMDISK, "LINUX_RAMDISK", 0, err);
}

#define OVERLAYS_MAX 256

/* Number of overlays, each of them named. */
static int count_overlays(const struct script *script, uint64_t *count, struct err *err)
{
	uint64_t i;
	int rc = script_number(script, "NUM_DT_OVERLAY", 0, 0, OVERLAYS_MAX, count, err);

	for (i = 0; rc == 0 && i < *count; i++)
		if (!config_text_at(&script->config, "DT_OVERLAY", (int64_t)i))
			rc = err_set(err, ERR_CONFIG, "%s: DT_OVERLAY[%" PRIu64 "] is not set",
				     script->config.path, i);
	return rc;
}

static int place_overlays(struct script *script, struct err *err)
{
	uint64_t count, i;
	int rc = count_overlays(script, &count, err);

	for (i = 0; rc == 0 && i < count; i++)
		rc = place_variable(script, ROLE_OVERLAY, "DT_OVERLAY", (int64_t)i, err);
	return rc;
}

int script_merge_overlays(struct script *script, struct buf *tree, struct err *err)
{
	const char *name;
	uint64_t count, i;
	int rc = count_overlays(script, &count, err);

	for (i = 0; rc == 0 && i < count; i++) {
		_cleanup_(buf_free) struct buf overlay = {0};
		_cleanup_(freep) char *path = NULL;
		struct file_facts facts;

		name = config_text_at(&script->config, "DT_OVERLAY", (int64_t)i);
		path = script_path(script, name);
		rc = filetype_check(path, name, WANTED_TREE, &facts, err);
		if (rc == 0)
			rc = tree_read(path, &overlay, err);
		if (rc == 0)
			rc = tree_overlay(tree, &overlay, err);
		if (rc < 0)
			return err_prefix(err, "overlay %" PRIu64 " (%s)", i, name);
	}
	return rc;
}

int script_read_tree(struct script *script, struct err *err)
{
	const char *name = config_text(&script->config, "DEVICE_TREE");
	_cleanup_(freep) char *path = name ? script_path(script, name) : NULL;
	struct file_facts facts;
	size_t nodes;
	int rc;

	if (script->dynamic && (!name || access(path, F_OK) < 0))
		return 0;
	if (!name)
		return err_set(err, ERR_CONFIG, "%s: DEVICE_TREE is not set", script->config.path);
	rc = filetype_check(path, name, WANTED_TREE, &facts, err);
	if (rc == 0)
		rc = tree_read(path, &script->tree, err);
	if (rc == 0)
		rc = tree_memory(&script->tree, &script->memory, &nodes, err);
	if (rc == 0)
		rc = tree_reserved(&script->tree, &script->reserved, err);
	if (rc < 0)
		return err_prefix(err, "DEVICE_TREE");
	if (nodes == 0)
		return err_set(err, ERR_CONFIG,
			       "the device tree %s has no memory node (one with "
			       "device_type = \"memory\"), so nothing can be placed",
			       name);
	if (script->memory.count == 0)
		notes_add(
			&script->result->notes, NOTE_WARNING,
			"%s: its memory nodes are empty (U-Boot fills them in), so places are not "
			"checked against them",
			name);
	return script->fit ? script_merge_overlays(script, &script->tree, err) : 0;
}

int script_place(struct script *script, struct err *err)
{
	bool dodge = script->form->dodges_reserved && !script->dynamic;
	int rc;

	script->placement = placement_begin(script->memory_start, dodge ? &script->reserved : NULL);
	rc = script->xen ? place_xen(script, err) : place_linux(script, err);
	if (rc == 0 && !script->fit)
		rc = place_overlays(script, err);
	if (rc == 0)
		rc = place_variable(script, ROLE_DTB, "DEVICE_TREE", 0, err);
	if (rc == 0)
		rc = place_variable(script, ROLE_BITSTREAM, "BITSTREAM", 0, err);
	return rc;
}
