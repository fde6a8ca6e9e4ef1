// SPDX-License-Identifier: MIT
/* The way of a job through the engine, with a driver whose board is a few bytes of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/board.h"
#include "engine/job.h"
#include "rig/home_rig.h"

#define PHRASE "program OTP words 59 and 60"

/* What the board is asked to do wrong, and what was seen of the job. */
struct toy {
	bool deaf;         /* cannot be read back */
	bool irreversible; /* the plan has a phrase */
	unsigned int writes;
	const char *typed; /* by the person; NULL: nobody is there */
	unsigned int asked;
	char outcome[32], state[128];
};

static int resolve(struct job *job, struct deadline deadline, struct err *err)
{
	struct toy *toy = (struct toy *)(uintptr_t)job->request->at;

	(void)deadline;
	(void)err;
	job->own = toy;
	plan_step(job->plan, "write");
	if (toy->irreversible)
		plan_irreversible(job->plan, "%s", PHRASE);
	return 0;
}

static int write_it(struct job *job, struct deadline deadline, struct err *err)
{
	(void)deadline;
	(void)err;
	((struct toy *)job->own)->writes++;
	return 0;
}

static int read_back(struct job *job, struct deadline deadline, struct err *err)
{
	(void)deadline;
	(void)err;
	job->proven = !((struct toy *)job->own)->deaf;
	if (!job->proven)
		job->unproven = "this loader cannot read";
	return 0;
}

static const struct check no_checks[] = {{0}};
static const struct stage stages[] = {
	{.name = "write", .label = "write", .weight = 1, .writes = true, .run = write_it},
	{.name = "verify", .label = "read back", .weight = 1, .run = read_back},
	{0},
};
static const struct work works[] = {{"flash", NULL, resolve, no_checks, stages}, {0}};
static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"write", KEY_DURATION, false, "10s", "writing", NULL},
	{"verify", KEY_DURATION, false, "10s", "reading back", NULL},
	{0},
};
static const struct driver toy_driver = {
	.name = "toy", .summary = "memory", .timeouts = timeouts, .works = works};
static const struct driver *const toy_drivers[] = {&toy_driver, NULL};

static void take(void *context, const json_t *event)
{
	struct toy *toy = context;

	if (!text_equal(json_string_value(json_object_get(event, "event")), "result"))
		return;
	snprintf(toy->outcome, sizeof(toy->outcome), "%s",
		 json_string_value(json_object_get(event, "outcome")));
	snprintf(toy->state, sizeof(toy->state), "%s",
		 json_string_value(json_object_get(event, "state")));
}

static bool say_yes(void *context, const struct plan *plan, const char *digest)
{
	(void)context;
	(void)plan;
	(void)digest;
	return true;
}

static bool type(void *context, const char *phrase)
{
	struct toy *toy = context;

	toy->asked++;
	return text_equal(toy->typed, phrase);
}

static int run(struct toy *toy, struct request request, struct err *err)
{
	static const char text[] = "name: one\ndriver: toy\n";
	struct job_settings settings = {.sinks = {{take, toy}}, .cancel_fd = -1};
	struct boards boards;
	int rc;

	request.verb = "flash";
	request.at = (const char *)toy;
	if (toy->typed)
		settings.confirm = (struct job_confirm){say_yes, type, toy};
	assert_int_equal(
		boards_load_text(&boards, "test.yaml", text, strlen(text), toy_drivers, err), 0);
	rc = job_run(&boards.items[0], &request, &settings, err);
	boards_free(&boards);
	return rc;
}

static void test_proven(void **state)
{
	struct toy toy = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(run(&toy, (struct request){0}, &err), 0);
	assert_string_equal(toy.outcome, "done");
	assert_non_null(strstr(toy.state, "read back from the board and is right"));
}

static void test_written_is_not_proven(void **state)
{
	struct toy toy = {.deaf = true};
	struct err err = {0};

	(void)state;
	assert_int_equal(run(&toy, (struct request){0}, &err), -ERR_VERIFY);
	assert_string_equal(toy.outcome, "failed");
	assert_string_equal(err.text, "written, but not verified: this loader cannot read");
	assert_non_null(strstr(err.remedy, "--no-verify"));
	assert_string_equal(toy.state, "it was written whole, but not read back");
}

static void test_written_is_enough_when_said(void **state)
{
	struct toy toy = {.deaf = true};
	struct err err = {0};

	(void)state;
	assert_int_equal(run(&toy, (struct request){.no_verify = true}, &err), 0);
	assert_string_equal(toy.outcome, "done");
	assert_string_equal(toy.state, "it was written whole, but not read back");
}

/* Yes in advance is not a yes to what cannot be undone. */
static void test_irreversible_is_refused(void **state)
{
	struct toy toy = {.irreversible = true};
	struct err err = {0};

	(void)state;
	assert_int_equal(run(&toy, (struct request){0}, &err), -ERR_REFUSED);
	assert_int_equal(toy.writes, 0);
	assert_non_null(strstr(err.text, PHRASE));
	assert_non_null(strstr(err.remedy, "--irreversible '" PHRASE "'"));
	assert_int_equal(run(&toy, (struct request){.irreversible = "yes"}, &err), -ERR_REFUSED);
	assert_int_equal(toy.writes, 0);
}

static void test_irreversible_by_name(void **state)
{
	struct toy toy = {.irreversible = true};
	struct err err = {0};

	(void)state;
	assert_int_equal(run(&toy, (struct request){.irreversible = PHRASE}, &err), 0);
	assert_int_equal(toy.writes, 1);
}

static void test_irreversible_is_typed(void **state)
{
	struct toy toy = {.irreversible = true, .typed = "yes"};
	struct err err = {0};

	(void)state;
	assert_int_equal(run(&toy, (struct request){0}, &err), -ERR_REFUSED);
	assert_int_equal(toy.asked, 1);
	toy.typed = PHRASE;
	assert_int_equal(run(&toy, (struct request){0}, &err), 0);
	assert_int_equal(toy.writes, 1);
	/* A phrase given on the command line that is another one is not mended by asking. */
	assert_int_equal(run(&toy, (struct request){.irreversible = "yes"}, &err), -ERR_REFUSED);
	assert_int_equal(toy.asked, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_proven, home_set_up, home_tear_down),
		cmocka_unit_test_setup_teardown(test_written_is_not_proven, home_set_up,
						home_tear_down),
		cmocka_unit_test_setup_teardown(test_written_is_enough_when_said, home_set_up,
						home_tear_down),
		cmocka_unit_test_setup_teardown(test_irreversible_is_refused, home_set_up,
						home_tear_down),
		cmocka_unit_test_setup_teardown(test_irreversible_by_name, home_set_up,
						home_tear_down),
		cmocka_unit_test_setup_teardown(test_irreversible_is_typed, home_set_up,
						home_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
