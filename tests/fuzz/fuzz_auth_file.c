// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "bundle/oci_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const char *text, const uint8_t *data, size_t size)
{
	struct oci_login login = {0};
	struct warnings warnings = {0};
	struct oci_ref *ref;
	struct err err;

	if (oci_ref_parse(&ref, text, &err) < 0)
		abort();
	oci_auth_file_find(&login, data, size, "auth.json", ref, &warnings);
	oci_login_free(&login);
	warnings_free(&warnings);
	oci_ref_free(ref);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ask("registry.example.org/lab/one/two:v1", data, size);
	ask("alpine", data, size);
	return 0;
}
