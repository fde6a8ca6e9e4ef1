// SPDX-License-Identifier: MIT
/* The whole script as operations: loads, the device tree, the boot command. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/script_model.h"

static void loads(struct script *script)
{
	size_t i;

	if (script->fit)
		ops_text(&script->ops, "fit_addr=$fileaddr\n");
	if (script->dynamic)
		ops_text(&script->ops, "setenv memaddr 0x%" PRIX64 "\n",
			 script->placement.script + PLACEMENT_STEP);
	for (i = 0; i < script->modules.count; i++) {
		ops_module(&script->ops, OP_LOAD, i);
		if (script->modules.items[i].role == ROLE_BITSTREAM)
			ops_module(&script->ops, OP_FPGA, i);
	}
}

/* Which tree is edited: the loaded one, or U-Boot's own. */
static void open_tree(struct script *script)
{
	size_t tree = modules_find(&script->modules, ROLE_DTB, 0), i;

	if (tree < script->modules.count) {
		ops_module(&script->ops, OP_FDT_ADDR, tree);
	} else {
		ops_text(&script->ops, "setenv host_fdt_addr ${fdtcontroladdr}\n");
		ops_command(&script->ops, "use U-Boot's own device tree",
			    "fdt addr ${host_fdt_addr}");
	}
	ops_resize(&script->ops);
	for (i = 0; i < script->modules.count; i++)
		if (script->modules.items[i].role == ROLE_OVERLAY)
			ops_module(&script->ops, OP_FDT_APPLY, i);
	if (script->tree.size && !tree_has_node(&script->tree, "/chosen"))
		ops_mknod(&script->ops, "/", "chosen");
}

static void linux_chosen(struct script *script)
{
	size_t ramdisk = modules_find(&script->modules, ROLE_LINUX_RAMDISK, 0);

	ops_set_string(&script->ops, "/chosen", "bootargs", script->host_cmd);
	if (ramdisk < script->modules.count)
		ops_initrd(&script->ops, "/chosen", ramdisk);
}

#define EXTRA_MAX ((size_t)1 << 20)

static int extra_commands(struct script *script, struct err *err)
{
	const char *name = config_text(&script->config, "APPEND_EXTRA_CMDS");
	_cleanup_(freep) char *path = name ? script_path(script, name) : NULL;
	_cleanup_(buf_free) struct buf text = {0};
	struct file_facts facts;
	int rc;

	if (!name)
		return 0;
	rc = filetype_check(path, name, WANTED_TEXT, &facts, err);
	if (rc == 0)
		rc = path_read(path, EXTRA_MAX, &text, err);
	if (rc < 0)
		return err_prefix(err, "APPEND_EXTRA_CMDS");
	if (memchr(buf_text(&text), '\0', text.size))
		return err_set(err, ERR_IMAGE, "%s is no text", name);
	script->extra_size = text.size;
	if (text.size)
		ops_extra(&script->ops, "%s%s", text.data, text_ends(text.data, "\n") ? "" : "\n");
	return 0;
}

static char *address_of(const struct script *script, size_t index, const char *name)
{
	if (script->dynamic)
		return xasprintf("${%s_addr}", name);
	return xasprintf("0x%" PRIX64, script->modules.items[index].address);
}

/* The command and what is between both addresses. bootefi takes no ramdisk: a dash would be its
   device tree. */
static const struct {
	const char *command, *between;
} boot_lines[] = {
	[BOOT_BOOTI] = {"booti", " - "},
	[BOOT_BOOTM] = {"bootm", " - "},
	[BOOT_BOOTEFI] = {"bootefi", "  "},
	[BOOT_BOOTZ] = {"bootz", " - "},
};

static void boot(struct script *script)
{
	enum role kernel = script->xen ? ROLE_XEN : ROLE_LINUX;
	_cleanup_(freep) char *kernel_at =
		address_of(script, modules_find(&script->modules, kernel, 0), "host_kernel");
	_cleanup_(freep) char *tree_at =
		address_of(script, modules_find(&script->modules, ROLE_DTB, 0), "host_fdt");

	if (script->boot_cmd != BOOT_NONE) {
		ops_command(&script->ops, "start the kernel", "%s %s%s%s",
			    boot_lines[script->boot_cmd].command, kernel_at,
			    boot_lines[script->boot_cmd].between, tree_at);
		return;
	}
	ops_command(&script->ops, "set host_kernel_addr", "setenv host_kernel_addr %s", kernel_at);
	ops_command(&script->ops, "set host_fdt_addr", "setenv host_fdt_addr %s", tree_at);
}

/* What the edits add, what the extra commands may add, and some room for U-Boot's own edits
   (/memory, /chosen, MAC addresses). */
#define RESIZE_MARGIN 0x1000
#define RESIZE_UNIT   0x400
#define OVERLAY_GUESS 0x4000

static void compute_resize(struct script *script)
{
	uint64_t size = RESIZE_MARGIN + 2 * (uint64_t)script->extra_size;
	size_t i;

	if (!script->fit)
		size += ops_growth(&script->ops, &script->modules);
	for (i = 0; i < script->modules.count; i++)
		if (script->modules.items[i].role == ROLE_OVERLAY &&
		    !script->modules.items[i].present)
			size += OVERLAY_GUESS;
	script->resize = (size + RESIZE_UNIT - 1) / RESIZE_UNIT * RESIZE_UNIT;
}

int script_operations(struct script *script, struct err *err)
{
	int rc = 0;

	loads(script);
	open_tree(script);
	if (script->xen)
		rc = script_xen(script, err);
	else
		linux_chosen(script);
	if (rc < 0)
		return rc;
	ops_text(&script->ops, "setenv fdt_high 0xffffffffffffffff\n");
	if (config_text(&script->config, "DBG_FDT_PRINT_CHOSEN"))
		ops_command(&script->ops, "print /chosen", "fdt print /chosen");
	rc = extra_commands(script, err);
	if (rc < 0)
		return rc;
	boot(script);
	compute_resize(script);
	return 0;
}
