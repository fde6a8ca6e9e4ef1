// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bundle/oci_ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A reference in full means the same when it is read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)data, size);
	_cleanup_(freep) char *full = NULL, *again = NULL;
	struct oci_ref *ref;
	struct err err;

	if (oci_ref_parse(&ref, text, &err) < 0)
		return 0;
	full = oci_ref_text(ref);
	oci_host_is_local(ref->host);
	oci_ref_free(ref);
	if (oci_ref_parse(&ref, full, &err) < 0)
		abort();
	again = oci_ref_text(ref);
	if (strcmp(full, again) != 0)
		abort();
	oci_ref_free(ref);
	return 0;
}
