// SPDX-License-Identifier: MIT
/* The files of the boot chain: read whole, and verified before the board sees any of them. A ROM
 * that gets a wrong one says nothing, it just waits on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/fip.h"
#include "build/finding.h"
#include "build/stm32.h"
#include "drivers/stm32mp/stm32mp.h"

#define FIT_MAGIC    0xd00dfeedu /* big endian: a device tree */
#define LEGACY_MAGIC 0x27051956u

struct boot_file *stm32mp_file(struct stm32mp *stm32mp, uint8_t phase)
{
	size_t i;

	for (i = 0; i < stm32mp->file_count; i++)
		if (stm32mp->files[i].phase == phase)
			return &stm32mp->files[i];
	return NULL;
}

/* Which chip the first-stage loader is for, unless the board file says it. */
static int match_chip(struct job *job, const struct stm32_header *header, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);

	if (!stm32mp->chip)
		stm32mp->chip = stm32mp_chip_of_header(header->layout->name);
	if (stm32mp->chip && !text_equal(stm32mp->chip->header, header->layout->name))
		return err_set(err, ERR_IMAGE,
			       "its header has version %s, which is for %s; %s wants %s",
			       header->layout->name, header->layout->chips, stm32mp->chip->title,
			       stm32mp->chip->header);
	return 0;
}

static int check_numbers(const struct stm32_header *header, const struct stm32mp_chip *chip,
			 struct err *err)
{
	if (header->length == 0)
		return err_set(err, ERR_IMAGE, "it has no payload");
	if (chip && chip->fsbl_max && header->length > chip->fsbl_max)
		return err_set(err, ERR_IMAGE,
			       "its payload has %u bytes, the ROM of %s takes %u at most",
			       header->length, chip->title, chip->fsbl_max);
	if (header->load &&
	    (header->entry < header->load || header->entry - header->load >= header->length))
		return err_set(err, ERR_IMAGE, "its entry point 0x%08x is outside of the payload",
			       header->entry);
	return 0;
}

/* A signed file is told, and left as it is. */
static void plan_header(struct job *job, const char *section, const struct stm32_header *header)
{
	plan_fact(job->plan, section, "header", "STM32 %s, %s, load 0x%08x, entry 0x%08x, %s%s",
		  header->layout->name, stm32_type_name(header->type), header->load, header->entry,
		  header->is_signed ? "signed" : "not signed",
		  header->is_encrypted ? ", encrypted" : "");
}

static int check_stm32(struct job *job, bool first, const uint8_t *bytes, size_t size,
		       const char *section, struct err *err)
{
	struct stm32_header header;
	const uint8_t *payload;
	int rc = stm32_parse(bytes, size, &header, err);

	if (rc < 0)
		return rc;
	payload = bytes + header.layout->size;
	if (size < header.layout->size || header.length > size - header.layout->size)
		return err_set(err, ERR_IMAGE, "it is cut short: %zu bytes of %zu", size,
			       header.layout->size + header.length);
	if (stm32_checksum(0, payload, header.length) != header.checksum)
		return err_set(err, ERR_IMAGE, "its checksum is wrong: the file is damaged");
	if (!header.reserved_clean)
		return err_set(err, ERR_IMAGE, "reserved fields of its header are not zero");
	rc = match_chip(job, &header, err);
	if (rc == 0)
		rc = check_numbers(&header, first ? stm32mp_of(job)->chip : NULL, err);
	if (rc == 0)
		plan_header(job, section, &header);
	return rc;
}

static bool has_image(const struct fip *fip, const char *name)
{
	size_t i;

	for (i = 0; i < fip->count; i++)
		if (text_equal(fip->entries[i].name, name))
			return true;
	return false;
}

/* The DDR firmware and the loader are both packages: taking one for the other is found by TF-A only
   when it is too late to say so. */
static int check_fip(struct job *job, uint8_t phase, const uint8_t *bytes, size_t size,
		     const char *section, struct err *err)
{
	const struct stm32mp_chip *chip = stm32mp_of(job)->chip;
	_cleanup_(freep) struct fip *fip = xcalloc(1, sizeof(*fip));
	int rc = fip_parse(bytes, size, size, fip, err);

	if (rc < 0)
		return rc;
	plan_fact(job->plan, section, "package", "FIP of %zu images", fip->count);
	if (phase == PHASE_FIP_DDR && !has_image(fip, "ddr-fw"))
		return err_set(err, ERR_IMAGE, "there is no DDR firmware in it%s",
			       has_image(fip, "nt-fw") ? ", but U-Boot: the two are swapped" : "");
	if (phase == PHASE_SSBL && !has_image(fip, "nt-fw"))
		return err_set(err, ERR_IMAGE, "there is no U-Boot (BL33) in it%s",
			       has_image(fip, "ddr-fw") ? ", but DDR firmware: the two are swapped"
							: "");
	if (phase == PHASE_SSBL && !has_image(fip, "hw-config"))
		plan_warn(job->plan, "%s holds no device tree for U-Boot (HW_CONFIG)", section);
	if (phase == PHASE_SSBL && chip && chip->arm64 && !has_image(fip, "soc-fw"))
		plan_warn(job->plan, "%s holds no BL31, which an %s needs", section, chip->title);
	return 0;
}

int stm32mp_check_boot_file(struct job *job, uint8_t phase, const uint8_t *bytes, size_t size,
			    const char *section, struct err *err)
{
	uint32_t magic = size >= 4 ? be32_at(bytes) : 0;

	if (phase == PHASE_FSBL)
		return check_stm32(job, true, bytes, size, section, err);
	if (fip_is(bytes, size) || phase == PHASE_FIP_DDR)
		return check_fip(job, phase, bytes, size, section, err);
	if (stm32_is(bytes, size))
		return check_stm32(job, false, bytes, size, section, err);
	/* What a U-Boot SPL takes in place of TF-A. */
	if (magic == FIT_MAGIC || magic == LEGACY_MAGIC) {
		plan_fact(job->plan, section, "package", "%s",
			  magic == FIT_MAGIC ? "FIT image" : "legacy U-Boot image");
		return 0;
	}
	return err_set(err, ERR_IMAGE, "it is no FIP, no STM32 image and no U-Boot image");
}

static int read_file(struct job *job, uint8_t phase, char *path, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct boot_file *file = &stm32mp->files[stm32mp->file_count++];
	char section[32], sha256[SHA256_TEXT], text[32];
	int rc;

	*file = (struct boot_file){.path = path, .phase = phase, .bytes.max = BOOT_FILE_BYTES};
	rc = path_read(path, BOOT_FILE_BYTES, &file->bytes, err);
	if (rc < 0)
		return rc;
	snprintf(section, sizeof(section), "phase 0x%02x", phase);
	sha256_text(buf_text(&file->bytes), file->bytes.size, sha256);
	plan_fact(job->plan, section, "file", "%s", path);
	plan_fact_bytes(job->plan, section, "size", file->bytes.size);
	plan_fact(job->plan, section, "sha256", "%s", sha256);
	rc = stm32mp_check_boot_file(job, phase, (const uint8_t *)buf_text(&file->bytes),
				     file->bytes.size, section, err);
	if (rc < 0)
		return err_prefix(err, "%s, for phase 0x%02x", path, phase);
	plan_step(job->plan, "send %s as %s", path_base(path), phase_text(phase, text));
	return 0;
}

static const struct {
	uint8_t phase;
	const char *key;
} sources[] = {
	{PHASE_FSBL, "fsbl"},
	{PHASE_FIP_DDR, "fip_ddr"},
	{PHASE_SSBL, "fip"},
};

/* The layout's own line counts, whatever its device; the board file fills in. */
static char *source_path(struct job *job, uint8_t phase, const char *key)
{
	const struct tsv_line *line = tsv_find(stm32mp_of(job)->tsv, phase);
	const char *name = yaml_text(job->board->own, key, NULL);

	if (line && line->file)
		return stm32mp_find_file(job, line->file);
	return name ? board_path(job->board, name) : NULL;
}

static int missing(uint8_t phase, const char *key, struct err *err)
{
	char text[32];

	err_set(err, ERR_CONFIG, "no file for %s (phase 0x%02x)", phase_text(phase, text), phase);
	return err_remedy(err,
			  "add '%s: FILE' under 'stm32mp:' in the board file, or a line with "
			  "id 0x%02x and device none to the layout",
			  key, phase);
}

int stm32mp_read_files(struct job *job, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		uint8_t phase = sources[i].phase;
		char *path = source_path(job, phase, sources[i].key);

		if (!path && phase == PHASE_FIP_DDR && !(stm32mp->chip && stm32mp->chip->fip_ddr))
			continue;
		if (!path)
			return missing(phase, sources[i].key, err);
		rc = read_file(job, phase, path, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
