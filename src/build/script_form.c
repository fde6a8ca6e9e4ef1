// SPDX-License-Identifier: MIT
#include "build/script_form.h"

#include "base/mem.h"
#include "base/text.h"
#include "build/script.h"

static const struct script_form forms[] = {
	{
		.name = "next",
		.dom0_cmd = "console=hvc0 earlycon=xenboot earlyprintk clk_ignore_unused",
		.unit = "@",
		.named_by_address = true,
		.header_sizes = true,
		.high_memory_cell = true,
		.dodges_reserved = true,
	},
	{
		.name = "2404",
		.dom0_cmd = "console=hvc0 earlycon=xen earlyprintk=xen clk_ignore_unused",
		.unit = "0x",
		.header_sizes = true,
		.conflicts_are_notes = true,
	},
	{
		.name = "seed",
		.dom0_cmd = "console=hvc0 earlycon=xen earlyprintk=xen clk_ignore_unused",
		.unit = "0x",
		.repeats_phandles = true,
		.conflicts_are_notes = true,
	},
};

const char *const script_forms[] = {"next", "2404", "seed", NULL};

int script_form_find(const char *name, const struct script_form **form, struct err *err)
{
	size_t i;

	*form = &forms[0];
	for (i = 0; name && i < ARRAY_SIZE(forms); i++)
		if (text_equal(forms[i].name, name)) {
			*form = &forms[i];
			return 0;
		}
	if (!name)
		return 0;
	err_set(err, ERR_USAGE, "there is no form '%s'", name);
	return err_remedy(err, "the forms are next, 2404 and seed");
}
