// SPDX-License-Identifier: MIT
#include "power/power.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "drivers/table.h"
#include "engine/board.h"
#include "engine/lock.h"

static int switch_on(struct power *power, struct deadline deadline, struct err *err)
{
	return power_set(power, true, deadline, err);
}

static int switch_off(struct power *power, struct deadline deadline, struct err *err)
{
	return power_set(power, false, deadline, err);
}

struct action {
	const char *name;
	int (*act)(struct power *power, struct deadline deadline, struct err *err);
};

static const struct action actions[] = {
	{"on", switch_on},
	{"off", switch_off},
	{"cycle", power_cycle},
	{"status", NULL},
};

static const struct action *find_action(const char *name)
{
	size_t i;

	for (i = 0; i + 1 < ARRAY_SIZE(actions); i++)
		if (text_equal(actions[i].name, name))
			break;
	return &actions[i];
}

static int act(const struct cli *cli, struct power *power, struct err *err)
{
	const struct action *action = find_action(args_word(cli->args, 1));
	/* off, the pause, on, and reading back */
	struct deadline deadline =
		deadline_of_cancel(cli->cancel_fd, 2 * power->timeout_ms + power->pause_ms);
	enum power_state state = POWER_UNKNOWN;
	int rc = action->act ? action->act(power, deadline, err) : 0;

	if (rc == 0)
		rc = power_get(power, &state, deadline, err);
	if (rc < 0)
		return err_prefix(err, "power of '%s'", power->board);
	if (cli->json)
		json_print(stdout, json_pack("{s:i,s:s,s:s}", "v", EVENTS_VERSION, "board",
					     power->board, "power", power_state_name(state)));
	else
		printf("%s: %s\n", power->board, power_state_name(state));
	return 0;
}

/* A board that a job works on is not to lose its power. */
static int act_locked(const struct cli *cli, const struct board *board, struct power *power,
		      struct err *err)
{
	struct board_lock *lock = NULL;
	int rc;

	if (!find_action(args_word(cli->args, 1))->act)
		return act(cli, power, err);
	rc = board_lock(&lock, board->name, "power", err);
	if (rc == 0)
		rc = act(cli, power, err);
	board_unlock(lock);
	return rc;
}

static int with_board(const struct cli *cli, const struct board *board, struct err *err)
{
	struct asker asker;
	struct power *power;
	int rc;

	if (!board->power) {
		err_set(err, ERR_CONFIG, "board '%s' has no power switch", board->name);
		return err_remedy(err, "give 'power' in its board file");
	}
	rc = power_open(&power, board->name, board->power, board->secrets, err);
	if (rc < 0)
		return rc;
	if (asker_open(&asker, board->name, cli->cancel_fd, NULL) == 0) {
		power->ask = asker_wait;
		power->ask_context = &asker;
	}
	rc = act_locked(cli, board, power, err);
	power_close(power);
	asker_close(&asker);
	return rc;
}

static int run(struct cli *cli, struct err *err)
{
	struct boards boards = {0};
	struct board *board;
	int rc = boards_load(&boards, cli->boards_file, drivers, err);

	if (rc == 0)
		rc = boards_find(&boards, args_word(cli->args, 0), &board, err);
	if (rc == 0)
		rc = with_board(cli, board, err);
	boards_free(&boards);
	return rc;
}

static const struct example examples[] = {
	{"aboard power lab3 cycle", "Switches lab3 off, waits off_time, and on again."},
	{0},
};

const struct verb verb_power = {
	.name = "power",
	.summary = "switch a board's power, or ask for it",
	.args = "BOARD on|off|cycle|status",
	.description = "Does what the board file says under power, and prints the state that is "
		       "read back: "
		       "on, off, or unknown when the device cannot tell. A switch that does not "
		       "work is an "
		       "error. A board that a job is working on is not switched.",
	.examples = examples,
	.run = run,
};
