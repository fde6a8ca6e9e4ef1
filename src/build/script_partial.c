// SPDX-License-Identifier: MIT
/* Partial trees for the guests, made when the config names a repository or lopper. */
#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"
#include "build/partial.h"
#include "build/script_model.h"

static int check_guests(const struct script *script, const char *variable, struct err *err)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < script->guest_count; i++) {
		if (script->guests[i].dtb)
			return script_error(script, "DOMU_PASSTHROUGH_DTB", i, err,
					    "%s and DOMU_PASSTHROUGH_DTB[%u] are both set; one of "
					    "them makes the tree",
					    variable, i);
		any = any || config_text_at(&script->config, "DOMU_PASSTHROUGH_PATHS", i);
	}
	if (any || script->guest_count == 0)
		return 0;
	return script_error(
		script, variable, 0, err,
		"%s is set, but DOMU_PASSTHROUGH_PATHS[0] is not: no guest gets a device",
		variable);
}

static int make_all(struct script *script, const struct partial_source *source, struct buf *trees,
		    struct err *err)
{
	const char *paths;
	unsigned int i;
	int rc = 0;

	for (i = 0; rc == 0 && i < script->guest_count; i++) {
		paths = config_text_at(&script->config, "DOMU_PASSTHROUGH_PATHS", i);
		if (paths)
			rc = partial_make(source, paths, &trees[i], script->deadline, err);
		if (rc < 0)
			err_prefix(err, "guest %u", i);
	}
	return rc;
}

/* The names tell the content, so that the same input gives the same names, and a changed tree is
   not taken for an older one that lies about on the server. */
#define TAG 3

static void tag_of(const struct buf *trees, size_t count, char tag[TAG + 1])
{
	struct digest *digest = digest_new();
	char text[129];
	size_t i;

	for (i = 0; i < count; i++)
		digest_add(digest, buf_text(&trees[i]), trees[i].size);
	digest_text(digest, text);
	digest_free(digest);
	for (i = 0; i < TAG; i++)
		tag[i] = text[i];
	tag[TAG] = '\0';
}

static int write_one(struct script *script, struct guest *guest, const char *folder,
		     const struct buf *tree, struct err *err)
{
	_cleanup_(freep) char *path = NULL;
	char tag[TAG + 1];
	int rc;

	tag_of(tree, 1, tag);
	guest->dtb = xasprintf("%s/partial-dts-domU%u-%s.dtb", folder, guest->number, tag);
	path = script_path(script, guest->dtb);
	rc = outputs_add(&script->outputs, path, buf_text(tree), tree->size, err);
	if (rc == 0)
		guest->dtb_path = xstrdup(script->outputs.items[script->outputs.count - 1].staged);
	return rc;
}

static int write_all(struct script *script, const struct buf *trees, struct err *err)
{
	_cleanup_(freep) char *folder = NULL;
	_cleanup_(freep) char *path = NULL;
	char tag[TAG + 1];
	unsigned int i;
	int rc;

	tag_of(trees, script->guest_count, tag);
	folder = xasprintf("partial-dtbs-%s", tag);
	path = script_path(script, folder);
	rc = outputs_folder(&script->outputs, path, err);
	for (i = 0; rc == 0 && i < script->guest_count; i++)
		if (trees[i].size)
			rc = write_one(script, &script->guests[i], folder, &trees[i], err);
	return rc;
}

static int make_trees(struct script *script, const struct partial_source *source, struct err *err)
{
	_cleanup_(freep) struct buf *trees = xcalloc(script->guest_count + 1, sizeof(*trees));
	unsigned int i;
	int rc = make_all(script, source, trees, err);

	if (rc == 0)
		rc = write_all(script, trees, err);
	for (i = 0; i < script->guest_count; i++)
		buf_free(&trees[i]);
	return rc;
}

static int from_lopper(struct script *script, const char *lopper, struct partial_source *source,
		       struct err *err)
{
	const char *tree = config_text(&script->config, "DEVICE_TREE");
	_cleanup_(freep) char *path = tree ? script_path(script, tree) : NULL;
	int rc;

	if (!tree)
		return err_set(err, ERR_CONFIG, "%s: LOPPER_PATH needs DEVICE_TREE",
			       script->config.path);
	rc = partial_open_lopper(source, lopper, config_text(&script->config, "LOPPER_CMD"), path,
				 err);
	return rc < 0 ? rc : make_trees(script, source, err);
}

int script_partial_trees(struct script *script, struct err *err)
{
	const char *repo = config_text(&script->config, "PASSTHROUGH_DTS_REPO");
	const char *lopper = config_text(&script->config, "LOPPER_PATH");
	struct partial_source source = {0};
	int rc;

	if (!script->xen || (!repo && !lopper))
		return 0;
	rc = check_guests(script, repo ? "PASSTHROUGH_DTS_REPO" : "LOPPER_PATH", err);
	if (rc < 0)
		return rc;
	if (!repo) {
		rc = from_lopper(script, lopper, &source, err);
	} else {
		rc = partial_open_repo(&source, repo, script->root, script->deadline, err);
		if (rc == 0)
			rc = make_trees(script, &source, err);
	}
	partial_close(&source);
	return rc;
}
