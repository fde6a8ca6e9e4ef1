// SPDX-License-Identifier: MIT
#include "cli/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/bar.h"

#define REDRAW_MS 100  /* of the bar */
#define PLAIN_MS  5000 /* between two lines without a terminal */

struct term {
	struct term_settings settings;
	struct bar bar;
	char *label;         /* of the running stage; what bar.label points at */
	bool drawn;          /* the cursor is on a line with a bar */
	int64_t shown_ms;    /* when the last bar or line was shown; 0: not in this stage */
	bool checks, stages; /* their headings were printed */
};

static size_t stderr_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

struct term_settings term_here(FILE *plan_out, enum term_detail detail)
{
	const char *term = getenv("TERM");

	return (struct term_settings){
		.out = stderr,
		.plan_out = plan_out,
		.bar = isatty(STDERR_FILENO) && term && !text_equal(term, "dumb"),
		.colour = term_has_colour(stderr),
		.plan_colour = term_has_colour(plan_out),
		.detail = detail,
		.width = stderr_width,
		.clock = clock_ms,
	};
}

struct term *term_new(const struct term_settings *settings)
{
	struct term *term = xcalloc(1, sizeof(*term));

	term->settings = *settings;
	term->label = xstrdup("");
	term->bar.label = term->label;
	return term;
}

void term_free(struct term *term)
{
	if (!term)
		return;
	term_clear(term);
	free(term->label);
	free(term);
}

void term_freep(struct term **term)
{
	term_free(*term);
}

void term_clear(struct term *term)
{
	if (term->drawn)
		fputs("\r\033[K", term->settings.out);
	term->drawn = false;
	fflush(term->settings.out);
}

static const char *get_text(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));

	return text ? text : "";
}

static int64_t get_int(const json_t *event, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(event, name);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static double get_number(const json_t *event, const char *name)
{
	return json_number_value(json_object_get(event, name));
}

static void draw(struct term *term)
{
	_cleanup_(buf_free) struct buf line = {0};

	bar_line(&term->bar, term->settings.width(), &line);
	fprintf(term->settings.out, "\r%s\033[K", buf_text(&line));
	fflush(term->settings.out);
	term->drawn = true;
	term->shown_ms = term->settings.clock();
}

static void say(struct term *term)
{
	_cleanup_(buf_free) struct buf line = {0};

	bar_words(&term->bar, &line);
	fprintf(term->settings.out, "      %s\n", buf_text(&line));
	fflush(term->settings.out);
	term->shown_ms = term->settings.clock();
}

struct mark {
	const char *word; /* verdict of a check, state of a stage */
	const char *sign;
	enum colour colour;
};

static const struct mark marks[] = {
	{"pass", "ok", COLOUR_GOOD},   {"warn", "!!", COLOUR_WARN},    {"fail", "xx", COLOUR_BAD},
	{"done", "ok", COLOUR_GOOD},   {"retry", "!!", COLOUR_WARN},   {"failed", "xx", COLOUR_BAD},
	{"begin", "..", COLOUR_FAINT}, {"unknown", "??", COLOUR_WARN},
};

static const struct mark *mark_of(const char *word)
{
	size_t i;

	for (i = 0; i + 1 < ARRAY_SIZE(marks); i++)
		if (text_equal(marks[i].word, word))
			break;
	return &marks[i];
}

#define LABEL_WIDTH 24

/* "  ok  LABEL       TEXT" */
static void print_row(struct term *term, const char *word, const char *label, const char *text)
{
	const struct mark *mark = mark_of(word);
	size_t width = strlen(label);
	FILE *out = term->settings.out;

	fprintf(out, "  %s%s%s  ", colour_begin(mark->colour, term->settings.colour), mark->sign,
		colour_end(term->settings.colour));
	print_clean(out, label, 6);
	if (*text) {
		fprintf(out, "%*s", width < LABEL_WIDTH ? (int)(LABEL_WIDTH - width) : 2, "");
		print_clean(out, text, 6 + LABEL_WIDTH);
	}
	fputc('\n', out);
}

static void print_remedy(struct term *term, const json_t *from)
{
	const char *remedy = get_text(from, "remedy");

	if (!*remedy)
		return;
	fputs("      -> ", term->settings.out);
	print_clean(term->settings.out, remedy, 9);
	fputc('\n', term->settings.out);
}

static void on_plan(struct term *term, const json_t *event)
{
	FILE *out = term->settings.plan_out;

	if (term->settings.detail == TERM_QUIET && out == term->settings.out &&
	    !term->settings.always_plan)
		return;
	fputs("Plan for ", out);
	print_clean(out, get_text(event, "board"), 0);
	fputc('\n', out);
	print_plan(out, json_object_get(event, "plan"), get_text(event, "digest"),
		   term->settings.plan_colour);
	fflush(out);
}

static void heading(struct term *term, bool *printed, const char *text)
{
	if (!*printed)
		fprintf(term->settings.out, "%s\n", text);
	*printed = true;
}

static void on_check(struct term *term, const json_t *event)
{
	const char *verdict = get_text(event, "verdict");

	if (term->settings.detail == TERM_QUIET && text_equal(verdict, "pass"))
		return;
	heading(term, &term->checks, "Checks");
	print_row(term, verdict, get_text(event, "label"), get_text(event, "text"));
	print_remedy(term, event);
}

static void begin_stage(struct term *term, const json_t *event)
{
	free(term->label);
	term->label = xstrdup(get_text(event, "label"));
	term->bar = (struct bar){.label = term->label, .percent = term->bar.percent};
	term->shown_ms = 0;
	if (term->settings.detail == TERM_QUIET)
		return;
	heading(term, &term->stages, "Work");
	if (term->settings.bar)
		draw(term);
	else
		print_row(term, "begin", term->label, "");
}

/* The row has the label already. */
static const char *stage_reason(const json_t *event)
{
	const char *reason = get_text(event, "reason"), *label = get_text(event, "label");
	size_t length = strlen(label);

	if (text_starts(reason, label) && text_starts(reason + length, ": "))
		return reason + length + 2;
	return reason;
}

/* How long it took, or why it goes on elsewhere. */
static void stage_text(const json_t *event, struct buf *text)
{
	int64_t ms = get_int(event, "ms", 0), attempt = get_int(event, "attempt", 1);
	const char *state = get_text(event, "state"), *reason = stage_reason(event);
	char time[TEXT_SIZE];

	if (text_equal(state, "retry"))
		buf_addf(text, "once more%s%s", *reason ? ": " : "", reason);
	else
		buf_addf(text, "%s%s%s", text_of_duration(ms, time), *reason ? ": " : "", reason);
	if (attempt > 1)
		buf_addf(text, " (attempt %" PRId64 ")", attempt);
}

static void on_stage(struct term *term, const json_t *event)
{
	_cleanup_(buf_free) struct buf text = {0};
	const char *state = get_text(event, "state");

	if (text_equal(state, "begin")) {
		begin_stage(term, event);
		return;
	}
	if (term->settings.detail == TERM_QUIET && text_equal(state, "done"))
		return;
	stage_text(event, &text);
	print_row(term, state, get_text(event, "label"), buf_text(&text));
}

static void on_progress(struct term *term, const json_t *event)
{
	int64_t now = term->settings.clock(), done = get_int(event, "done", 0);
	int64_t every = term->settings.bar ? REDRAW_MS : PLAIN_MS;

	term->bar.moving = true;
	term->bar.percent = get_number(event, "percent");
	term->bar.done = done > 0 ? (uint64_t)done : 0;
	term->bar.total = get_int(event, "total", -1);
	term->bar.rate = get_number(event, "rate");
	term->bar.eta_ms = get_int(event, "eta_ms", -1);
	if (!*term->label) {
		free(term->label);
		term->label = xstrdup(get_text(event, "stage"));
		term->bar.label = term->label;
	}
	if (term->settings.detail == TERM_QUIET)
		return;
	if (term->shown_ms == 0 && !term->settings.bar)
		term->shown_ms = now; /* the first line comes after PLAIN_MS */
	if (now - term->shown_ms < every)
		return;
	if (term->settings.bar)
		draw(term);
	else
		say(term);
}

struct level {
	const char *name;
	enum term_detail from;
	const char *before;
};

static const struct level levels[] = {
	{"warning", TERM_QUIET, "warning: "},
	{"info", TERM_NORMAL, ""},
	{"debug", TERM_DEBUG, ""},
	{NULL, TERM_DEBUG, ""},
};

static void on_log(struct term *term, const json_t *event)
{
	const struct level *level = levels;

	while (level->name && !text_equal(level->name, get_text(event, "level")))
		level++;
	if (term->settings.detail < level->from)
		return;
	fprintf(term->settings.out, "      %s", level->before);
	print_clean(term->settings.out, get_text(event, "text"), 6);
	fputc('\n', term->settings.out);
}

static void print_write(struct term *term, const json_t *row)
{
	bool verified = json_is_true(json_object_get(row, "verified"));
	const char *digest = get_text(row, "sha256");
	int64_t bytes = get_int(row, "bytes", 0), offset = get_int(row, "offset", 0);
	FILE *out = term->settings.out;
	char size[TEXT_SIZE];

	fputs("  ", out);
	print_clean(out, get_text(row, "target"), 0);
	fputs("  ", out);
	print_clean(out, get_text(row, "device"), 0);
	fprintf(out, "  %s", text_of_size((uint64_t)bytes, size));
	if (offset)
		fprintf(out, " at offset %" PRId64, offset);
	fprintf(out, "\n    sha256 ");
	print_clean(out, digest, 0);
	fprintf(out, ", %s\n", verified ? "read back and right" : "NOT proven");
}

static void print_writes(struct term *term, const json_t *event)
{
	json_t *rows = json_object_get(event, "writes"), *row;
	size_t i;

	json_array_foreach(rows, i, row) print_write(term, row);
}

/* What a dump has brought. */
static void print_read(struct term *term, const json_t *event)
{
	const char *file = get_text(event, "file");
	FILE *out = term->settings.out;
	char size[TEXT_SIZE];

	if (!*file)
		return;
	fputs("  ", out);
	print_clean(out, file, 0);
	fprintf(out, "  %s\n    sha256 ", text_of_size((uint64_t)get_int(event, "bytes", 0), size));
	print_clean(out, get_text(event, "sha256"), 0);
	fputc('\n', out);
}

static void good_end(struct term *term, const json_t *event)
{
	int64_t job = get_int(event, "job", 0);
	char time[TEXT_SIZE];

	if (term->settings.detail == TERM_QUIET ||
	    text_equal(get_text(event, "outcome"), "planned"))
		return;
	fprintf(term->settings.out, "%sDone%s in %s",
		colour_begin(COLOUR_GOOD, term->settings.colour), colour_end(term->settings.colour),
		text_of_duration(get_int(event, "ms", 0), time));
	if (job)
		fprintf(term->settings.out, " (job %" PRId64 ")", job);
	fputc('\n', term->settings.out);
	print_writes(term, event);
	print_read(term, event);
}

static void bad_end(struct term *term, const json_t *event)
{
	const json_t *error = json_object_get(event, "error");
	int64_t job = get_int(event, "job", 0);
	FILE *out = term->settings.out;
	struct err err = {0};

	snprintf(err.text, sizeof(err.text), "%s", get_text(error, "text"));
	snprintf(err.remedy, sizeof(err.remedy), "%s", get_text(error, "remedy"));
	print_err(out, &err, term->settings.colour);
	print_writes(term, event);
	fputs("  board: ", out);
	print_clean(out, get_text(event, "state"), 9);
	fputc('\n', out);
	if (job)
		fprintf(out, "  job %" PRId64 ": 'aboard history %" PRId64 "' tells more%s\n", job,
			job,
			json_is_true(json_object_get(event, "console"))
				? ", with --log what the console said"
				: "");
}

static void on_result(struct term *term, const json_t *event)
{
	const char *outcome = get_text(event, "outcome");

	if (text_equal(outcome, "done") || text_equal(outcome, "planned"))
		good_end(term, event);
	else
		bad_end(term, event);
}

struct handler {
	const char *kind;
	void (*take)(struct term *term, const json_t *event);
	bool keeps_bar;
};

static const struct handler handlers[] = {
	{"plan", on_plan, false},        {"check", on_check, false}, {"stage", on_stage, false},
	{"progress", on_progress, true}, {"log", on_log, false},     {"result", on_result, false},
};

static void take(void *context, const json_t *event)
{
	const char *kind = get_text(event, "event");
	struct term *term = context;
	bool drawn = term->drawn;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(handlers); i++) {
		if (!text_equal(handlers[i].kind, kind))
			continue;
		if (!handlers[i].keeps_bar)
			term_clear(term);
		handlers[i].take(term, event);
		if (drawn && text_equal(kind, "log"))
			draw(term);
		fflush(term->settings.out);
	}
}

struct event_sink term_sink(struct term *term)
{
	return (struct event_sink){.take = take, .context = term};
}
