// SPDX-License-Identifier: MIT
#include "cli/build.h"

#include "cli/verbs.h"

/* Add a line here for a new one. */
static const struct verb *const subs[] = {&verb_build_script, &verb_build_fit, &verb_build_disk,
					  &verb_build_stm32, NULL};

const struct verb verb_build = {
	.name = "build",
	.summary = "make what is put on a board",
	.description = "Boot scripts, FIT images, disk images and vendors' headers, without root "
		       "and reproducibly: SOURCE_DATE_EPOCH, seconds since 1970, is the time "
		       "written into them.",
	.subs = subs,
};
