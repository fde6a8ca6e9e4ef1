// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "image/layout.h"

struct tally_layout {
	struct layout layout;
	struct layout *below;
	struct tally *tally;
};

static int tally_next(struct layout *layout, struct extent *extent, bool *more, struct err *err)
{
	struct tally_layout *counted = container_of(layout, struct tally_layout, layout);
	int rc = counted->below->next(counted->below, extent, more, err);

	if (rc < 0)
		return rc;
	if (!*more)
		return tally_check(counted->tally, err);
	if (extent->kind != EXTENT_DATA)
		tally_zeros(counted->tally, extent->length);
	return 0;
}

static int tally_read(struct layout *layout, void *data, size_t size, size_t *got, struct err *err)
{
	struct tally_layout *counted = container_of(layout, struct tally_layout, layout);
	int rc = counted->below->read(counted->below, data, size, got, err);

	if (rc == 0)
		tally_add(counted->tally, data, *got);
	return rc;
}

static void tally_close(struct layout *layout)
{
	struct tally_layout *counted = container_of(layout, struct tally_layout, layout);

	counted->below->close(counted->below);
	free(counted);
}

struct layout *layout_tally(struct layout *below, struct tally *tally)
{
	struct tally_layout *counted = xcalloc(1, sizeof(*counted));

	counted->layout = (struct layout){tally_next, tally_read, tally_close};
	counted->below = below;
	counted->tally = tally;
	return &counted->layout;
}

void layout_closep(struct layout **layout)
{
	if (*layout)
		(*layout)->close(*layout);
	*layout = NULL;
}
