// SPDX-License-Identifier: MIT
/* The images of a flash: opened, and, where they can be opened again, read whole before anything is
 * touched. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/oci.h"
#include "drivers/uboot/uboot.h"
#include "engine/scan_cache.h"

static int open_image(struct job *job, const struct item *item, struct image **image,
		      struct deadline deadline, struct err *err)
{
	struct image_options options = {
		.http = job->request->http,
		.sha256 = job->request->sha256,
		.open_ref = oci_open_image,
	};
	return image_open(image, item->request->file, &options, deadline, err);
}

struct scanning {
	struct job *job;
	uint64_t total;
};

static void scanned(void *context, uint64_t given_done)
{
	struct scanning *scanning = context;

	job_progress(scanning->job, given_done, scanning->total);
}

static void remember(struct job *job, const struct image_info *info)
{
	struct scan scan = {
		.given_size = info->given_size, .size = info->size, .data_bytes = info->data_bytes};
	struct err err;

	snprintf(scan.codec, sizeof(scan.codec), "%s", info->codec);
	snprintf(scan.layout, sizeof(scan.layout), "%s", info->layout);
	memcpy(scan.sha256, info->sha256, sizeof(scan.sha256));
	if (scan_cache_put(info->given_sha256, &scan, &err) < 0)
		events_log(job->events, "warning", "%s", err.text);
}

/* Decodes the image to its end: damage, a wrong digest and the true size show before power is
 * touched. */
static int decode(struct job *job, struct image *image, struct err *err)
{
	const struct image_info *info = image_info(image);
	struct scanning scanning = {job,
				    info->given_size == IMAGE_SIZE_UNKNOWN ? 0 : info->given_size};
	int rc = image_scan(image, scanned, &scanning, err);

	if (rc == 0)
		remember(job, info);
	return rc;
}

static int digest_of_file(const char *path, uint64_t *size, char sha256[SHA256_TEXT],
			  struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) char *piece = xmalloc((size_t)1 << 20);
	char text[129];
	ssize_t got = -1;

	*size = 0;
	while (fd >= 0 && (got = read(fd, piece, (size_t)1 << 20)) > 0) {
		digest_add(digest, piece, (size_t)got);
		*size += (uint64_t)got;
	}
	if (got < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	digest_text(digest, text);
	memcpy(sha256, text, SHA256_TEXT);
	return 0;
}

/* What a decode would check against the stream as given; a doubt is left to the decode, which says
 * what is wrong. */
static bool is_as_expected(struct job *job, const char *path, const char *given)
{
	_cleanup_(freep) char *sidecar = xasprintf("%s.sha256", path);
	_cleanup_(freep) char *bmap = xasprintf("%s.bmap", path);
	char expected[SHA256_TEXT];
	struct err err;

	if (job->request->sha256 && strcmp(job->request->sha256, given) != 0)
		return false;
	if (access(bmap, F_OK) == 0)
		return false;
	if (job->request->sha256 || access(sidecar, F_OK) != 0)
		return true;
	return image_read_checksum_file(sidecar, expected, &err) == 0 &&
	       strcmp(expected, given) == 0;
}

/* Hashing a compressed file is far cheaper than decoding it: one that was decoded before need not
 * be again. */
static int recall(struct job *job, const char *path, struct scan *scan, char given[SHA256_TEXT],
		  bool *known, struct err *err)
{
	uint64_t size;
	int rc = digest_of_file(path, &size, given, err);

	*known = rc == 0 && scan_cache_get(given, scan) && scan->given_size == size &&
		 is_as_expected(job, path, given);
	return rc;
}

static void plan_image(struct job *job, const struct item *item, const struct image_info *info,
		       const char *given_sha256)
{
	char section[32];

	uboot_section(uboot_of(job), item, "image", section);
	plan_fact(job->plan, section, "ref", "%s", info->ref);
	if (strcmp(info->codec, "none") != 0)
		plan_fact(job->plan, section, "compression", "%s", info->codec);
	if (strcmp(info->layout, "raw") != 0)
		plan_fact(job->plan, section, "layout", "%s", info->layout);
	if (strcmp(info->codec, "none") != 0 && given_sha256[0])
		plan_fact(job->plan, section, "sha256 as given", "%s", given_sha256);
	if (item->size != IMAGE_SIZE_UNKNOWN)
		plan_fact_bytes(job->plan, section, "size", item->size);
	if (item->sha256[0])
		plan_fact(job->plan, section, "sha256", "%s", item->sha256);
	else
		plan_warn(job->plan,
			  "%s is read only while it is written: damage in it shows only then",
			  info->ref);
}

/* A file of this host can be read twice for nothing; from elsewhere that costs as much as the
 * flash. */
static bool is_local(const char *ref)
{
	return strcmp(ref, "-") != 0 && !strstr(ref, "://");
}

static int know_image(struct job *job, struct item *item, struct image *image,
		      char given[SHA256_TEXT], struct err *err)
{
	const struct image_info *info = image_info(image);
	bool known = false, local = is_local(item->request->file);
	struct scan scan;
	int rc = 0;

	if (local && strcmp(info->codec, "none") != 0)
		rc = recall(job, item->request->file, &scan, given, &known, err);
	if (rc == 0 && !known && (local || job->request->direct)) {
		rc = decode(job, image, err);
		memcpy(given, info->given_sha256, SHA256_TEXT);
	}
	if (rc < 0)
		return rc;
	item->size = known ? scan.size : info->size;
	memcpy(item->sha256, known ? scan.sha256 : info->sha256, sizeof(item->sha256));
	return 0;
}

int uboot_resolve_image(struct job *job, struct item *item, struct deadline deadline,
			struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	char given[SHA256_TEXT] = "";
	int rc;

	/* What is read only once is read with the deadline it was opened with. */
	if (strcmp(item->request->file, "-") == 0)
		deadline =
			deadline_of_cancel(job->cancel_fd, board_timeout_ms(job->board, "write"));
	rc = open_image(job, item, &image, deadline, err);
	if (rc < 0)
		return rc;
	item->ref = xstrdup(image_info(image)->ref);
	item->repeatable = image_info(image)->repeatable;
	item->codec = image_info(image)->codec;
	rc = job->request->direct ? direct_check(image_info(image), err) : 0;
	if (rc == 0)
		rc = know_image(job, item, image, given, err);
	if (rc < 0)
		return rc;
	plan_image(job, item, image_info(image), given);
	if (!item->repeatable)
		item->image = steal(image);
	return 0;
}

/* What cannot be opened again is given away once: its beginning has been read already. */
int uboot_take_image(struct job *job, struct item *item, struct image **image,
		     struct deadline deadline, struct err *err)
{
	int rc;

	*image = steal(item->image);
	if (*image)
		return 0;
	if (!item->repeatable)
		return err_set(err, ERR_IMAGE, "%s cannot be read a second time", item->ref);
	rc = open_image(job, item, image, deadline, err);
	if (rc == 0 && strcmp(image_info(*image)->codec, item->codec) != 0)
		rc = err_set(err, ERR_DIGEST, "%s has changed since the plan was made", item->ref);
	return rc;
}
