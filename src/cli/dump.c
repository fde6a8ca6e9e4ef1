// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/order.h"
#include "cli/verbs.h"

static int run(struct cli *cli, struct err *err)
{
	const char *file = args_word(cli->args, 1);
	_cleanup_(order_free) struct order order = {0};
	struct job_confirm none = {0};
	int rc;

	if (access(file, F_OK) == 0 && !cli->yes) {
		err_set(err, ERR_REFUSED, "%s exists", file);
		return err_remedy(err, "give another name, or --yes to replace it");
	}
	rc = order_open(&order, cli, "dump", err);
	if (rc < 0)
		return rc;
	order_add(&order, (struct request_item){.target = args_value(cli->args, "target", NULL),
						.file = file});
	return order_run(&order, cli, none, err);
}

static const struct option options[] = {
	OPTION_TARGET,       OPTION_BUNDLE,        OPTION_CACERT,
	OPTION_INSECURE,     OPTION_RETRIES,       OPTION_POWER_OFF,
	OPTION_HOST_ADDRESS, OPTION_CONSOLE_DEBUG, {0},
};

static const struct example examples[] = {
	{"aboard dump lab3 backup.img.zst --target emmc",
	 "Reads the eMMC of lab3 into a compressed file."},
	{0},
};

const struct verb verb_dump = {
	.name = "dump",
	.summary = "read what is on a board into a file",
	.args = "BOARD FILE",
	.description =
		"Boots the flasher and reads a target back whole. The digest that the board has "
		"counted must be that of the bytes that came. The file is compressed if its name "
		"ends in .gz, .xz, .zst, .bz2 or .lz4. A file that exists is not replaced without "
		"--yes.",
	.options = options,
	.examples = examples,
	.run = run,
};
