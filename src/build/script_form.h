// SPDX-License-Identifier: MIT
/*
 * The forms of a boot script. ImageBuilder's text changed over the years and scripts around it came
 * to rely on it; a form is one state of it, as data.
 */
#ifndef ABOARD_BUILD_SCRIPT_FORM_H
#define ABOARD_BUILD_SCRIPT_FORM_H

#include <stdbool.h>

#include "base/err.h"

struct script_form {
	const char *name;
	const char *dom0_cmd;     /* dom0's command line when there is none */
	const char *unit;         /* between a module's node name and its address */
	bool named_by_address;    /* dom0's nodes, too, end in their address */
	bool header_sizes;        /* a kernel's header may ask for more room than the file */
	bool high_memory_cell;    /* a guest's memory as a high and a low cell */
	bool repeats_phandles;    /* a CPU's phandle is set although it has it */
	bool dodges_reserved;     /* reserved memory is left out when placing */
	bool conflicts_are_notes; /* this form has always ignored the memory map: only warn */
};

/* NULL: the default. ERR_USAGE for a name that is none. */
int script_form_find(const char *name, const struct script_form **form, struct err *err);

#endif
