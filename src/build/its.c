// SPDX-License-Identifier: MIT
#include "build/its.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "build/dtc.h"
#include "build/fit_fill.h"
#include "build/fit_tree.h"

/* Included files are looked for beside the source. */
static int compile(const char *path, struct buf *plain, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	int rc = dtc_compile(path, folder, INT32_MAX, plain, deadline, err);

	return rc < 0 ? rc : fit_tree_check(plain->data, plain->size, err);
}

static bool has_signature(const void *tree)
{
	int node, depth = 0;

	for (node = fdt_next_node(tree, 0, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(tree, node, &depth))
		if (depth == 3 && fit_is_signature(tree, node))
			return true;
	return false;
}

static int check_signing(const void *tree, const char *path, const struct fit_signing *signing,
			 struct err *err)
{
	if (!signing || !signing->key_folder || has_signature(tree))
		return 0;
	err_set(err, ERR_CONFIG, "%s has no signature node, so there is nothing to sign", path);
	return err_remedy(err, "give the configuration a node signature-1 with algo and "
			       "key-name-hint");
}

int its_compile(const char *path, const struct fit_signing *signing, uint64_t timestamp, void **fit,
		size_t *size, struct buf *control, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf plain = {0};
	int rc;

	if (access(path, R_OK) < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot read %s", path);
	rc = compile(path, &plain, deadline, err);
	if (rc == 0)
		rc = check_signing(plain.data, path, signing, err);
	if (rc == 0)
		rc = fit_fill(plain.data, signing, timestamp, fit, size, control, err);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}
