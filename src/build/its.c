// SPDX-License-Identifier: MIT
#include "build/its.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "build/fit_fill.h"
#include "build/fit_tree.h"

static void remove_folder(char **folder)
{
	if (*folder)
		path_remove_tree(*folder, NULL);
	free(*folder);
}

static char *make_folder(struct err *err)
{
	const char *root = getenv("TMPDIR");
	_cleanup_(freep) char *folder = path_join(root && *root ? root : "/tmp", "aboard.XXXXXX");

	if (mkdtemp(folder))
		return steal(folder);
	err_errno(err, ERR_HOST, "cannot make a folder %s", folder);
	return NULL;
}

/* The first lines of what dtc says, without the warnings about names and units that every FIT
   gives. */
static int dtc_failed(const char *path, struct process_result *result, struct err *err)
{
	char *said = text_trim(result->out.data ? result->out.data : (char[]){""});

	if (strlen(said) > 600)
		said[600] = '\0';
	return err_set(err, ERR_CONFIG, "%s does not compile: %s", path, said);
}

/* dtc looks for included files beside the file that includes them, then in -i folders. */
static int run_dtc(const char *path, const char *output, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	const char *argv[] = {"dtc",  "-q", "-I",   "dts", "-O", "dtb", "-i",
			      folder, "-o", output, "--",  path, NULL};
	struct process_result result = {0};
	int rc = process_run(argv, &result, deadline, err);

	if (rc < 0)
		err_remedy(err, "install the device tree compiler: package device-tree-compiler");
	else if (result.status)
		rc = dtc_failed(path, &result, err);
	buf_free(&result.out);
	return rc;
}

static int compile(const char *path, struct buf *plain, struct deadline deadline, struct err *err)
{
	_cleanup_(remove_folder) char *folder = make_folder(err);
	_cleanup_(freep) char *output = folder ? path_join(folder, "plain.dtb") : NULL;
	int rc;

	if (!folder)
		return -ERR_HOST;
	rc = run_dtc(path, output, deadline, err);
	if (rc == 0)
		rc = path_read(output, INT32_MAX, plain, err);
	if (rc == 0)
		rc = fit_tree_check(plain->data, plain->size, err);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
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
