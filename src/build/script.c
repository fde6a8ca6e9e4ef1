// SPDX-License-Identifier: MIT
#include "build/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "build/legacy.h"
#include "build/script_model.h"

void script_result_free(struct script_result *result)
{
	char **path;

	notes_free(&result->notes);
	map_free(&result->map);
	for (path = result->outputs; path && *path; path++)
		free(*path);
	free(result->outputs);
	free(result->headline);
	free(result->commands);
	*result = (struct script_result){0};
}

static void free_script(struct script *script)
{
	unsigned int i;

	for (i = 0; i < script->guest_count; i++) {
		free(script->guests[i].dtb);
		free(script->guests[i].dtb_path);
	}
	free(script->guests);
	free(script->channels);
	free(script->root);
	free(script->source);
	free(script->image);
	free(script->fit_name);
	free(script->its_name);
	free(script->edited_name);
	free(script->xen_cmd);
	free(script->host_cmd);
	buf_free(&script->tree);
	ranges_free(&script->memory);
	ranges_free(&script->reserved);
	modules_free(&script->modules);
	ops_free(&script->ops);
	outputs_free(&script->outputs);
	config_free(&script->config);
}

int script_time(const struct script *script, uint32_t *time, struct err *err)
{
	return legacy_time(config_environment(&script->config, "SOURCE_DATE_EPOCH"),
			   script->options->now, time, err);
}

/* An output may not be one of the inputs. */
static int check_output(const struct script *script, const char *name, const char *path,
			struct err *err)
{
	bool input = path_same(script->config.path, path);
	size_t i;

	for (i = 0; i < script->modules.count && !input; i++)
		input = path_same(script->modules.items[i].path, path);
	return input ? err_set(err, ERR_CONFIG, "%s is an input and an output", name) : 0;
}

static int add_output(struct script *script, const char *name, const void *data, size_t size,
		      struct err *err)
{
	_cleanup_(freep) char *path = script_path(script, name);
	int rc = check_output(script, name, path, err);

	return rc < 0 ? rc : outputs_add(&script->outputs, path, data, size, err);
}

/* "keys/dev" is the folder "keys" and the name "dev". */
struct signing {
	char *folder, *control;
	const char *hint;
	struct fit_signing fit;
};

static void free_signing(struct signing *signing)
{
	free(signing->folder);
	free(signing->control);
}

static int read_signing(const struct script *script, struct signing *signing, struct err *err)
{
	const char *key = script->options->key, *control = script->options->control_dtb, *slash;
	_cleanup_(freep) char *folder = NULL;

	if (!key)
		key = config_text(&script->config, "FIT_ENC_KEY_DIR");
	if (!control)
		control = config_text(&script->config, "FIT_ENC_UB_DTB");
	if (!key)
		return 0;
	slash = strrchr(key, '/');
	if (!slash || !slash[1])
		return err_set(err, ERR_CONFIG,
			       "'%s' is not FOLDER/HINT, a folder and the name of "
			       "the key in it",
			       key);
	folder = xstrndup(key, (size_t)(slash - key));
	signing->folder = script_path(script, *folder ? folder : "/");
	signing->control = control ? script_path(script, control) : NULL;
	signing->fit = (struct fit_signing){
		.key_folder = signing->folder,
		.hint = slash + 1,
		.control_dtb = signing->control,
		.sign_images = true,
		.sign_configs = true,
	};
	return 0;
}

/* The FIT itself, its text, and the control tree that got the key. */
static int write_fit(struct script *script, const struct fit *fit, const struct signing *signing,
		     struct err *err)
{
	_cleanup_(freep) char *path = script_path(script, script->fit_name);
	_cleanup_(freep) char *its = fit_its_text(fit, &signing->fit);
	_cleanup_(buf_free) struct buf control = {0};
	uint32_t time;
	int rc = script_time(script, &time, err);

	if (rc == 0)
		rc = add_output(script, script->its_name, its, strlen(its), err);
	if (rc == 0)
		rc = check_output(script, script->fit_name, path, err);
	if (rc == 0)
		rc = outputs_stage(&script->outputs, path, err);
	if (rc == 0)
		rc = fit_write(fit, &signing->fit, time,
			       script->outputs.items[script->outputs.count - 1].staged, &control,
			       err);
	if (rc == 0 && signing->control)
		rc = outputs_add(&script->outputs, signing->control, buf_text(&control),
				 control.size, err);
	return rc;
}

static int make_fit(struct script *script, const struct buf *text, const struct buf *tree,
		    struct err *err)
{
	_cleanup_(free_signing) struct signing signing = {0};
	_cleanup_(fit_free) struct fit fit = {0};
	int rc = read_signing(script, &signing, err);

	if (rc < 0)
		return rc;
	script_fit(script, text, tree, &fit);
	rc = write_fit(script, &fit, &signing, err);
	if (rc < 0)
		return rc;
	script->result->address = script->placement.next;
	script->result->headline =
		xasprintf("Generated uboot FIT image %s, to be loaded at or after "
			  "address 0x%" PRIx64 ":",
			  script->fit_name, script->placement.next);
	script->result->commands =
		xasprintf("%s 0x%" PRIx64 " %s; source 0x%" PRIx64 ":boot_scr",
			  script->load_cmd ? script->load_cmd : "tftpb", script->placement.next,
			  script->fit_name, script->placement.next);
	return 0;
}

static int make_image(struct script *script, const struct buf *text, struct err *err)
{
	_cleanup_(buf_free) struct buf image = {0};
	const char *prefix = script->options->prefix, *load = script->load_cmd;
	uint32_t time;
	int rc = script_time(script, &time, err);

	if (rc == 0)
		rc = legacy_script(buf_text(text), text->size, script->placement.script, time,
				   &image, err);
	if (rc == 0)
		rc = add_output(script, script->image, buf_text(&image), image.size, err);
	if (rc < 0)
		return rc;
	if (!load)
		load = script->modules.items[modules_find(&script->modules, ROLE_XEN, 0)].load_cmd;
	script->result->address = script->placement.script;
	script->result->headline =
		xasprintf("Generated uboot script %s, to be loaded at address 0x%" PRIX64 ":",
			  script->image, script->placement.script);
	script->result->commands =
		xasprintf("%s 0x%" PRIX64 " %s%s%s; source 0x%" PRIX64, load,
			  script->placement.script, prefix && *prefix ? prefix : "",
			  prefix && *prefix ? "/" : "", script->image, script->placement.script);
	return 0;
}

/* The tree with every edit in it; overlays first. */
static int edited_tree(struct script *script, struct buf *tree, struct err *err)
{
	int rc;

	buf_add(tree, buf_text(&script->tree), script->tree.size);
	rc = script->fit ? 0 : script_merge_overlays(script, tree, err);
	if (rc == 0)
		rc = ops_apply(&script->ops, &script->modules, tree, err);
	return rc < 0 ? rc
		      : add_output(script, script->edited_name, buf_text(tree), tree->size, err);
}

static void list_outputs(const struct script *script)
{
	size_t count = script->outputs.count, i;

	script->result->outputs = xcalloc(count + 1, sizeof(*script->result->outputs));
	for (i = 0; i < count; i++)
		script->result->outputs[i] = xstrdup(script->outputs.items[i].path);
}

static int make_outputs(struct script *script, struct err *err)
{
	const struct ops_style style = {
		.modules = &script->modules,
		.prefix = script->options->prefix,
		.fit = script->fit,
		.edited = script->fit,
		.dynamic = script->dynamic,
		.strict = script->options->strict,
		.resize = script->resize,
	};
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(buf_free) struct buf tree = {0};
	int rc = ops_render(&script->ops, &style, &text, err);

	if (rc == 0)
		rc = add_output(script, script->source, buf_text(&text), text.size, err);
	if (rc == 0 && script->edits)
		rc = edited_tree(script, &tree, err);
	if (rc < 0)
		return rc;
	rc = script->fit ? make_fit(script, &text, &tree, err) : make_image(script, &text, err);
	if (rc == 0)
		rc = outputs_commit(&script->outputs, err);
	if (rc == 0)
		list_outputs(script);
	return rc;
}

static int (*const steps[])(struct script *, struct err *) = {
	script_read,       script_partial_trees, script_read_tree, script_place,
	script_operations, script_check_map,     make_outputs,
};

int script_build(const struct script_options *options, struct script_result *result,
		 struct deadline deadline, struct err *err)
{
	_cleanup_(free_script) struct script script = {
		.options = options, .result = result, .deadline = deadline};
	size_t i;
	int rc = script_form_find(options->form, &script.form, err);

	*result = (struct script_result){0};
	for (i = 0; rc == 0 && i < ARRAY_SIZE(steps); i++) {
		rc = deadline_check(deadline, err);
		if (rc == 0)
			rc = steps[i](&script, err);
	}
	return rc;
}
