// SPDX-License-Identifier: MIT
#include "power/power.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "power/ways.h"

#define PAUSE_MS        2000
#define TIMEOUT_MS      30000
#define READ_FIRST_MS   50 /* between two looks at the state; doubled each time */
#define READ_LONGEST_MS 1000

const struct key power_common_keys[] = {
	{"type", KEY_TEXT, true, NULL, "the way to switch: command, process, http, ...", NULL},
	{"off_time", KEY_DURATION, false, "2s", "pause between off and on of a power cycle", NULL},
	{"timeout", KEY_DURATION, false, "30s", "longest time that one switch may take", NULL},
	{0},
};

static int unknown_type(const struct yaml *at, const char *type, struct err *err)
{
	_cleanup_(buf_free) struct buf list = {0};
	const char *words[32], *near;
	size_t count = 0;

	for (; power_ways[count] && count + 1 < ARRAY_SIZE(words); count++) {
		words[count] = power_ways[count]->name;
		buf_addf(&list, "%s%s", count ? ", " : "", words[count]);
	}
	words[count] = NULL;
	near = text_nearest(type, words);
	yaml_err(at, err, "there is no way '%s' to switch power", type);
	if (near)
		return err_remedy(err, "did you mean '%s'?", near);
	return err_remedy(err, "known are: %s", buf_text(&list));
}

static int find_way(const struct yaml *settings, const struct power_way **way, struct err *err)
{
	const char *type = yaml_text(settings, "type", NULL);
	size_t i;

	if (settings->kind != YAML_MAP)
		return yaml_err(settings, err, "a mapping of keys to values is wanted here");
	if (!type)
		return yaml_err(settings, err, "'type' is missing (%s)", power_common_keys[0].help);
	for (i = 0; power_ways[i]; i++) {
		*way = power_ways[i];
		if (strcmp((*way)->name, type) == 0)
			return 0;
	}
	return unknown_type(yaml_get(settings, "type"), type, err);
}

static size_t count_keys(const struct key *keys)
{
	size_t count = 0;

	while (keys[count].name)
		count++;
	return count;
}

/* Checks against the common keys and the way's own as one table. */
static int check_keys(const struct yaml *settings, const struct power_way *way, struct err *err)
{
	size_t common = count_keys(power_common_keys), own = count_keys(way->keys);
	_cleanup_(freep) struct key *keys = xcalloc(common + own + 1, sizeof(*keys));

	memcpy(keys, power_common_keys, common * sizeof(*keys));
	memcpy(keys + common, way->keys, own * sizeof(*keys));
	return yaml_check(settings, keys, err);
}

int power_open(struct power **power, const char *board, const struct yaml *settings,
	       struct secrets *secrets, struct err *err)
{
	_cleanup_(power_closep) struct power *made = xcalloc(1, sizeof(*made));
	const struct power_way *way;
	int rc;

	rc = find_way(settings, &way, err);
	if (rc == 0)
		rc = check_keys(settings, way, err);
	if (rc < 0)
		return rc;
	*made = (struct power){
		.way = way, .settings = settings, .secrets = secrets, .board = board};
	made->pause_ms = yaml_duration_ms(settings, "off_time", PAUSE_MS);
	made->timeout_ms = yaml_duration_ms(settings, "timeout", TIMEOUT_MS);
	rc = way->open(made, err);
	if (rc < 0)
		return rc;
	*power = steal(made);
	return 0;
}

void power_close(struct power *power)
{
	if (!power)
		return;
	if (power->way && power->way->close)
		power->way->close(power);
	free(power);
}

void power_closep(struct power **power)
{
	power_close(*power);
	*power = NULL;
}

const char *power_state_name(enum power_state state)
{
	static const char *const names[] = {"off", "on", "unknown"};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

/* A switch that takes too long is trouble with power, not with some deadline. */
static int failed(const struct power *power, const char *doing, struct err *err)
{
	char spent[TEXT_SIZE];

	if (err->kind == ERR_TIMEOUT) {
		err->kind = ERR_POWER;
		err_remedy(err, "'timeout' of the board's power is %s; see if the device answers",
			   text_of_duration(power->timeout_ms, spent));
	}
	return err_prefix(err, "%s %s (%s)", doing, power->board, power->way->name);
}

static int not_so(const struct power *power, enum power_state wanted, enum power_state state,
		  struct err *err)
{
	err_set(err, ERR_POWER, "it was switched %s, but still reads as %s",
		power_state_name(wanted), power_state_name(state));
	return err_remedy(err, "see if the outlet, channel or line of '%s' is the right one",
			  power->board);
}

/* One look; *state is `wanted` when all is well. Trouble that may pass is left in *err. */
static int look(struct power *power, enum power_state wanted, enum power_state *state,
		struct deadline deadline, struct err *err)
{
	int rc = power->way->get(power, state, deadline, err);

	if (rc < 0 || *state == wanted || *state == POWER_UNKNOWN)
		return rc;
	return not_so(power, wanted, *state, err);
}

/* Reads the state until it is so. A device may need a moment, and may not answer meanwhile. */
static int read_back(struct power *power, enum power_state wanted, struct deadline deadline,
		     struct err *err)
{
	struct err last = {0}, now;
	int64_t pause = READ_FIRST_MS;
	enum power_state state;
	int rc;

	for (;;) {
		rc = look(power, wanted, &state, deadline, &now);
		if (rc == 0)
			return 0;
		/* A look cut off by the deadline tells less than the one before it. */
		if (rc != -ERR_TIMEOUT || last.kind == ERR_NONE)
			last = now;
		if (err_may_pass((enum err_kind) - rc))
			rc = deadline_pause(pause, deadline, &now);
		if (rc == -ERR_CANCELLED)
			last = now;
		if (rc < 0) {
			*err = last;
			return -(int)last.kind;
		}
		pause = 2 * pause > READ_LONGEST_MS ? READ_LONGEST_MS : 2 * pause;
	}
}

int power_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	enum power_state wanted = on ? POWER_ON : POWER_OFF;
	struct err own = {0};
	int rc;

	err = err ? err : &own;
	deadline = deadline_in(deadline, power->timeout_ms);
	rc = deadline_check(deadline, err);
	if (rc == 0)
		rc = power->way->set(power, on, deadline, err);
	if (rc == 0 && power->way->get)
		rc = read_back(power, wanted, deadline, err);
	if (rc < 0)
		return failed(power, on ? "switching on" : "switching off", err);
	return 0;
}

static int cycle_at_once(struct power *power, struct deadline deadline, struct err *err)
{
	struct err own = {0};
	int rc;

	err = err ? err : &own;
	deadline = deadline_in(deadline, power->timeout_ms + power->pause_ms);
	rc = power->way->cycle(power, deadline, err);
	if (rc == 0 && power->way->get)
		rc = read_back(power, POWER_ON, deadline, err);
	return rc < 0 ? failed(power, "power-cycling", err) : rc;
}

int power_cycle(struct power *power, struct deadline deadline, struct err *err)
{
	int rc;

	if (power->way->cycle) {
		rc = cycle_at_once(power, deadline, err);
		if (rc <= 0)
			return rc;
	}
	rc = power_set(power, false, deadline, err);
	if (rc == 0)
		rc = deadline_pause(power->pause_ms, deadline, err);
	return rc < 0 ? rc : power_set(power, true, deadline, err);
}

int power_get(struct power *power, enum power_state *state, struct deadline deadline,
	      struct err *err)
{
	struct err own = {0};
	int rc;

	*state = POWER_UNKNOWN;
	if (!power->way->get)
		return 0;
	err = err ? err : &own;
	rc = power->way->get(power, state, deadline_in(deadline, power->timeout_ms), err);
	return rc < 0 ? failed(power, "asking for the power of", err) : 0;
}
