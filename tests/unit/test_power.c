// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "power/http_presets.h"
#include "power/http_reply.h"
#include "power/running.h"
#include "power/snmp_presets.h"
#include "power/ways.h"

static const struct key *find_key(const struct key *keys, const char *name)
{
	while (keys->name && strcmp(keys->name, name) != 0)
		keys++;
	return keys->name ? keys : NULL;
}

/* One table is made of the common keys and the way's: no name twice, all explained. */
static void keys_are_sound(void **state)
{
	const struct key *key;
	size_t i;

	(void)state;
	for (i = 0; power_ways[i]; i++) {
		assert_non_null(power_ways[i]->name);
		assert_non_null(power_ways[i]->summary);
		assert_non_null(power_ways[i]->open);
		assert_non_null(power_ways[i]->set);
		for (key = power_ways[i]->keys; key->name; key++) {
			assert_null(find_key(power_common_keys, key->name));
			assert_null(find_key(key + 1, key->name));
			assert_non_null(key->help);
		}
	}
	assert_true(i >= 6);
}

/* Opens a board's power from text; the error's text, or NULL. */
static char *try_open(const char *text)
{
	struct power *power = NULL;
	struct yaml **roots;
	struct err err = {0};
	size_t count;
	int rc;

	assert_int_equal(yaml_parse("f", text, strlen(text), &roots, &count, &err), 0);
	rc = power_open(&power, "demo", roots[0], NULL, &err);
	power_close(power);
	yaml_free_all(roots, count);
	return rc == 0 ? NULL : xasprintf("%s | %s", err.text, err.remedy);
}

static void types(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"{type: manual}", NULL},
		{"{type: manual, timeout: 1h, off_time: 250ms}", NULL},
		{"{type: manuel}", "f:1:8: there is no way 'manuel' to switch power | "
				   "did you mean 'manual'?"},
		{"{type: tasmota}", "f:1:8: there is no way 'tasmota' to switch power | known are: "
				    "command, process, manual, http, snmp, gpio, usb-hub, ykush"},
		{"{typ: manual}", "f:1:1: 'type' is missing"},
		{"manual", "f:1:1: a mapping of keys to values is wanted here | "},
		{"{type: manual, timeout: soon}", "f:1:25: 'timeout' must be a time"},
		{"{type: manual, on: x}", "f:1:20: unknown key 'on'"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *error = try_open(rows[i].text);

		if (!rows[i].error)
			assert_null(error);
		else if (!error || !text_starts(error, rows[i].error))
			fail_msg("%s: %s", rows[i].text, error ? error : "no error");
	}
}

/* Every row can be used as it is. */
static void presets_open(void **state)
{
	static const char *const outlets[] = {"", "1", "1.2", "1.2.3"};
	const struct http_preset *http;
	const struct snmp_preset *snmp;

	(void)state;
	for (http = http_presets; http->name; http++) {
		_cleanup_(freep) char *text = xasprintf(
			"{type: http, preset: %s, host: h%s%s}", http->name,
			http->channel ? "" : ", channel: 1", http->token ? ", token: t" : "");
		_cleanup_(freep) char *error = try_open(text);

		assert_null(error);
		assert_non_null(http->values[0]);
	}
	for (snmp = snmp_presets; snmp->name; snmp++) {
		_cleanup_(freep) char *text =
			xasprintf("{type: snmp, preset: %s, host: h, outlet: \"%s\"}", snmp->name,
				  outlets[snmp->parts]);
		_cleanup_(freep) char *error = try_open(text);

		assert_null(error);
	}
}

static void stat_lines(void **state)
{
	static const char rest[] = " 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 9 9\n";
	static const char *const names[] = {"sleep", "a b", "x) Z 1 2 3", "))", ""};
	static const char *const broken[] = {"",
					     "77",
					     "77 (x",
					     "77 (x)",
					     "77 (x) S",
					     "77 (x) S 1 77 77 0",
					     "77 (x) S 1 -5 77 0 0 0"};
	struct proc_stat stat;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(freep) char *text = xasprintf("77 (%s) S%s", names[i], rest);

		assert_true(proc_stat_parse(text, &stat));
		assert_int_equal(stat.state, 'S');
		assert_int_equal(stat.group, 77);
		assert_int_equal(stat.start, 123456);
	}
	for (i = 0; i < ARRAY_SIZE(broken); i++)
		assert_false(proc_stat_parse(broken[i], &stat));
}

static void remembered_processes(void **state)
{
	char folder[] = "/tmp/aboard-test-XXXXXX";
	_cleanup_(freep) char *path = NULL;
	struct running running, found;
	struct err err;
	bool alive;
	pid_t child;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path = path_join(folder, "x.pid");
	assert_int_equal(running_load(path, &found, &alive, &err), 0);
	assert_false(alive);

	assert_true(running_look(getpid(), &running));
	assert_int_equal(strlen(running.boot), BOOT_ID_SIZE - 1);
	assert_int_equal(running_save(path, &running, &err), 0);
	assert_int_equal(running_load(path, &found, &alive, &err), 0);
	assert_true(alive);
	assert_int_equal(found.pid, getpid());

	running.start++;
	assert_int_equal(running_save(path, &running, &err), 0);
	assert_int_equal(running_load(path, &found, &alive, &err), 0);
	assert_false(alive);

	child = fork();
	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT);
	assert_false(running_look(child, &found)); /* a zombie, reaped by the look */
	assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
	path_remove_tree(folder, &err);
}

static void states_of_texts(void **state)
{
	static const struct {
		const char *on, *off, *text;
		int state; /* -1: neither */
	} rows[] = {
		{"^on$", "^off$", "on", POWER_ON},    {"^on$", "^off$", "OFF", POWER_OFF},
		{"^on$", "^off$", "x", -1},           {"o", "f", "off", -1},
		{"up", NULL, "is up", POWER_ON},      {"up", NULL, "is down", POWER_OFF},
		{NULL, "down", "down", POWER_OFF},    {NULL, "down", "", POWER_ON},
		{"^on$", "^off$", "x\non", POWER_ON},
	};
	struct power_match match;
	enum power_state found;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *patterns[2] = {rows[i].on, rows[i].off};

		assert_int_equal(power_match_open(&match, NULL, "", "", patterns, &err), 0);
		assert_int_equal(power_match_state(&match, rows[i].text, &found),
				 rows[i].state >= 0);
		if (rows[i].state >= 0)
			assert_int_equal((int)found, rows[i].state);
		power_match_free(&match);
	}
}

static void replies(void **state)
{
	static const struct {
		const char *body, *path, *text;
	} rows[] = {
		{"{\"POWER1\": \"ON\"}", "POWER1", "ON"},
		{"{\"result\": {\"output\": false}}", "result.output", "false"},
		{"{\"a\": [{\"n\": 1, \"s\": 5}, {\"n\": 2, \"s\": 6}]}", "a.[n=2].s", "6"},
		{"{\"a\": [{\"n\": 1, \"s\": 5}, {\"n\": 2, \"s\": 6}]}", "a.0.s", "5"},
		{"[1.5, true]", "0", "1.5"},
		{"true", "", NULL},
		{"{\"\": 1}", "", "1"},
		{"{\"a\": [1]}", "a.1", NULL},
		{"{\"a\": [1]}", "a.-1", NULL},
		{"{\"a\": [1]}", "a.[", NULL},
		{"{\"a\": [1]}", "a.[]", NULL},
		{"{\"a\": [1]}", "a.", NULL},
		{"{\"a\": [{}]}", "a.[n=2].s", NULL},
		{"{\"a\": null}", "a", NULL},
		{"{\"a\": {}}", "a", NULL},
		{"3", "a.b", NULL},
	};
	struct err err;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(http_reply_value(rows[i].body, strlen(rows[i].body), rows[i].path,
						  &text, &err),
				 0);
		if (rows[i].text)
			assert_string_equal(text, rows[i].text);
		else
			assert_null(text);
		free(text);
	}
	assert_int_equal(http_reply_value("{", 1, "a", &text, &err), -ERR_POWER);
	assert_null(text);
}

static void said(void **state)
{
	struct secrets *secrets;
	struct power power = {0};
	struct err err;
	char text[2000];

	(void)state;
	assert_int_equal(secrets_new(&secrets, NULL, &err), 0);
	secrets_remember(secrets, "hunter22");
	power.secrets = secrets;
	_cleanup_(freep) char *nothing = power_said(&power, " \n", 2);
	assert_string_equal(nothing, "");
	_cleanup_(freep) char *plain = power_said(&power, "a\r\n\tb\x1b[0m\0 hunter22\n", 21);
	assert_string_equal(plain, ": a b?[0m ***");
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 304, "hunter22", 8);
	_cleanup_(freep) char *end = power_said(&power, text, sizeof(text));
	assert_null(strstr(end, "ter22"));
	assert_int_equal(strlen(end), strlen(": ...") + 300);
	secrets_free(secrets);
}

/* A way whose device is this record. */
struct device {
	enum power_state now;
	int looks_until_seen, sets;
};

static int device_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	struct device *device = power->own;

	(void)deadline;
	(void)err;
	device->now = on ? POWER_ON : POWER_OFF;
	device->looks_until_seen = 2;
	device->sets++;
	return 0;
}

static int device_get(struct power *power, enum power_state *state, struct deadline deadline,
		      struct err *err)
{
	struct device *device = power->own;

	(void)deadline;
	if (device->looks_until_seen-- > 0)
		return err_set(err, ERR_NETWORK, "restarting");
	*state = device->now;
	return 0;
}

static int device_cycle(struct power *power, struct deadline deadline, struct err *err)
{
	(void)power;
	(void)deadline;
	(void)err;
	return 1;
}

static void switching(void **state)
{
	static const struct power_way way = {
		.name = "test", .set = device_set, .get = device_get, .cycle = device_cycle};
	struct device device = {.now = POWER_UNKNOWN};
	struct power power = {
		.way = &way, .board = "demo", .timeout_ms = 10000, .pause_ms = 1, .own = &device};
	enum power_state now;
	struct err err;

	(void)state;
	assert_int_equal(power_set(&power, true, DEADLINE_NEVER, &err), 0);
	assert_int_equal(device.sets, 1);
	assert_int_equal(power_cycle(&power, DEADLINE_NEVER, &err), 0);
	assert_int_equal(device.sets, 3);
	assert_int_equal(power_get(&power, &now, DEADLINE_NEVER, &err), 0);
	assert_int_equal(now, POWER_ON);
	device.looks_until_seen = 1000;
	assert_int_equal(power_get(&power, &now, DEADLINE_NEVER, &err), -ERR_NETWORK);
	assert_string_equal(err.text, "asking for the power of demo (test): restarting");
	power.timeout_ms = 0;
	assert_int_equal(power_set(&power, false, DEADLINE_NEVER, &err), -ERR_POWER);
	assert_int_equal(device.sets, 3);
	assert_int_equal(power_set(&power, false, DEADLINE_NEVER, NULL), -ERR_POWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_sound),
		cmocka_unit_test(types),
		cmocka_unit_test(presets_open),
		cmocka_unit_test(stat_lines),
		cmocka_unit_test(remembered_processes),
		cmocka_unit_test(states_of_texts),
		cmocka_unit_test(replies),
		cmocka_unit_test(said),
		cmocka_unit_test(switching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
