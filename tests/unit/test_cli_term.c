// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cli/bar.h"
#include "cli/output.h"
#include "cli/term.h"

static void bar_fits(void **state)
{
	static const struct bar full = {.label = "write",
					.percent = 47.9,
					.moving = true,
					.done = 430000000,
					.total = 1288490188,
					.rate = 36800000,
					.eta_ms = 23000};
	size_t width;

	(void)state;
	for (width = 0; width < 200; width++) {
		_cleanup_(buf_free) struct buf line = {0};

		bar_line(&full, width, &line);
		assert_true(line.size < width || line.size == 0);
	}
}

static void bar_drops_the_least_first(void **state)
{
	static const struct {
		size_t width;
		const char *line;
	} rows[] = {
		{100, "write  [##################.....................]   47%  410.1 MiB of 1.2 GiB"
		      "  35.1 MiB/s  23 s left"},
		{76, "write  [#######........]   47%  410.1 MiB of 1.2 GiB  35.1 MiB/s  23 s left"},
		{68, "write  [########...........]   47%  410.1 MiB of 1.2 GiB  23 s left"},
		{40, "write  [######.......]   47%  23 s left"},
		{26, "write  [####......]   47%"},
		{16, "write   47%"},
		{4, "wri"},
	};
	static const struct bar full = {.label = "write",
					.percent = 47.9,
					.moving = true,
					.done = 430000000,
					.total = 1288490188,
					.rate = 36800000,
					.eta_ms = 23000};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf line = {0};

		bar_line(&full, rows[i].width, &line);
		assert_string_equal(buf_text(&line), rows[i].line);
	}
}

static void bar_says_only_what_is_known(void **state)
{
	static const struct bar begun = {.label = "boot", .percent = 12};
	static const struct bar endless = {.label = "read",
					   .percent = -3,
					   .moving = true,
					   .done = 512,
					   .total = -1,
					   .eta_ms = -1};
	_cleanup_(buf_free) struct buf line = {0};

	(void)state;
	bar_words(&begun, &line);
	assert_string_equal(buf_text(&line), "boot: 12%");
	buf_clear(&line);
	bar_words(&endless, &line);
	assert_string_equal(buf_text(&line), "read: 0%, 512 B");
	buf_clear(&line);
	bar_line(&begun, 30, &line);
	assert_string_equal(buf_text(&line), "boot  [#..............]   12%");
}

/* A clock that the test moves. */
static int64_t now_ms;

static int64_t test_clock(void)
{
	return now_ms;
}

static size_t test_width(void)
{
	return 60;
}

/* The reader on a piece of memory, fed by real events. */
struct rig {
	char *text, *plan;
	size_t text_size, plan_size;
	struct term_settings settings;
	struct term *term;
	struct events *events;
};

static void rig_begin(struct rig *rig, bool bar, enum term_detail detail)
{
	*rig = (struct rig){0};
	now_ms = 1000000;
	rig->settings = (struct term_settings){
		.out = open_memstream(&rig->text, &rig->text_size),
		.plan_out = open_memstream(&rig->plan, &rig->plan_size),
		.bar = bar,
		.detail = detail,
		.width = test_width,
		.clock = test_clock,
	};
	rig->term = term_new(&rig->settings);
	rig->events = events_new(NULL);
	events_add(rig->events, term_sink(rig->term));
	events_identify(rig->events, 7, "lab3");
}

static const char *shown(struct rig *rig)
{
	fflush(rig->settings.out);
	return rig->text;
}

static void rig_end(struct rig *rig)
{
	term_free(rig->term);
	events_free(rig->events);
	fclose(rig->settings.out);
	fclose(rig->settings.plan_out);
	free(rig->text);
	free(rig->plan);
}

static void emit_stage(struct rig *rig, const char *state, int attempt, int ms, const char *reason)
{
	json_t *fields = json_pack("{sssssssisi}", "name", "write", "label", "write", "state",
				   state, "attempt", attempt, "ms", ms);

	if (reason)
		json_object_set_new(fields, "reason", json_string(reason));
	events_emit(rig->events, "stage", fields);
}

static void emit_progress(struct rig *rig, int done)
{
	events_emit(rig->events, "progress",
		    json_pack("{sssisisfsfsi}", "stage", "write", "done", done, "total", 4096,
			      "percent", 25.0, "rate", 1024.0, "eta_ms", 3000));
}

static void plain_lines_every_few_seconds(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, false, TERM_NORMAL);
	emit_stage(&rig, "begin", 1, 0, NULL);
	emit_progress(&rig, 1024);
	now_ms += 4000;
	emit_progress(&rig, 2048);
	now_ms += 2000;
	emit_progress(&rig, 3072);
	emit_stage(&rig, "failed", 1, 6000, "write: gone");
	emit_stage(&rig, "retry", 2, 0, "gone");
	emit_stage(&rig, "done", 2, 6000, NULL);
	assert_string_equal(shown(&rig),
			    "Work\n"
			    "  ..  write\n"
			    "      write: 25%, 3.0 KiB of 4.0 KiB, 1.0 KiB/s, 3.0 s left\n"
			    "  xx  write                   6.0 s: gone\n"
			    "  !!  write                   once more: gone (attempt 2)\n"
			    "  ok  write                   6.0 s (attempt 2)\n");
}

static size_t count(const char *text, const char *word)
{
	size_t found = 0;

	for (; (text = strstr(text, word)); text++)
		found++;
	return found;
}

static void bar_at_most_ten_times_a_second(void **state)
{
	_cleanup_(rig_end) struct rig rig;
	int i;

	(void)state;
	rig_begin(&rig, true, TERM_NORMAL);
	emit_stage(&rig, "begin", 1, 0, NULL);
	for (i = 0; i < 1000; i++, now_ms++)
		emit_progress(&rig, i);
	assert_in_range(count(shown(&rig), "\r"), 9, 11);
	emit_stage(&rig, "done", 1, 1000, NULL);
	assert_non_null(strstr(shown(&rig), "\r\033[K  ok  write                   1.0 s\n"));
}

static void log_goes_above_the_bar(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, true, TERM_NORMAL);
	emit_stage(&rig, "begin", 1, 0, NULL);
	events_log(rig.events, "info", "hello");
	events_log(rig.events, "debug", "hidden");
	assert_non_null(strstr(shown(&rig), "\r\033[K      hello\n\rwrite"));
	assert_null(strstr(shown(&rig), "hidden"));
}

static void checks_have_remedies(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, false, TERM_NORMAL);
	events_emit(rig.events, "check",
		    json_pack("{sssssssssn}", "name", "a", "label", "console opens", "verdict",
			      "pass", "text", "/dev/ttyUSB0", "remedy"));
	events_emit(rig.events, "check",
		    json_pack("{ssssssssss}", "name", "b", "label", "TFTP port", "verdict", "fail",
			      "text", "port 69 is taken", "remedy", "end the other server"));
	assert_string_equal(shown(&rig), "Checks\n"
					 "  ok  console opens           /dev/ttyUSB0\n"
					 "  xx  TFTP port               port 69 is taken\n"
					 "      -> end the other server\n");
}

static void quiet_tells_what_goes_wrong(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, false, TERM_QUIET);
	emit_stage(&rig, "begin", 1, 0, NULL);
	emit_progress(&rig, 1);
	emit_stage(&rig, "done", 1, 5, NULL);
	events_log(rig.events, "info", "hello");
	assert_string_equal(shown(&rig), "");
	events_log(rig.events, "warning", "careful");
	assert_string_equal(shown(&rig), "      warning: careful\n");
}

static void plan_is_aligned(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, false, TERM_NORMAL);
	events_emit(rig.events, "plan",
		    json_pack("{s{s{s{ss}s{sssiss}}s[ss]s[s]}ss}", "plan", "facts", "board",
			      "console", "/dev/ttyUSB0", "image", "file", "a.img", "size", 4096,
			      "uncommonly", "long key", "steps", "power cycle", "write", "warnings",
			      "it is big", "digest", "0123"));
	fflush(rig.settings.plan_out);
	assert_string_equal(rig.plan, "Plan for lab3\n"
				      "  board   console     /dev/ttyUSB0\n"
				      "  image   file        a.img\n"
				      "          size        4.0 KiB (4096 bytes)\n"
				      "          uncommonly  long key\n"
				      "  steps   1. power cycle\n"
				      "          2. write\n"
				      "! it is big\n"
				      "  digest  0123\n");
}

static void ends(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, false, TERM_NORMAL);
	events_emit(rig.events, "result",
		    json_pack("{sssnsisisss[{sssssisssb}]}", "outcome", "done", "error", "exit", 0,
			      "ms", 65000, "state", "fine", "writes", "target", "emmc", "device",
			      "/dev/mmcblk0", "bytes", 1048576, "sha256", "abcd", "verified", 1));
	assert_string_equal(shown(&rig), "Done in 65 s (job 7)\n"
					 "  emmc  /dev/mmcblk0  1.0 MiB\n"
					 "    sha256 abcd, read back and right\n");
}

static void bad_end(void **state)
{
	_cleanup_(rig_end) struct rig rig;

	(void)state;
	rig_begin(&rig, false, TERM_QUIET);
	events_emit(rig.events, "result",
		    json_pack("{sss{ssssss}sisisss[]sb}", "outcome", "failed", "error", "kind",
			      "console", "text", "write: gone\nsaid the board", "remedy",
			      "plug it in", "exit", 11, "ms", 65000, "state", "incomplete",
			      "writes", "console", 1));
	assert_string_equal(shown(&rig), "aboard: write: gone\n"
					 "        said the board\n"
					 "     -> plug it in\n"
					 "  board: incomplete\n"
					 "  job 7: 'aboard history 7' tells more, with --log what "
					 "the console said\n");
}

static void control_characters_stay_out(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"plain", "plain"},
		{"\033[31mred\a\b", "?[31mred??"},
		{"a\tb\r\n", "a b"},
		{"one\ntwo", "one\n  two"},
		{"\xc2\x9b"
		 "1m",
		 "?1m"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\x7f", "?"},
		{"\x9b"
		 "1m\xff",
		 "?1m?"},
		{"\xe2\x82\xac \xe2\x82", "\xe2\x82\xac ??"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		print_clean(out, rows[i].from, 2);
		fclose(out);
		assert_string_equal(text, rows[i].to);
		free(text);
	}
}

static void json_one_object_a_line(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct events *events = events_new(NULL);
	struct err err = {0};
	json_t *object;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	events_add(events, json_sink(out));
	events_log(events, "info", "two\nlines");
	events_free(events);
	err_set(&err, ERR_CANCELLED, "cancelled");
	json_print_err(out, &err);
	fclose(out);
	assert_int_equal(count(text, "\n"), 2);
	object = json_loads(strchr(text, '\n') + 1, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(object, "event")), "result");
	assert_string_equal(json_string_value(json_object_get(object, "outcome")), "cancelled");
	assert_int_equal(json_integer_value(json_object_get(object, "exit")), 130);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bar_fits),
		cmocka_unit_test(bar_drops_the_least_first),
		cmocka_unit_test(bar_says_only_what_is_known),
		cmocka_unit_test(plain_lines_every_few_seconds),
		cmocka_unit_test(bar_at_most_ten_times_a_second),
		cmocka_unit_test(log_goes_above_the_bar),
		cmocka_unit_test(checks_have_remedies),
		cmocka_unit_test(quiet_tells_what_goes_wrong),
		cmocka_unit_test(plan_is_aligned),
		cmocka_unit_test(ends),
		cmocka_unit_test(bad_end),
		cmocka_unit_test(control_characters_stay_out),
		cmocka_unit_test(json_one_object_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
