// SPDX-License-Identifier: MIT
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "engine/record.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX     1000000
#define LOG_MAX       ((size_t)256 << 20)

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static json_int_t int_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* "2026-11-20 10:24:11" of an RFC 3339 time, which is UTC. */
static void print_time(const char *time)
{
	size_t length = strlen(time);

	if (length < 19)
		printf("%-19s", "");
	else
		printf("%.10s %.8s", time, time + 11);
}

static enum colour outcome_colour(const char *outcome)
{
	if (text_equal(outcome, "done"))
		return COLOUR_GOOD;
	return text_equal(outcome, "running") ? COLOUR_NONE : COLOUR_BAD;
}

static void print_took(const json_t *job)
{
	char time[TEXT_SIZE] = "";

	if (int_of(job, "ms") > 0)
		text_of_duration(int_of(job, "ms"), time);
	printf("%-12s", time);
}

/* The error is a text, or the object of the result event. */
static const char *error_text(const json_t *error)
{
	return json_is_string(error) ? json_string_value(error) : text_of(error, "text");
}

/* What a line has room for: the image, or what went wrong (its text begins with the stage). */
static void print_tail(const json_t *job)
{
	const char *outcome = text_of(job, "outcome");
	const char *error = error_text(json_object_get(job, "error"));
	_cleanup_(freep) char *line = NULL;

	if (text_equal(outcome, "done"))
		line = xstrdup(text_of(job, "image"));
	else
		line = xstrdup(*error ? error : text_of(job, "stage"));
	line[strcspn(line, "\n")] = '\0';
	print_clean(stdout, line, 0);
}

static void print_row(const json_t *job, bool colour)
{
	const char *outcome = text_of(job, "outcome");

	printf("%6" JSON_INTEGER_FORMAT "  ", int_of(job, "job"));
	print_time(text_of(job, "begun"));
	printf("  %-12.40s  %-6.6s  %s%-11.11s%s  ", text_of(job, "board"), text_of(job, "verb"),
	       colour_begin(outcome_colour(outcome), colour), outcome, colour_end(colour));
	print_took(job);
	print_tail(job);
	putchar('\n');
}

static int list(const struct cli *cli, struct err *err)
{
	struct record_filter filter = {
		.board = args_value(cli->args, "board", NULL),
		.failed = args_flag(cli->args, "failed", false),
	};
	bool colour = term_has_colour(stdout);
	json_t *jobs, *job;
	size_t i;
	int rc = args_uint(cli->args, "limit", LIMIT_DEFAULT, LIMIT_MAX, &filter.limit, err);

	if (rc == 0)
		rc = record_list(&filter, &jobs, err);
	if (rc < 0)
		return rc;
	if (cli->json) {
		json_print(stdout, jobs);
		return 0;
	}
	if (json_array_size(jobs))
		printf("%6s  %-19s  %-12s  %-6s  %-11s  %-12s%s\n", "job", "begun (UTC)", "board",
		       "verb", "outcome", "took", "image, or what went wrong");
	json_array_foreach(jobs, i, job) print_row(job, colour);
	json_decref(jobs);
	return 0;
}

static const char *const shown[] = {"board", "driver", "verb",  "outcome", "state",  "begun",
				    "ended", "stage",  "image", "target",  "sha256", NULL};

static void print_stages(const json_t *stages)
{
	char time[TEXT_SIZE];
	json_t *stage;
	size_t i;

	json_array_foreach(stages, i, stage)
	{
		const char *state = text_of(stage, "state"), *label = text_of(stage, "label");

		printf("  %-10s%-7s", i ? "" : "stages", state);
		printf("  %-24s%10s  ", *label ? label : text_of(stage, "name"),
		       int_of(stage, "ms") ? text_of_duration(int_of(stage, "ms"), time) : "");
		print_clean(stdout, text_of(stage, "reason"), 56);
		putchar('\n');
	}
}

static void print_checks(const json_t *checks)
{
	json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		const char *label = text_of(check, "label");

		printf("  %-10s%-7s  %-24s  ", i ? "" : "checks", text_of(check, "verdict"),
		       *label ? label : text_of(check, "name"));
		print_clean(stdout, text_of(check, "text"), 45);
		putchar('\n');
	}
}

static void print_error(const json_t *error)
{
	const char *text = error_text(error);

	if (!*text)
		return;
	fputs("  error     ", stdout);
	print_clean(stdout, text, 12);
	putchar('\n');
	text = text_of(error, "remedy");
	if (!*text)
		return;
	fputs("         -> ", stdout);
	print_clean(stdout, text, 12);
	putchar('\n');
}

static void print_job(const json_t *job)
{
	size_t i;

	printf("job %" JSON_INTEGER_FORMAT "\n", int_of(job, "job"));
	for (i = 0; shown[i]; i++) {
		if (!*text_of(job, shown[i]))
			continue;
		printf("  %-10s", shown[i]);
		print_clean(stdout, text_of(job, shown[i]), 12);
		putchar('\n');
	}
	print_error(json_object_get(job, "error"));
	print_checks(json_object_get(job, "checks"));
	print_stages(json_object_get(job, "stages"));
}

/* The console's bytes as they came. On a terminal they could do anything, so there they are
   cleaned. */
static void put_log(struct buf *log)
{
	size_t i;

	if (!isatty(STDOUT_FILENO)) {
		fwrite(buf_text(log), 1, log->size, stdout);
		return;
	}
	for (i = 0; i < log->size; i++)
		if (log->data[i] == '\0')
			log->data[i] = '?';
	print_clean(stdout, buf_text(log), 0);
	putchar('\n');
}

static int print_log(const json_t *job, struct err *err)
{
	_cleanup_(buf_free) struct buf log = {.max = LOG_MAX};
	const char *path = text_of(job, "console");
	int rc;

	if (!*path)
		return err_set(err, ERR_NOT_FOUND,
			       "job %" JSON_INTEGER_FORMAT " has no console log",
			       int_of(job, "job"));
	rc = path_read(path, log.max, &log, err);
	if (rc == 0)
		put_log(&log);
	return rc;
}

static int show(const struct cli *cli, const char *word, struct err *err)
{
	uint64_t number;
	json_t *job;
	int rc;

	if (!text_u64(word, INT64_MAX, &number)) {
		err_set(err, ERR_USAGE, "'%s' is not the number of a job", word);
		return err_remedy(err, "'aboard history' lists them");
	}
	rc = record_get((int64_t)number, &job, err);
	if (rc < 0)
		return rc;
	if (args_flag(cli->args, "log", false)) {
		rc = print_log(job, err);
	} else if (cli->json) {
		json_print(stdout, json_incref(job));
	} else {
		print_job(job);
	}
	json_decref(job);
	return rc;
}

static int run(struct cli *cli, struct err *err)
{
	const char *word = args_word(cli->args, 0);

	if (args_flag(cli->args, "log", false) && cli->json)
		return err_set(err, ERR_USAGE, "--log is what the console said, not JSON");
	if (word)
		return show(cli, word, err);
	if (args_flag(cli->args, "log", false)) {
		err_set(err, ERR_USAGE, "--log needs the number of a job");
		return err_remedy(err, "'aboard history' lists them");
	}
	return list(cli, err);
}

static const struct option options[] = {
	{.name = "board", .argument = "BOARD", .help = "Only jobs on this board."},
	{.name = "failed", .help = "Only jobs that did not come to a good end."},
	{.name = "limit",
	 .argument = "N",
	 .help = "At most this many, newest first; 0: all. "
		 "Default: 20."},
	{.name = "log", .help = "Print what the console of that job said."},
	{0},
};

static const struct example examples[] = {
	{"aboard history --failed --board lab3", "Lists what went wrong on lab3."},
	{"aboard history 12 --log", "Prints the console log of job 12."},
	{0},
};

const struct verb verb_history = {
	.name = "history",
	.summary = "what was done, when, from what, and how it went",
	.args = "[JOB]",
	.description =
		"Lists jobs, newest first, or tells all about one. Every job is there, also those "
		"that failed, were refused, or whose process was killed: those are interrupted, "
		"and "
		"the stage tells how far they came.",
	.options = options,
	.examples = examples,
	.run = run,
};
