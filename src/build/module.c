// SPDX-License-Identifier: MIT
#include "build/module.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct role_facts roles[ROLE_COUNT] = {
	[ROLE_XEN] = {"host_kernel", "Xen", "kernel", "linux", "xen kernel", WANTED_KERNEL, true},
	[ROLE_POLICY] = {"xen_policy", "XSM policy", "firmware", NULL, "xen policy", WANTED_POLICY,
			 false},
	[ROLE_DOM0_KERNEL] = {"dom0_linux", "dom0 kernel", "kernel", "linux",
			      "dom0 linux kernel binary", WANTED_KERNEL, false},
	[ROLE_DOM0_RAMDISK] = {"dom0_ramdisk", "dom0 ramdisk", "ramdisk", "linux", "dom0 ramdisk",
			       WANTED_RAMDISK, false},
	[ROLE_GUEST_KERNEL] = {"domU#_kernel", "kernel of guest #", "kernel", "linux",
			       "domU# kernel binary", WANTED_KERNEL, false},
	[ROLE_GUEST_RAMDISK] = {"domU#_ramdisk", "ramdisk of guest #", "ramdisk", "linux",
				"domU# ramdisk", WANTED_RAMDISK, false},
	[ROLE_GUEST_DTB] = {"domU#_fdt", "device tree of guest #", "flat_dt", NULL, "domU# fdt",
			    WANTED_PACKED_TREE, false},
	[ROLE_LINUX] = {"host_kernel", "Linux", "kernel", "linux", "linux kernel", WANTED_KERNEL,
			true},
	[ROLE_LINUX_RAMDISK] = {"host_ramdisk", "ramdisk", "ramdisk", "linux", "host ramdisk",
				WANTED_RAMDISK, false},
	[ROLE_OVERLAY] = {"host_fdto#", "overlay #", "flat_dt", NULL, "fdt overlay #", WANTED_TREE,
			  false},
	[ROLE_DTB] = {"host_fdt", "device tree", "flat_dt", NULL, "fdt", WANTED_TREE, false},
	[ROLE_BITSTREAM] = {"fpga_bitstream", "bitstream", "fpga", NULL, "FPGA bit stream",
			    WANTED_BITSTREAM, false},
};

const struct role_facts *role_facts(enum role role)
{
	return &roles[role];
}

char *role_text(const char *pattern, unsigned int number)
{
	const char *mark = strchr(pattern, '#');

	if (!mark)
		return xstrdup(pattern);
	return xasprintf("%.*s%u%s", (int)(mark - pattern), pattern, number, mark + 1);
}

struct module *modules_add(struct modules *modules, enum role role, unsigned int number)
{
	struct module *module;

	modules->items = xrealloc(modules->items, modules->count + 1, sizeof(*modules->items));
	module = &modules->items[modules->count++];
	*module = (struct module){.role = role, .number = number};
	return module;
}

size_t modules_find(const struct modules *modules, enum role role, unsigned int number)
{
	size_t i;

	for (i = 0; i < modules->count; i++)
		if (modules->items[i].role == role && modules->items[i].number == number)
			break;
	return i;
}

void modules_free(struct modules *modules)
{
	size_t i;

	for (i = 0; i < modules->count; i++) {
		free(modules->items[i].name);
		free(modules->items[i].path);
		free(modules->items[i].said);
		free(modules->items[i].file);
	}
	free(modules->items);
	*modules = (struct modules){0};
}
