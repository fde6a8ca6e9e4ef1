// SPDX-License-Identifier: MIT
#include "build/dtc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"

#define SAID_MAX 600

static void remove_folder(char **folder)
{
	if (*folder)
		path_remove_tree(*folder, NULL);
	free(*folder);
}

static int failed(struct process_result *result, struct err *err)
{
	char *said = text_trim(result->out.data ? result->out.data : (char[]){""});

	return err_set(err, ERR_CONFIG, "it does not compile: %.*s", SAID_MAX, said);
}

int dtc_compile(const char *source, const char *folder, size_t max, struct buf *tree,
		struct deadline deadline, struct err *err)
{
	_cleanup_(remove_folder) char *work = path_temporary(err);
	_cleanup_(freep) char *output = work ? path_join(work, "out.dtb") : NULL;
	/* Without warnings: dtc has some about every FIT, and about Xen's phandle in every partial
	   tree. */
	const char *const argv[] = {"dtc",  "-q", "-I",   "dts", "-O",   "dtb", "-i",
				    folder, "-o", output, "--",  source, NULL};
	struct process_result result = {0};
	int rc;

	if (!work)
		return -ERR_HOST;
	rc = process_run(argv, &result, deadline, err);
	if (rc == -ERR_HOST)
		err_remedy(err, "install the device tree compiler: package device-tree-compiler");
	else if (rc == 0 && result.status)
		rc = failed(&result, err);
	buf_free(&result.out);
	return rc < 0 ? rc : path_read(output, max, tree, err);
}
