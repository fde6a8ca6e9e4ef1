// SPDX-License-Identifier: MIT
#include "bundle/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/yaml.h"
#include "bundle/file.h"
#include "bundle/oci.h"
#include "bundle/oci_ref.h"

static const struct bundle_options no_options = {0};

static void bundle_freep(struct bundle **bundle)
{
	bundle_free(*bundle);
	*bundle = NULL;
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	manifest_free(bundle->manifest);
	cache_close(bundle->cache);
	free(bundle->ref);
	free(bundle->folder);
	free(bundle->manifest_name);
	free(bundle->digest);
	free(bundle);
}

int bundle_path(const struct bundle *bundle, const char *name, char **path, struct err *err)
{
	if (!path_is_confined(name))
		return err_set(err, ERR_CONFIG, "the name '%s' leads out of the bundle", name);
	*path = path_join(bundle->folder, name);
	return 0;
}

/* A link inside a folder may lead anywhere: what is served to a board must be in the bundle. */
static int check_file(const struct bundle *bundle, const char *name, const char *what,
		      struct err *err)
{
	_cleanup_(freep) char *path = NULL, *real = NULL;
	struct stat st;
	size_t length = strlen(bundle->folder);
	int rc = bundle_path(bundle, name, &path, err);

	if (rc < 0)
		return rc;
	real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0)
		return err_set(err, ERR_NOT_FOUND, "the bundle %s lacks %s, its %s", bundle->ref,
			       name, what);
	if (strncmp(real, bundle->folder, length) != 0 || real[length] != '/')
		return err_set(err, ERR_REFUSED,
			       "%s of the bundle %s is a link that leads out of it", name,
			       bundle->ref);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s of the bundle %s is no file", name,
			       bundle->ref);
	return 0;
}

static int check_files(const struct bundle *bundle, struct err *err)
{
	const struct manifest *manifest = bundle->manifest;
	size_t i;
	int rc = check_file(bundle, manifest->kernel.file, "kernel", err);

	if (rc == 0 && manifest->initram.file)
		rc = check_file(bundle, manifest->initram.file, "initramfs", err);
	for (i = 0; rc == 0 && i < manifest->variant_count; i++)
		if (manifest->variants[i].file)
			rc = check_file(bundle, manifest->variants[i].file, "device tree", err);
	return rc;
}

static int load_manifest(struct bundle *bundle, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(freep) char *path = NULL;
	int rc = bundle_path(bundle, bundle->manifest_name, &path, err);

	if (rc == 0)
		rc = path_read(path, YAML_FILE_MAX, &text, err);
	if (rc < 0)
		return err_prefix(err, "bundle %s", bundle->ref);
	return manifest_parse(&bundle->manifest, path, buf_text(&text), text.size, err);
}

struct names {
	const char **items;
	size_t count;
};

static void names_add(struct names *names, const char *name)
{
	if (!name)
		return;
	names->items = xrealloc(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++] = name;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_line(const struct bundle *bundle, const char *name, struct digest *running,
		    struct err *err)
{
	_cleanup_(freep) char *path = path_join(bundle->folder, name);
	_cleanup_(freep) char *line = NULL;
	char digest[OCI_DIGEST_TEXT];
	uint64_t size;
	int rc = file_digest_path(path, &size, digest, err);

	if (rc < 0)
		return rc;
	line = xasprintf("%s  %s\n", digest, name);
	digest_add(running, line, strlen(line));
	return 0;
}

/* The digest of a folder: SHA-256 over "sha256:HEX  NAME\n" of the manifest and the files it names,
   ordered by name, each once. */
static int digest_folder(struct bundle *bundle, struct err *err)
{
	_cleanup_(digest_freep) struct digest *running = digest_new();
	const struct manifest *manifest = bundle->manifest;
	struct names names = {0};
	char hex[129];
	size_t i;
	int rc = 0;

	names_add(&names, bundle->manifest_name);
	names_add(&names, manifest->kernel.file);
	names_add(&names, manifest->initram.file);
	for (i = 0; i < manifest->variant_count; i++)
		names_add(&names, manifest->variants[i].file);
	qsort(names.items, names.count, sizeof(*names.items), by_name);
	for (i = 0; rc == 0 && i < names.count; i++)
		if (i == 0 || strcmp(names.items[i - 1], names.items[i]) != 0)
			rc = add_line(bundle, names.items[i], running, err);
	free(names.items);
	digest_text(running, hex);
	bundle->digest = xasprintf("sha256:%s", hex);
	return rc;
}

static bool is_folder_ref(const char *ref)
{
	struct stat st;

	if (text_starts(ref, "oci://"))
		return false;
	return ref[0] == '/' || ref[0] == '.' || (stat(ref, &st) == 0 && S_ISDIR(st.st_mode));
}

static int open_folder(struct bundle *bundle, struct err *err)
{
	struct stat st;

	bundle->folder = realpath(bundle->ref, NULL);
	if (!bundle->folder || stat(bundle->folder, &st) < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST,
				 "cannot open the bundle %s", bundle->ref);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG, "the bundle %s is no folder", bundle->ref);
	return 0;
}

static int pull(struct bundle *bundle, const struct bundle_options *options, bool *offline,
		struct warnings *warnings, struct deadline deadline, struct err *err)
{
	struct oci_artifact artifact = {0};
	int rc = cache_open(&bundle->cache, options->cache, err);

	if (rc == 0)
		rc = oci_pull(&artifact, bundle->cache, bundle->ref, &options->http,
			      options->offline, warnings, deadline, err);
	if (rc < 0)
		return err_prefix(err, "bundle");
	bundle->folder = realpath(artifact.folder, NULL);
	bundle->digest = steal(artifact.digest);
	if (offline)
		*offline = artifact.offline;
	oci_artifact_free(&artifact);
	if (!bundle->folder)
		return err_errno(err, ERR_HOST, "cannot open the bundle %s", bundle->ref);
	return 0;
}

static void keep_warnings(struct manifest *manifest, struct warnings *warnings)
{
	size_t i;

	manifest->warnings =
		xrealloc(manifest->warnings, manifest->warning_count + warnings->count + 1,
			 sizeof(*manifest->warnings));
	for (i = 0; i < warnings->count; i++)
		manifest->warnings[manifest->warning_count++] = steal(warnings->texts[i]);
}

/* The folder is known: what is in it. */
static int open_content(struct bundle *bundle, const struct bundle_options *options,
			struct warnings *warnings, struct err *err)
{
	int rc = load_manifest(bundle, err);

	if (rc < 0)
		return rc;
	keep_warnings(bundle->manifest, warnings);
	if (options->incomplete)
		return 0;
	rc = check_files(bundle, err);
	if (rc == 0 && !bundle->digest)
		rc = digest_folder(bundle, err);
	return rc;
}

int bundle_open(struct bundle **bundle, const char *ref, const struct bundle_options *options,
		bool *offline, struct deadline deadline, struct err *err)
{
	_cleanup_(bundle_freep) struct bundle *made = xcalloc(1, sizeof(*made));
	_cleanup_(warnings_free) struct warnings warnings = {0};
	int rc;

	options = options ? options : &no_options;
	if (offline)
		*offline = false;
	made->ref = xstrdup(ref);
	made->manifest_name =
		xstrdup(options->manifest_name ? options->manifest_name : "manifest.yaml");
	if (oci_is_layout_ref(ref) || !is_folder_ref(ref))
		rc = pull(made, options, offline, &warnings, deadline, err);
	else
		rc = open_folder(made, err);
	if (rc == 0)
		rc = open_content(made, options, &warnings, err);
	if (rc == 0)
		*bundle = steal(made);
	return rc;
}
