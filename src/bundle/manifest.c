// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/yaml.h"
#include "bundle/bundle.h"

#define API_VERSION "jumpstarter.dev/v1alpha1"
#define KIND        "FlashBundleManifest"

static const struct key metadata_keys[] = {
	{"name", KEY_TEXT, true, NULL, "name of the bundle", NULL},
	{0},
};

static const struct key login_keys[] = {
	{"login_prompt", KEY_TEXT, true, NULL, "what asks for the user's name", NULL},
	{"username", KEY_TEXT, false, NULL, "whom to log in as", NULL},
	{"password", KEY_TEXT, false, NULL, "with which password", NULL},
	{"prompt", KEY_TEXT, true, NULL, "prompt of the shell", NULL},
	{0},
};

static const struct key file_keys[] = {
	{"file", KEY_TEXT, true, NULL, "name in the bundle's folder", NULL},
	{"address", KEY_TEXT, true, NULL, "where it is loaded to", NULL},
	{0},
};

static const struct key dtb_keys[] = {
	{"default", KEY_TEXT, true, NULL, "variant that holds unless another is chosen", NULL},
	{"address", KEY_TEXT, true, NULL, "where it is loaded to", NULL},
	{"variants", KEY_MAP, true, NULL, "names with their device trees", NULL},
	{0},
};

static const struct key variant_keys[] = {
	{"file", KEY_TEXT, false, NULL, "name in the bundle's folder", NULL},
	{"bootcmd", KEY_TEXT, false, NULL, "boot command of this variant", NULL},
	{0},
};

static const struct key spec_keys[] = {
	{"manufacturer", KEY_TEXT, true, NULL, "who makes the board", NULL},
	{"link", KEY_ANY, false, NULL, "where the board is described, or null", NULL},
	{"bootcmd", KEY_TEXT, true, NULL, "boot command", NULL},
	{"shelltype", KEY_TEXT, false, "busybox", "shell of the initramfs", NULL},
	{"login", KEY_MAP, false, NULL, "how to log in", login_keys},
	{"default_target", KEY_TEXT, true, NULL, "target that holds unless another is chosen",
	 NULL},
	{"targets", KEY_TEXT_MAP, true, NULL, "names with their selectors", NULL},
	{"kernel", KEY_MAP, true, NULL, "the kernel", file_keys},
	{"initram", KEY_MAP, false, NULL, "the initramfs", file_keys},
	{"dtb", KEY_MAP, false, NULL, "the device trees", dtb_keys},
	{"preflash_commands", KEY_TEXTS, false, NULL, "commands before the write", NULL},
	{0},
};

static const struct key manifest_keys[] = {
	{"apiVersion", KEY_TEXT, false, API_VERSION, "version of this format", NULL},
	{"kind", KEY_TEXT, false, KIND, "kind of this file", NULL},
	{"metadata", KEY_MAP, true, NULL, "name of the bundle", metadata_keys},
	{"spec", KEY_MAP, true, NULL, "what the bundle holds", spec_keys},
	{0},
};

static void on_unknown_key(void *context, const struct yaml *node)
{
	struct manifest *manifest = context;

	manifest->warnings = xrealloc(manifest->warnings, manifest->warning_count + 1,
				      sizeof(*manifest->warnings));
	manifest->warnings[manifest->warning_count++] =
		xasprintf("%s:%u:%u: unknown key '%s' is passed over", node->file, node->line,
			  node->column, node->key);
}

static char *copy(const struct yaml *map, const char *key, const char *fallback)
{
	const char *text = yaml_text(map, key, fallback);

	return text ? xstrdup(text) : NULL;
}

static int check_equal(const struct yaml *root, const char *key, const char *wanted,
		       struct err *err)
{
	const char *text = yaml_text(root, key, wanted);

	if (strcmp(text, wanted) == 0)
		return 0;
	return yaml_err(yaml_get(root, key), err, "'%s' is '%s', only '%s' is known", key, text,
			wanted);
}

/* The key must be there, its value may be null: the schema's `link: null`. */
static int check_link(const struct yaml *spec, struct err *err)
{
	const struct yaml *link = yaml_get(spec, "link");
	size_t i;

	for (i = 0; i < spec->count; i++)
		if (strcmp(spec->items[i]->key, "link") == 0)
			break;
	if (i == spec->count)
		return yaml_err(spec, err, "'link' is missing (it may be null)");
	if (link && link->kind != YAML_SCALAR)
		return yaml_err(link, err, "'link' must be a text or null");
	return 0;
}

static int check_name(const struct yaml *map, const char *key, struct err *err)
{
	const struct yaml *node = yaml_get(map, key);

	if (!node || path_is_confined(node->text))
		return 0;
	return yaml_err(node, err, "the name '%s' leads out of the bundle", node->text);
}

/* U-Boot reads numbers on its command line as hexadecimal, with or without 0x. */
static int check_address(const struct yaml *map, struct err *err)
{
	const struct yaml *node = yaml_get(map, "address");
	uint64_t address;

	if (!node || text_hex(node->text, &address))
		return 0;
	return yaml_err(node, err, "'address' must be a number like 0x40200000, not '%s'",
			node->text);
}

/* A command is typed on a console: a control character in it would be a key stroke. */
static int check_command(const struct yaml *node, const char *text, struct err *err)
{
	for (; *text; text++)
		if (((unsigned char)*text < 32 && *text != '\n' && *text != '\t') || *text == 127)
			return yaml_err(node, err, "the command has a control character");
	return 0;
}

static int take_file(struct manifest_file *file, const struct yaml *map, struct err *err)
{
	int rc = check_name(map, "file", err);

	if (rc == 0)
		rc = check_address(map, err);
	if (rc < 0)
		return rc;
	file->file = copy(map, "file", NULL);
	file->address = copy(map, "address", NULL);
	return 0;
}

static int take_command(char **command, const struct yaml *map, struct err *err)
{
	const struct yaml *node = yaml_get(map, "bootcmd");
	int rc = node ? check_command(node, node->text, err) : 0;

	if (rc == 0)
		*command = copy(map, "bootcmd", NULL);
	return rc;
}

/* A variant is a mapping; in older bundles a bare file name. */
static int take_variant(struct manifest *manifest, const struct yaml *variants,
			const struct yaml *node, struct err *err)
{
	struct manifest_variant *variant = &manifest->variants[manifest->variant_count++];
	int rc;

	variant->name = xstrdup(node->key);
	if (!yaml_get(variants, node->key))
		return yaml_err(node, err, "variant '%s' has no value: give a file, or {}",
				node->key);
	if (node->kind == YAML_SCALAR) {
		if (!path_is_confined(node->text))
			return yaml_err(node, err, "the name '%s' leads out of the bundle",
					node->text);
		variant->file = xstrdup(node->text);
		return 0;
	}
	rc = yaml_check_loosely(node, variant_keys, on_unknown_key, manifest, err);
	if (rc == 0)
		rc = check_name(node, "file", err);
	if (rc < 0)
		return rc;
	variant->file = copy(node, "file", NULL);
	return take_command(&variant->bootcmd, node, err);
}

static int take_dtb(struct manifest *manifest, const struct yaml *dtb, struct err *err)
{
	const struct yaml *variants = yaml_get(dtb, "variants");
	size_t i;
	int rc = check_address(dtb, err);

	if (!dtb || rc < 0)
		return rc;
	manifest->dtb_default = copy(dtb, "default", NULL);
	manifest->dtb_address = copy(dtb, "address", NULL);
	manifest->variants = xcalloc(variants->count + 1, sizeof(*manifest->variants));
	for (i = 0; rc == 0 && i < variants->count; i++)
		rc = take_variant(manifest, variants, variants->items[i], err);
	return rc;
}

static int take_targets(struct manifest *manifest, const struct yaml *targets, struct err *err)
{
	struct manifest_target *target;
	const struct yaml *node;
	size_t i;

	manifest->targets = xcalloc(targets->count + 1, sizeof(*manifest->targets));
	for (i = 0; i < targets->count; i++) {
		node = targets->items[i];
		if (!text_starts(node->text, "/dev/") &&
		    !text_starts(node->text, "/sys/class/block#"))
			return yaml_err(node, err,
					"the selector of target '%s' must begin with /dev/ or"
					" /sys/class/block#",
					node->key);
		target = &manifest->targets[manifest->target_count++];
		target->name = xstrdup(node->key);
		target->selector = xstrdup(node->text);
	}
	return 0;
}

static int take_preflash(struct manifest *manifest, const struct yaml *spec, struct err *err)
{
	_cleanup_(freep) const char **texts = yaml_texts(spec, "preflash_commands");
	size_t i, count = 0;
	int rc = 0;

	while (texts && texts[count])
		count++;
	manifest->preflash_commands = xcalloc(count + 1, sizeof(*manifest->preflash_commands));
	for (i = 0; rc == 0 && i < count; i++) {
		rc = check_command(yaml_get(spec, "preflash_commands"), texts[i], err);
		manifest->preflash_commands[manifest->preflash_count++] = xstrdup(texts[i]);
	}
	return rc;
}

static int take_shell(struct manifest *manifest, const struct yaml *spec, struct err *err)
{
	const struct yaml *login = yaml_get(spec, "login");

	manifest->shelltype = copy(spec, "shelltype", "busybox");
	manifest->login_prompt = copy(login, "login_prompt", "login:");
	manifest->prompt = copy(login, "prompt", "#");
	manifest->username = copy(login, "username", NULL);
	manifest->password = copy(login, "password", NULL);
	if (strcmp(manifest->shelltype, "busybox") == 0)
		return 0;
	return yaml_err(yaml_get(spec, "shelltype"), err,
			"'shelltype' is '%s', only 'busybox' is known", manifest->shelltype);
}

static int take_spec(struct manifest *manifest, const struct yaml *spec, struct err *err)
{
	int rc = check_link(spec, err);

	if (rc < 0)
		return rc;
	manifest->manufacturer = copy(spec, "manufacturer", NULL);
	manifest->link = copy(spec, "link", NULL);
	manifest->default_target = copy(spec, "default_target", NULL);
	rc = take_command(&manifest->bootcmd, spec, err);
	if (rc == 0)
		rc = take_shell(manifest, spec, err);
	if (rc == 0)
		rc = take_targets(manifest, yaml_get(spec, "targets"), err);
	if (rc == 0)
		rc = take_file(&manifest->kernel, yaml_get(spec, "kernel"), err);
	if (rc == 0 && yaml_get(spec, "initram"))
		rc = take_file(&manifest->initram, yaml_get(spec, "initram"), err);
	if (rc == 0)
		rc = take_dtb(manifest, yaml_get(spec, "dtb"), err);
	if (rc == 0)
		rc = take_preflash(manifest, spec, err);
	return rc;
}

static int take_root(struct manifest *manifest, const struct yaml *root, struct err *err)
{
	int rc = check_equal(root, "apiVersion", API_VERSION, err);

	if (rc == 0)
		rc = check_equal(root, "kind", KIND, err);
	if (rc == 0)
		rc = yaml_check_loosely(root, manifest_keys, on_unknown_key, manifest, err);
	if (rc < 0)
		return rc;
	manifest->name = copy(yaml_get(root, "metadata"), "name", NULL);
	return take_spec(manifest, yaml_get(root, "spec"), err);
}

int manifest_parse(struct manifest **manifest, const char *file, const void *data, size_t size,
		   struct err *err)
{
	struct manifest *made;
	struct yaml **roots;
	size_t count;
	int rc = yaml_parse(file, data, size, &roots, &count, err);

	if (rc < 0)
		return rc;
	made = xcalloc(1, sizeof(*made));
	rc = count == 1 ? take_root(made, roots[0], err)
			: yaml_err(roots[1], err, "a manifest is one document, here is another");
	yaml_free_all(roots, count);
	if (rc < 0) {
		manifest_free(made);
		return rc;
	}
	*manifest = made;
	return 0;
}

static void free_texts(char **texts, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void free_login(struct manifest *manifest)
{
	if (manifest->password)
		explicit_bzero(manifest->password, strlen(manifest->password));
	free(manifest->shelltype);
	free(manifest->login_prompt);
	free(manifest->username);
	free(manifest->password);
	free(manifest->prompt);
}

static void free_files(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->variant_count; i++) {
		free(manifest->variants[i].name);
		free(manifest->variants[i].file);
		free(manifest->variants[i].bootcmd);
	}
	free(manifest->variants);
	free(manifest->kernel.file);
	free(manifest->kernel.address);
	free(manifest->initram.file);
	free(manifest->initram.address);
	free(manifest->dtb_default);
	free(manifest->dtb_address);
}

void manifest_free(struct manifest *manifest)
{
	size_t i;

	if (!manifest)
		return;
	for (i = 0; i < manifest->target_count; i++) {
		free(manifest->targets[i].name);
		free(manifest->targets[i].selector);
	}
	free(manifest->targets);
	free_files(manifest);
	free_login(manifest);
	free_texts(manifest->preflash_commands, manifest->preflash_count);
	free_texts(manifest->warnings, manifest->warning_count);
	free(manifest->name);
	free(manifest->manufacturer);
	free(manifest->link);
	free(manifest->bootcmd);
	free(manifest->default_target);
	free(manifest);
}

const struct manifest_variant *manifest_variant(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->variant_count; i++)
		if (text_equal(manifest->variants[i].name, name))
			return &manifest->variants[i];
	return NULL;
}

const struct manifest_target *manifest_target(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->target_count; i++)
		if (text_equal(manifest->targets[i].name, name))
			return &manifest->targets[i];
	return NULL;
}
