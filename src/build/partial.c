// SPDX-License-Identifier: MIT
#include "build/partial.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "build/dtc.h"
#include "build/tree.h"

#define PROGRAM_MS  120000
#define SOURCE_MAX  ((size_t)4 << 20)
#define VERSION_TAG "/dts-v1/"

static const char default_lopper_args[] =
	"-i zynqmp-firmware -x interrupt-controller -x pinctrl -x power-domains -x resets "
	"-x current-speed";

/* Runs a program and judges its exit status; the beginning of what it says goes into the error. */
static int run(const char *const *argv, struct deadline deadline, struct err *err)
{
	struct process_result result = {0};
	int rc = process_run(argv, &result, deadline_in(deadline, PROGRAM_MS), err);

	if (rc == 0 && result.status != 0)
		rc = err_set(err, ERR_CONFIG, "%s failed (%d): %.400s", argv[0], result.status,
			     text_trim(result.out.data ? result.out.data : (char[1]){0}));
	buf_free(&result.out);
	return rc;
}

void partial_close(struct partial_source *source)
{
	struct err ignored;

	if (source->work)
		path_remove_tree(source->work, &ignored);
	free(source->work);
	free(source->folder);
	*source = (struct partial_source){0};
}

static bool is_address(const char *repo)
{
	const char *at = strchr(repo, '@');

	return strstr(repo, "://") || (at && strchr(at, ':'));
}

static int clone(struct partial_source *source, const char *address, struct deadline deadline,
		 char **folder, struct err *err)
{
	_cleanup_(freep) char *target = path_join(source->work, "clone");
	const char *const argv[] = {"git", "clone", "--quiet", "--depth", "1",
				    "--",  address, target,    NULL};
	int rc = run(argv, deadline, err);

	if (rc < 0)
		return err_prefix(err, "PASSTHROUGH_DTS_REPO");
	*folder = steal(target);
	return 0;
}

int partial_open_repo(struct partial_source *source, const char *repo, const char *root,
		      struct deadline deadline, struct err *err)
{
	static const char blanks[] = " \t\n";
	_cleanup_(freep) char *first = NULL;
	_cleanup_(freep) char *folder = NULL;
	const char *sub;
	struct stat st;
	size_t length;
	int rc = 0;

	*source = (struct partial_source){.work = path_temporary(err)};
	if (!source->work)
		return -ERR_HOST;
	repo += strspn(repo, blanks);
	length = strcspn(repo, blanks);
	first = xstrndup(repo, length);
	sub = repo + length + strspn(repo + length, blanks);
	if (is_address(first))
		rc = clone(source, first, deadline, &folder, err);
	else
		folder = path_join(root, first);
	if (rc < 0)
		return rc;
	source->folder = *sub ? xasprintf("%s/%.*s", folder, (int)strcspn(sub, blanks), sub)
			      : xstrdup(folder);
	if (stat(source->folder, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_NOT_FOUND, "PASSTHROUGH_DTS_REPO: there is no folder %s",
			       source->folder);
	return 0;
}

int partial_open_lopper(struct partial_source *source, const char *lopper, const char *args,
			const char *tree, struct err *err)
{
	*source = (struct partial_source){.work = path_temporary(err),
					  .lopper = lopper,
					  .lopper_args = args ? args : default_lopper_args,
					  .tree = tree};
	if (!source->work)
		return -ERR_HOST;
	source->folder = xstrdup(source->work);
	return 0;
}

/* LOPPER --permissive -f TREE -- extract -t PATH ARGS -- extract-xen -t NODE -o FILE */
static int run_lopper(const struct partial_source *source, const char *path, const char *file,
		      struct deadline deadline, struct err *err)
{
	const char *argv[128] = {source->lopper, "--permissive", "-f", source->tree,
				 "--",           "extract",      "-t", path};
	_cleanup_(freep) char *copy = xstrdup(source->lopper_args);
	const char *const tail[] = {"--", "extract-xen", "-t", path_base(path), "-o", file, NULL};
	size_t count = 8, i;
	char *rest = copy, *word;

	while ((word = strsep(&rest, " \t\n"))) {
		if (!*word)
			continue;
		if (count + ARRAY_SIZE(tail) >= ARRAY_SIZE(argv))
			return err_set(err, ERR_CONFIG, "LOPPER_CMD has too many words");
		argv[count++] = word;
	}
	for (i = 0; i < ARRAY_SIZE(tail); i++)
		argv[count++] = tail[i];
	return run(argv, deadline, err);
}

static int compile(const struct partial_source *source, const char *file, struct buf *tree,
		   struct deadline deadline, struct err *err)
{
	int rc = dtc_compile(file, source->folder, TREE_MAX, tree,
			     deadline_in(deadline, PROGRAM_MS), err);

	return rc < 0 ? rc : tree_check(file, tree, err);
}

/* The cells of all devices so far. */
struct cells {
	bool known;
	uint32_t address, size;
};

/* Compiles one device's source alone, to compare its cells. */
static int check_cells(const struct partial_source *source, const char *file, const char *path,
		       struct cells *cells, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf tree = {0};
	uint32_t address, size;
	int rc = compile(source, file, &tree, deadline, err);

	if (rc == 0)
		rc = tree_cells(&tree, "/passthrough", &address, &size, err);
	if (rc < 0)
		return err_prefix(err, "%s", file);
	if (cells->known && (address != cells->address || size != cells->size))
		return err_set(err, ERR_CONFIG,
			       "%s has #address-cells %u and #size-cells %u in /passthrough, the "
			       "devices before it have %u and %u",
			       path, address, size, cells->address, cells->size);
	*cells = (struct cells){true, address, size};
	return 0;
}

/* Adds a source to the common one; only the first may have the version tag. */
static int add_source(const char *file, struct buf *all, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	const char *at, *tag;
	int rc = path_read(file, SOURCE_MAX, &text, err);

	if (rc < 0)
		return rc;
	at = buf_text(&text);
	tag = strstr(at, VERSION_TAG);
	if (tag && all->size) {
		buf_add(all, at, (size_t)(tag - at));
		at = tag + strlen(VERSION_TAG);
		at += strspn(at, " \t\r\n");
		at += *at == ';';
	}
	if (!buf_add_text(all, at) || !buf_add_text(all, "\n"))
		return err_set(err, ERR_CONFIG, "%s is too long", file);
	return 0;
}

static int add_device(const struct partial_source *source, const char *path, struct cells *cells,
		      struct buf *all, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *file = xasprintf("%s/%s.dts", source->folder, path_base(path));
	int rc = 0;

	if (path[0] != '/' || !*path_base(path) || !path_is_confined(path_base(path)))
		return err_set(err, ERR_CONFIG, "'%s' is no path of a node", path);
	if (source->lopper)
		rc = run_lopper(source, path, file, deadline, err);
	if (rc < 0)
		return rc;
	if (access(file, R_OK) < 0)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no partial device tree for %s (looked "
			       "for %s)",
			       path, file);
	rc = check_cells(source, file, path, cells, deadline, err);
	return rc < 0 ? rc : add_source(file, all, err);
}

int partial_make(const struct partial_source *source, const char *paths, struct buf *tree,
		 struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *copy = xstrdup(paths);
	_cleanup_(freep) char *file = path_join(source->work, "all.dts");
	_cleanup_(buf_free) struct buf all = {0};
	struct cells cells = {0};
	char *rest = copy, *word;
	int rc = 0;

	while (rc == 0 && (word = strsep(&rest, " \t\n")))
		if (*word)
			rc = add_device(source, word, &cells, &all, deadline, err);
	if (rc == 0)
		rc = path_write(file, buf_text(&all), all.size, 0600, err);
	return rc < 0 ? rc : compile(source, file, tree, deadline, err);
}
