// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/oci_auth.h"
#include "bundle/oci_manifest.h"

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2 HEX HEX

static void references(void **state)
{
	static const struct {
		const char *text, *full, *host; /* full NULL: refused */
	} rows[] = {
		{"alpine", "docker.io/library/alpine:latest", "registry-1.docker.io"},
		{"oci://alpine:3", "docker.io/library/alpine:3", "registry-1.docker.io"},
		{"org/name", "docker.io/org/name:latest", "registry-1.docker.io"},
		{"docker.io/x", "docker.io/library/x:latest", "registry-1.docker.io"},
		{"index.docker.io/a/x", "docker.io/a/x:latest", "registry-1.docker.io"},
		{"registry.example.org/a/b/c:v1.0-x_y", "registry.example.org/a/b/c:v1.0-x_y",
		 "registry.example.org"},
		{"localhost/x", "localhost/x:latest", "localhost"},
		{"host:5000/x", "host:5000/x:latest", "host:5000"},
		{"[::1]:5000/x:v", "[::1]:5000/x:v", "[::1]:5000"},
		{"a.b/x@sha256:" HEX, "a.b/x@sha256:" HEX, "a.b"},
		{"a.b/x:t@sha512:" HEX2, "a.b/x:t@sha512:" HEX2, "a.b"},
		{"a.b/a__b/c-d--e.f_g", "a.b/a__b/c-d--e.f_g:latest", "a.b"},
		{"", NULL, NULL},
		{"oci://", NULL, NULL},
		{"Name", NULL, NULL},
		{"a.b/", NULL, NULL},
		{"a.b/x/", NULL, NULL},
		{"a.b//x", NULL, NULL},
		{"a.b/x:", NULL, NULL},
		{"a.b/x:.t", NULL, NULL},
		{"a.b/x:a b", NULL, NULL},
		{"a.b/x@", NULL, NULL},
		{"a.b/x@sha256:" HEX "0", NULL, NULL},
		{"a.b/x@sha256:0123456789ABCDEF", NULL, NULL},
		{"a.b/x@md5:" HEX, NULL, NULL},
		{"a.b/a___b", NULL, NULL},
		{"a.b/-a", NULL, NULL},
		{"a.b/a-", NULL, NULL},
		{"a.b/../x", NULL, NULL},
		{"a.b:port/x", NULL, NULL},
		{"a.b:123456/x", NULL, NULL},
		{"me:pw@a.b/x", NULL, NULL},
		{"https://a.b/x", NULL, NULL},
		{"a.b/x?y", NULL, NULL},
		{"[::1/x", NULL, NULL},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(oci_ref_freep) struct oci_ref *ref = NULL;
		_cleanup_(freep) char *full = NULL;
		int rc = oci_ref_parse(&ref, rows[i].text, &err);

		if (rc != (rows[i].full ? 0 : -ERR_USAGE))
			fail_msg("'%s' gives %d", rows[i].text, rc);
		if (!ref)
			continue;
		full = oci_ref_text(ref);
		assert_string_equal(full, rows[i].full);
		assert_string_equal(ref->host, rows[i].host);
	}
}

static void local_hosts(void **state)
{
	(void)state;
	assert_true(oci_host_is_local("localhost"));
	assert_true(oci_host_is_local("localhost:5000"));
	assert_true(oci_host_is_local("127.0.0.1:1"));
	assert_true(oci_host_is_local("[::1]:5000"));
	assert_false(oci_host_is_local("localhost.example"));
	assert_false(oci_host_is_local("127.0.0.1.example:80"));
	assert_false(oci_host_is_local("[::12]:80"));
	assert_false(oci_host_is_local("example"));
}

static void challenges(void **state)
{
	static const struct {
		const char *header;
		int rc;
		bool bearer;
		const char *realm, *service, *scope;
	} rows[] = {
		{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:x:pull,push\"", 0,
		 true, "https://a/t", "s", "repository:x:pull,push"},
		{"bearer REALM=https://a/t , service = \"a \\\"b\\\"\"", 0, true, "https://a/t",
		 "a \"b\"", NULL},
		{"Basic realm=\"x, Bearer realm=\\\"https://evil/\\\"\"", 0, false, NULL, NULL,
		 NULL},
		{"Basic realm=\"x\", Bearer realm=\"https://a/t\"", 0, true, "https://a/t", NULL,
		 NULL},
		{"Basic", 0, false, NULL, NULL, NULL},
		{"Negotiate abc==, Basic realm=x", 0, false, NULL, NULL, NULL},
		{"Bearer service=\"no realm\", Basic realm=\"x\"", 0, false, NULL, NULL, NULL},
		{"Bearer realm=\"file:///etc/passwd\"", -ERR_AUTH, false, NULL, NULL, NULL},
		{"Negotiate", -ERR_AUTH, false, NULL, NULL, NULL},
		{"", -ERR_AUTH, false, NULL, NULL, NULL},
	};
	struct oci_challenge found;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (oci_challenge_parse(&found, rows[i].header, &err) != rows[i].rc)
			fail_msg("'%s'", rows[i].header);
		if (rows[i].rc < 0)
			continue;
		assert_int_equal(found.bearer, rows[i].bearer);
		if (rows[i].bearer)
			assert_string_equal(found.realm, rows[i].realm);
		assert_int_equal(found.service != NULL, rows[i].service != NULL);
		if (rows[i].service)
			assert_string_equal(found.service, rows[i].service);
		assert_int_equal(found.scope != NULL, rows[i].scope != NULL);
		oci_challenge_free(&found);
	}
}

#define ENTRY(name) "{\"auth\": \"" name "\"}"
#define ROOT        "cm9vdDpwdw=="     /* root:pw */
#define LAB         "bGFiOnA6dw=="     /* lab:p:w */
#define HUB         "aHViOnNlY3JldA==" /* hub:secret */

static const char auths[] = "{\"auths\": {\"registry.example.org\": " ENTRY(
	ROOT) ", \"registry.example.org/lab\": " ENTRY(LAB) ","
							    "\"https://index.docker.io/v1/"
							    "\": " ENTRY(
								    HUB) ","
									 "\"two.example\": "
									 "{\"username\": \"u\", "
									 "\"password\": \"p\"},"
									 "\"empty.example\": {}, "
									 "\"bad.example\": "
									 "{\"auth\": \"???\"},"
									 "\"token.example\": "
									 "{\"identitytoken\": "
									 "\"x\"}},"
									 "\"credHelpers\": "
									 "{\"helped.example\": "
									 "\"gcloud\", "
									 "\"registry.example.org\":"
									 " "
									 "\"other\"}}";

static void auth_entries(void **state)
{
	static const struct {
		const char *ref, *username, *password;
		size_t warnings;
		bool helper;
	} rows[] = {
		{"registry.example.org/x", "root", "pw", 0, false},
		{"registry.example.org/lab", "lab", "p:w", 0, false},
		{"registry.example.org/lab/x/y:v", "lab", "p:w", 0, false},
		{"registry.example.org/laboratory/x", "root", "pw", 0, false},
		{"registry.example.org:443/x", NULL, NULL, 0, false},
		{"alpine", "hub", "secret", 0, false},
		{"registry-1.docker.io/org/x", "hub", "secret", 0, false},
		{"two.example/x", "u", "p", 0, false},
		{"empty.example/x", NULL, NULL, 0, false},
		{"bad.example/x", NULL, NULL, 1, false},
		{"token.example/x", NULL, NULL, 1, false},
		{"helped.example/x", NULL, NULL, 0, true},
		{"other.example/x", NULL, NULL, 0, false},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(oci_ref_freep) struct oci_ref *ref = NULL;
		_cleanup_(warnings_free) struct warnings warnings = {0};
		_cleanup_(oci_login_free) struct oci_login login = {0};

		assert_int_equal(oci_ref_parse(&ref, rows[i].ref, &err), 0);
		oci_auth_file_find(&login, auths, strlen(auths), "f", ref, &warnings);
		assert_int_equal(login.username != NULL, rows[i].username != NULL);
		if (rows[i].username) {
			assert_string_equal(login.username, rows[i].username);
			assert_string_equal(login.password, rows[i].password);
		}
		assert_int_equal(warnings.count, rows[i].warnings);
		assert_int_equal(login.helper != NULL, rows[i].helper);
	}
}

#define D1                 "sha256:" HEX
#define ITEM(more)         "{\"mediaType\":\"m\",\"digest\":\"" D1 "\",\"size\":5" more "}"
#define TITLE(name)        ",\"annotations\":{\"org.opencontainers.image.title\":\"" name "\"}"
#define PLATFORM(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define LAYERS(items)      "{\"schemaVersion\":2,\"layers\":[" items "]}"
#define INDEX(items)       "{\"schemaVersion\":2,\"manifests\":[" items "]}"

static void manifests(void **state)
{
	static const struct {
		const char *json;
		int rc;
		const char *title; /* of the first layer */
	} rows[] = {
		{LAYERS(ITEM(TITLE("./data//x"))), 0, "data/x"},
		{LAYERS(ITEM("")), 0, NULL},
		{LAYERS(""), 0, NULL},
		{LAYERS(ITEM(TITLE("../x"))), -ERR_REFUSED, NULL},
		{LAYERS(ITEM(TITLE("a/../../x"))), -ERR_REFUSED, NULL},
		{LAYERS(ITEM(TITLE("/x"))), -ERR_REFUSED, NULL},
		{LAYERS(ITEM(TITLE("."))), -ERR_REFUSED, NULL},
		{LAYERS(ITEM(TITLE(""))), -ERR_REFUSED, NULL},
		{LAYERS(ITEM(TITLE("a\\nb"))), -ERR_REFUSED, NULL},
		{LAYERS(ITEM(TITLE("x")) "," ITEM(TITLE("./x"))), -ERR_REFUSED, NULL},
		{LAYERS("{\"digest\":\"" D1 "\"}"), -ERR_NETWORK, NULL},
		{LAYERS("{\"digest\":\"" D1 "\",\"size\":-1}"), -ERR_NETWORK, NULL},
		{LAYERS("{\"digest\":\"" D1 "\",\"size\":\"5\"}"), -ERR_NETWORK, NULL},
		{LAYERS("{\"digest\":\"sha256:../../x\",\"size\":5}"), -ERR_NETWORK, NULL},
		{LAYERS("5"), -ERR_NETWORK, NULL},
		{"{\"schemaVersion\":2}", -ERR_NETWORK, NULL},
		{"{\"schemaVersion\":1,\"fsLayers\":[]}", -ERR_NETWORK, NULL},
		{"{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}", -ERR_NETWORK, NULL},
		{"[]", -ERR_NETWORK, NULL},
		{"{", -ERR_NETWORK, NULL},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(oci_manifest_freep) struct oci_manifest *manifest = NULL;
		int rc = oci_manifest_parse(&manifest, rows[i].json, strlen(rows[i].json), &err);

		if (rc != rows[i].rc)
			fail_msg("%s gives %d", rows[i].json, rc);
		if (rows[i].title)
			assert_string_equal(manifest->items[0].title, rows[i].title);
	}
}

static void choosing(void **state)
{
	static const struct {
		const char *json;
		int chosen; /* -1: none */
	} rows[] = {
		{INDEX(ITEM(PLATFORM("linux", "amd64")) "," ITEM(PLATFORM("linux", "arm64"))), 1},
		{INDEX(ITEM(PLATFORM("windows", "arm64")) "," ITEM(PLATFORM("linux", "amd64"))), 1},
		{INDEX(ITEM(PLATFORM("linux", "amd64")) "," ITEM("")), 1},
		{INDEX(ITEM(PLATFORM("linux", "s390x"))), 0},
		{INDEX(ITEM(PLATFORM("linux", "s390x")) "," ITEM(PLATFORM("unknown", "unknown"))),
		 -1},
		{INDEX(""), -1},
	};
	const struct oci_descriptor *chosen;
	struct err err;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(oci_manifest_freep) struct oci_manifest *index = NULL;

		assert_int_equal(
			oci_manifest_parse(&index, rows[i].json, strlen(rows[i].json), &err), 0);
		assert_true(index->is_index);
		rc = oci_manifest_choose(index, &chosen, &err);
		assert_int_equal(rc, rows[i].chosen < 0 ? -ERR_NOT_FOUND : 0);
		if (rc == 0)
			assert_ptr_equal(chosen, &index->items[rows[i].chosen]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references), cmocka_unit_test(local_hosts),
		cmocka_unit_test(challenges), cmocka_unit_test(auth_entries),
		cmocka_unit_test(manifests),  cmocka_unit_test(choosing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
