// SPDX-License-Identifier: MIT
#include "build/config_vars.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* clang-format off */
const struct config_variable config_variables[] = {
	{"MEMORY_START", SHAPE_ONE, TYPE_NUMBER, "seed", "where the memory for loading begins"},
	{"MEMORY_END", SHAPE_ONE, TYPE_NUMBER, "seed", "where it ends"},
	{"LOAD_CMD", SHAPE_ONE, TYPE_COMMAND, "seed", "U-Boot's load command"},
	{"BOOT_CMD", SHAPE_ONE, TYPE_TEXT, "seed", "booti, bootm, bootefi, bootz or none"},
	{"DEVICE_TREE", SHAPE_ONE, TYPE_FILE, "seed", "the board's device tree"},
	{"XEN", SHAPE_ONE, TYPE_FILE, "seed", "the hypervisor"},
	{"XEN_CMD", SHAPE_ONE, TYPE_TEXT, "seed", "its command line"},
	{"XEN_COLORS", SHAPE_ONE, TYPE_TEXT, "seed", "cache colours of Xen, a-b"},
	{"XEN_STATIC_HEAP", SHAPE_ONE, TYPE_NUMBERS, "2023", "base and size of each range"},
	{"XEN_POLICY", SHAPE_ONE, TYPE_FILE, "2025", "XSM policy"},
	{"XEN_LOAD", SHAPE_ONE, TYPE_COMMAND, "2025", "load command of Xen and the device tree"},
	{"DOM0_KERNEL", SHAPE_ONE, TYPE_FILE, "seed", "dom0's kernel"},
	{"DOM0_RAMDISK", SHAPE_ONE, TYPE_FILE, "seed", "dom0's ramdisk"},
	{"DOM0_CMD", SHAPE_ONE, TYPE_TEXT, "seed", "dom0's command line"},
	{"DOM0_MEM", SHAPE_ONE, TYPE_NUMBER, "seed", "dom0's memory, MiB"},
	{"DOM0_VCPUS", SHAPE_ONE, TYPE_NUMBER, "seed", "dom0's CPUs"},
	{"DOM0_COLORS", SHAPE_ONE, TYPE_TEXT, "seed", "dom0's cache colours, a-b"},
	{"DOM0_ROOTFS", SHAPE_ONE, TYPE_FILE, "seed", "archive of dom0's root file system"},
	{"DOM0_VIOMMU", SHAPE_ONE, TYPE_SWITCH, "amd", "a virtual IOMMU for dom0"},
	{"DOM0_LOAD", SHAPE_ONE, TYPE_COMMAND, "2025", "load command of dom0's files"},
	{"NUM_DT_OVERLAY", SHAPE_ONE, TYPE_NUMBER, "seed", "number of overlays"},
	{"DT_OVERLAY", SHAPE_OVERLAY, TYPE_FILE, "seed", "an overlay for the device tree"},
	{"PASSTHROUGH_DTS_REPO", SHAPE_ONE, TYPE_TEXT, "seed",
	 "repository of partial device trees, and a folder in it"},
	{"LOPPER_PATH", SHAPE_ONE, TYPE_TEXT, "seed", "lopper, to make partial device trees"},
	{"LOPPER_CMD", SHAPE_ONE, TYPE_TEXT, "seed", "arguments for its extract"},
	{"NUM_DOMUS", SHAPE_ONE, TYPE_NUMBER, "seed", "number of guests"},
	{"DOMU_KERNEL", SHAPE_GUEST, TYPE_FILE, "seed", "a guest's kernel"},
	{"DOMU_RAMDISK", SHAPE_GUEST, TYPE_FILE, "seed", "its ramdisk"},
	{"DOMU_PASSTHROUGH_DTB", SHAPE_GUEST, TYPE_FILE, "seed", "its partial device tree"},
	{"DOMU_PASSTHROUGH_PATHS", SHAPE_GUEST, TYPE_TEXT, "seed", "nodes of devices it gets"},
	{"DOMU_CMD", SHAPE_GUEST, TYPE_TEXT, "seed", "its command line"},
	{"DOMU_MEM", SHAPE_GUEST, TYPE_NUMBER, "seed", "its memory, MiB"},
	{"DOMU_VCPUS", SHAPE_GUEST, TYPE_NUMBER, "seed", "its CPUs"},
	{"DOMU_COLORS", SHAPE_GUEST, TYPE_TEXT, "seed", "its cache colours, a-b"},
	{"DOMU_NOBOOT", SHAPE_GUEST, TYPE_SET, "seed", "not started by Xen"},
	{"DOMU_ROOTFS", SHAPE_GUEST, TYPE_FILE, "seed", "archive of its root file system"},
	{"DOMU_STATIC_MEM", SHAPE_GUEST, TYPE_NUMBERS, "seed", "base and size of each range"},
	{"DOMU_DIRECT_MAP", SHAPE_GUEST, TYPE_SWITCH, "seed", "static memory at its own address"},
	{"DOMU_ENHANCED", SHAPE_GUEST, TYPE_NUMBER, "seed", "Xen's interfaces: 0, 1, or 2 without xenstore"},
	{"DOMU_CPUPOOL", SHAPE_GUEST, TYPE_NUMBER, "seed", "CPU pool it runs in"},
	{"NUM_CPUPOOLS", SHAPE_ONE, TYPE_NUMBER, "seed", "number of CPU pools"},
	{"CPUPOOL", SHAPE_POOL, TYPE_TEXT, "seed", "cpu@a,cpu@b [scheduler]"},
	{"DOMU_DRIVER_DOMAIN", SHAPE_GUEST, TYPE_TEXT, "seed", "for its xl file"},
	{"DOMU_VIOMMU", SHAPE_GUEST, TYPE_SWITCH, "amd", "a virtual IOMMU"},
	{"DOMU_VUART_PL011", SHAPE_ONE_OR_GUEST, TYPE_SWITCH, "amd", "vpl011 in AMD's way"},
	{"DOMU_SHARED_MEM", SHAPE_GUEST, TYPE_TEXT, "2023", "id [host address] address size"},
	{"DOMU_GRANT_VER", SHAPE_GUEST, TYPE_NUMBER, "2024", "version of the grant table"},
	{"DOMU_GRANT_FRAMES", SHAPE_GUEST, TYPE_NUMBER, "2024", "frames of the grant table"},
	{"DOMU_MAPTRACK_FRAMES", SHAPE_GUEST, TYPE_NUMBER, "2024", "frames of the map table"},
	{"DOMU_VPL011", SHAPE_GUEST, TYPE_SWITCH, "2024", "a virtual serial port"},
	{"DOMU_NR_SPIS", SHAPE_GUEST, TYPE_NUMBER, "2024", "number of shared interrupts"},
	{"DOMU_VCPU_HARD_AFFINITY", SHAPE_PAIR, TYPE_TEXT, "2025", "CPUs one of its CPUs runs on"},
	{"DOMU_CAPS", SHAPE_GUEST, TYPE_TEXT, "2025", "control, hardware, xenstore, dom0, none, or numbers"},
	{"DOMU_LOAD", SHAPE_GUEST, TYPE_COMMAND, "2025", "load command of its files"},
	{"DOMU_STATIC_EVTCHNS", SHAPE_GUEST, TYPE_TEXT, "2025", "port guest port; ..."},
	{"DOMU_TRAP_UNMAP", SHAPE_GUEST, TYPE_SWITCH, "2025", "accesses to nowhere are trapped"},
	{"DOMU_DOMID", SHAPE_GUEST, TYPE_NUMBER, "2025", "its number in Xen"},
	{"DOMU_PASSTHROUGH_PROP", SHAPE_GUEST, TYPE_TEXT, "2025", "enabled"},
	{"DOMU_P2M_MEM_MB", SHAPE_GUEST, TYPE_NUMBER, "2026", "memory for its page tables, MiB"},
	{"LINUX", SHAPE_ONE, TYPE_FILE, "seed", "kernel of a board without Xen"},
	{"LINUX_CMD", SHAPE_ONE, TYPE_TEXT, "seed", "its command line"},
	{"LINUX_RAMDISK", SHAPE_ONE, TYPE_FILE, "seed", "its ramdisk"},
	{"LINUX_ROOTFS", SHAPE_ONE, TYPE_FILE, "seed", "archive of its root file system"},
	{"BITSTREAM", SHAPE_ONE, TYPE_FILE, "seed", "for the FPGA"},
	{"NUM_BOOT_AUX_FILE", SHAPE_ONE, TYPE_NUMBER, "seed", "number of further files"},
	{"BOOT_AUX_FILE", SHAPE_AUX, TYPE_FILE, "seed", "a further file for the boot partition"},
	{"UBOOT_SOURCE", SHAPE_ONE, TYPE_FILE, "seed", "output: the script's text"},
	{"UBOOT_SCRIPT", SHAPE_ONE, TYPE_FILE, "seed", "output: the script's image"},
	{"APPEND_EXTRA_CMDS", SHAPE_ONE, TYPE_FILE, "seed", "commands before the last one"},
	{"FDTEDIT", SHAPE_ONE, TYPE_FILE, "seed", "output: the edited device tree"},
	{"FIT", SHAPE_ONE, TYPE_FILE, "seed", "output: a FIT image"},
	{"FIT_ENC_KEY_DIR", SHAPE_ONE, TYPE_TEXT, "seed", "folder and name of the signing key"},
	{"FIT_ENC_UB_DTB", SHAPE_ONE, TYPE_FILE, "seed", "U-Boot's control tree"},
	{"GPT", SHAPE_ONE, TYPE_SET, "seed", "disk with a GPT"},
	{"DBG_FDT_PRINT_CHOSEN", SHAPE_ONE, TYPE_SET, "2025", "the script prints /chosen"},
	{0},
};
/* clang-format on */

const struct config_variable *config_variable(const char *name)
{
	const struct config_variable *variable;

	for (variable = config_variables; variable->name; variable++)
		if (strcmp(variable->name, name) == 0)
			return variable;
	return NULL;
}

static const char *nearest(const char *name)
{
	const char *names[ARRAY_SIZE(config_variables)];
	size_t i;

	for (i = 0; config_variables[i].name; i++)
		names[i] = config_variables[i].name;
	names[i] = NULL;
	return text_nearest(name, names);
}

static void add_warning(const struct config *config, const struct config_entry *entry,
			struct notes *notes, const char *what, const char *name)
{
	notes_add(notes, NOTE_WARNING, "%s:%u:%u: %s %s%s%s", config->path, entry->line,
		  entry->column, entry->name, what, name ? " " : "", name ? name : "");
}

/* The variable that says how many there are; NULL: none does. */
static const char *const counts[] = {
	[SHAPE_GUEST] = "NUM_DOMUS",        [SHAPE_PAIR] = "NUM_DOMUS",
	[SHAPE_OVERLAY] = "NUM_DT_OVERLAY", [SHAPE_POOL] = "NUM_CPUPOOLS",
	[SHAPE_AUX] = "NUM_BOOT_AUX_FILE",  [SHAPE_ONE_OR_GUEST] = NULL,
};

static void check_index(const struct config *config, const struct config_entry *entry,
			const struct config_variable *variable, struct notes *notes)
{
	const char *count = variable->shape == SHAPE_ONE ? NULL : counts[variable->shape];
	struct err ignored;
	int64_t limit;

	if (variable->shape == SHAPE_ONE && (entry->index || entry->second >= 0))
		add_warning(config, entry, notes, "is no array: this element has no effect", NULL);
	if ((variable->shape == SHAPE_PAIR) != (entry->second >= 0) && variable->shape != SHAPE_ONE)
		add_warning(config, entry, notes, "has another number of indexes: no effect", NULL);
	if (count && config_number(config, count, 0, 0, &limit, &ignored) == 0 &&
	    entry->index >= limit)
		add_warning(config, entry, notes, "has an index that is not below", count);
}

void config_check_names(const struct config *config, struct notes *notes)
{
	const struct config_variable *variable;
	const struct config_entry *entry, *end = config->entries + config->count;
	const char *near;

	for (entry = config->entries; entry < end; entry++) {
		variable = config_variable(entry->name);
		if (variable && *entry->text)
			check_index(config, entry, variable, notes);
		if (variable || entry->used)
			continue;
		near = nearest(entry->name);
		if (near)
			add_warning(config, entry, notes, "has no meaning; did you mean", near);
	}
}
