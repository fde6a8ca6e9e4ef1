// SPDX-License-Identifier: MIT
#include "engine/board.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/board_check.h"
#include "engine/driver.h"

#define OWN_FILE "aboard.yaml"

static const struct key list_keys[] = {
	{"boards", KEY_LIST, true, NULL, "a list of boards", NULL},
	{0},
};

static int same_name(const struct board *old, const struct board *added, struct err *err)
{
	const struct yaml *at = yaml_get(old->node, "name");

	yaml_err(yaml_get(added->node, "name"), err, "the board '%s' is already given in %s:%u:%u",
		 added->name, at->file, at->line, at->column);
	return err_remedy(err, "give one of the two another name");
}

static int add_board(struct boards *boards, struct yaml *node, const struct driver *const *drivers,
		     struct err *err)
{
	struct board *board;
	size_t i;
	int rc;

	boards->items = xrealloc(boards->items, boards->count + 1, sizeof(*boards->items));
	board = &boards->items[boards->count];
	rc = board_read(board, node, drivers, err);
	if (rc < 0)
		return rc;
	boards->count++;
	for (i = 0; i + 1 < boards->count; i++)
		if (strcmp(boards->items[i].name, board->name) == 0)
			return same_name(&boards->items[i], board, err);
	return 0;
}

static int add_list(struct boards *boards, const struct yaml *root,
		    const struct driver *const *drivers, struct err *err)
{
	const struct yaml *list;
	size_t i;
	int rc = yaml_check(root, list_keys, err);

	if (rc < 0)
		return rc;
	list = yaml_get(root, "boards");
	for (i = 0; rc == 0 && i < list->count; i++)
		rc = add_board(boards, list->items[i], drivers, err);
	return rc;
}

static bool has_key(const struct yaml *map, const char *key)
{
	size_t i;

	for (i = 0; i < map->count; i++)
		if (strcmp(map->items[i]->key, key) == 0)
			return true;
	return false;
}

/* What is left of a document when its lines are all comments. */
static bool is_empty(const struct yaml *root)
{
	return root->kind == YAML_SCALAR && !root->quoted && !*root->text;
}

static int add_document(struct boards *boards, struct yaml *root,
			const struct driver *const *drivers, struct err *err)
{
	if (is_empty(root))
		return 0;
	if (root->kind != YAML_MAP) {
		yaml_err(root, err, "a board is a mapping of keys to values");
		return err_remedy(err, "several boards are documents with '---' between them, or a "
				       "list under 'boards:'");
	}
	if (has_key(root, "boards"))
		return add_list(boards, root, drivers, err);
	return add_board(boards, root, drivers, err);
}

static int add_documents(struct boards *boards, struct yaml **roots, size_t count,
			 const struct driver *const *drivers, struct err *err)
{
	size_t i;
	int rc = 0;

	boards->files = xrealloc(boards->files, boards->file_count + 1, sizeof(*boards->files));
	boards->file_counts =
		xrealloc(boards->file_counts, boards->file_count + 1, sizeof(*boards->file_counts));
	boards->files[boards->file_count] = roots;
	boards->file_counts[boards->file_count++] = count;
	for (i = 0; rc == 0 && i < count; i++)
		rc = add_document(boards, roots[i], drivers, err);
	return rc;
}

static int add_file(struct boards *boards, const char *path, const struct driver *const *drivers,
		    struct err *err)
{
	struct yaml **roots;
	size_t count;
	int rc = yaml_parse_file(path, &roots, &count, err);

	return rc < 0 ? rc : add_documents(boards, roots, count, drivers, err);
}

static int is_board_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && text_ends(entry->d_name, ".yaml");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entries(struct boards *boards, const char *folder, struct dirent **entries,
		       int count, const struct driver *const *drivers, struct err *err)
{
	int i, rc = 0;

	for (i = 0; i < count; i++) {
		_cleanup_(freep) char *path = path_join(folder, entries[i]->d_name);

		if (rc == 0)
			rc = add_file(boards, path, drivers, err);
		free(entries[i]);
	}
	return rc;
}

static int board_folder(char **folder, struct err *err)
{
	_cleanup_(freep) char *config = NULL;
	int rc = path_config(&config, err);

	if (rc == 0)
		*folder = path_join(config, "boards");
	return rc;
}

static int add_folder(struct boards *boards, const struct driver *const *drivers, struct err *err)
{
	_cleanup_(freep) struct dirent **entries = NULL;
	_cleanup_(freep) char *folder = NULL;
	int count, rc = board_folder(&folder, err);

	if (rc < 0)
		return rc;
	count = scandir(folder, &entries, is_board_file, by_name);
	if (count < 0 && errno != ENOENT)
		return err_errno(err, ERR_HOST, "cannot read the folder %s", folder);
	return add_entries(boards, folder, entries, count, drivers, err);
}

static int add_search_path(struct boards *boards, const struct driver *const *drivers,
			   struct err *err)
{
	int rc = 0;

	if (access(OWN_FILE, F_OK) == 0)
		rc = add_file(boards, OWN_FILE, drivers, err);
	return rc < 0 ? rc : add_folder(boards, drivers, err);
}

int boards_load(struct boards *boards, const char *file, const struct driver *const *drivers,
		struct err *err)
{
	int rc;

	*boards = (struct boards){0};
	rc = file ? add_file(boards, file, drivers, err) : add_search_path(boards, drivers, err);
	if (rc < 0)
		boards_free(boards);
	return rc;
}

int boards_load_text(struct boards *boards, const char *file, const void *data, size_t size,
		     const struct driver *const *drivers, struct err *err)
{
	struct yaml **roots;
	size_t count;
	int rc;

	*boards = (struct boards){0};
	rc = yaml_parse(file, data, size, &roots, &count, err);
	if (rc == 0)
		rc = add_documents(boards, roots, count, drivers, err);
	if (rc < 0)
		boards_free(boards);
	return rc;
}

void boards_free(struct boards *boards)
{
	size_t i;

	for (i = 0; i < boards->count; i++)
		secrets_free(boards->items[i].secrets);
	for (i = 0; i < boards->file_count; i++)
		yaml_free_all(boards->files[i], boards->file_counts[i]);
	free(boards->items);
	free(boards->files);
	free(boards->file_counts);
	*boards = (struct boards){0};
}

static void add_files_read(const struct boards *boards, struct buf *out)
{
	size_t i;

	buf_add_text(out, "board files that were read: ");
	for (i = 0; i < boards->file_count; i++)
		buf_addf(out, "%s%s", i ? ", " : "", boards->files[i][0]->file);
}

static int no_files(const char *name, struct err *err)
{
	_cleanup_(freep) char *folder = NULL;
	int rc = board_folder(&folder, err);

	if (rc < 0)
		return rc;
	err_set(err, ERR_NOT_FOUND, "no board '%s': there is no board file", name);
	return err_remedy(err, "write ./%s or a file in %s/*.yaml, or name one with --boards FILE",
			  OWN_FILE, folder);
}

int boards_find(const struct boards *boards, const char *name, struct board **board,
		struct err *err)
{
	_cleanup_(freep) const char **names = xcalloc(boards->count + 1, sizeof(*names));
	_cleanup_(buf_free) struct buf files = {0};
	const char *near;
	size_t i;

	for (i = 0; i < boards->count; i++) {
		names[i] = boards->items[i].name;
		if (strcmp(names[i], name) == 0) {
			*board = &boards->items[i];
			return 0;
		}
	}
	if (!boards->file_count)
		return no_files(name, err);
	add_files_read(boards, &files);
	near = text_nearest(name, names);
	err_set(err, ERR_NOT_FOUND, "no board '%s'", name);
	if (near)
		return err_remedy(err, "did you mean '%s'? %s", near, buf_text(&files));
	return err_remedy(err, "%s", buf_text(&files));
}

int64_t board_timeout_ms(const struct board *board, const char *name)
{
	const struct key *key = board->driver->timeouts;
	int64_t fallback = 0;

	for (; key && key->name; key++)
		if (strcmp(key->name, name) == 0 && key->fallback)
			text_duration(key->fallback, &fallback);
	return yaml_duration_ms(board->timeouts, name, fallback);
}

char *board_path(const struct board *board, const char *name)
{
	_cleanup_(freep) char *folder = path_folder(board->node->file);

	return strcmp(folder, ".") == 0 ? xstrdup(name) : path_join(folder, name);
}

char *board_bundle(const struct board *board)
{
	const char *ref = yaml_text(board->bundle, "ref", NULL);
	_cleanup_(freep) char *path = NULL;
	struct stat st;

	if (!ref)
		return NULL;
	path = board_path(board, ref);
	if (text_starts(ref, "./") || text_starts(ref, "../") ||
	    (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return steal(path);
	return xstrdup(ref);
}
