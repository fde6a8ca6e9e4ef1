// SPDX-License-Identifier: MIT
/* Power by programs of the user's own: one each to switch on, off, over, and to tell the state. */
#include "power/ways.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/process.h"

static const struct key command_keys[] = {
	{"on", KEY_TEXTS, true, NULL, "program and arguments that switch on; it ends with 0", NULL},
	{"off", KEY_TEXTS, true, NULL, "program and arguments that switch off; it ends with 0",
	 NULL},
	{"cycle", KEY_TEXTS, false, "off, off_time, on",
	 "program and arguments that switch off and on again", NULL},
	{"status", KEY_TEXTS, false, NULL,
	 "program and arguments that tell the state: exit status 0 is on, 1 is off, anything else "
	 "a failure; with status_on or status_off it ends with 0 and its output tells",
	 NULL},
	{"status_on", KEY_TEXT, false, NULL,
	 "pattern (extended regular expression) in the output of 'status' that means on", NULL},
	{"status_off", KEY_TEXT, false, NULL,
	 "pattern in the output of 'status' that means off; with only one of the two, its absence "
	 "means the other",
	 NULL},
	{0},
};

static void result_free(struct process_result *result)
{
	buf_free(&result->out);
}

/* "pdu on 3" as one text is a slip: no shell takes it apart. */
static int check_argv(const struct yaml *settings, const char *key, struct err *err)
{
	const struct yaml *argv = yaml_get(settings, key);

	if (!argv)
		return 0;
	if (argv->kind == YAML_SCALAR && strpbrk(argv->text, " \t")) {
		yaml_err(argv, err, "'%s' is one text with blanks, but no shell takes it apart",
			 key);
		return err_remedy(err, "write it as a list, [program, argument, ...], or as "
				       "[sh, -c, '...']");
	}
	if (argv->kind == YAML_LIST && argv->count == 0)
		return yaml_err(argv, err, "'%s' names no program", key);
	return 0;
}

static int command_open(struct power *power, struct err *err)
{
	static const char *const keys[] = {"on", "off", "cycle", "status"};
	const struct yaml *settings = power->settings;
	struct power_match *match;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		rc = check_argv(settings, keys[i], err);
		if (rc < 0)
			return rc;
	}
	match = power->own = xcalloc(1, sizeof(*match));
	rc = power_match_open(match, settings, "status_on", "status_off", NULL, err);
	if (rc < 0)
		return rc;
	if ((match->on || match->off) && !yaml_get(settings, "status"))
		return yaml_err(settings, err, "'status_on' and 'status_off' need 'status'");
	return 0;
}

static void command_close(struct power *power)
{
	if (power->own)
		power_match_free(power->own);
	free(power->own);
}

static int run(const struct power *power, const char *key, struct process_result *result,
	       struct deadline deadline, struct err *err)
{
	_cleanup_(freep) const char **argv = yaml_texts(power->settings, key);

	return process_run(argv, result, deadline, err);
}

static int refused(const struct power *power, const char *key, const struct process_result *result,
		   struct err *err)
{
	_cleanup_(freep) const char **argv = yaml_texts(power->settings, key);
	_cleanup_(freep) char *said = power_said(power, buf_text(&result->out), result->out.size);

	return err_set(err, ERR_POWER, "'%s' (%s) ended with exit status %d%s", key, argv[0],
		       result->status, said);
}

static int run_well(const struct power *power, const char *key, struct deadline deadline,
		    struct err *err)
{
	_cleanup_(result_free) struct process_result result = {0};
	int rc = run(power, key, &result, deadline, err);

	if (rc == 0 && result.status != 0)
		return refused(power, key, &result, err);
	return rc;
}

static int command_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	return run_well(power, on ? "on" : "off", deadline, err);
}

static int command_cycle(struct power *power, struct deadline deadline, struct err *err)
{
	if (!yaml_get(power->settings, "cycle"))
		return 1;
	return run_well(power, "cycle", deadline, err);
}

static int state_of_output(const struct power *power, const struct process_result *result,
			   enum power_state *state, struct err *err)
{
	_cleanup_(freep) char *said = NULL;

	if (result->status != 0)
		return refused(power, "status", result, err);
	if (power_match_state(power->own, buf_text(&result->out), state))
		return 0;
	said = power_said(power, buf_text(&result->out), result->out.size);
	return err_set(err, ERR_POWER, "the output of 'status' is neither on nor off%s", said);
}

static int command_get(struct power *power, enum power_state *state, struct deadline deadline,
		       struct err *err)
{
	_cleanup_(result_free) struct process_result result = {0};
	const struct power_match *match = power->own;
	int rc;

	*state = POWER_UNKNOWN;
	if (!yaml_get(power->settings, "status"))
		return 0;
	rc = run(power, "status", &result, deadline, err);
	if (rc < 0)
		return rc;
	if (match->on || match->off)
		return state_of_output(power, &result, state, err);
	if (result.status > 1)
		return refused(power, "status", &result, err);
	*state = result.status == 0 ? POWER_ON : POWER_OFF;
	return 0;
}

const struct power_way power_command = {
	.name = "command",
	.summary = "runs programs of your own",
	.keys = command_keys,
	.open = command_open,
	.set = command_set,
	.get = command_get,
	.cycle = command_cycle,
	.close = command_close,
};
