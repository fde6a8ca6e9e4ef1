// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/fit_check.h"
#include "build/fit_json.h"
#include "build/its.h"
#include "build/legacy.h"
#include "cli/build.h"
#include "cli/facts.h"
#include "cli/output.h"
#include "cli/term.h"

#define COMPILE_MS (10 * 60 * 1000)

/* -k DIR, or DIR/HINT as the boot script's -k: the folder is what counts, names of keys stand in
   the file. */
static char *key_folder(const char *given)
{
	_cleanup_(freep) char *key = given ? xasprintf("%s.key", given) : NULL;
	struct stat st;

	if (!given)
		return NULL;
	if (stat(given, &st) < 0 && stat(key, &st) == 0)
		return path_folder(given);
	return xstrdup(given);
}

static void print_report(const struct cli *cli, const struct fit_report *report, bool all)
{
	json_t *facts = fit_report_json(report);

	if (!all)
		json_object_del(facts, "marks");
	if (cli->json) {
		json_print(stdout, facts);
		return;
	}
	if (!cli->quiet)
		print_facts(stdout, facts, 0);
	json_decref(facts);
}

static int look(const struct cli *cli, const char *path, const struct fit_trust *trust, bool verify,
		struct err *err)
{
	_cleanup_(buf_free) struct buf fit = {0};
	_cleanup_(fit_report_free) struct fit_report report = {0};
	int rc = path_read(path, INT32_MAX, &fit, err);

	if (rc == 0)
		rc = fit_read(fit.data, fit.size, trust, &report, err);
	if (rc < 0)
		return err_prefix(err, "%s", path);
	print_report(cli, &report, true);
	if (verify)
		rc = fit_verify(fit.data, fit.size, trust, &report, err);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

/* What was made is verified like any other before it is said to be done. */
static int prove(const void *fit, size_t size, const struct fit_trust *trust,
		 struct fit_report *report, struct err *err)
{
	int rc = fit_read(fit, size, trust, report, err);

	if (rc == 0 && report->mark_count)
		rc = fit_verify(fit, size, trust, report, err);
	return rc < 0 ? err_prefix(err, "the finished FIT") : 0;
}

static int compile(const struct cli *cli, const char *its, const struct fit_signing *signing,
		   const char *output, struct err *err)
{
	_cleanup_(buf_free) struct buf control = {0};
	_cleanup_(fit_report_free) struct fit_report report = {0};
	_cleanup_(freep) void *fit = NULL;
	struct fit_trust trust = {.key_folder = signing->key_folder};
	struct deadline deadline = deadline_of_cancel(cli->cancel_fd, COMPILE_MS);
	uint32_t timestamp;
	size_t size;
	int rc = legacy_time(getenv("SOURCE_DATE_EPOCH"), time(NULL), &timestamp, err);

	if (rc == 0)
		rc = its_compile(its, signing, timestamp, &fit, &size, &control, deadline, err);
	if (rc == 0)
		rc = prove(fit, size, &trust, &report, err);
	if (rc == 0 && signing->control_dtb)
		rc = path_write(signing->control_dtb, control.data, control.size, 0644, err);
	if (rc == 0)
		rc = path_write(output, fit, size, 0644, err);
	if (rc == 0)
		print_report(cli, &report, cli->verbose > 0);
	return rc;
}

static int run(struct cli *cli, struct err *err)
{
	const char *file = args_word(cli->args, 0), *output = args_value(cli->args, "output", NULL);
	const char *control = args_value(cli->args, "control", NULL);
	_cleanup_(freep) char *folder = key_folder(args_value(cli->args, "keys", NULL));
	struct fit_signing signing = {.key_folder = folder, .control_dtb = control};
	struct fit_trust trust = {.key_folder = folder, .control_dtb = control};
	bool verify = args_flag(cli->args, "verify", false);

	if (verify || args_flag(cli->args, "inspect", false)) {
		if (output)
			return err_set(err, ERR_USAGE, "--output goes with a .its file to compile");
		return look(cli, file, &trust, verify, err);
	}
	if (!output) {
		err_set(err, ERR_USAGE, "no --output was given");
		return err_remedy(err,
				  "aboard build fit %s -o FIT; or --inspect or --verify for a "
				  "FIT that is there",
				  file);
	}
	if (path_same(file, output))
		return err_set(err, ERR_USAGE, "%s is the input and the output", file);
	if (control && !folder)
		return err_set(err, ERR_USAGE, "--control needs --keys");
	return compile(cli, file, &signing, output, err);
}

static const struct option options[] = {
	{.name = "output", .letter = 'o', .argument = "FILE", .help = "The FIT to make."},
	{.name = "keys",
	 .letter = 'k',
	 .argument = "DIR",
	 .help = "Folder of keys. To sign: HINT.key (PEM, RSA) or HINT.pem (ECDSA); to verify: "
		 "HINT.crt, HINT.pub, HINT.pem or HINT.key. HINT is the key-name-hint of the "
		 "signature."},
	{.name = "control",
	 .letter = 'u',
	 .argument = "FILE",
	 .help = "U-Boot's control device tree. When signing, the public keys are put into it and "
		 "marked as required; when verifying, its keys count, and what it requires is "
		 "required."},
	{.name = "inspect", .help = "Tell what is in a FIT, and judge its hashes and signatures."},
	{.name = "verify",
	 .help = "As --inspect, and fail unless every image and configuration is as it should be."},
	{0},
};

static const struct example examples[] = {
	{"aboard build fit board.its -o board.fit", "Compiles, with the hashes filled in."},
	{"aboard build fit board.its -o board.fit -k keys -u u-boot.dtb",
	 "Signs too, and tells U-Boot's control tree the public keys."},
	{"aboard build fit --verify board.fit -u u-boot.dtb",
	 "Says whether a U-Boot with this control tree would take it."},
	{0},
};

const struct verb verb_build_fit = {
	.name = "fit",
	.summary = "compile, sign, inspect and verify FIT images",
	.args = "FILE",
	.description =
		"Compiles a .its file; files it includes are read from beside it. Each hash node "
		"gets its value. With --keys each signature node is signed, and a configuration's "
		"signature covers every image it names.\n\n"
		"Signature algorithms are sha256 (or sha1, sha384, sha512) with rsa2048, rsa3072, "
		"rsa4096, ecdsa256 or ecdsa384; padding is pkcs-1.5 or pss.\n\n"
		"--verify is stricter than U-Boot, which looks only at what it boots: every image "
		"needs a right hash or signature, and every configuration each required signature.",
	.options = options,
	.examples = examples,
	.run = run,
};
