// SPDX-License-Identifier: MIT
/* flash, and plan: the same resolution, stopped before anything is touched. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/confirm.h"
#include "cli/fleet.h"
#include "cli/order.h"
#include "cli/verbs.h"

static int add_part(struct order *order, const char *target, const char *text, struct err *err)
{
	char *partition, *file;
	int rc = split_item(text, &partition, &file, err);

	if (rc < 0)
		return err_prefix(err, "-t");
	order_add(order, (struct request_item){.target = target,
					       .partition = order_keep(order, partition),
					       .file = order_keep(order, file)});
	return 0;
}

static int add_items(struct order *order, const struct args *args, struct err *err)
{
	_cleanup_(freep) const char **parts = args_values(args, "write");
	const char *image = args_word(args, 1), *target = args_value(args, "target", NULL);
	size_t i;
	int rc = 0;

	if (image && parts[0])
		return err_set(err, ERR_USAGE, "give an IMAGE or -t PARTITION:FILE, not both");
	if (!image && !parts[0]) {
		err_set(err, ERR_USAGE, "there is nothing to write: IMAGE is missing");
		return err_remedy(err, "give an IMAGE for the whole target, or -t PARTITION:FILE");
	}
	if (parts[0] && parts[1] && order->sha256)
		return err_set(err, ERR_USAGE, "one checksum cannot be that of several images");
	if (image)
		order_add(order, (struct request_item){.target = target, .file = image});
	for (i = 0; parts[i] && rc == 0; i++)
		rc = add_part(order, target, parts[i], err);
	return rc;
}

static int run_confirmed(struct order *order, struct cli *cli, struct err *err)
{
	struct job_confirm none = {0}, ask = {asker_ask, asker_ask_phrase, &order->asker};
	struct asker again;

	if (cli->yes || order->request.dry_run)
		return order_run(order, cli, none, err);
	if (cli->json) {
		err_set(err, ERR_REFUSED,
			"with --json nobody can be asked whether '%s' may be "
			"written",
			order->board->name);
		return err_remedy(err, "say yes in advance with --yes");
	}
	if (order->asker.fd < 0)
		return asker_open(&again, order->board->name, cli->cancel_fd, err);
	order->always_plan = true;
	return order_run(order, cli, ask, err);
}

static int run_one(struct cli *cli, bool plan_only, struct err *err)
{
	_cleanup_(order_free) struct order order = {0};
	int rc = order_open(&order, cli, "flash", err);

	if (rc == 0)
		rc = add_items(&order, cli->args, err);
	if (rc < 0)
		return rc;
	order.request.dry_run |= plan_only;
	if (order.request.dry_run)
		order.plan_out = stdout;
	return run_confirmed(&order, cli, err);
}

static int run(struct cli *cli, bool plan_only, struct err *err)
{
	_cleanup_(freep) char *usage = args_usage(cli->args->program, NULL, cli->args->verb);
	_cleanup_(fleet_free) struct fleet fleet = {0};
	int rc;

	if (cli->args->word_count == 0 && !args_flag(cli->args, "all", false)) {
		err_set(err, ERR_USAGE, "%s: BOARD is missing", cli->args->verb->name);
		return err_remedy(err, "usage: %s", usage);
	}
	plan_only |= args_flag(cli->args, "dry-run", false);
	rc = fleet_open(&fleet, cli, err);
	if (rc < 0 || fleet.count == 0)
		return rc < 0 ? rc : run_one(cli, plan_only, err);
	return fleet_flash(&fleet, cli, plan_only, err);
}

static int run_flash(struct cli *cli, struct err *err)
{
	return run(cli, false, err);
}

static int run_plan(struct cli *cli, struct err *err)
{
	return run(cli, true, err);
}

static const struct option options[] = {
	{.name = "all",
	 .help = "Every board of the board files at once, one process a board; no BOARD is given."},
	OPTION_TARGET,
	{.name = "write",
	 .letter = 't',
	 .argument = "PARTITION:FILE",
	 .help = "Write FILE to the partition with this GPT label, instead of IMAGE to the whole "
		 "target. All are written in one boot.",
	 .repeatable = true},
	{.name = "os-image-checksum",
	 .argument = "HEX",
	 .help = "SHA-256 that the image as given must have."},
	{.name = "os-image-checksum-file",
	 .argument = "FILE",
	 .help = "The same from a file as sha256sum writes it: the line that names the image, else "
		 "the first word."},
	{.name = "plan-digest",
	 .argument = "HEX",
	 .help = "Refuse any plan but the one with this digest, as 'plan' has shown it."},
	{.name = "verify",
	 .help = "Succeed only when what was written was read back and is right (the default). "
		 "With "
		 "--no-verify written is enough, for boards that cannot be asked what is on them.",
	 .negatable = true},
	{.name = "irreversible",
	 .argument = "PHRASE",
	 .help = "Agree to what the plan says cannot be undone, in its own words. --yes does not "
		 "cover it."},
	{.name = "dry-run", .help = "Show the plan and make the checks; change nothing."},
	{.name = "direct",
	 .help = "Let the board pull the image from its URL itself, if it can reach it."},
	{.name = "force-exporter-http",
	 .help = "Serve the image from this machine. This is the default; accepted so that older "
		 "scripts work."},
	OPTION_BUNDLE,
	OPTION_CACERT,
	OPTION_INSECURE,
	{.name = "header",
	 .argument = "LINE",
	 .help = "HTTP header 'Name: value' to send when the image is a URL; @FILE reads them from "
		 "a file, one a line, so that a secret need not be in an argument list.",
	 .repeatable = true},
	{.name = "bearer",
	 .argument = "TOKEN",
	 .help = "Bearer token to send when the image is a URL. An argument list can be seen by "
		 "other users: better set ABOARD_BEARER in the environment."},
	OPTION_RETRIES,
	OPTION_POWER_OFF,
	OPTION_HOST_ADDRESS,
	OPTION_CONSOLE_DEBUG,
	{0},
};

static const struct example flash_examples[] = {
	{"aboard flash lab3 debian.img.xz", "Writes the image to the default target of lab3."},
	{"aboard flash lab3 -t boot:boot.img -t rootfs:root.img.zst",
	 "Writes two partitions in one boot."},
	{"aboard flash lab1 lab2 lab3 os.img.xz", "Writes the same image to three boards at once."},
	{"aboard flash --yes --json lab3 https://example.com/os.img.gz",
	 "For machines: nothing is asked, one JSON object a line."},
	{0},
};

const struct verb verb_flash = {
	.name = "flash",
	.summary = "write an image to a board and prove that it is there",
	.args = "[BOARD]... [IMAGE]",
	.description =
		"Resolves everything into a plan, makes the checks, shows the plan and asks, does "
		"the "
		"work, reads back what was written and compares it, and keeps a record. The exit "
		"status is 0 only when the bytes on the board are the bytes of the image.\n\n"
		"IMAGE is a file, - for standard input, an http or https URL, or oci://REFERENCE. "
		"It "
		"may be compressed (gzip, xz, zstd, bzip2, lz4) or an Android sparse image; that "
		"is "
		"found by its content, not its name.\n\n"
		"Without a terminal the person cannot be asked, so --yes is needed. With --yes and "
		"--plan-digest a machine writes exactly what a person has approved, or nothing.\n\n"
		"With several boards, or --all, each is done by a process of its own: what goes "
		"wrong with one disturbs no other. They are planned first and asked for once; then "
		"there is a line a board. The exit status is 0 when all are done, else 100 and the "
		"number of boards that are not, at most 125; the last lines (with --json, the "
		"'fleet' event) say which and why.",
	.options = options,
	.examples = flash_examples,
	.run = run_flash,
};

static const struct example plan_examples[] = {
	{"aboard plan lab3 debian.img.xz", "Shows what flash would do, and whether it could."},
	{0},
};

const struct verb verb_plan = {
	.name = "plan",
	.summary = "show what flash would do, and check whether it can",
	.args = "[BOARD]... [IMAGE]",
	.description =
		"Resolves and checks as flash does, prints the plan on standard output, and stops. "
		"Nothing on the board is changed. It takes every option of flash, so a command "
		"line can be tried by changing one word.\n\n"
		"The plan's digest is the same as long as nothing in it changes; flash "
		"--plan-digest refuses any other.",
	.options = options,
	.examples = plan_examples,
	.run = run_plan,
};
