// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "bundle/oci_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)data, size);
	struct oci_challenge challenge;
	struct err err;

	if (oci_challenge_parse(&challenge, text, &err) == 0)
		oci_challenge_free(&challenge);
	return 0;
}
