// SPDX-License-Identifier: MIT
#include "build/fip.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/finding.h"

static const uint8_t magic[] = {0x01, 0x00, 0x64, 0xaa};

struct fip_name {
	const char *uuid, *name, *help;
};

static const struct fip_name names[] = {
	{"d6d0eea7-fcea-d54b-9782-9934f234b6e4", "nt-fw", "BL33: non-secure firmware, U-Boot"},
	{"08b8f1d9-c9cf-9349-a962-6fbc6b7265cc", "hw-config", "HW_CONFIG: U-Boot's device tree"},
	{"5807e16a-8459-47be-8ed5-648e8dddab0e", "fw-config", "FW_CONFIG"},
	{"05d0e189-53dc-1347-8d2b-500a4b7a3e38", "tos-fw", "BL32: OP-TEE or SP_MIN"},
	{"0b70c29b-2a5a-7840-9f65-0a5682738288", "tos-fw-extra1", "BL32 extra 1: OP-TEE pager"},
	{"8ea87bb1-cfa2-3f4d-85fd-e7bba50220d9", "tos-fw-extra2", "BL32 extra 2: OP-TEE paged"},
	{"47d4086d-4cfe-9846-9b95-2950cbbd5a00", "soc-fw", "BL31: EL3 runtime firmware"},
	{"5ff9ec0b-4d22-3e4d-a544-c39d81c73f0a", "tb-fw", "BL2: trusted boot firmware"},
	{"9766fd3d-89be-e849-ae5d-78a140608213", "scp-fw", "SCP_BL2: system control processor"},
	{"6c0458ff-af6b-7d4f-82ed-aa27bc69bfd2", "tb-fw-config", "TB_FW_CONFIG"},
	{"9979814b-0376-fb46-8c8e-8d267f7859e0", "soc-fw-config", "SOC_FW_CONFIG"},
	{"26257c1a-dbc6-7f47-8d96-c4c4b0248021", "tos-fw-config", "TOS_FW_CONFIG"},
	{"28da9815-93e8-7e44-ac66-1aaf801550f9", "nt-fw-config", "NT_FW_CONFIG"},
	{"b11249be-92dd-4b10-867c-2c6a4b47a7fb", "ddr-fw", "DDR firmware (STM32MP2)"},
};

bool fip_is(const uint8_t *data, size_t size)
{
	return size >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0;
}

static void uuid_text(const uint8_t *bytes, char out[FIP_UUID_TEXT])
{
	snprintf(out, FIP_UUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", bytes[0],
		 bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8],
		 bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]);
}

static void read_entry(const uint8_t *data, struct fip_entry *entry)
{
	size_t i;

	*entry = (struct fip_entry){
		.offset = le64_at(data + 16),
		.size = le64_at(data + 24),
		.flags = le64_at(data + 32),
	};
	uuid_text(data, entry->uuid);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (text_equal(names[i].uuid, entry->uuid)) {
			entry->name = names[i].name;
			entry->help = names[i].help;
		}
}

static int check_entry(const struct fip *fip, const struct fip_entry *entry, uint64_t toc,
		       uint64_t total, struct err *err)
{
	const char *name = entry->name ? entry->name : entry->uuid;
	const struct fip_entry *other;

	if (entry->offset < toc || entry->offset > total || entry->size > total - entry->offset)
		return err_set(err, ERR_IMAGE,
			       "%s lies outside the package: %" PRIu64 " bytes at %" PRIu64
			       " of %" PRIu64,
			       name, entry->size, entry->offset, total);
	for (other = fip->entries; other < entry; other++) {
		if (text_equal(other->uuid, entry->uuid))
			return err_set(err, ERR_IMAGE, "%s is there twice", name);
		if (other->offset < entry->offset + entry->size &&
		    entry->offset < other->offset + other->size)
			return err_set(err, ERR_IMAGE, "%s overlaps %s", name,
				       other->name ? other->name : other->uuid);
	}
	return 0;
}

static int check(const struct fip *fip, uint64_t total, struct err *err)
{
	uint64_t toc = FIP_HEADER_SIZE + (fip->count + 1) * FIP_ENTRY_SIZE;
	size_t i;
	int rc;

	if (!fip->serial)
		return err_set(err, ERR_IMAGE, "the serial number is 0");
	for (i = 0; i < fip->count; i++) {
		rc = check_entry(fip, &fip->entries[i], toc, total, err);
		if (rc < 0)
			return rc;
	}
	if (fip->end < toc || fip->end > total)
		return err_set(err, ERR_IMAGE,
			       "the package says it ends at %" PRIu64 " of %" PRIu64, fip->end,
			       total);
	return 0;
}

int fip_parse(const uint8_t *data, size_t size, uint64_t total, struct fip *fip, struct err *err)
{
	static const uint8_t none[16];
	const uint8_t *at = data + FIP_HEADER_SIZE;

	*fip = (struct fip){0};
	if (size < FIP_HEADER_SIZE || !fip_is(data, size))
		return err_set(err, ERR_IMAGE, "this is no firmware image package");
	fip->serial = le32_at(data + 4);
	fip->flags = le64_at(data + 8);
	for (; size - (size_t)(at - data) >= FIP_ENTRY_SIZE; at += FIP_ENTRY_SIZE) {
		if (memcmp(at, none, sizeof(none)) == 0) {
			fip->end = le64_at(at + 16);
			return check(fip, total, err);
		}
		if (fip->count == FIP_ENTRIES_MAX)
			break;
		read_entry(at, &fip->entries[fip->count++]);
	}
	return err_set(err, ERR_IMAGE, "the table of contents has no end");
}
