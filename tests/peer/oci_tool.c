// SPDX-License-Identifier: MIT
/* Bundles and registries as a program, for tests against real registries:
   oci-tool inspect|lint|check REF, pack FOLDER OUT [TAG], push FOLDER REF, image REF, prune
   [options]. JSON or the image goes to standard output, warnings and errors to standard error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bundle/cache.h"
#include "bundle/lint.h"
#include "bundle/oci.h"
#include "bundle/publish.h"

struct tool {
	struct bundle_options options;
	struct cache_limits limits;
	const char *variant;
	const char *args[3];
	size_t count;
};

static int report(const struct err *err)
{
	fprintf(stderr, "%s: %s\n", err_kind_name(err->kind), err->text);
	if (err->remedy[0])
		fprintf(stderr, "remedy: %s\n", err->remedy);
	return err_exit_status(err->kind);
}

static bool set_value(struct tool *tool, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **place;
	} rows[] = {
		{"--manifest", &tool->options.manifest_name},
		{"--cache", &tool->options.cache},
		{"--cacert", &tool->options.http.ca_file},
		{"--bearer", &tool->options.http.bearer},
		{"--user", &tool->options.http.username},
		{"--password", &tool->options.http.password},
		{"--variant", &tool->variant},
	};
	uint64_t number;
	size_t i;

	for (i = 0; value && i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*rows[i].place = value;
			return true;
		}
	}
	if (!value || !text_u64(value, INT64_MAX, &number))
		return false;
	if (strcmp(name, "--max-age") == 0)
		tool->limits.max_age_s = (int64_t)number;
	else if (strcmp(name, "--tries") == 0)
		tool->options.http.tries = (unsigned int)number;
	else if (strcmp(name, "--max-size") == 0)
		tool->limits.max_size = number;
	else
		return false;
	return true;
}

static bool parse(struct tool *tool, char **args)
{
	for (; *args; args++) {
		if (strcmp(*args, "-k") == 0)
			tool->options.http.insecure = true;
		else if (strcmp(*args, "--offline") == 0)
			tool->options.offline = true;
		else if (set_value(tool, *args, args[1]))
			args++;
		else if (**args == '-' || tool->count == ARRAY_SIZE(tool->args))
			return false;
		else
			tool->args[tool->count++] = *args;
	}
	return true;
}

static void print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(1));
	json_decref(json);
}

static int inspect(const struct tool *tool, struct bundle *bundle, bool offline, struct err *err)
{
	json_t *out;
	int rc = bundle_inspect(bundle, &out, err);

	(void)tool;
	if (rc < 0)
		return rc;
	json_object_set_new(out, "offline", json_boolean(offline));
	print_json(out);
	return 0;
}

static int lint(const struct tool *tool, struct bundle *bundle, bool offline, struct err *err)
{
	struct lint found;
	size_t i;

	(void)tool;
	(void)offline;
	(void)err;
	bundle_lint(bundle, &found);
	for (i = 0; i < found.count; i++)
		printf("%s: %s\n", found.items[i].is_error ? "error" : "warning",
		       found.items[i].text);
	lint_free(&found);
	return 0;
}

static int check(const struct tool *tool, struct bundle *bundle, bool offline, struct err *err)
{
	(void)offline;
	return bundle_check_layout(bundle, tool->variant, err);
}

static int with_bundle(struct tool *tool,
		       int (*verb)(const struct tool *tool, struct bundle *bundle, bool offline,
				   struct err *err),
		       struct err *err)
{
	struct deadline deadline = deadline_of_cancel(-1, 60000);
	struct bundle *bundle;
	bool offline;
	int rc;

	tool->options.incomplete = verb == lint;
	rc = bundle_open(&bundle, tool->args[1], &tool->options, &offline, deadline, err);
	if (rc < 0)
		return rc;
	rc = verb(tool, bundle, offline, err);
	bundle_free(bundle);
	return rc;
}

static void print_published(const struct published *published)
{
	print_json(json_pack("{s:s, s:I, s:I, s:I}", "digest", published->digest, "files",
			     (json_int_t)published->files, "bytes", (json_int_t)published->bytes,
			     "sent", (json_int_t)published->sent_bytes));
}

static int publish(const struct tool *tool, struct err *err)
{
	struct deadline deadline = deadline_of_cancel(-1, 60000);
	struct warnings warnings = {0};
	struct published published;
	size_t i;
	int rc;

	if (strcmp(tool->args[0], "pack") == 0)
		rc = bundle_pack(tool->args[1], &tool->options, tool->args[2], "latest", &published,
				 err);
	else
		rc = bundle_push(tool->args[1], &tool->options, tool->args[2], &published,
				 &warnings, deadline, err);
	for (i = 0; i < warnings.count; i++)
		fprintf(stderr, "warning: %s\n", warnings.texts[i]);
	warnings_free(&warnings);
	if (rc == 0)
		print_published(&published);
	return rc;
}

static int image(const struct tool *tool, struct err *err)
{
	_cleanup_(reader_closep) struct reader *reader = NULL;
	uint64_t size = UINT64_MAX;
	char piece[4096];
	size_t got = 1;
	int rc = oci_open_image(NULL, &reader, tool->args[1], &tool->options.http, &size,
				deadline_of_cancel(-1, 60000), err);

	if (rc == 0)
		fprintf(stderr, "size %" PRId64 "\n", (int64_t)size);
	while (rc == 0 && got) {
		rc = reader->read(reader, piece, sizeof(piece), &got, err);
		if (rc == 0 && write(STDOUT_FILENO, piece, got) != (ssize_t)got)
			return err_set(err, ERR_HOST, "cannot write");
	}
	return rc;
}

static int prune(const struct tool *tool, struct err *err)
{
	struct cache_pruned pruned;
	int rc = cache_prune(tool->options.cache, &tool->limits, (int64_t)time(NULL), &pruned, err);

	if (rc == 0)
		print_json(json_pack("{s:I, s:I, s:I, s:I, s:I}", "refs", (json_int_t)pruned.refs,
				     "blobs", (json_int_t)pruned.blobs, "folders",
				     (json_int_t)pruned.folders, "bytes", (json_int_t)pruned.bytes,
				     "kept", (json_int_t)pruned.kept));
	return rc;
}

static int run(struct tool *tool, struct err *err)
{
	const char *verb = tool->args[0];

	if (strcmp(verb, "prune") == 0)
		return prune(tool, err);
	if (tool->count < 2)
		return err_set(err, ERR_USAGE, "what?");
	if (strcmp(verb, "inspect") == 0)
		return with_bundle(tool, inspect, err);
	if (strcmp(verb, "lint") == 0)
		return with_bundle(tool, lint, err);
	if (strcmp(verb, "check") == 0)
		return with_bundle(tool, check, err);
	if (strcmp(verb, "image") == 0)
		return image(tool, err);
	return tool->count == 3 ? publish(tool, err) : err_set(err, ERR_USAGE, "what?");
}

int main(int argc, char **argv)
{
	struct tool tool = {.limits.max_size = UINT64_MAX};
	struct err err = {0};

	if (argc < 2 || !parse(&tool, argv + 1) || tool.count == 0)
		return 2;
	return run(&tool, &err) < 0 ? report(&err) : 0;
}
