// SPDX-License-Identifier: MIT
/* The command lines of Xen, of dom0's Linux, and of Linux alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/load_cmd.h"
#include "build/script_model.h"

/* "/dev/mmcblk0p2" for "load mmc 0:1": the partition behind the one that is loaded from. */
static int root_device(const struct script *script, const char *variable, const char *load_cmd,
		       char **device, struct err *err)
{
	struct load_disk disk;
	struct err why = {0};

	if (load_cmd_disk(load_cmd, &disk, &why) < 0) {
		script_error(script, variable, 0, err, "%s", why.text);
		return err_remedy(err, "name it: put root=... into %s",
				  script->xen ? "DOM0_CMD" : "LINUX_CMD");
	}
	*device = load_disk_name(&disk, disk.partition + 1);
	return 0;
}

/* The command line of a Linux that mounts its root: `root=` is added when it is missing. */
static int linux_line(struct script *script, const char *variable, const char *rootfs,
		      const char *load_cmd, const char *fallback, struct err *err)
{
	const char *line = config_text(&script->config, variable);
	_cleanup_(freep) char *device = NULL;
	int rc;

	if (!line)
		line = fallback;
	if (strstr(line, "root=")) {
		script->host_cmd = xstrdup(line);
		return 0;
	}
	if (!config_text(&script->config, rootfs)) {
		script->host_cmd = xasprintf("%s root=/dev/ram0", line);
		return 0;
	}
	rc = root_device(script, rootfs, load_cmd, &device, err);
	if (rc == 0)
		script->host_cmd = xasprintf("%s root=%s", line, device);
	return rc;
}

/* Without a dom0, words about it go. Words that only have dom0 inside stay as they are. */
static char *without_dom0(const char *line)
{
	struct buf out = {0};
	const char *at = line;
	char *word;
	bool first = true;

	while (script_word(&at, &word)) {
		buf_addf(&out, "%s%s", first ? "" : " ", text_starts(word, "dom0") ? "" : word);
		first = false;
		free(word);
	}
	buf_add_text(&out, "");
	return out.data ? buf_steal(&out) : xstrdup("");
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* The numbers go into the line as they are written; they only have to be numbers. */
static int check_numbers(const struct script *script, struct err *err)
{
	uint64_t value;
	int rc = script_number(script, "DOM0_MEM", 0, 0, INT64_MAX, &value, err);

	return rc < 0 ? rc : script_number(script, "DOM0_VCPUS", 0, 0, 4096, &value, err);
}

static int built_xen_line(struct script *script, char **line, struct err *err)
{
	const struct config *config = &script->config;
	const char *memory = config_text(config, "DOM0_MEM");
	const char *vcpus = config_text(config, "DOM0_VCPUS");
	const char *xen = config_text(config, "XEN_COLORS"),
		   *dom0 = config_text(config, "DOM0_COLORS");
	uint64_t viommu;
	int rc = check_numbers(script, err);

	if (rc == 0)
		rc = script_number(script, "DOM0_VIOMMU", 0, 0, 1, &viommu, err);
	if (rc < 0)
		return rc;
	*line = xasprintf(
		"console=dtuart dtuart=serial0 dom0_mem=%sM dom0_max_vcpus=%s bootscrub=0 "
		"vwfi=native sched=null %s%s %s%s%s",
		memory ? memory : "1024", vcpus ? vcpus : "1", xen ? "xen_colors=" : "",
		or_empty(xen), dom0 ? "dom0_colors=" : "", or_empty(dom0),
		viommu ? " dom0_viommu=1" : "");
	return 0;
}

static int xen_line(struct script *script, struct err *err)
{
	const struct config *config = &script->config;
	const char *given = config_text(config, "XEN_CMD");
	_cleanup_(freep) char *line = NULL;
	int rc = 0;

	if (given && (config_text(config, "DOM0_MEM") || config_text(config, "DOM0_VCPUS")))
		return script_error(
			script, "XEN_CMD", 0, err,
			"XEN_CMD is set together with DOM0_MEM or DOM0_VCPUS, which are "
			"for the line that is built without it: put dom0_mem= and "
			"dom0_max_vcpus= into XEN_CMD");
	if (given && (config_text(config, "XEN_COLORS") || config_text(config, "DOM0_COLORS")))
		notes_add(&script->result->notes, NOTE_WARNING,
			  "XEN_COLORS and DOM0_COLORS have no effect: XEN_CMD is set");
	if (given)
		line = xstrdup(given);
	else
		rc = built_xen_line(script, &line, err);
	if (rc < 0)
		return rc;
	script->xen_cmd = config_text(config, "DOM0_KERNEL") ? steal(line) : without_dom0(line);
	return 0;
}

static int check_domains(struct script *script, struct err *err)
{
	static const char *const for_dom0[] = {"DOM0_MEM",   "DOM0_VCPUS",   "DOM0_COLORS",
					       "DOM0_CMD",   "DOM0_RAMDISK", "DOM0_ROOTFS",
					       "DOM0_VIOMMU"};
	size_t i;

	if (config_text(&script->config, "DOM0_KERNEL"))
		return 0;
	if (script->guest_count == 0)
		return err_set(err, ERR_CONFIG,
			       "%s: neither a dom0 (DOM0_KERNEL) nor guests "
			       "(NUM_DOMUS) are named",
			       script->config.path);
	for (i = 0; i < ARRAY_SIZE(for_dom0); i++)
		if (config_text(&script->config, for_dom0[i]))
			return script_error(script, for_dom0[i], 0, err,
					    "%s is for dom0, and there is none (no DOM0_KERNEL)",
					    for_dom0[i]);
	notes_add(&script->result->notes, NOTE_NOTICE,
		  "Dom0 kernel is not specified, continue with true dom0less setup.");
	return 0;
}

int script_command_lines(struct script *script, struct err *err)
{
	const struct config *config = &script->config;
	const char *dom0_load = config_text(config, "DOM0_LOAD");
	int rc;

	if (!script->xen && !config_text(config, "LINUX"))
		return err_set(err, ERR_CONFIG, "%s: neither XEN nor LINUX names a kernel",
			       config->path);
	if (!script->xen)
		return linux_line(script, "LINUX_CMD", "LINUX_ROOTFS", script->load_cmd,
				  "earlycon console=ttyPS0,115200", err);
	rc = check_domains(script, err);
	if (rc == 0)
		rc = xen_line(script, err);
	if (rc < 0 || !config_text(config, "DOM0_KERNEL"))
		return rc;
	return linux_line(script, "DOM0_CMD", "DOM0_ROOTFS",
			  dom0_load ? dom0_load : script->load_cmd, script->form->dom0_cmd, err);
}
