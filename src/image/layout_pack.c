// SPDX-License-Identifier: MIT
/* Extents through a byte queue: a struct extent, then its bytes if it is data, and so on. Both ends
   are this process, so there is nothing to distrust. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/layout.h"

struct packer {
	struct reader reader;
	struct layout *below;
	struct extent extent;
	size_t header_left; /* bytes of `extent` still to hand on */
	bool data;          /* the bytes of a data extent are being handed on */
};

static int next_header(struct packer *packer, bool *more, struct err *err)
{
	int rc = packer->below->next(packer->below, &packer->extent, more, err);

	if (rc < 0 || !*more)
		return rc;
	packer->header_left = sizeof(packer->extent);
	packer->data = packer->extent.kind == EXTENT_DATA;
	return 0;
}

static int packer_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct packer *packer = container_of(reader, struct packer, reader);
	bool more = true;
	int rc;

	*got = 0;
	if (packer->header_left == 0 && packer->data) {
		rc = packer->below->read(packer->below, data, size, got, err);
		if (rc < 0 || *got > 0)
			return rc;
	}
	if (packer->header_left == 0) {
		rc = next_header(packer, &more, err);
		if (rc < 0 || !more)
			return rc;
	}
	*got = packer->header_left < size ? packer->header_left : size;
	memcpy(data, (uint8_t *)&packer->extent + (sizeof(packer->extent) - packer->header_left),
	       *got);
	packer->header_left -= *got;
	return 0;
}

static void packer_close(struct reader *reader)
{
	struct packer *packer = container_of(reader, struct packer, reader);

	packer->below->close(packer->below);
	free(packer);
}

struct reader *layout_pack(struct layout *below)
{
	struct packer *packer = xcalloc(1, sizeof(*packer));

	packer->reader = (struct reader){.read = packer_read, .close = packer_close};
	packer->below = below;
	return &packer->reader;
}

struct unpacker {
	struct layout layout;
	struct reader *below;
	uint64_t left; /* of the current data extent */
};

static int unpacker_next(struct layout *layout, struct extent *extent, bool *more, struct err *err)
{
	struct unpacker *unpacker = container_of(layout, struct unpacker, layout);
	size_t got;
	int rc = reader_fill(unpacker->below, extent, sizeof(*extent), &got, err);

	if (rc < 0)
		return rc;
	*more = got > 0;
	if (*more && got != sizeof(*extent))
		return err_set(err, ERR_INTERNAL, "half an extent in the queue");
	unpacker->left = *more && extent->kind == EXTENT_DATA ? extent->length : 0;
	return 0;
}

static int unpacker_read(struct layout *layout, void *data, size_t size, size_t *got,
			 struct err *err)
{
	struct unpacker *unpacker = container_of(layout, struct unpacker, layout);
	int rc;

	*got = 0;
	if (unpacker->left == 0)
		return 0;
	if (size > unpacker->left)
		size = (size_t)unpacker->left;
	rc = unpacker->below->read(unpacker->below, data, size, got, err);
	if (rc < 0)
		return rc;
	if (*got == 0)
		return err_set(err, ERR_INTERNAL, "an extent without its bytes in the queue");
	unpacker->left -= *got;
	return 0;
}

static void unpacker_close(struct layout *layout)
{
	struct unpacker *unpacker = container_of(layout, struct unpacker, layout);

	unpacker->below->close(unpacker->below);
	free(unpacker);
}

struct layout *layout_unpack(struct reader *below)
{
	struct unpacker *unpacker = xcalloc(1, sizeof(*unpacker));

	unpacker->layout = (struct layout){unpacker_next, unpacker_read, unpacker_close};
	unpacker->below = below;
	return &unpacker->layout;
}
