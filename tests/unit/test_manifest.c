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
#include "bundle/bundle.h"

#define HEAD                                     \
	"apiVersion: jumpstarter.dev/v1alpha1\n" \
	"kind: FlashBundleManifest\n"            \
	"metadata:\n"                            \
	"  name: test\n"                         \
	"spec:\n"
#define SPEC                                         \
	"  manufacturer: Someone\n"                  \
	"  link: null\n"                             \
	"  bootcmd: booti 0x82000000 - 0x84000000\n" \
	"  default_target: usd\n"                    \
	"  targets:\n"                               \
	"    usd: \"/sys/class/block#4fb0000\"\n"    \
	"    emmc: \"/sys/class/block#4fa0000\"\n"   \
	"  kernel:\n"                                \
	"    file: data/kernel\n"                    \
	"    address: \"0x82000000\"\n"

static struct manifest *parse(const char *text)
{
	struct manifest *manifest = NULL;
	struct err err = {0};

	if (manifest_parse(&manifest, "m.yaml", text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
	return manifest;
}

/* Kernel with built-in initramfs and one DTB, as for a J784S4 board. */
static void kernel_and_dtb(void **state)
{
	struct manifest *manifest = parse(HEAD SPEC "  shelltype: busybox\n"
						    "  login:\n"
						    "    login_prompt: \"login:\"\n"
						    "    username: root\n"
						    "    password: pw\n"
						    "    prompt: \"# \"\n"
						    "  dtb:\n"
						    "    default: evm\n"
						    "    address: \"0x84000000\"\n"
						    "    variants:\n"
						    "      evm:\n"
						    "        file: ./data/evm.dtb\n"
						    "      custom: {bootcmd: bootm 0x82000000}\n"
						    "      bare: data/bare.dtb\n"
						    "  preflash_commands:\n"
						    "    - one\n"
						    "    - \"two; three\"\n");
	const struct manifest_variant *variant;

	(void)state;
	assert_string_equal(manifest->name, "test");
	assert_string_equal(manifest->manufacturer, "Someone");
	assert_null(manifest->link);
	assert_string_equal(manifest->prompt, "# ");
	assert_string_equal(manifest->username, "root");
	assert_string_equal(manifest->kernel.address, "0x82000000");
	assert_null(manifest->initram.file);
	assert_int_equal(manifest->variant_count, 3);
	variant = manifest_variant(manifest, "evm");
	assert_string_equal(variant->file, "./data/evm.dtb");
	assert_null(variant->bootcmd);
	variant = manifest_variant(manifest, "custom");
	assert_null(variant->file);
	assert_string_equal(variant->bootcmd, "bootm 0x82000000");
	assert_string_equal(manifest_variant(manifest, "bare")->file, "data/bare.dtb");
	assert_null(manifest_variant(manifest, "other"));
	assert_string_equal(manifest_target(manifest, "emmc")->selector,
			    "/sys/class/block#4fa0000");
	assert_null(manifest_target(manifest, "nand"));
	assert_int_equal(manifest->preflash_count, 2);
	assert_string_equal(manifest->preflash_commands[1], "two; three");
	assert_int_equal(manifest->warning_count, 0);
	manifest_free(manifest);
}

/* One FIT, a plain device path, nothing else, as for a Renesas S4 board. */
static void one_fit(void **state)
{
	struct manifest *manifest = parse("metadata: {name: s4}\n"
					  "spec:\n"
					  "  manufacturer: Renesas\n"
					  "  link: https://example.org/\n"
					  "  bootcmd: bootm 0x58000000\n"
					  "  default_target: emmc\n"
					  "  targets: {emmc: /dev/mmcblk0}\n"
					  "  kernel: {file: data/x.itb, address: \"58000000\"}\n");

	(void)state;
	assert_string_equal(manifest->link, "https://example.org/");
	assert_string_equal(manifest->shelltype, "busybox");
	assert_string_equal(manifest->login_prompt, "login:");
	assert_string_equal(manifest->prompt, "#");
	assert_null(manifest->username);
	assert_null(manifest->dtb_default);
	assert_int_equal(manifest->variant_count, 0);
	assert_int_equal(manifest->preflash_count, 0);
	assert_string_equal(manifest->kernel.address, "58000000");
	manifest_free(manifest);
}

/* Keys that are not in the schema do not stop anything; each is told with its place. */
static void unknown_keys(void **state)
{
	struct manifest *manifest = parse(HEAD SPEC "  login:\n"
						    "    type: busybox\n"
						    "    login_prompt: \"login:\"\n"
						    "    prompt: \"#\"\n"
						    "  future: {deep: [1]}\n"
						    "  dtb:\n"
						    "    default: a\n"
						    "    address: \"0\"\n"
						    "    variants: {a: {fil: x}}\n");

	(void)state;
	assert_int_equal(manifest->warning_count, 3);
	assert_string_equal(manifest->warnings[0],
			    "m.yaml:17:11: unknown key 'type' is passed over");
	assert_non_null(strstr(manifest->warnings[1], "'future'"));
	assert_non_null(strstr(manifest->warnings[2], "'fil'"));
	manifest_free(manifest);
}

/* A whole manifest in which one text is replaced by another. */
static const struct {
	const char *old, *new, *text;
} refusals[] = {
	{"v1alpha1", "v2", "only 'jumpstarter.dev/v1alpha1' is known"},
	{"FlashBundleManifest", "Other", "only 'FlashBundleManifest' is known"},
	{"  name: test\n", "  title: test\n", "'name' is missing"},
	{"  link: null\n", "", "'link' is missing"},
	{"  link: null\n", "  link: [a]\n", "'link' must be a text or null"},
	{"  bootcmd: booti", "  bootcmt: booti", "'bootcmd' is missing"},
	{"  manufacturer: Someone\n", "  manufacturer: null\n", "'manufacturer' has no"},
	{"  default_target: usd\n", "", "'default_target' is missing"},
	{"  targets:\n", "  target:\n", "'targets' is missing"},
	{"data/kernel", "../kernel", "m.yaml:14:11: the name '../kernel' leads out"},
	{"data/kernel", "/kernel", "leads out"},
	{"data/kernel", "\"a\\tb\"", "leads out"},
	{"\"0x82000000\"", "kernel_addr_r", "'address' must be a number"},
	{"\"0x82000000\"", "\"\"", "'address' must be a number"},
	{"\"0x82000000\"", "\"0x1 0x2\"", "'address' must be a number"},
	{"\"0x82000000\"", "\"0x1ffffffffffffffff\"", "'address' must be a number"},
	{"\"/sys/class/block#4fb0000\"", "block0", "must begin with /dev/"},
	{"booti 0x82000000 - 0x84000000", "\"booti \\e\"", "control character"},
	{"  link: null\n", "  link: null\n  shelltype: zsh\n", "only 'busybox' is known"},
	{"  link: null\n", "  link: null\n  login: {prompt: x}\n", "'login_prompt' is missing"},
	{"  link: null\n", "  link: null\n  dtb: {default: a, address: \"1\"}\n",
	 "'variants' is missing"},
	{"  link: null\n",
	 "  link: null\n  dtb: {default: a, address: \"1\", variants: {a: ../x}}\n", "leads out"},
	{"  link: null\n",
	 "  link: null\n  dtb: {default: a, address: \"1\", variants: {a: {file: /x}}}\n",
	 "leads out"},
	{"  link: null\n", "  link: null\n  dtb: {default: a, address: x, variants: {a: x}}\n",
	 "address"},
	{"  link: null\n",
	 "  link: null\n  dtb: {default: a, address: \"1\", variants: {a: null}}\n",
	 "has no value"},
	{"  link: null\n",
	 "  link: null\n  dtb: {default: a, address: \"1\", variants: {a: [x]}}\n",
	 "a mapping of keys"},
	{"  link: null\n", "  link: null\n  link: null\n", "given twice"},
};

static void refused(void **state)
{
	static const char whole[] = HEAD SPEC;
	struct manifest *manifest;
	struct err err;
	const char *hit;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_(freep) char *text = NULL;

		hit = strstr(whole, refusals[i].old);
		assert_non_null(hit);
		text = xasprintf("%.*s%s%s", (int)(hit - whole), whole, refusals[i].new,
				 hit + strlen(refusals[i].old));
		assert_int_equal(manifest_parse(&manifest, "m.yaml", text, strlen(text), &err),
				 -ERR_CONFIG);
		if (!text_starts(err.text, "m.yaml:") || !strstr(err.text, refusals[i].text))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void one_document(void **state)
{
	static const char text[] = HEAD SPEC "---\nmore: x\n";
	struct manifest *manifest;
	struct err err;

	(void)state;
	assert_int_equal(manifest_parse(&manifest, "m.yaml", text, strlen(text), &err),
			 -ERR_CONFIG);
	assert_non_null(strstr(err.text, "here is another"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_and_dtb), cmocka_unit_test(one_fit),
		cmocka_unit_test(unknown_keys),   cmocka_unit_test(refused),
		cmocka_unit_test(one_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
