// SPDX-License-Identifier: MIT
/* FIT images: the text, the tree, signatures, and that nothing of a signed one can be changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libfdt.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/fit.h"
#include "build/fit_check.h"
#include "build/fit_fill.h"
#include "build/fit_key.h"
#include "build/fit_tree.h"

#define TIMESTAMP 1700000000

struct rig {
	char *folder, *keys, *control;
};

static void write_key(const struct rig *rig, const char *hint, EVP_PKEY *key)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s.key", rig->keys, hint);
	FILE *file = fopen(path, "w");

	assert_non_null(key);
	assert_non_null(file);
	assert_true(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	fclose(file);
	EVP_PKEY_free(key);
}

/* U-Boot's control tree before it knows any key. */
static void write_control(const struct rig *rig)
{
	char tree[512];
	struct err err;

	assert_int_equal(fdt_create_empty_tree(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_setprop(tree, 0, "model", "board", 6), 0);
	assert_int_equal(path_write(rig->control, tree, fdt_totalsize(tree), 0600, &err), 0);
}

static int set_up(void **state)
{
	struct rig *rig = xcalloc(1, sizeof(*rig));
	char name[] = "/tmp/aboard-fit.XXXXXX";

	assert_non_null(mkdtemp(name));
	rig->folder = xstrdup(name);
	rig->keys = path_join(name, "keys");
	rig->control = path_join(name, "control.dtb");
	assert_int_equal(mkdir(rig->keys, 0700), 0);
	write_key(rig, "dev", EVP_RSA_gen(2048));
	write_key(rig, "other", EVP_RSA_gen(2048));
	write_key(rig, "curve", EVP_EC_gen("P-256"));
	write_control(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	path_remove_tree(rig->folder, NULL);
	free(rig->folder);
	free(rig->keys);
	free(rig->control);
	free(rig);
	return 0;
}

static struct fit_image *add(struct fit *fit, const char *name, const char *type, const char *os,
			     uint64_t load)
{
	struct fit_image *image = fit_add_image(fit, name);

	image->description = xstrdup(name);
	image->type = xstrdup(type);
	image->arch = xstrdup("arm64");
	image->os = os ? xstrdup(os) : NULL;
	image->compression = xstrdup("none");
	image->incbin = xasprintf("%s.bin", name);
	image->has_load = true;
	image->load = load;
	image->has_bytes = true;
	image->sign = true;
	buf_addf(&image->bytes, "the bytes of %s", name);
	return image;
}

/* As the boot script's generator describes a Linux boot. */
static struct fit make_fit(void)
{
	struct fit fit = {.description = xstrdup("two parts")};
	struct fit_image *kernel;
	struct fit_config *config;

	add(&fit, "host_fdt", "flat_dt", NULL, 0x1400000);
	kernel = add(&fit, "host_kernel", "kernel", "linux", 0xe00000);
	kernel->has_entry = true;
	kernel->entry = 0xe00000;
	fit.default_config = xstrdup("config");
	config = fit_add_config(&fit, "config");
	config->description = xstrdup("a \"quoted\" text");
	config->kernel = xstrdup("host_kernel");
	config->fdt = xstrdup("host_fdt");
	return fit;
}

static void test_text_with_hashes(void **state)
{
	_cleanup_(fit_free) struct fit fit = make_fit();
	_cleanup_(freep) char *text = NULL;

	(void)state;
	free(fit.images[0].hash);
	fit.images[0].hash = xstrdup("md5");
	fit_add_loadable(&fit.configs[0], "host_fdt");
	fit_add_loadable(&fit.configs[0], "host_kernel");
	text = fit_its_text(&fit, NULL);
	assert_string_equal(text, "/dts-v1/;\n"
				  "/ {\n"
				  "    description = \"two parts\";\n"
				  "    #address-cells = <1>;\n"
				  "    images {\n"
				  "        host_fdt {\n"
				  "            description = \"host_fdt\";\n"
				  "            data = /incbin/(\"host_fdt.bin\");\n"
				  "            type = \"flat_dt\";\n"
				  "            arch = \"arm64\";\n"
				  "            compression = \"none\";\n"
				  "            load = <0x1400000>;\n"
				  "            hash {\n"
				  "                algo = \"md5\";\n"
				  "            };\n"
				  "        };\n"
				  "        host_kernel {\n"
				  "            description = \"host_kernel\";\n"
				  "            data = /incbin/(\"host_kernel.bin\");\n"
				  "            type = \"kernel\";\n"
				  "            arch = \"arm64\";\n"
				  "            os = \"linux\";\n"
				  "            compression = \"none\";\n"
				  "            load = <0xE00000>;\n"
				  "            entry = <0xE00000>;\n"
				  "        };\n"
				  "    };\n"
				  "    configurations {\n"
				  "        default = \"config\";\n"
				  "        config {\n"
				  "            description = \"a \\\"quoted\\\" text\";\n"
				  "            kernel = \"host_kernel\";\n"
				  "            fdt = \"host_fdt\";\n"
				  "            \n"
				  "            \n"
				  "            loadables = \"host_fdt\", \"host_kernel\";\n"
				  "        };\n"
				  "    };\n"
				  "};\n");
}

static void test_text_with_signatures(void **state)
{
	struct rig *rig = *state;
	_cleanup_(fit_free) struct fit fit = make_fit();
	struct fit_signing signing = {.key_folder = rig->keys, .hint = "dev", .sign_images = true};
	_cleanup_(freep) char *images = fit_its_text(&fit, &signing), *both = NULL;

	assert_non_null(strstr(images, "            load = <0x1400000>;\n"
				       "            signature {\n"
				       "                algo = \"sha256,rsa2048\";\n"
				       "                key-name-hint = \"dev\";\n"
				       "};\n"
				       "        };\n"));
	assert_null(strstr(images, "hash"));
	assert_null(strstr(images, "sign-images"));
	signing.sign_configs = true;
	both = fit_its_text(&fit, &signing);
	assert_non_null(strstr(both, "sign-images = \"kernel\", \"fdt\";"));
	assert_non_null(strstr(both, "hash {\n                algo = \"sha256\";"));
}

static void write_fit(const struct rig *rig, const struct fit_signing *signing, struct buf *out)
{
	_cleanup_(fit_free) struct fit fit = make_fit();
	_cleanup_(freep) char *path = path_join(rig->folder, "out.fit");
	_cleanup_(buf_free) struct buf control = {0};
	struct err err = {0};

	if (fit_write(&fit, signing, TIMESTAMP, path, &control, &err) < 0)
		fail_msg("%s", err.text);
	if (signing && signing->control_dtb)
		assert_int_equal(path_write(rig->control, control.data, control.size, 0600, &err),
				 0);
	buf_free(out);
	*out = (struct buf){0};
	assert_int_equal(path_read(path, 1 << 20, out, &err), 0);
}

static int verify(const struct rig *rig, const void *data, size_t size, struct err *err)
{
	_cleanup_(freep) void *copy = xmemdup(data, size); /* so that a read past the end is seen */
	struct fit_trust trust = {.control_dtb = rig->control};
	_cleanup_(fit_report_free) struct fit_report report = {0};
	int rc = fit_read(copy, size, &trust, &report, err);

	return rc < 0 ? rc : fit_verify(copy, size, &trust, &report, err);
}

static void test_properties_in_order(void **state)
{
	static const char *const wanted[] = {"description", "data",        "type", "arch",
					     "os",          "compression", "load", "entry"};
	_cleanup_(buf_free) struct buf out = {0};
	const char *name;
	size_t i = 0;
	int node, property;
	uint32_t stamp;

	write_fit(*state, NULL, &out);
	assert_true(dt_cell(out.data, 0, "timestamp", &stamp));
	assert_int_equal(stamp, TIMESTAMP);
	node = fdt_path_offset(out.data, "/images/host_kernel");
	fdt_for_each_property_offset(property, out.data, node)
	{
		fdt_getprop_by_offset(out.data, property, &name, NULL);
		assert_string_equal(name, wanted[i++]);
	}
	assert_int_equal(i, ARRAY_SIZE(wanted));
}

static void test_same_bytes_twice(void **state)
{
	struct rig *rig = *state;
	struct fit_signing signing = {
		.key_folder = rig->keys, .hint = "dev", .sign_images = true, .sign_configs = true};
	_cleanup_(buf_free) struct buf one = {0}, two = {0};

	write_fit(rig, &signing, &one);
	write_fit(rig, &signing, &two);
	assert_int_equal(one.size, two.size);
	assert_memory_equal(one.data, two.data, one.size);
}

static void test_each_kind_of_key(void **state)
{
	static const struct {
		const char *hint, *algo;
	} rows[] = {{"dev", NULL},
		    {"dev", "sha1,rsa2048"},
		    {"dev", "sha512,rsa2048"},
		    {"curve", NULL},
		    {"curve", "sha384,ecdsa256"}};
	struct rig *rig = *state;
	struct err err = {0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fit_signing signing = {rig->keys,    rows[i].hint, rows[i].algo,
					      rig->control, true,         true};
		_cleanup_(buf_free) struct buf out = {0};

		write_control(rig);
		write_fit(rig, &signing, &out);
		if (verify(rig, out.data, out.size, &err) < 0)
			fail_msg("%s: %s", rows[i].hint, err.text);
	}
}

static void test_wrong_requests(void **state)
{
	struct rig *rig = *state;
	const struct {
		struct fit_signing signing;
		enum err_kind kind;
	} rows[] = {
		{{rig->keys, "nobody", NULL, NULL, true, true}, ERR_NOT_FOUND},
		{{rig->keys, "../dev", NULL, NULL, true, true}, ERR_CONFIG},
		{{rig->keys, "dev", "sha256,rsa4096", NULL, true, true}, ERR_CONFIG},
		{{rig->keys, "dev", "md5,rsa2048", NULL, true, true}, ERR_CONFIG},
		{{rig->keys, "dev", "sha256", NULL, true, true}, ERR_CONFIG},
		{{rig->keys, "dev", NULL, "/nowhere.dtb", true, true}, ERR_NOT_FOUND},
	};
	_cleanup_(freep) char *path = path_join(rig->folder, "never.fit");
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(fit_free) struct fit fit = make_fit();
		_cleanup_(buf_free) struct buf control = {0};

		assert_int_equal(fit_write(&fit, &rows[i].signing, TIMESTAMP, path, &control, &err),
				 -(int)rows[i].kind);
		assert_int_not_equal(access(path, F_OK), 0);
	}
}

/* A tree signed by one key is not good for a U-Boot that wants another. */
static void test_other_key(void **state)
{
	struct rig *rig = *state;
	struct fit_signing signing = {rig->keys, "other", NULL, rig->control, true, true};
	_cleanup_(buf_free) struct buf out = {0};
	struct err err;

	write_control(rig);
	write_fit(rig, &signing, &out);
	signing.hint = "dev";
	signing.control_dtb = NULL;
	write_fit(rig, &signing, &out);
	assert_int_equal(verify(rig, out.data, out.size, &err), -ERR_DIGEST);
}

/* Places of a FIT that no signature of U-Boot's format can protect: the header and the table of
   reserved memory before the tree, gaps behind data, whether there is a default configuration (a
   wrong one is refused), and what a signature node says about itself beside its value. */
static void open_property(const void *fit, int node, int property, char *open)
{
	const char *name;
	int length;
	const char *value = fdt_getprop_by_offset(fit, property, &name, &length);
	size_t place = (size_t)(value - (const char *)fit), gap = (size_t)(-length & 3);

	memset(open + place + length, 1, gap);
	if (text_equal(name, "default"))
		memset(open + place - 4, 1, 4);
	if (fit_is_signature(fit, node) && !text_equal(name, "value"))
		memset(open + place - 12, 1, 12 + (size_t)length);
}

static void open_places(const void *fit, char *open)
{
	int node = 0, depth = 0, property;

	memset(open, 1, fdt_off_dt_struct(fit));
	for (; node >= 0 && depth >= 0; node = fdt_next_node(fit, node, &depth))
		fdt_for_each_property_offset(property, fit, node)
			open_property(fit, node, property, open);
}

static void test_no_byte_can_be_changed(void **state)
{
	struct rig *rig = *state;
	struct fit_signing signing = {rig->keys, "dev", NULL, rig->control, true, true};
	_cleanup_(buf_free) struct buf out = {0};
	_cleanup_(freep) char *open = NULL;
	struct err err = {0};
	size_t i, refused = 0;

	write_control(rig);
	write_fit(rig, &signing, &out);
	if (verify(rig, out.data, out.size, &err) < 0)
		fail_msg("%s", err.text);
	open = xcalloc(1, out.size);
	open_places(out.data, open);
	for (i = 0; i < out.size; i++) {
		out.data[i] ^= 0x10;
		if (verify(rig, out.data, out.size, &err) < 0)
			refused++;
		else if (!open[i])
			fail_msg("byte %zu of %zu can be changed", i, out.size);
		out.data[i] ^= 0x10;
	}
	assert_true(refused > out.size / 2);
}

/* A configuration that is put together anew from signed parts is not signed. */
static void test_parts_cannot_be_mixed(void **state)
{
	struct rig *rig = *state;
	struct fit_signing signing = {rig->keys, "dev", NULL, rig->control, true, true};
	_cleanup_(buf_free) struct buf out = {0};
	struct err err;
	int node;

	write_control(rig);
	write_fit(rig, &signing, &out);
	node = fdt_path_offset(out.data, "/configurations/config");
	assert_int_equal(fdt_setprop_inplace(out.data, node, "fdt", "host_xdt", 9), 0);
	assert_int_equal(verify(rig, out.data, out.size, &err), -ERR_DIGEST);
}

static void test_not_a_fit(void **state)
{
	struct rig *rig = *state;
	char tree[512];
	struct err err;

	memset(tree, 0, sizeof(tree));
	assert_int_equal(verify(rig, tree, sizeof(tree), &err), -ERR_IMAGE);
	assert_int_equal(verify(rig, tree, 0, &err), -ERR_IMAGE);
	fdt_create_empty_tree(tree, sizeof(tree));
	assert_int_equal(verify(rig, tree, sizeof(tree), &err), -ERR_IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_with_hashes),
		cmocka_unit_test(test_text_with_signatures),
		cmocka_unit_test(test_properties_in_order),
		cmocka_unit_test(test_same_bytes_twice),
		cmocka_unit_test(test_each_kind_of_key),
		cmocka_unit_test(test_wrong_requests),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_no_byte_can_be_changed),
		cmocka_unit_test(test_parts_cannot_be_mixed),
		cmocka_unit_test(test_not_a_fit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
