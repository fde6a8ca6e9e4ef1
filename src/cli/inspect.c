// SPDX-License-Identifier: MIT
#include "build/inspect.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/facts.h"
#include "cli/output.h"
#include "cli/term.h"
#include "cli/verbs.h"

static void print_checks(const struct finding *finding, bool colour)
{
	json_t *row;
	size_t i;

	json_array_foreach(finding->checks, i, row)
	{
		bool good = json_is_true(json_object_get(row, "good"));

		printf("  %s%-4s%s ", colour_begin(good ? COLOUR_GOOD : COLOUR_BAD, colour),
		       good ? "ok" : "BAD", colour_end(colour));
		print_clean(stdout, json_string_value(json_object_get(row, "check")), 7);
		if (!good) {
			fputs(": ", stdout);
			print_clean(stdout, json_string_value(json_object_get(row, "note")), 7);
		}
		putchar('\n');
	}
}

static void print_finding(const struct finding *finding, bool colour)
{
	char size[TEXT_SIZE];

	printf("%s", finding->name);
	if (finding->size)
		printf(", %s", text_of_size(finding->size, size));
	putchar('\n');
	print_facts(stdout, finding->facts, 2);
	print_checks(finding, colour);
}

static int judge(const struct finding *finding, const char *path, struct err *err)
{
	if (finding->state == FINDING_DAMAGED)
		return err_set(err, ERR_IMAGE, "%s is damaged", path);
	if (finding->state == FINDING_UNKNOWN)
		return err_set(err, ERR_IMAGE, "%s is of no kind that is known here", path);
	return 0;
}

static int run(struct cli *cli, struct err *err)
{
	const char *path = args_word(cli->args, 0);
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = cli->cancel_fd};
	struct finding finding;
	int rc = inspect_file(path, deadline, &finding, err);

	if (rc < 0)
		return rc;
	if (cli->json)
		json_print(stdout, finding_json(&finding));
	else if (!cli->quiet)
		print_finding(&finding, term_has_colour(stdout));
	rc = judge(&finding, path, err);
	cli->reported = cli->json && rc < 0;
	finding_free(&finding);
	return rc;
}

static const struct example examples[] = {
	{"aboard inspect u-boot.stm32", "Explains the header and verifies the checksum."},
	{"aboard inspect --json sdcard.img.xz", "Unpacks it and looks into each partition."},
	{0},
};

const struct verb verb_inspect_file = {
	.name = "inspect",
	.summary = "tell what a file is, and verify it",
	.args = "FILE",
	.description =
		"Goes by the content, never by the name: STM32 headers, FIP, legacy U-Boot images "
		"and scripts, FIT, device trees, arm64 Image, zImage, ELF, PE, cpio, Android "
		"sparse "
		"images, disks with GPT or MBR and what their partitions hold, ext2/3/4, FAT, "
		"squashfs, i.MX boot images and AHAB containers, Rockchip loaders and ID blocks, "
		"Allwinner eGON, ESP images, and what is packed with gzip, xz, zstd, bzip2 or lz4."
		"\n\nWhat carries checksums, CRCs or hashes is verified by them. The exit status "
		"is 0 only for a file that is known and undamaged.",
	.examples = examples,
	.run = run,
};
