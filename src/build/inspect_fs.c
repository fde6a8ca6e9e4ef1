// SPDX-License-Identifier: MIT
/* File systems and sparse images. ext4: Linux Documentation/filesystems/ext4; FAT: Microsoft's
   "FAT32 File System Specification"; squashfs: Documentation/filesystems/squashfs; sparse: AOSP
   libsparse/sparse_format.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "build/inspect_rows.h"

#define EXT4_SUPER          1024
#define EXT4_SUPER_SIZE     1024
#define EXT4_METADATA_CSUM  0x400u
#define EXT4_NEEDS_RECOVERY 0x4u
#define EXT4_EXTENTS        0x40u
#define EXT4_JOURNAL        0x4u
#define EXT4_64BIT          0x80u

bool ext4_match(const struct input *input)
{
	const uint8_t *super = input->head + EXT4_SUPER;

	return input->head_size >= EXT4_SUPER + EXT4_SUPER_SIZE && le16_at(super + 56) == 0xef53 &&
	       le32_at(super + 24) <= 6 && le32_at(super + 4);
}

/* CRC-32C (Castagnoli) as ext4 counts it: starts with all ones, no inversion at the end. */
static uint32_t crc32c(const uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;
	size_t i;
	int bit;

	for (i = 0; i < size; i++) {
		crc ^= data[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return crc;
}

static void fact_uuid(json_t *facts, const uint8_t *at)
{
	char text[37];

	snprintf(text, sizeof(text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", at[0],
		 at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8], at[9], at[10], at[11],
		 at[12], at[13], at[14], at[15]);
	fact_text(facts, "uuid", text);
}

void ext4_explain(const struct input *input, struct finding *finding)
{
	const uint8_t *super = input->head + EXT4_SUPER;
	uint32_t compat = le32_at(super + 92), incompat = le32_at(super + 96),
		 ro_compat = le32_at(super + 100);
	uint64_t block = (uint64_t)1024 << le32_at(super + 24), blocks = le32_at(super + 4);

	if (incompat & EXT4_64BIT)
		blocks |= (uint64_t)le32_at(super + 336) << 32;
	fact_text(finding->facts, "type",
		  incompat & EXT4_EXTENTS ? "ext4"
		  : compat & EXT4_JOURNAL ? "ext3"
					  : "ext2");
	fact_field(finding->facts, "label", super + 120, 16);
	fact_uuid(finding->facts, super + 104);
	fact_number(finding->facts, "block", block);
	fact_number(finding->facts, "blocks", blocks);
	fact_flag(finding->facts, "clean",
		  (le16_at(super + 58) & 1) && !(incompat & EXT4_NEEDS_RECOVERY));
	finding->size = blocks <= UINT64_MAX / block ? block * blocks : 0;
	if (input->whole)
		finding_check(finding, "size", finding->size && finding->size <= input->size,
			      "the file system is larger than what it is in");
	if (ro_compat & EXT4_METADATA_CSUM)
		finding_check(finding, "superblock", crc32c(super, 1020) == le32_at(super + 1020),
			      "its checksum is wrong");
}

/* The boot sector's numbers must make sense: its mark alone says nothing. */
bool fat_match(const struct input *input)
{
	const uint8_t *boot = input->head;
	uint32_t sector = le16_at(boot + 11), cluster = boot[13];

	if (input->head_size < 512 || !input_has(input, 510, "\x55\xaa", 2))
		return false;
	if (boot[0] != 0xeb && boot[0] != 0xe9)
		return false;
	return (sector == 512 || sector == 1024 || sector == 2048 || sector == 4096) && cluster &&
	       (cluster & (cluster - 1)) == 0 && le16_at(boot + 14) && boot[16] >= 1 &&
	       boot[16] <= 2 && boot[21] >= 0xf0;
}

struct fat {
	uint64_t sector, reserved, fats, fat_sectors, root_entries, sectors, clusters;
	int bits;
};

static bool fat_read(const uint8_t *boot, struct fat *fat)
{
	uint64_t root, used;

	*fat = (struct fat){
		.sector = le16_at(boot + 11),
		.reserved = le16_at(boot + 14),
		.fats = boot[16],
		.fat_sectors = le16_at(boot + 22) ? le16_at(boot + 22) : le32_at(boot + 36),
		.root_entries = le16_at(boot + 17),
		.sectors = le16_at(boot + 19) ? le16_at(boot + 19) : le32_at(boot + 32),
	};
	root = (fat->root_entries * 32 + fat->sector - 1) / fat->sector;
	used = fat->reserved + fat->fats * fat->fat_sectors + root;
	if (used > fat->sectors)
		return false;
	fat->clusters = (fat->sectors - used) / boot[13];
	fat->bits = fat->clusters < 4085 ? 12 : fat->clusters < 65525 ? 16 : 32;
	return true;
}

/* All copies must be equal. */
static bool fats_equal(const struct input *input, const struct fat *fat)
{
	uint64_t first = fat->reserved * fat->sector, size = fat->fat_sectors * fat->sector;
	uint32_t one, two;

	return input_crc32(input, first, size, &one) &&
	       (fat->fats < 2 || (input_crc32(input, first + size, size, &two) && one == two));
}

void fat_explain(const struct input *input, struct finding *finding)
{
	const uint8_t *boot = input->head;
	struct fat fat;
	bool good = fat_read(boot, &fat);
	size_t more = fat.bits == 32 ? 64 : 36; /* of the fields that end with label and type */

	finding_check(finding, "boot sector", good, "its numbers do not fit together");
	if (!good)
		return;
	fact_number(finding->facts, "bits", (uint64_t)fat.bits);
	if (boot[more + 2] == 0x29) {
		fact_hex(finding->facts, "serial", le32_at(boot + more + 3));
		fact_field(finding->facts, "label", boot + more + 7, 11);
	}
	fact_number(finding->facts, "sector", fat.sector);
	fact_number(finding->facts, "cluster", boot[13] * fat.sector);
	fact_number(finding->facts, "clusters", fat.clusters);
	finding->size = fat.sectors * fat.sector;
	if (!input->whole)
		return;
	finding_check(finding, "size", finding->size <= input->size,
		      "the file system is larger than what it is in");
	if (finding->size <= input->size)
		finding_check(finding, "FAT copies", fats_equal(input, &fat), "they differ");
}

#define SQUASHFS_SUPER 96

bool squashfs_match(const struct input *input)
{
	return input_has(input, 0, "hsqs", 4) && input->head_size >= SQUASHFS_SUPER;
}

void squashfs_explain(const struct input *input, struct finding *finding)
{
	static const char *const codecs[] = {"unknown", "gzip", "lzma", "lzo", "xz", "lz4", "zstd"};
	const uint8_t *super = input->head;
	uint16_t codec = le16_at(super + 20), log = le16_at(super + 22);
	uint32_t block = le32_at(super + 12);

	fact_text(finding->facts, "compression", codecs[codec < ARRAY_SIZE(codecs) ? codec : 0]);
	fact_number(finding->facts, "inodes", le32_at(super + 4));
	fact_number(finding->facts, "timestamp", le32_at(super + 8));
	fact_number(finding->facts, "block", block);
	finding->size = le64_at(super + 40);
	finding_check(finding, "superblock",
		      le16_at(super + 28) == 4 && log < 32 && block == (uint32_t)1 << log,
		      "version or block size make no sense");
	if (input->whole)
		finding_check(finding, "size", finding->size <= input->size,
			      "the file system is larger than what it is in");
}

#define SPARSE_HEADER 28
#define SPARSE_CHUNK  12
#define CHUNK_RAW     0xcac1
#define CHUNK_FILL    0xcac2
#define CHUNK_SKIP    0xcac3
#define CHUNK_CRC     0xcac4

bool sparse_match(const struct input *input)
{
	return input_has(input, 0, "\x3a\xff\x26\xed", 4) && input->head_size >= SPARSE_HEADER;
}

struct sparse {
	uint16_t header, chunk_header;
	uint32_t block, blocks, chunks;
	uint64_t of[4]; /* blocks by kind */
};

/* One chunk: bytes it takes in the file; 0 when it makes no sense. */
static uint64_t sparse_chunk(const uint8_t *chunk, struct sparse *sparse, uint64_t *blocks)
{
	uint32_t kind = le16_at(chunk), count = le32_at(chunk + 4), total = le32_at(chunk + 8);
	uint64_t want = sparse->chunk_header;

	if (kind < CHUNK_RAW || kind > CHUNK_CRC)
		return 0;
	if (kind == CHUNK_RAW)
		want += (uint64_t)count * sparse->block;
	else if (kind != CHUNK_SKIP)
		want += 4;
	if (total != want || (kind == CHUNK_CRC && count))
		return 0;
	sparse->of[kind - CHUNK_RAW] += count;
	*blocks += count;
	return total;
}

static void sparse_chunks(const struct input *input, struct sparse *sparse, struct finding *finding)
{
	uint64_t offset = sparse->header, blocks = 0, size;
	uint8_t chunk[SPARSE_CHUNK];
	uint32_t i;

	for (i = 0; i < sparse->chunks; i++) {
		if (!input_read(input, offset, chunk, sizeof(chunk)))
			break;
		size = sparse_chunk(chunk, sparse, &blocks);
		if (!size || size > input->size - offset)
			break;
		offset += size;
	}
	finding->size = offset;
	finding_check(finding, "chunks", i == sparse->chunks,
		      "chunk %" PRIu32 " is damaged or cut short", i);
	finding_check(finding, "blocks", blocks == sparse->blocks,
		      "the chunks make %" PRIu64 " blocks, the header says %" PRIu32, blocks,
		      sparse->blocks);
}

void sparse_explain(const struct input *input, struct finding *finding)
{
	const uint8_t *head = input->head;
	struct sparse sparse = {.header = le16_at(head + 8),
				.chunk_header = le16_at(head + 10),
				.block = le32_at(head + 12),
				.blocks = le32_at(head + 16),
				.chunks = le32_at(head + 20)};

	fact_number(finding->facts, "block", sparse.block);
	fact_number(finding->facts, "blocks", sparse.blocks);
	fact_number(finding->facts, "chunks", sparse.chunks);
	fact_number(finding->facts, "expanded", (uint64_t)sparse.block * sparse.blocks);
	finding_check(finding, "header",
		      le16_at(head + 4) == 1 && sparse.header >= SPARSE_HEADER &&
			      sparse.chunk_header >= SPARSE_CHUNK && sparse.block &&
			      sparse.block % 4 == 0,
		      "version or sizes make no sense");
	if (finding->state == FINDING_DAMAGED || !input->whole)
		return;
	sparse_chunks(input, &sparse, finding);
	fact_number(finding->facts, "raw-blocks", sparse.of[0]);
	fact_number(finding->facts, "fill-blocks", sparse.of[1]);
	fact_number(finding->facts, "skipped-blocks", sparse.of[2]);
}
