// SPDX-License-Identifier: MIT
#include "engine/job_image.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/oci.h"
#include "engine/scan_cache.h"

static int open_image(struct job *job, const struct job_image *image, struct image **opened,
		      struct deadline deadline, struct err *err)
{
	struct image_options options = {
		.http = job->request->http,
		.sha256 = job->request->sha256,
		.open_ref = oci_open_image,
	};
	return image_open(opened, image->file, &options, deadline, err);
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

static void plan_image(struct job *job, const struct job_image *image, const char *section,
		       const struct image_info *info, const char *given_sha256)
{
	plan_fact(job->plan, section, "ref", "%s", info->ref);
	if (strcmp(info->codec, "none") != 0)
		plan_fact(job->plan, section, "compression", "%s", info->codec);
	if (strcmp(info->layout, "raw") != 0)
		plan_fact(job->plan, section, "layout", "%s", info->layout);
	if (strcmp(info->codec, "none") != 0 && given_sha256[0])
		plan_fact(job->plan, section, "sha256 as given", "%s", given_sha256);
	if (image->size != IMAGE_SIZE_UNKNOWN)
		plan_fact_bytes(job->plan, section, "size", image->size);
	if (image->sha256[0])
		plan_fact(job->plan, section, "sha256", "%s", image->sha256);
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

static int know_image(struct job *job, struct job_image *image, struct image *opened, bool scan,
		      char given[SHA256_TEXT], struct err *err)
{
	const struct image_info *info = image_info(opened);
	bool known = false, local = is_local(image->file);
	struct scan before;
	int rc = 0;

	if (local && strcmp(info->codec, "none") != 0)
		rc = recall(job, image->file, &before, given, &known, err);
	if (rc == 0 && !known && (local || (scan && info->repeatable))) {
		rc = decode(job, opened, err);
		memcpy(given, info->given_sha256, SHA256_TEXT);
	}
	if (rc < 0)
		return rc;
	image->size = known ? before.size : info->size;
	memcpy(image->sha256, known ? before.sha256 : info->sha256, sizeof(image->sha256));
	return 0;
}

int job_image_resolve(struct job *job, struct job_image *image, const char *file,
		      const char *section, bool scan, struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *opened = NULL;
	char given[SHA256_TEXT] = "";
	int rc;

	*image = (struct job_image){.file = file, .size = IMAGE_SIZE_UNKNOWN};
	/* What is read only once is read with the deadline it was opened with. */
	if (strcmp(file, "-") == 0)
		deadline =
			deadline_of_cancel(job->cancel_fd, board_timeout_ms(job->board, "write"));
	rc = open_image(job, image, &opened, deadline, err);
	if (rc < 0)
		return rc;
	image->ref = xstrdup(image_info(opened)->ref);
	image->repeatable = image_info(opened)->repeatable;
	image->codec = image_info(opened)->codec;
	image->layout = image_info(opened)->layout;
	rc = know_image(job, image, opened, scan, given, err);
	if (rc < 0)
		return rc;
	plan_image(job, image, section, image_info(opened), given);
	job->images = xrealloc(job->images, job->image_count + 1, sizeof(*job->images));
	job->images[job->image_count++] = image;
	if (!image->repeatable)
		image->image = steal(opened);
	return 0;
}

/* What cannot be opened again is given away once: its beginning has been read already. */
int job_image_take(struct job *job, struct job_image *image, struct image **taken,
		   struct deadline deadline, struct err *err)
{
	int rc;

	*taken = steal(image->image);
	if (*taken)
		return 0;
	if (!image->repeatable)
		return err_set(err, ERR_IMAGE, "%s cannot be read a second time", image->ref);
	rc = open_image(job, image, taken, deadline, err);
	if (rc == 0 && strcmp(image_info(*taken)->codec, image->codec) != 0)
		rc = err_set(err, ERR_DIGEST, "%s has changed since the plan was made", image->ref);
	return rc;
}

int job_image_read(struct job_image *image, const struct image *taken, struct err *err)
{
	const struct image_info *info = image_info(taken);

	if (image->sha256[0] && strcmp(image->sha256, info->sha256) != 0)
		return err_set(err, ERR_DIGEST, "%s has changed since the plan was made",
			       image->ref);
	memcpy(image->sha256, info->sha256, sizeof(image->sha256));
	image->size = info->size;
	return 0;
}

int job_image_check(struct job *job, struct deadline deadline, char note[256], struct err *err)
{
	uint64_t total = 0;
	char size[TEXT_SIZE];
	size_t i;

	(void)deadline;
	(void)err;
	for (i = 0; i < job->image_count; i++) {
		if (!job->images[i]->sha256[0]) {
			snprintf(note, 256, "!digest not known before it is written");
			return 0;
		}
		total += job->images[i]->size;
	}
	snprintf(note, 256, "read to its end, %s", text_of_size(total, size));
	return 0;
}

void job_image_free(struct job_image *image)
{
	free(image->ref);
	image_close(image->image);
	*image = (struct job_image){0};
}
