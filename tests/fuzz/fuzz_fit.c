// SPDX-License-Identifier: MIT
/* A tree as a FIT that is read, verified and filled anew, and as a control tree that holds keys. */
#include <libfdt.h>
#include <stdlib.h>

#include "build/fit_check.h"
#include "build/fit_fill.h"
#include "build/fit_json.h"
#include "build/fit_key.h"
#include "build/fit_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_fit(const uint8_t *data, size_t size)
{
	struct fit_report report;
	struct finding finding;
	struct err err;

	if (fit_read(data, size, NULL, &report, &err) < 0)
		return;
	fit_verify(data, size, NULL, &report, &err);
	finding_begin(&finding, "fit", "FIT image");
	json_decref(fit_report_json(&report));
	fit_report_checks(&report, &finding);
	finding_free(&finding);
	fit_report_free(&report);
}

static void fill(const uint8_t *data, size_t size)
{
	void *filled = NULL;
	struct err err;

	if (fit_tree_check(data, size, &err) == 0 &&
	    fit_fill(data, NULL, 0, &filled, &size, NULL, &err) == 0)
		free(filled);
}

/* Each node as a key, and each configuration as one that is to be signed. */
static void walk(const uint8_t *data)
{
	static struct fit_nodes nodes;
	struct regions regions = {0};
	int node = 0, depth = 0;
	EVP_PKEY *key;
	struct err err;

	for (; node >= 0 && depth >= 0; node = fdt_next_node(data, node, &depth)) {
		key = NULL;
		fit_key_from_node(data, node, &key, &err);
		fit_key_freep(&key);
		if (fit_signed_nodes(data, node, &nodes, &err) == 0)
			fit_regions(data, &nodes, 0, &regions, &err);
		regions_free(&regions);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;

	read_as_fit(data, size);
	fill(data, size);
	if (dt_check(data, size, &err) == 0)
		walk(data);
	return 0;
}
