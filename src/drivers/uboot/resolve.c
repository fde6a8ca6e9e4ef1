// SPDX-License-Identifier: MIT
/* What is to be done, from the board file, the bundle and the request: read only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

static int begin(struct job *job, struct err *err)
{
	job->own = xcalloc(1, sizeof(struct uboot));
	plan_fact(job->plan, "board", "name", "%s", job->board->name);
	plan_fact(job->plan, "board", "driver", "%s", job->board->driver->name);
	if (job->board->serial)
		plan_fact(job->plan, "board", "console", "%s", job->board->serial);
	if (job->board->power)
		plan_fact(job->plan, "board", "power", "%s",
			  yaml_text(job->board->power, "type", "?"));
	return uboot_read_network(job, err);
}

static const char *bundle_ref(struct job *job)
{
	if (job->request->bundle)
		return job->request->bundle;
	return yaml_text(job->board->bundle, "ref", NULL);
}

static int choose_variant(struct job *job, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	const struct manifest *manifest = uboot->manifest;
	const char *name = yaml_text(job->board->bundle, "variant", manifest->dtb_default);
	_cleanup_(buf_free) struct buf list = {.max = 300};
	size_t i;

	if (!name)
		return 0;
	uboot->variant = manifest_variant(manifest, name);
	if (uboot->variant)
		return 0;
	for (i = 0; i < manifest->variant_count; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", manifest->variants[i].name);
	err_set(err, ERR_CONFIG, "bundle %s has no variant '%s'", uboot->bundle->ref, name);
	return err_remedy(err, "it has: %s", list.size ? buf_text(&list) : "no variants");
}

static int open_bundle(struct job *job, struct deadline deadline, struct err *err)
{
	struct bundle_options options = {
		.manifest_name = yaml_text(job->board->bundle, "manifest", NULL),
		.http = {.ca_file = job->request->http.ca_file,
			 .insecure = job->request->http.insecure},
	};
	struct uboot *uboot = uboot_of(job);
	const char *ref = bundle_ref(job);
	_cleanup_(freep) char *place = NULL;
	bool offline = false;
	size_t i;
	int rc;

	if (!ref) {
		err_set(err, ERR_CONFIG, "board '%s' has no bundle", job->board->name);
		return err_remedy(err, "give 'bundle' in its board file, or --force-flash-bundle");
	}
	place = job->request->bundle ? xstrdup(ref) : board_bundle(job->board);
	rc = bundle_open(&uboot->bundle, place, &options, &offline, deadline, err);
	if (rc < 0)
		return err_prefix(err, "bundle %s", ref);
	uboot->manifest = uboot->bundle->manifest;
	if (offline)
		plan_warn(job->plan,
			  "the registry could not be reached; the bundle comes from the cache");
	for (i = 0; i < uboot->manifest->warning_count; i++)
		plan_warn(job->plan, "bundle: %s", uboot->manifest->warnings[i]);
	return choose_variant(job, err);
}

static void plan_bundle(struct job *job)
{
	const struct uboot *uboot = uboot_of(job);

	plan_fact(job->plan, "bundle", "name", "%s (%s)", uboot->manifest->name,
		  uboot->bundle->ref);
	plan_fact(job->plan, "bundle", "digest", "%s", uboot->bundle->digest);
	if (uboot->variant)
		plan_fact(job->plan, "bundle", "variant", "%s", uboot->variant->name);
}

static int unknown_target(struct job *job, const char *name, struct err *err)
{
	const struct manifest *manifest = uboot_of(job)->manifest;
	const struct yaml *own = job->board->targets;
	_cleanup_(buf_free) struct buf list = {.max = 300};
	size_t i;

	for (i = 0; i < manifest->target_count; i++)
		buf_addf(&list, "%s%s", list.size ? ", " : "", manifest->targets[i].name);
	for (i = 0; own && i < own->count; i++)
		buf_addf(&list, "%s%s", list.size ? ", " : "", own->items[i]->key);
	err_set(err, ERR_NOT_FOUND, "board '%s' has no target '%s'", job->board->name, name);
	return err_remedy(err, "it has: %s", buf_text(&list));
}

static int resolve_target(struct job *job, struct item *item, struct err *err)
{
	const struct manifest *manifest = uboot_of(job)->manifest;
	const struct manifest_target *target;

	item->target = item->request->target;
	if (!item->target)
		item->target = job->board->default_target;
	if (!item->target)
		item->target = manifest->default_target;
	target = manifest_target(manifest, item->target);
	item->selector =
		yaml_text(job->board->targets, item->target, target ? target->selector : NULL);
	if (!item->selector)
		return unknown_target(job, item->target, err);
	item->describe =
		item->request->partition
			? xasprintf("partition '%s' of %s", item->request->partition, item->target)
			: xstrdup(item->target);
	return 0;
}

void uboot_section(const struct uboot *uboot, const struct item *item, const char *kind,
		   char out[32])
{
	if (uboot->item_count > 1)
		snprintf(out, 32, "%s %zu", kind, (size_t)(item - uboot->items) + 1);
	else
		snprintf(out, 32, "%s", kind);
}

static void plan_target(struct job *job, const struct item *item)
{
	char section[32];

	uboot_section(uboot_of(job), item, "target", section);
	plan_fact(job->plan, section, "name", "%s", item->describe);
	plan_fact(job->plan, section, "selector", "%s", item->selector);
}

static int make_items(struct job *job, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	size_t i;
	int rc;

	uboot->item_count = job->request->item_count;
	uboot->items = xcalloc(uboot->item_count, sizeof(*uboot->items));
	for (i = 0; i < uboot->item_count; i++) {
		uboot->items[i].request = &job->request->items[i];
		uboot->items[i].image.size = IMAGE_SIZE_UNKNOWN;
		rc = resolve_target(job, &uboot->items[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void plan_way(struct job *job)
{
	const struct uboot *uboot = uboot_of(job);

	plan_step(job->plan, "switch the board off and on, and stop U-Boot's autoboot");
	plan_step(job->plan, "load %s by TFTP, check each in memory, and boot them",
		  uboot->variant && uboot->variant->file ? "kernel, initramfs and device tree"
		  : uboot->manifest->initram.file        ? "kernel and initramfs"
							 : "kernel");
}

static void plan_writes(struct job *job)
{
	const struct uboot *uboot = uboot_of(job);
	char size[TEXT_SIZE];
	size_t i;

	for (i = 0; i < uboot->item_count; i++) {
		const struct item *item = &uboot->items[i];
		bool known = item->image.size != IMAGE_SIZE_UNKNOWN;

		plan_target(job, item);
		plan_step(job->plan, "write %s%s to %s, and read it back",
			  known ? text_of_size(item->image.size, size) : "all of ",
			  known ? "" : item->image.ref, item->describe);
	}
	for (i = 0; i < uboot->manifest->preflash_count; i++)
		plan_fact(job->plan, "bundle", "runs first", "%s",
			  uboot->manifest->preflash_commands[i]);
}

static void plan_end(struct job *job)
{
	if (!job->request->no_power_off)
		plan_step(job->plan, "switch the board off");
}

static int resolve_image(struct job *job, struct item *item, struct deadline deadline,
			 struct err *err)
{
	bool direct = job->request->direct;
	const char *file = item->request->file;
	char section[32];
	int rc = direct ? direct_check_ref(file, err) : 0;

	uboot_section(uboot_of(job), item, "image", section);
	if (rc == 0)
		rc = job_image_resolve(job, &item->image, file, section, direct, deadline, err);
	if (rc == 0 && direct)
		rc = direct_check(&item->image, err);
	return rc;
}

int uboot_resolve_flash(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot;
	size_t i;
	int rc = begin(job, err);

	if (rc == 0)
		rc = open_bundle(job, deadline, err);
	if (rc == 0)
		rc = make_items(job, err);
	if (rc < 0)
		return rc;
	uboot = uboot_of(job);
	for (i = 0; i < uboot->item_count; i++) {
		rc = resolve_image(job, &uboot->items[i], deadline, err);
		if (rc < 0)
			return rc;
	}
	plan_bundle(job);
	plan_way(job);
	plan_writes(job);
	plan_end(job);
	return 0;
}

int uboot_resolve_dump(struct job *job, struct deadline deadline, struct err *err)
{
	const struct item *item;
	int rc = begin(job, err);

	if (rc == 0)
		rc = open_bundle(job, deadline, err);
	if (rc == 0)
		rc = make_items(job, err);
	if (rc < 0)
		return rc;
	item = &uboot_of(job)->items[0];
	plan_target(job, item);
	plan_fact(job->plan, "target", "into", "%s", item->request->file);
	plan_bundle(job);
	plan_way(job);
	plan_step(job->plan, "read %s into %s, and compare digests", item->describe,
		  item->request->file);
	plan_end(job);
	return 0;
}

int uboot_resolve_linux(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = begin(job, err);

	if (rc == 0)
		rc = open_bundle(job, deadline, err);
	if (rc < 0)
		return rc;
	plan_bundle(job);
	plan_way(job);
	return 0;
}

int uboot_resolve_bootloader(struct job *job, struct deadline deadline, struct err *err)
{
	(void)deadline;
	plan_step(job->plan, "switch the board off and on, and stop U-Boot's autoboot");
	return begin(job, err);
}

int uboot_resolve_console(struct job *job, struct deadline deadline, struct err *err)
{
	(void)deadline;
	plan_step(job->plan, "open the console");
	return begin(job, err);
}

void uboot_release(struct job *job)
{
	struct uboot *uboot = uboot_of(job);
	size_t i;

	if (!uboot)
		return;
	tftp_server_stop(uboot->tftp);
	http_server_stop(uboot->http);
	free(uboot->probe_path);
	for (i = 0; i < uboot->load_count; i++)
		free(uboot->loads[i].path);
	for (i = 0; i < uboot->item_count; i++) {
		free(uboot->items[i].describe);
		job_image_free(&uboot->items[i].image);
	}
	free(uboot->items);
	bundle_free(uboot->bundle);
	free(uboot);
	job->own = NULL;
}
