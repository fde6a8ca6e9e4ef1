// SPDX-License-Identifier: MIT
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/config_vars.h"
#include "build/load_cmd.h"
#include "build/root.h"
#include "build/xen_disk_model.h"

#define COUNT_MAX 4096

static int fail_at(const struct xen_disk *disk, const char *name, int64_t index, struct err *err,
		   const char *text)
{
	return config_error(&disk->config, config_find(&disk->config, name, index, -1), err, "%s",
			    text);
}

/* A name of the config as one under the root: absolute ones must be inside. */
static int inside(const struct xen_disk *disk, const char *file, char **name, struct err *err)
{
	_cleanup_(freep) char *below = root_name(disk->root, file);

	if (!path_is_confined(below)) {
		err_set(err, ERR_CONFIG, "%s is outside of %s", file, disk->root);
		return err_remedy(err, "only files below the folder of -d can be put on the disk");
	}
	*name = steal(below);
	return 0;
}

/* Adds a file to the boot partition. It is counted every time it is named, as upstream does. */
static int add_file(struct xen_disk *disk, const char *file, struct err *err)
{
	_cleanup_(freep) char *name = NULL, *host = NULL, *place = NULL;
	struct stat st;
	int rc = inside(disk, file, &name, err);

	if (rc < 0)
		return rc;
	host = path_join(disk->root, name);
	if (stat(host, &st) < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot read %s", host);
	if (path_same(host, disk->options->output))
		return err_set(err, ERR_USAGE, "%s is an input and the output", host);
	disk->boot_bytes += (uint64_t)st.st_size;
	place = disk->options->prefix ? path_join(disk->options->prefix, name) : steal(name);
	return rootfs_put_host(disk->boot, place, host, 0644, disk->time, err);
}

/* Adds the file a variable names, if it is set. */
static int add_named(struct xen_disk *disk, const char *variable, int64_t index, struct err *err)
{
	const char *file = config_text_at(&disk->config, variable, index);
	int rc = file ? add_file(disk, file, err) : 0;

	return rc < 0 ? err_prefix(err, "%s", variable) : 0;
}

static int count_of(const struct xen_disk *disk, const char *variable, uint64_t *count,
		    struct err *err)
{
	int64_t value = 0;
	int rc = config_number(&disk->config, variable, 0, 0, &value, err);

	if (rc == 0 && (value < 0 || value > COUNT_MAX))
		rc = fail_at(disk, variable, 0, err, "not a number of things");
	*count = (uint64_t)value;
	return rc;
}

static int add_list(struct xen_disk *disk, const char *count_name, const char *variable,
		    struct err *err)
{
	uint64_t count, i;
	int rc = count_of(disk, count_name, &count, err);

	for (i = 0; i < count && rc == 0; i++)
		rc = add_named(disk, variable, (int64_t)i, err);
	return rc;
}

/* Made by the builder of the boot script from a repository or with lopper. */
static int find_made_dtb(const struct xen_disk *disk, uint64_t guest, char **name, struct err *err)
{
	_cleanup_(freep) char *pattern =
		xasprintf("%s/partial-dtbs-*/partial-dts-domU%" PRIu64 "-*.dtb", disk->root, guest);
	glob_t found = {0};
	int rc = 0;

	if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1) {
		*name = xstrdup(found.gl_pathv[0] + strlen(disk->root) + 1);
	} else {
		err_set(err, ERR_NOT_FOUND, "guest %" PRIu64 ": %s partial device tree in %s",
			guest, found.gl_pathc ? "more than one" : "no", disk->root);
		rc = err_remedy(err, "make the boot script first, in a folder without older "
				     "partial-dtbs-*");
	}
	globfree(&found);
	return rc;
}

int xen_guest_dtb(const struct xen_disk *disk, uint64_t guest, char **name, struct err *err)
{
	const char *file = config_text_at(&disk->config, "DOMU_PASSTHROUGH_DTB", (int64_t)guest);

	*name = NULL;
	if (file)
		return inside(disk, file, name, err);
	if (config_text_at(&disk->config, "DOMU_PASSTHROUGH_PATHS", (int64_t)guest) &&
	    (config_text(&disk->config, "PASSTHROUGH_DTS_REPO") ||
	     config_text(&disk->config, "LOPPER_PATH")))
		return find_made_dtb(disk, guest, name, err);
	return 0;
}

static int add_guest(struct xen_disk *disk, uint64_t guest, struct err *err)
{
	_cleanup_(freep) char *dtb = NULL;
	int rc = add_named(disk, "DOMU_KERNEL", (int64_t)guest, err);

	if (rc == 0)
		rc = add_named(disk, "DOMU_RAMDISK", (int64_t)guest, err);
	if (rc == 0)
		rc = xen_guest_dtb(disk, guest, &dtb, err);
	if (rc == 0 && dtb)
		rc = add_file(disk, dtb, err);
	return rc;
}

/* The boot script; where there is only a FIT it is inside. */
static int add_script(struct xen_disk *disk, struct err *err)
{
	const char *script = config_text(&disk->config, "UBOOT_SCRIPT");
	const char *source = config_text(&disk->config, "UBOOT_SOURCE");
	_cleanup_(freep) char *derived = NULL;
	int rc = 0;

	if (config_text(&disk->config, "FIT"))
		return add_named(disk, "FIT", 0, err);
	if (!script && source && text_ends(source, ".source")) {
		derived = xasprintf("%.*s.scr", (int)(strlen(source) - strlen(".source")), source);
		script = derived;
	}
	if (!script)
		return fail_at(disk, "UBOOT_SCRIPT", 0, err, "UBOOT_SCRIPT is not set");
	rc = add_file(disk, script, err);
	if (rc == -ERR_NOT_FOUND)
		err_remedy(err, "make the boot script first: aboard build script");
	return rc < 0 ? err_prefix(err, "UBOOT_SCRIPT") : add_named(disk, "UBOOT_SOURCE", 0, err);
}

static int add_boot_files(struct xen_disk *disk, bool xen, struct err *err)
{
	static const char *const of_xen[] = {"XEN", "DOM0_KERNEL", "DOM0_RAMDISK", "XEN_POLICY",
					     NULL};
	static const char *const of_linux[] = {"LINUX", "LINUX_RAMDISK", NULL};
	static const char *const of_both[] = {"DEVICE_TREE", "BITSTREAM", NULL};
	const char *const *name;
	uint64_t guest;
	int rc = 0;

	for (name = xen ? of_xen : of_linux; *name && rc == 0; name++)
		rc = add_named(disk, *name, 0, err);
	for (name = of_both; *name && rc == 0; name++)
		rc = add_named(disk, *name, 0, err);
	if (rc == 0)
		rc = add_script(disk, err);
	if (rc == 0)
		rc = add_list(disk, "NUM_DT_OVERLAY", "DT_OVERLAY", err);
	if (rc == 0)
		rc = add_list(disk, "NUM_BOOT_AUX_FILE", "BOOT_AUX_FILE", err);
	for (guest = 0; guest < disk->guests && rc == 0; guest++)
		rc = add_guest(disk, guest, err);
	return rc;
}

static int add_rootfs(struct xen_disk *disk, const char *variable, int64_t guest, struct err *err)
{
	const char *file = config_text_at(&disk->config, variable, guest < 0 ? 0 : guest);
	_cleanup_(freep) char *path = file ? path_join(disk->root, file) : NULL;
	struct xen_rootfs *rootfs;
	struct stat st;
	int rc;

	if (!file)
		return 0;
	disk->rootfs = xrealloc(disk->rootfs, disk->rootfs_count + 1, sizeof(*disk->rootfs));
	rootfs = &disk->rootfs[disk->rootfs_count++];
	*rootfs = (struct xen_rootfs){.guest = guest, .archive = file};
	if (path_same(path, disk->options->output))
		return err_set(err, ERR_USAGE, "%s is an input and the output", path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rc = rootfs_read_folder(&rootfs->tree, path, disk->deadline, err);
	else
		rc = rootfs_read_archive(&rootfs->tree, path, disk->deadline, err);
	return rc < 0 ? err_prefix(err, "%s", variable) : 0;
}

struct xen_rootfs *xen_rootfs_of(const struct xen_disk *disk, int64_t guest)
{
	size_t i;

	for (i = 0; i < disk->rootfs_count; i++)
		if (disk->rootfs[i].guest == guest)
			return &disk->rootfs[i];
	return NULL;
}

static int read_load_command(struct xen_disk *disk, struct err *err)
{
	const char *given = load_cmd_of(disk->options->load_cmd);
	const char *config = config_text(&disk->config, "LOAD_CMD");

	disk->load_cmd = config ? config : given ? given : load_cmd_of_config(&disk->config);
	if (!disk->load_cmd)
		return err_set(err, ERR_CONFIG, "neither -t nor LOAD_CMD says how U-Boot loads");
	if (given && config && strcmp(given, disk->load_cmd) != 0)
		notes_add(&disk->result->notes, NOTE_WARNING,
			  "LOAD_CMD of the config, \"%s\", goes before -t", disk->load_cmd);
	return 0;
}

int xen_disk_read(struct xen_disk *disk, struct err *err)
{
	const struct xen_disk_options *options = disk->options;
	bool xen;
	uint64_t guest;
	int rc = config_read(&disk->config, options->config, options->environment, err);

	if (rc < 0)
		return rc;
	config_check_names(&disk->config, &disk->result->notes);
	rc = root_find(options->root, &disk->config, &disk->root, err);
	if (rc < 0)
		return rc;
	if (options->prefix && !path_is_confined(options->prefix))
		return err_set(err, ERR_USAGE, "-p %s: not a folder inside the boot partition",
			       options->prefix);
	xen = config_text(&disk->config, "XEN") != NULL;
	if (!xen && !config_text(&disk->config, "LINUX"))
		return err_set(err, ERR_CONFIG, "%s: neither XEN nor LINUX is set",
			       options->config);
	rc = read_load_command(disk, err);
	if (rc == 0 && xen)
		rc = count_of(disk, "NUM_DOMUS", &disk->guests, err);
	if (rc == 0)
		rc = add_boot_files(disk, xen, err);
	if (rc == 0)
		rc = add_rootfs(disk, xen ? "DOM0_ROOTFS" : "LINUX_ROOTFS", -1, err);
	for (guest = 0; guest < disk->guests && rc == 0; guest++)
		rc = add_rootfs(disk, "DOMU_ROOTFS", (int64_t)guest, err);
	return rc;
}

void xen_disk_free(struct xen_disk *disk)
{
	size_t i;

	for (i = 0; i < disk->rootfs_count; i++)
		rootfs_free(disk->rootfs[i].tree);
	free(disk->rootfs);
	rootfs_free(disk->boot);
	config_free(&disk->config);
	free(disk->root);
}
