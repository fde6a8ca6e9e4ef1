// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/bundle.h"
#include "bundle/file.h"
#include "bundle/region.h"

#define HEADER_SIZE 64

static uint64_t little_u64(const uint8_t *bytes)
{
	uint64_t value = 0;
	size_t i;

	for (i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

/* linux Documentation/arm64/booting.rst: magic "ARM\x64" at 56, image_size at 16: bytes from the
   start of the image that the kernel uses before it can tell anybody. */
static void read_header(struct region *region, const uint8_t *header, size_t size)
{
	static const uint8_t gzip[] = {0x1f, 0x8b}, fdt[] = {0xd0, 0x0d, 0xfe, 0xed};

	region->is_gzip = size > 2 && memcmp(header, gzip, sizeof(gzip)) == 0;
	region->is_fdt = size > 4 && memcmp(header, fdt, sizeof(fdt)) == 0;
	region->is_image = size == HEADER_SIZE && memcmp(header + 56, "ARM\x64", 4) == 0;
	if (region->is_image && little_u64(header + 16) > region->size)
		region->size = little_u64(header + 16);
}

static int file_size(struct reader *reader, uint64_t *size, uint8_t header[HEADER_SIZE],
		     size_t *header_size, struct err *err)
{
	_cleanup_(freep) char *piece = xmalloc((size_t)64 << 10);
	size_t got = 1;
	int rc = reader_fill(reader, header, HEADER_SIZE, header_size, err);

	*size = *header_size;
	while (rc == 0 && got) {
		rc = reader->read(reader, piece, (size_t)64 << 10, &got, err);
		*size += got;
	}
	return rc;
}

int region_read(struct region *region, const struct bundle *bundle, const char *what,
		const char *file, const char *address, struct err *err)
{
	_cleanup_(reader_closep) struct reader *reader = NULL;
	_cleanup_(freep) char *path = NULL;
	uint8_t header[HEADER_SIZE];
	size_t header_size;
	int rc = bundle_path(bundle, file, &path, err);

	*region = (struct region){.what = what, .file = file};
	if (rc == 0 && !text_hex(address, &region->address))
		rc = err_set(err, ERR_CONFIG, "%s: '%s' is no address", what, address);
	if (rc == 0)
		rc = file_reader(&reader, path, 0, err);
	if (rc == 0)
		rc = file_size(reader, &region->file_size, header, &header_size, err);
	if (rc < 0)
		return rc;
	region->size = region->file_size;
	read_header(region, header, header_size);
	if (region->size > UINT64_MAX - region->address)
		return err_set(err, ERR_CONFIG,
			       "%s %s at 0x%" PRIx64 " goes beyond the last address", what, file,
			       region->address);
	return 0;
}

int regions_read(struct region regions[REGION_COUNT], size_t *count, const struct bundle *bundle,
		 const char *variant, struct err *err)
{
	const struct manifest *manifest = bundle->manifest;
	const struct manifest_variant *chosen = NULL;
	int rc;

	variant = variant ? variant : manifest->dtb_default;
	if (variant && !(chosen = manifest_variant(manifest, variant)))
		return err_set(err, ERR_CONFIG, "the bundle %s has no variant '%s'", bundle->ref,
			       variant);
	*count = 0;
	rc = region_read(&regions[(*count)++], bundle, "kernel", manifest->kernel.file,
			 manifest->kernel.address, err);
	if (rc == 0 && manifest->initram.file)
		rc = region_read(&regions[(*count)++], bundle, "initramfs", manifest->initram.file,
				 manifest->initram.address, err);
	if (rc == 0 && chosen && chosen->file)
		rc = region_read(&regions[(*count)++], bundle, "device tree", chosen->file,
				 manifest->dtb_address, err);
	return rc;
}

static int overlap_err(const struct region *a, const struct region *b, struct err *err)
{
	const struct region *low = a->address <= b->address ? a : b;
	const struct region *high = low == a ? b : a;
	uint64_t end = low->address + low->size;

	err_set(err, ERR_CONFIG,
		"the %s %s takes 0x%" PRIx64 " to 0x%" PRIx64 "%s, the %s %s begins at 0x%" PRIx64,
		low->what, low->file, low->address, end - 1,
		low->size > low->file_size ? " once it runs" : "", high->what, high->file,
		high->address);
	return err_remedy(err, "give the %s an address of 0x%" PRIx64 " or above", high->what,
			  (end + 0xfffff) & ~(uint64_t)0xfffff);
}

int bundle_check_layout(const struct bundle *bundle, const char *variant, struct err *err)
{
	struct region regions[REGION_COUNT];
	size_t count, i, j;
	int rc = regions_read(regions, &count, bundle, variant, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < count; i++)
		for (j = i + 1; j < count; j++)
			if (regions[i].address < regions[j].address + regions[j].size &&
			    regions[j].address < regions[i].address + regions[i].size)
				return overlap_err(&regions[i], &regions[j], err);
	return 0;
}
