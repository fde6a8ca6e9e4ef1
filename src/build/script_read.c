// SPDX-License-Identifier: MIT
/* The config and the command line, checked as far as that goes without looking at files. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/config_vars.h"
#include "build/load_cmd.h"
#include "build/root.h"
#include "build/script_model.h"

static const char *const boot_commands[] = {
	[BOOT_BOOTI] = "booti", [BOOT_BOOTM] = "bootm", [BOOT_BOOTEFI] = "bootefi",
	[BOOT_BOOTZ] = "bootz", [BOOT_NONE] = "none",   NULL,
};

int script_error(const struct script *script, const char *name, int64_t index, struct err *err,
		 const char *format, ...)
{
	const struct config_entry *entry = config_find(&script->config, name, index, -1);
	char text[800];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return config_error(&script->config, entry, err, "%s", text);
}

bool script_word(const char **at, char **word)
{
	static const char blanks[] = " \t\n\r";
	size_t length;

	*at += strspn(*at, blanks);
	length = strcspn(*at, blanks);
	*word = length ? xstrndup(*at, length) : NULL;
	*at += length;
	return length > 0;
}

int script_number(const struct script *script, const char *name, int64_t index, int64_t fallback,
		  uint64_t max, uint64_t *value, struct err *err)
{
	int64_t number;
	int rc = config_number(&script->config, name, index, fallback, &number, err);

	if (rc < 0)
		return rc;
	*value = (uint64_t)number;
	if (*value <= max)
		return 0;
	return script_error(script, name, index, err, "%s is %lld; it must be 0 to %" PRIu64, name,
			    (long long)number, max);
}

int script_numbers(const struct script *script, const char *name, int64_t index, size_t unit,
		   uint64_t **numbers, size_t *count, struct err *err)
{
	const char *at = config_text_at(&script->config, name, index);
	struct err why = {0};
	int64_t number;
	char *word;
	int rc = 0;

	*numbers = NULL;
	*count = 0;
	while (rc == 0 && at && script_word(&at, &word)) {
		rc = config_arithmetic(&script->config, word, &number, &why);
		*numbers = xrealloc(*numbers, *count + 1, sizeof(**numbers));
		(*numbers)[(*count)++] = (uint64_t)number;
		if (rc < 0)
			script_error(script, name, index, err, "%s: %s is not a number: %s", name,
				     word, why.text);
		free(word);
	}
	if (rc == 0 && *count % unit)
		rc = script_error(script, name, index, err, "%s needs %zu numbers for each range",
				  name, unit);
	return rc;
}

char *script_path(const struct script *script, const char *name)
{
	return root_path(script->root, name);
}

char *script_file(const struct script *script, const char *name)
{
	return root_name(script->root, name);
}

uint32_t script_phandle(struct script *script)
{
	while (script->tree.size && tree_phandle_taken(&script->tree, script->next_phandle))
		script->next_phandle--;
	return script->next_phandle--;
}

static char *with_ending(const char *name, const char *from, const char *to)
{
	size_t length = strlen(name);

	if (text_ends(name, from))
		length -= strlen(from);
	return xasprintf("%.*s%s", (int)length, name, to);
}

static int read_outputs(struct script *script, struct err *err)
{
	const struct config *config = &script->config;
	const char *source = config_text(config, "UBOOT_SOURCE");
	const char *image = config_text(config, "UBOOT_SCRIPT");
	const char *fit = config_text(config, "FIT"), *edited = config_text(config, "FDTEDIT");
	const char *tree = config_text(config, "DEVICE_TREE");

	if (script->options->output) {
		script->source = xasprintf("%s.source", script->options->output);
		script->image = xasprintf("%s.scr", script->options->output);
	} else if (!source) {
		return err_set(err, ERR_CONFIG,
			       "%s: UBOOT_SOURCE is not set: name the script's "
			       "text file there, or with -o",
			       config->path);
	} else {
		script->source = xstrdup(source);
		script->image = image ? xstrdup(image) : with_ending(source, ".source", ".scr");
	}
	if (script->fit) {
		script->fit_name =
			fit ? xstrdup(fit) : with_ending(script->source, ".source", ".fit");
		script->its_name = with_ending(script->fit_name, ".fit", ".its");
	}
	script->edits = script->fit || edited;
	if (edited)
		script->edited_name = xstrdup(edited);
	else if (script->fit && tree)
		script->edited_name = with_ending(tree, ".dtb", "-fit.dtb");
	return 0;
}

static int read_boot_cmd(struct script *script, struct err *err)
{
	const char *text = config_text(&script->config, "BOOT_CMD");
	size_t i;

	script->boot_cmd = BOOT_BOOTI;
	for (i = 0; text && boot_commands[i]; i++)
		if (text_equal(text, boot_commands[i])) {
			script->boot_cmd = (enum boot_cmd)i;
			return 0;
		}
	if (!text)
		return 0;
	script_error(script, "BOOT_CMD", 0, err, "BOOT_CMD=%s is not valid", text);
	return err_remedy(err, "it is booti, bootm, bootefi, bootz or none");
}

/* Whether every component has a load command of its own. */
static bool loads_are_complete(const struct script *script)
{
	const struct config *config = &script->config;
	unsigned int i;

	if (!script->xen || !config_text(config, "XEN_LOAD"))
		return false;
	if (config_text(config, "DOM0_KERNEL") && !config_text(config, "DOM0_LOAD"))
		return false;
	for (i = 0; i < script->guest_count; i++)
		if (script->guests[i].started && !config_text_at(config, "DOMU_LOAD", i))
			return false;
	return !config_text(config, "XEN_POLICY") && !config_text(config, "BITSTREAM") &&
	       !config_text_at(config, "DT_OVERLAY", 0);
}

static int read_load_cmd(struct script *script, struct err *err)
{
	const char *given = script->options->load_cmd;
	bool fit = text_equal(given, "fit") || text_equal(given, "fit_std");

	if (fit) {
		script->fit = true;
		given = NULL;
	}
	/* The short names are for the command line only. */
	script->load_cmd = given ? load_cmd_of(given) : load_cmd_of_config(&script->config);
	if (script->load_cmd || fit || loads_are_complete(script))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "%s: LOAD_CMD is not set: name the load command there, or "
		       "with -t",
		       script->config.path);
}

#define GUESTS_MAX 1000

static int read_guests(struct script *script, struct err *err)
{
	const struct config *config = &script->config;
	uint64_t count, i;
	int rc = script_number(script, "NUM_DOMUS", 0, 0, GUESTS_MAX, &count, err);

	if (rc < 0)
		return rc;
	if (!script->xen)
		count = 0;
	script->guest_count = (unsigned int)count;
	script->guests = xcalloc(count + 1, sizeof(*script->guests));
	for (i = 0; i < count; i++) {
		const char *dtb = config_text_at(config, "DOMU_PASSTHROUGH_DTB", (int64_t)i);
		bool noboot = config_text_at(config, "DOMU_NOBOOT", (int64_t)i);
		bool rootfs = config_text_at(config, "DOMU_ROOTFS", (int64_t)i);

		script->guests[i] = (struct guest){.number = (unsigned int)i,
						   .started = !noboot && !rootfs,
						   .dtb = dtb ? xstrdup(dtb) : NULL};
	}
	return 0;
}

static int check_signing(const struct script *script, struct err *err)
{
	const struct config *config = &script->config;
	bool key = script->options->key || config_text(config, "FIT_ENC_KEY_DIR");
	bool control = script->options->control_dtb || config_text(config, "FIT_ENC_UB_DTB");

	if (!control || key)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "%s: FIT_ENC_UB_DTB needs a key: set FIT_ENC_KEY_DIR to "
		       "FOLDER/HINT, or give it with -k",
		       config->path);
}

/* What U-Boot is to work out itself cannot be known beforehand. */
static int check_dynamic(const struct script *script, struct err *err)
{
	static const char why[] = "-s lets U-Boot work the addresses out; %s needs them before";

	if (!script->dynamic)
		return 0;
	if (script->boot_cmd == BOOT_BOOTM && script->xen)
		return err_set(err, ERR_CONFIG, why, "BOOT_CMD=bootm");
	if (script->fit)
		return err_set(err, ERR_CONFIG, why, "a FIT");
	if (script->edits)
		return err_set(err, ERR_CONFIG, why, "FDTEDIT");
	return 0;
}

static int read_window(struct script *script, struct err *err)
{
	int rc = script_number(script, "MEMORY_START", 0, 0, UINT64_MAX >> 1, &script->memory_start,
			       err);

	if (rc < 0)
		return rc;
	return script_number(script, "MEMORY_END", 0, 0, UINT64_MAX >> 1, &script->memory_end, err);
}

int script_read(struct script *script, struct err *err)
{
	const struct script_options *options = script->options;
	int rc = config_read(&script->config, options->config, options->environment, err);

	if (rc < 0)
		return rc;
	config_check_names(&script->config, &script->result->notes);
	script->next_phandle = 0xfffffffe;
	script->dynamic = options->dynamic;
	script->xen = config_text(&script->config, "XEN") != NULL;
	script->fit = options->fit || config_text(&script->config, "FIT");
	rc = root_find(options->root, &script->config, &script->root, err);
	if (rc == 0)
		rc = read_boot_cmd(script, err);
	if (rc == 0)
		rc = read_guests(script, err);
	if (rc == 0)
		rc = read_load_cmd(script, err);
	if (rc == 0)
		rc = read_window(script, err);
	if (rc == 0)
		rc = script_command_lines(script, err);
	if (rc == 0)
		rc = read_outputs(script, err);
	if (rc == 0)
		rc = check_signing(script, err);
	return rc < 0 ? rc : check_dynamic(script, err);
}
