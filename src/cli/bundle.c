// SPDX-License-Identifier: MIT
#include "bundle/bundle.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/cache.h"
#include "bundle/lint.h"
#include "bundle/publish.h"
#include "cli/order.h"
#include "cli/output.h"
#include "cli/term.h"
#include "cli/verbs.h"

#define OPTION_MANIFEST                                                                     \
	{                                                                                   \
		.name = "manifest", .argument = "FILE",                                     \
		.help = "Name of the manifest in the bundle; the default is manifest.yaml." \
	}
#define OPTION_OFFLINE                                                                  \
	{                                                                               \
		.name = "offline",                                                      \
		.help = "Ask no registry; what is wanted must have been pulled before." \
	}

#define REF_TEXT                                                                                \
	"REF is a folder, oci-layout:PATH, or a reference in an OCI registry. Credentials for " \
	"registries come from OCI_USERNAME and OCI_PASSWORD or from the auth files of podman, " \
	"skopeo and docker."

static struct bundle_options read_options(const struct args *args)
{
	return (struct bundle_options){
		.manifest_name = args_value(args, "manifest", NULL),
		.offline = args_flag(args, "offline", false),
		.http = {.ca_file = args_value(args, "cacert", NULL),
			 .insecure = args_flag(args, "insecure-tls", false)},
	};
}

/* As long as it takes; Ctrl-C ends it. A server that says nothing is given up by the client. */
static struct deadline until_cancelled(const struct cli *cli)
{
	return (struct deadline){.at_ms = INT64_MAX, .cancel_fd = cli->cancel_fd};
}

static void warn(const struct cli *cli, char *const *texts, size_t count)
{
	bool colour = term_has_colour(stderr);
	size_t i;

	for (i = 0; i < count && !cli->quiet; i++) {
		fprintf(stderr, "%s!%s ", colour_begin(COLOUR_WARN, colour), colour_end(colour));
		print_clean(stderr, texts[i], 2);
		fputc('\n', stderr);
	}
}

/* Opens the bundle that the first word names, and has something done with it. */
static int with_bundle(const struct cli *cli, bool incomplete,
		       int (*act)(const struct cli *cli, const struct bundle *bundle,
				  struct err *err),
		       struct err *err)
{
	struct bundle_options options = read_options(cli->args);
	struct bundle *bundle;
	int rc;

	options.incomplete = incomplete;
	rc = bundle_open(&bundle, args_word(cli->args, 0), &options, NULL, until_cancelled(cli),
			 err);
	if (rc < 0)
		return rc;
	if (!incomplete && !cli->json)
		warn(cli, bundle->manifest->warnings, bundle->manifest->warning_count);
	rc = act(cli, bundle, err);
	bundle_free(bundle);
	return rc;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static void print_row(const char *name, const char *text)
{
	printf("%-10s ", name);
	print_clean(stdout, text, 11);
	putchar('\n');
}

static void print_bundle(const struct manifest *manifest, const json_t *about)
{
	print_row("name", manifest->name);
	print_row("made for", manifest->manufacturer);
	if (manifest->link)
		print_row("link", manifest->link);
	print_row("digest", text_at(about, "digest"));
	print_row("folder", text_at(about, "folder"));
	print_row("boots by", manifest->bootcmd);
}

static void print_list(const char *name, const char *text, const char *more, bool is_default)
{
	printf("%-10s ", name);
	print_clean(stdout, text, 11);
	if (more) {
		fputs("  ", stdout);
		print_clean(stdout, more, 11);
	}
	puts(is_default ? "  (default)" : "");
}

static void print_choices(const struct manifest *manifest)
{
	const struct manifest_variant *variant;
	size_t i;

	for (i = 0; i < manifest->target_count; i++)
		print_list(i ? "" : "targets", manifest->targets[i].name,
			   manifest->targets[i].selector,
			   text_equal(manifest->targets[i].name, manifest->default_target));
	for (i = 0; i < manifest->variant_count; i++) {
		variant = &manifest->variants[i];
		print_list(i ? "" : "variants", variant->name,
			   variant->file ? variant->file : "no device tree",
			   text_equal(variant->name, manifest->dtb_default));
	}
}

static void print_files(const json_t *about)
{
	char size[TEXT_SIZE];
	json_t *file;
	size_t i;

	json_array_foreach(json_object_get(about, "files"), i, file)
	{
		text_of_size((uint64_t)json_integer_value(json_object_get(file, "size")), size);
		printf("%-10s %10s  %.19s  ", i ? "" : "files", size, text_at(file, "digest"));
		print_clean(stdout, text_at(file, "name"), 11);
		putchar('\n');
	}
}

static int inspect(const struct cli *cli, const struct bundle *bundle, struct err *err)
{
	json_t *about;
	int rc = bundle_inspect(bundle, &about, err);

	if (rc < 0)
		return rc;
	if (cli->json) {
		json_object_set_new(about, "v", json_integer(EVENTS_VERSION));
		json_print(stdout, about);
		return 0;
	}
	print_bundle(bundle->manifest, about);
	print_choices(bundle->manifest);
	print_files(about);
	json_decref(about);
	return 0;
}

static int pull(const struct cli *cli, const struct bundle *bundle, struct err *err)
{
	const char *folder = args_word(cli->args, 1);
	int rc = folder ? bundle_export(bundle, folder, err) : 0;

	if (rc < 0)
		return rc;
	folder = folder ? folder : bundle->folder;
	if (cli->json)
		json_print(stdout, json_pack("{s:i,s:s,s:o}", "v", EVENTS_VERSION, "digest",
					     bundle->digest, "folder", json_text(folder)));
	else
		printf("%s\n%s\n", bundle->digest, folder);
	return 0;
}

static void print_findings(const struct lint *found)
{
	bool colour = term_has_colour(stdout);
	size_t i;

	for (i = 0; i < found->count; i++) {
		printf("%s%s%s ",
		       colour_begin(found->items[i].is_error ? COLOUR_BAD : COLOUR_WARN, colour),
		       found->items[i].is_error ? "error:" : "warning:", colour_end(colour));
		print_clean(stdout, found->items[i].text, 8);
		putchar('\n');
	}
}

static json_t *findings_json(const struct lint *found)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < found->count; i++)
		json_array_append_new(list,
				      json_pack("{s:s,s:o}", "level",
						found->items[i].is_error ? "error" : "warning",
						"text", json_text(found->items[i].text)));
	return list;
}

static int lint(const struct cli *cli, const struct bundle *bundle, struct err *err)
{
	struct lint found;
	size_t errors;

	bundle_lint(bundle, &found);
	errors = found.errors;
	if (cli->json)
		json_print(stdout, json_pack("{s:i,s:o}", "v", EVENTS_VERSION, "findings",
					     findings_json(&found)));
	else
		print_findings(&found);
	lint_free(&found);
	if (errors == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "the bundle %s has %zu error%s", bundle->ref, errors,
		       errors == 1 ? "" : "s");
}

static int run_inspect(struct cli *cli, struct err *err)
{
	return with_bundle(cli, false, inspect, err);
}

static int run_pull(struct cli *cli, struct err *err)
{
	return with_bundle(cli, false, pull, err);
}

static int run_lint(struct cli *cli, struct err *err)
{
	return with_bundle(cli, true, lint, err);
}

static void print_published(const struct cli *cli, const struct published *published)
{
	char size[TEXT_SIZE];

	if (cli->json) {
		json_print(stdout,
			   json_pack("{s:i,s:s,s:I,s:I,s:I}", "v", EVENTS_VERSION, "digest",
				     published->digest, "files", (json_int_t)published->files,
				     "bytes", (json_int_t)published->bytes, "sent_bytes",
				     (json_int_t)published->sent_bytes));
		return;
	}
	printf("%s\n", published->digest);
	if (!cli->quiet)
		fprintf(stderr, "%zu files, %s\n", published->files,
			text_of_size(published->bytes, size));
}

static int run_pack(struct cli *cli, struct err *err)
{
	struct bundle_options options = read_options(cli->args);
	struct published published;
	int rc = bundle_pack(args_word(cli->args, 0), &options, args_word(cli->args, 1),
			     args_value(cli->args, "tag", "latest"), &published, err);

	if (rc == 0)
		print_published(cli, &published);
	return rc;
}

static int run_push(struct cli *cli, struct err *err)
{
	struct bundle_options options = read_options(cli->args);
	struct warnings warnings = {0};
	struct published published;
	int rc = bundle_push(args_word(cli->args, 0), &options, args_word(cli->args, 1), &published,
			     &warnings, until_cancelled(cli), err);

	warn(cli, warnings.texts, warnings.count);
	warnings_free(&warnings);
	if (rc == 0)
		print_published(cli, &published);
	return rc;
}

static int read_limits(const struct args *args, struct cache_limits *limits, struct err *err)
{
	const char *age = args_value(args, "max-age", NULL);
	const char *size = args_value(args, "max-size", NULL);
	unsigned int days = 0;
	int rc = age ? args_uint(args, "max-age", 0, 36500, &days, err) : 0;

	if (rc < 0)
		return rc;
	*limits = (struct cache_limits){.max_age_s = (int64_t)days * 86400, .max_size = UINT64_MAX};
	if (size && !text_size(size, &limits->max_size))
		return err_set(err, ERR_USAGE, "--max-size: '%s' is no size like 500M or 2GiB",
			       size);
	return 0;
}

static int run_prune(struct cli *cli, struct err *err)
{
	struct cache_limits limits;
	struct cache_pruned pruned;
	char gone[TEXT_SIZE], kept[TEXT_SIZE];
	int rc = read_limits(cli->args, &limits, err);

	if (rc == 0)
		rc = cache_prune(NULL, &limits, (int64_t)time(NULL), &pruned, err);
	if (rc < 0)
		return rc;
	if (cli->json)
		json_print(stdout,
			   json_pack("{s:i,s:I,s:I,s:I,s:I}", "v", EVENTS_VERSION, "refs",
				     (json_int_t)pruned.refs, "blobs", (json_int_t)pruned.blobs,
				     "bytes", (json_int_t)pruned.bytes, "kept_bytes",
				     (json_int_t)pruned.kept));
	else
		printf("removed %s (%zu references, %zu blobs), kept %s\n",
		       text_of_size(pruned.bytes, gone), pruned.refs, pruned.blobs,
		       text_of_size(pruned.kept, kept));
	return 0;
}

static const struct option read_options_table[] = {
	OPTION_MANIFEST, OPTION_OFFLINE, OPTION_CACERT, OPTION_INSECURE, {0},
};

static const struct option push_options[] = {
	OPTION_MANIFEST,
	OPTION_CACERT,
	OPTION_INSECURE,
	{0},
};

static const struct option pack_options[] = {
	OPTION_MANIFEST,
	{.name = "tag", .argument = "TAG", .help = "Name in the layout; the default is latest."},
	{0},
};

static const struct option prune_options[] = {
	{.name = "max-age",
	 .argument = "DAYS",
	 .help = "Also remove what was not used for that many days."},
	{.name = "max-size",
	 .argument = "SIZE",
	 .help = "Also remove what was not used for longest, until no more than SIZE (500M, 2GiB) "
		 "is kept."},
	{0},
};

static const struct verb verb_inspect = {
	.name = "inspect",
	.summary = "show what a bundle holds",
	.args = "REF",
	.description = "Pulls the bundle if need be and shows its manifest, its files and their "
		       "digests. " REF_TEXT,
	.options = read_options_table,
	.run = run_inspect,
};

static const struct verb verb_pull = {
	.name = "pull",
	.summary = "bring a bundle into the cache",
	.args = "REF [FOLDER]",
	.description =
		"Afterwards the bundle can be used offline. Prints its digest and the folder "
		"it is in; with FOLDER, its files are copied there. " REF_TEXT,
	.options = read_options_table,
	.run = run_pull,
};

static const struct verb verb_push = {
	.name = "push",
	.summary = "put a folder into an OCI registry",
	.args = "FOLDER REF",
	.description =
		"Prints the digest. Files that the registry has already are not sent. " REF_TEXT,
	.options = push_options,
	.run = run_push,
};

static const struct verb verb_pack = {
	.name = "pack",
	.summary = "put a folder into an OCI image layout",
	.args = "FOLDER LAYOUT",
	.description =
		"Prints the digest. LAYOUT is made if it is missing; what else it holds stays. "
		"It can be used as it is, or copied to a registry by skopeo.",
	.options = pack_options,
	.run = run_pack,
};

static const struct verb verb_lint = {
	.name = "lint",
	.summary = "tell what is wrong with a bundle",
	.args = "REF",
	.description =
		"Finds what would fail or surprise on a board: missing files, files that "
		"overlap in memory, addresses that are not aligned, a boot command that "
		"names none of them, unknown keys. An error makes the exit status 3. " REF_TEXT,
	.options = read_options_table,
	.run = run_lint,
};

static const struct verb verb_prune = {
	.name = "prune",
	.summary = "remove from the cache what is not needed",
	.description =
		"Removes what no pulled reference leads to any more, and downloads that broke. "
		"Refused while a job uses the cache.",
	.options = prune_options,
	.run = run_prune,
};

static const struct verb *const subs[] = {
	&verb_inspect, &verb_pull, &verb_push, &verb_pack, &verb_lint, &verb_prune, NULL,
};

static const struct example examples[] = {
	{"aboard bundle lint ./evm", "Checks a folder."},
	{"aboard bundle push ./evm registry.example.org/lab/evm:v1", "Puts it into a registry."},
	{"aboard bundle pull registry.example.org/lab/evm:v1", "Brings it here, for use offline."},
	{"aboard bundle prune --max-age 90", "Forgets what was not used for 90 days."},
	{0},
};

const struct verb verb_bundle = {
	.name = "bundle",
	.summary = "make, fetch and check bundles",
	.description = "A bundle is what takes control of a board: kernel, initramfs and device "
		       "trees with a manifest.yaml that says where each goes.",
	.subs = subs,
	.examples = examples,
};
