// SPDX-License-Identifier: MIT
#include "bundle/lint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/region.h"

#define KERNEL_ALIGN ((uint64_t)2 << 20)
#define FDT_ALIGN    8

static void add(struct lint *lint, bool is_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct lint *lint, bool is_error, const char *format, ...)
{
	va_list args;

	lint->items = xrealloc(lint->items, lint->count + 1, sizeof(*lint->items));
	va_start(args, format);
	lint->items[lint->count++] =
		(struct lint_finding){.is_error = is_error, .text = xvasprintf(format, args)};
	va_end(args);
	lint->errors += is_error;
}

void lint_free(struct lint *lint)
{
	size_t i;

	for (i = 0; i < lint->count; i++)
		free(lint->items[i].text);
	free(lint->items);
	*lint = (struct lint){0};
}

static void lint_file(struct lint *lint, const struct bundle *bundle, const char *what,
		      const char *name)
{
	_cleanup_(freep) char *path = NULL;
	struct stat st;

	if (!name || bundle_path(bundle, name, &path, NULL) < 0)
		return;
	if (stat(path, &st) < 0)
		add(lint, true, "%s: the file %s is missing", what, name);
	else if (!S_ISREG(st.st_mode))
		add(lint, true, "%s: %s is no file", what, name);
	else if (st.st_size == 0)
		add(lint, true, "%s: the file %s is empty", what, name);
}

static void lint_files(struct lint *lint, const struct bundle *bundle)
{
	const struct manifest *manifest = bundle->manifest;
	size_t i;

	lint_file(lint, bundle, "kernel", manifest->kernel.file);
	lint_file(lint, bundle, "initramfs", manifest->initram.file);
	for (i = 0; i < manifest->variant_count; i++)
		lint_file(lint, bundle, manifest->variants[i].name, manifest->variants[i].file);
}

static void lint_choices(struct lint *lint, const struct manifest *manifest)
{
	if (manifest->target_count == 0)
		add(lint, true, "there are no targets");
	else if (!manifest_target(manifest, manifest->default_target))
		add(lint, true, "default_target '%s' is not one of the targets",
		    manifest->default_target);
	if (manifest->dtb_default && !manifest_variant(manifest, manifest->dtb_default))
		add(lint, true, "dtb.default '%s' is not one of the variants",
		    manifest->dtb_default);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether a command names an address: as a number of the same value, however it is written. */
static bool names_address(const char *command, uint64_t address)
{
	char word[32];
	uint64_t value;
	size_t length;

	while (*command) {
		for (length = 0; is_word(command[length]);)
			length++;
		if (length && length < sizeof(word)) {
			memcpy(word, command, length);
			word[length] = '\0';
			if (text_hex(word, &value) && value == address)
				return true;
		}
		command += length ? length : 1;
	}
	return false;
}

/* Environment variables may hold anything. */
static bool has_variable(const char *command)
{
	return strchr(command, '$') != NULL;
}

static bool has_word(const char *command, const char *word)
{
	const char *hit = command;
	size_t length = strlen(word);

	for (; (hit = strstr(hit, word)); hit += length)
		if ((hit == command || !is_word(hit[-1])) && !is_word(hit[length]))
			return true;
	return false;
}

static void lint_command(struct lint *lint, const char *name, const char *command,
			 const struct region *regions, size_t count)
{
	bool mentioned = true;
	size_t i;

	for (i = 0; i < count; i++) {
		if (names_address(command, regions[i].address))
			continue;
		mentioned = false;
		if (!has_variable(command))
			add(lint, false, "%s: bootcmd does not name 0x%" PRIx64 ", where the %s is",
			    name, regions[i].address, regions[i].what);
	}
	if (!has_word(command, "booti"))
		return;
	if (mentioned && count > 1 && strcmp(regions[1].what, "initramfs") == 0 &&
	    !strchr(command, ':'))
		add(lint, false,
		    "%s: booti takes a plain initramfs only as ADDRESS:SIZE (\":0x%" PRIx64 "\")",
		    name, regions[1].file_size);
	if (regions[0].is_gzip)
		add(lint, false,
		    "%s: the kernel %s is compressed: booti unpacks it only where "
		    "kernel_comp_addr_r"
		    " and kernel_comp_size are set in U-Boot's environment",
		    name, regions[0].file);
	else if (!regions[0].is_image && !regions[0].is_fdt)
		add(lint, false, "%s: booti wants an arm64 Image, which %s is not", name,
		    regions[0].file);
}

static void lint_regions(struct lint *lint, const char *name, const struct region *regions,
			 size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (regions[i].is_image && regions[i].address % KERNEL_ALIGN)
			add(lint, false,
			    "%s: the kernel's address 0x%" PRIx64 " is no multiple of 2 MiB, so"
			    " U-Boot moves it, perhaps over something else",
			    name, regions[i].address);
		if (strcmp(regions[i].what, "device tree") != 0)
			continue;
		if (regions[i].address % FDT_ALIGN)
			add(lint, true,
			    "%s: the device tree's address 0x%" PRIx64 " is no multiple of 8", name,
			    regions[i].address);
		if (!regions[i].is_fdt)
			add(lint, true, "%s: %s is no device tree", name, regions[i].file);
	}
}

static void lint_text(struct lint *lint, const char *name, const char *command)
{
	size_t length = strlen(command);

	if (strcspn(command, "\n") + 1 < length)
		add(lint, true, "%s: bootcmd has several lines; join them with ';'", name);
	if (length >= 512)
		add(lint, false,
		    "%s: bootcmd has %zu characters; many U-Boots take no more than"
		    " 511",
		    name, length);
}

/* `variant` NULL: there is no dtb section. */
static void lint_variant(struct lint *lint, const struct bundle *bundle,
			 const struct manifest_variant *variant)
{
	const struct manifest *manifest = bundle->manifest;
	const char *command = variant && variant->bootcmd ? variant->bootcmd : manifest->bootcmd;
	const char *name = variant ? variant->name : "bundle";
	struct region regions[REGION_COUNT];
	struct err err = {0};
	size_t count;

	lint_text(lint, name, command);
	if (regions_read(regions, &count, bundle, variant ? variant->name : NULL, &err) < 0)
		return;
	if (bundle_check_layout(bundle, variant ? variant->name : NULL, &err) < 0)
		add(lint, true, "%s: %s (%s)", name, err.text, err.remedy);
	lint_regions(lint, name, regions, count);
	lint_command(lint, name, command, regions, count);
}

void bundle_lint(const struct bundle *bundle, struct lint *lint)
{
	const struct manifest *manifest = bundle->manifest;
	size_t i;

	*lint = (struct lint){0};
	for (i = 0; i < manifest->warning_count; i++)
		add(lint, false, "%s", manifest->warnings[i]);
	lint_choices(lint, manifest);
	lint_files(lint, bundle);
	for (i = 0; i < manifest->variant_count; i++)
		lint_variant(lint, bundle, &manifest->variants[i]);
	if (manifest->variant_count == 0)
		lint_variant(lint, bundle, NULL);
}
