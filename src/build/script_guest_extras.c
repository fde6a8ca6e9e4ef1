// SPDX-License-Identifier: MIT
/* What can be said about a guest beside its memory and files: limits, capabilities, shared memory,
   affinity. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/script_model.h"

/* Variables that become one cell, in the order they are written. */
struct limit {
	const char *variable, *property;
	uint32_t max;
};

static const struct limit grant_limits[] = {
	{"DOMU_GRANT_VER", "max_grant_version", UINT32_MAX},
	{"DOMU_GRANT_FRAMES", "max_grant_frames", UINT32_MAX},
	{"DOMU_MAPTRACK_FRAMES", "max_maptrack_frames", UINT32_MAX},
	{0},
};

static const struct limit number_limits[] = {
	{"DOMU_TRAP_UNMAP", "trap-unmapped-accesses", 1},
	{"DOMU_DOMID", "domid", UINT32_MAX},
	{0},
};

static const struct limit spi_limits[] = {{"DOMU_NR_SPIS", "nr_spis", UINT32_MAX}, {0}};
static const struct limit p2m_limits[] = {{"DOMU_P2M_MEM_MB", "xen,domain-p2m-mem-mb", UINT32_MAX},
					  {0}};

static int set_limits(struct script *script, const struct guest *guest, const char *path,
		      const struct limit *limit, struct err *err)
{
	uint64_t value;
	int rc;

	for (; limit->variable; limit++) {
		if (!config_text_at(&script->config, limit->variable, guest->number))
			continue;
		rc = script_number(script, limit->variable, guest->number, 0, limit->max, &value,
				   err);
		if (rc < 0)
			return rc;
		ops_set_cell(&script->ops, path, limit->property, (uint32_t)value, 'd');
	}
	return 0;
}

int script_guest_spis(struct script *script, const struct guest *guest, const char *path,
		      struct err *err)
{
	return set_limits(script, guest, path, spi_limits, err);
}

/* Xen include/public/bootfdt.h. */
static const struct {
	const char *name;
	uint32_t bits;
} capability_names[] = {
	{"none", 0}, {"control", 1}, {"hardware", 2}, {"xenstore", 4}, {"dom0", 7}, {"domain0", 7},
};

static bool capability(const struct script *script, const char *word, uint32_t *bits)
{
	struct err ignored;
	int64_t number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(capability_names); i++)
		if (strcasecmp(word, capability_names[i].name) == 0) {
			*bits |= capability_names[i].bits;
			return true;
		}
	if (!isdigit((unsigned char)*word) ||
	    config_arithmetic(&script->config, word, &number, &ignored) < 0 || number < 0 ||
	    number > 7)
		return false;
	*bits |= (uint32_t)number;
	return true;
}

/* "control|HARDWARE", "control hardware", "7" */
static int capabilities(struct script *script, const struct guest *guest, const char *path,
			struct err *err)
{
	const char *text = config_text_at(&script->config, "DOMU_CAPS", guest->number);
	_cleanup_(freep) char *copy = text ? xstrdup(text) : NULL;
	char *rest = copy, *word;
	uint32_t bits = 0;

	if (!text)
		return 0;
	while ((word = strsep(&rest, "| \t\n"))) {
		if (!*word || capability(script, word, &bits))
			continue;
		script_error(script, "DOMU_CAPS", guest->number, err,
			     "DOMU_CAPS[%u]: '%s' is no capability", guest->number, word);
		return err_remedy(err, "they are control, hardware, xenstore, dom0, none, or their "
				       "numbers, with | between");
	}
	ops_set_cell(&script->ops, path, "capabilities", bits, 'd');
	return 0;
}

static int passthrough_property(struct script *script, const struct guest *guest, const char *path,
				struct err *err)
{
	const char *text = config_text_at(&script->config, "DOMU_PASSTHROUGH_PROP", guest->number);

	if (text && !text_equal(text, "enabled"))
		return script_error(script, "DOMU_PASSTHROUGH_PROP", guest->number, err,
				    "DOMU_PASSTHROUGH_PROP[%u] is '%s'; only 'enabled' is known",
				    guest->number, text);
	if (text)
		ops_set_string(&script->ops, path, "passthrough", "enabled");
	return 0;
}

/* The numbers behind the id: [host address] guest address, size. */
static int shared_numbers(const struct script *script, const struct guest *guest, const char *at,
			  uint64_t numbers[3], size_t *count, char **host, struct err *err)
{
	int64_t value;
	struct err why = {0};
	char *word;
	int rc = 0;

	for (*count = 0; rc == 0 && script_word(&at, &word); (*count)++) {
		if (*count == 0)
			*host = xstrdup(word);
		if (*count < 3 && config_arithmetic(&script->config, word, &value, &why) == 0)
			numbers[*count] = (uint64_t)value;
		else
			rc = -ERR_CONFIG;
		free(word);
	}
	if (rc == 0 && *count >= 2)
		return 0;
	return script_error(script, "DOMU_SHARED_MEM", guest->number, err,
			    "DOMU_SHARED_MEM[%u] is not ID [HOST-ADDRESS] ADDRESS SIZE",
			    guest->number);
}

/* Xen docs/misc/arm/device-tree/booting.txt, "Static Shared Memory". */
static int shared_memory(struct script *script, const struct guest *guest, const char *path,
			 struct err *err)
{
	const char *at = config_text_at(&script->config, "DOMU_SHARED_MEM", guest->number);
	_cleanup_(freep) char *id = NULL;
	_cleanup_(freep) char *host = NULL;
	_cleanup_(freep) char *node = NULL;
	_cleanup_(freep) char *own = NULL;
	uint64_t numbers[3] = {0};
	size_t count;
	int rc;

	if (!at || !script_word(&at, &id))
		return 0;
	rc = shared_numbers(script, guest, at, numbers, &count, &host, err);
	if (rc < 0)
		return rc;
	node = count == 3 ? xasprintf("shared-mem@%s", host) : xasprintf("shared-mem-%s", id);
	if (strspn(node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@-_.,+") !=
	    strlen(node))
		return script_error(script, "DOMU_SHARED_MEM", guest->number, err,
				    "'%s' cannot be the name of a node", node);
	own = xasprintf("%s/%s", path, node);
	ops_mknod(&script->ops, path, node);
	ops_set_string(&script->ops, own, "compatible", "xen,domain-shared-memory-v1");
	ops_set_string(&script->ops, own, "xen,shm-id", id);
	ops_set_pairs(&script->ops, own, "xen,shared-mem", numbers, count, 'X', true);
	return 0;
}

int script_guest_extras(struct script *script, const struct guest *guest, const char *path,
			struct err *err)
{
	uint64_t viommu;
	int rc = script_number(script, "DOMU_VIOMMU", guest->number, 0, 1, &viommu, err);

	if (rc < 0)
		return rc;
	if (viommu)
		ops_set_empty(&script->ops, path, "viommu", false);
	rc = set_limits(script, guest, path, grant_limits, err);
	if (rc == 0)
		rc = capabilities(script, guest, path, err);
	if (rc == 0)
		rc = set_limits(script, guest, path, number_limits, err);
	if (rc == 0)
		rc = passthrough_property(script, guest, path, err);
	if (rc == 0)
		rc = set_limits(script, guest, path, p2m_limits, err);
	return rc < 0 ? rc : shared_memory(script, guest, path, err);
}

int script_guest_vcpus(struct script *script, const struct guest *guest, const char *path,
		       struct err *err)
{
	static const char *const compatible[] = {"xen,vcpu", NULL};
	const char *affinity;
	uint64_t count, i;
	int rc = script_number(script, "DOMU_VCPUS", guest->number, 1, 4096, &count, err);

	for (i = 0; rc == 0 && i < count; i++) {
		_cleanup_(freep) char *node = xasprintf("vcpu%" PRIu64, i);
		_cleanup_(freep) char *own = xasprintf("%s/%s", path, node);

		affinity = config_text_pair(&script->config, "DOMU_VCPU_HARD_AFFINITY",
					    guest->number, (int64_t)i);
		if (!affinity)
			continue;
		ops_mknod(&script->ops, path, node);
		ops_set_strings(&script->ops, own, "compatible", compatible);
		ops_set_cell(&script->ops, own, "id", (uint32_t)i, 'd');
		ops_set_string(&script->ops, own, "hard-affinity", affinity);
	}
	return rc;
}
