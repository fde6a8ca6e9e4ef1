// SPDX-License-Identifier: MIT
/* /chosen for Xen: its own command line, its modules, dom0, and CPU pools. Bindings: Xen
   docs/misc/arm/device-tree/booting.txt and cpupools.txt. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/script_model.h"

/* A module under /chosen: NAME or NAME@ADDRESS. */
static void chosen_module(struct script *script, const char *name, bool with_address, size_t module,
			  const char *compatible)
{
	const char *const strings[] = {compatible, "xen,multiboot-module", "multiboot,module",
				       NULL};
	uint64_t address = script->modules.items[module].address;
	_cleanup_(freep) char *node =
		with_address ? xasprintf("%s@%" PRIX64, name, address) : xstrdup(name);
	_cleanup_(freep) char *path = xasprintf("/chosen/%s", node);

	ops_mknod(&script->ops, "/chosen", node);
	ops_set_strings(&script->ops, path, "compatible", strings);
	ops_set_reg(&script->ops, path, "reg", module);
}

static void dom0(struct script *script)
{
	size_t kernel = modules_find(&script->modules, ROLE_DOM0_KERNEL, 0);
	size_t ramdisk = modules_find(&script->modules, ROLE_DOM0_RAMDISK, 0);
	bool addresses = script->form->named_by_address;

	if (kernel == script->modules.count)
		return;
	chosen_module(script, "dom0", addresses, kernel, "xen,linux-zimage");
	ops_set_string(&script->ops, "/chosen", "xen,dom0-bootargs", script->host_cmd);
	if (ramdisk < script->modules.count)
		chosen_module(script, "dom0-ramdisk", addresses, ramdisk, "xen,linux-initrd");
}

/* The phandles of CPUs, and which are taken. */
struct cpus {
	char **paths;
	size_t count;
};

static void free_cpus(struct cpus *cpus)
{
	while (cpus->count)
		free(cpus->paths[--cpus->count]);
	free(cpus->paths);
}

static int take_cpu(struct script *script, struct cpus *cpus, const char *path, int64_t pool,
		    struct err *err)
{
	size_t i;

	if (!tree_has_reg(&script->tree, path))
		return script_error(script, "CPUPOOL", pool, err, "%s does not exist", path);
	for (i = 0; i < cpus->count; i++)
		if (text_equal(cpus->paths[i], path))
			return script_error(script, "CPUPOOL", pool, err,
					    "%s is already in another CPU pool", path);
	cpus->paths = xrealloc(cpus->paths, cpus->count + 1, sizeof(*cpus->paths));
	cpus->paths[cpus->count++] = xstrdup(path);
	return 0;
}

static uint32_t cpu_phandle(struct script *script, const char *path)
{
	uint32_t phandle = tree_phandle(&script->tree, path);

	if (phandle == 0) {
		phandle = script_phandle(script);
		ops_set_cell(&script->ops, path, "phandle", phandle, 'x');
	} else if (script->form->repeats_phandles) {
		ops_set_cell(&script->ops, path, "phandle", phandle, 'x');
	}
	return phandle;
}

/* "cpu@1,cpu@2" */
static int pool_cpus(struct script *script, struct cpus *cpus, char *list, int64_t pool,
		     struct cell **cells, size_t *count, struct err *err)
{
	char *name;
	int rc;

	while ((name = strsep(&list, ","))) {
		_cleanup_(freep) char *path = xasprintf("/cpus/%s", name);

		rc = take_cpu(script, cpus, path, pool, err);
		if (rc < 0)
			return rc;
		*cells = xrealloc(*cells, *count + 1, sizeof(**cells));
		(*cells)[(*count)++] = (struct cell){cpu_phandle(script, path), 'x'};
	}
	return 0;
}

/* Guests that run in this pool. */
static int pool_guests(struct script *script, int64_t pool, uint32_t phandle, struct err *err)
{
	unsigned int i;
	int64_t wanted;
	int rc;

	for (i = 0; i < script->guest_count; i++) {
		_cleanup_(freep) char *path = xasprintf("/chosen/domU%u", i);

		rc = config_number(&script->config, "DOMU_CPUPOOL", i, -1, &wanted, err);
		if (rc < 0)
			return rc;
		if (wanted == pool && script->guests[i].started)
			ops_set_cell(&script->ops, path, "domain-cpupool", phandle, 'x');
	}
	return 0;
}

static int cpupool(struct script *script, struct cpus *cpus, int64_t pool, struct err *err)
{
	const char *at = config_text_at(&script->config, "CPUPOOL", pool);
	_cleanup_(freep) char *node = xasprintf("cpupool_%lld", (long long)pool);
	_cleanup_(freep) char *path = xasprintf("/chosen/%s", node);
	_cleanup_(freep) struct cell *cells = NULL;
	_cleanup_(freep) char *list = NULL;
	_cleanup_(freep) char *scheduler = NULL; /* the last word */
	char *word;
	size_t count = 0;
	uint32_t phandle;
	int rc;

	if (!at || !script_word(&at, &list))
		return err_set(err, ERR_CONFIG, "%s: CPUPOOL[%lld] is not set", script->config.path,
			       (long long)pool);
	while (script_word(&at, &word)) {
		free(scheduler);
		scheduler = word;
	}
	rc = pool_cpus(script, cpus, list, pool, &cells, &count, err);
	if (rc < 0)
		return rc;
	phandle = script_phandle(script);
	ops_mknod(&script->ops, "/chosen", node);
	ops_set_cell(&script->ops, path, "phandle", phandle, 'x');
	ops_set_string(&script->ops, path, "compatible", "xen,cpupool");
	ops_set_cells(&script->ops, path, "cpupool-cpus", cells, count, false);
	if (scheduler)
		ops_set_string(&script->ops, path, "cpupool-sched", scheduler);
	return pool_guests(script, pool, phandle, err);
}

#define POOLS_MAX 256

int script_cpupools(struct script *script, struct err *err)
{
	_cleanup_(free_cpus) struct cpus cpus = {0};
	uint64_t count, i;
	int rc = script_number(script, "NUM_CPUPOOLS", 0, 0, POOLS_MAX, &count, err);

	if (rc == 0 && count && !script->tree.size)
		return script_error(script, "NUM_CPUPOOLS", 0, err,
				    "CPU pools need DEVICE_TREE, to find the CPUs in");
	for (i = 0; rc == 0 && i < count; i++)
		rc = cpupool(script, &cpus, (int64_t)i, err);
	return rc;
}

static int static_heap(struct script *script, struct err *err)
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	size_t count;
	int rc = script_numbers(script, "XEN_STATIC_HEAP", 0, 2, &numbers, &count, err);

	if (rc == 0 && count)
		ops_set_pairs(&script->ops, "/chosen", "xen,static-heap", numbers, count, 'X',
			      true);
	return rc;
}

int script_xen(struct script *script, struct err *err)
{
	size_t policy = modules_find(&script->modules, ROLE_POLICY, 0);
	unsigned int i;
	int rc = script_channels_read(script, err);

	ops_set_cell(&script->ops, "/chosen", "#address-cells", 2, 'x');
	ops_set_cell(&script->ops, "/chosen", "#size-cells", 2, 'x');
	ops_set_string(&script->ops, "/chosen", "xen,xen-bootargs", script->xen_cmd);
	if (policy < script->modules.count)
		chosen_module(script, "xen-policy", true, policy, "xen,xsm-policy");
	dom0(script);
	for (i = 0; rc == 0 && i < script->guest_count; i++)
		rc = script_guest(script, &script->guests[i], err);
	if (rc == 0)
		rc = script_cpupools(script, err);
	return rc < 0 ? rc : static_heap(script, err);
}
