// SPDX-License-Identifier: MIT
#include "cli/fleet_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/term.h"

#define REDRAW_MS 100  /* of the lines on a terminal */
#define PLAIN_MS  5000 /* between two lines of one board without a terminal */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void keep_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static void keep_event(json_t **kept, const json_t *event)
{
	json_decref(*kept);
	*kept = json_deep_copy(event);
}

static void take_plan(struct fleet_board *board, const json_t *event)
{
	keep_event(&board->plan, event);
}

static void take_check(struct fleet_board *board, const json_t *event)
{
	if (text_equal(text_of(event, "verdict"), "fail") && !board->trouble)
		keep_text(&board->trouble, text_of(event, "text"));
}

static void take_stage(struct fleet_board *board, const json_t *event)
{
	if (text_equal(text_of(event, "state"), "failed"))
		keep_text(&board->trouble, text_of(event, "reason"));
	if (!text_equal(text_of(event, "state"), "begin"))
		return;
	keep_text(&board->label, text_of(event, "label"));
	board->bar = (struct bar){.percent = board->bar.percent, .total = -1, .eta_ms = -1};
	board->shown_ms = 0;
}

static void take_progress(struct fleet_board *board, const json_t *event)
{
	const json_t *total = json_object_get(event, "total"),
		     *eta = json_object_get(event, "eta_ms");

	if (!board->label)
		keep_text(&board->label, text_of(event, "stage"));
	board->bar = (struct bar){
		.percent = json_number_value(json_object_get(event, "percent")),
		.moving = true,
		.done = (uint64_t)json_integer_value(json_object_get(event, "done")),
		.total = json_is_integer(total) ? json_integer_value(total) : -1,
		.rate = json_number_value(json_object_get(event, "rate")),
		.eta_ms = json_is_integer(eta) ? json_integer_value(eta) : -1,
	};
}

static void take_result(struct fleet_board *board, const json_t *event)
{
	keep_event(&board->result, event);
	board->shown_ms = 0;
}

static const struct {
	const char *kind;
	void (*take)(struct fleet_board *board, const json_t *event);
} takers[] = {
	{"plan", take_plan},         {"check", take_check},   {"stage", take_stage},
	{"progress", take_progress}, {"result", take_result},
};

void fleet_take(struct fleet_board *board, const json_t *event)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		if (!text_equal(text_of(event, "event"), takers[i].kind))
			continue;
		takers[i].take(board, event);
		board->changed = true;
	}
}

bool fleet_is_well(const struct fleet_board *board)
{
	const json_t *exit_status = json_object_get(board->result, "exit");

	return board->status == 0 && json_is_integer(exit_status) &&
	       json_integer_value(exit_status) == 0;
}

/* Why a board has failed; never empty. */
static const char *reason_of(const struct fleet_board *board)
{
	const char *text = text_of(json_object_get(board->result, "error"), "text");

	if (*text)
		return text;
	return board->trouble ? board->trouble : "its process ended without a result";
}

static void add_end(const struct fleet_board *board, struct buf *line)
{
	char time[TEXT_SIZE];

	if (fleet_is_well(board))
		buf_addf(line, "%s in %s", text_of(board->result, "outcome"),
			 text_of_duration(json_integer_value(json_object_get(board->result, "ms")),
					  time));
	else
		buf_addf(line, "%s: %s",
			 board->result ? text_of(board->result, "outcome") : "failed",
			 reason_of(board));
}

static bool has_ended(const struct fleet_board *board)
{
	return board->result || (board->pid == 0 && board->fd < 0);
}

static int name_width(const struct fleet_board *boards, size_t count)
{
	size_t width = 0, i;

	for (i = 0; i < count; i++)
		if (strlen(boards[i].name) > width)
			width = strlen(boards[i].name);
	return width < 40 ? (int)width : 40;
}

/* "  ok  NAME  TEXT" */
static void print_line(const struct fleet_view *view, struct fleet_board *board, int width)
{
	enum colour colour = !has_ended(board)      ? COLOUR_FAINT
			     : fleet_is_well(board) ? COLOUR_GOOD
						    : COLOUR_BAD;
	const char *sign = !has_ended(board) ? ".." : fleet_is_well(board) ? "ok" : "xx";
	_cleanup_(buf_free) struct buf line = {0};
	size_t used = 2 + 2 + 2 + (size_t)width + 2;

	board->bar.label = board->label ? board->label : "starting";
	if (has_ended(board))
		add_end(board, &line);
	else if (view->terminal)
		bar_line(&board->bar, view->width > used ? view->width - used : 0, &line);
	else
		bar_words(&board->bar, &line);
	if (view->terminal && view->width > used + 1 && line.size > view->width - used - 1)
		line.data[view->width - used - 1] = '\0';
	fprintf(view->out, "  %s%s%s  %-*s  ", colour_begin(colour, view->colour), sign,
		colour_end(view->colour), width, board->name);
	print_clean(view->out, buf_text(&line), used);
}

static void draw(struct fleet_view *view, struct fleet_board *boards, size_t count)
{
	int width = name_width(boards, count);
	size_t i;

	if (view->drawn)
		fprintf(view->out, "\033[%zuA", view->drawn);
	for (i = 0; i < count; i++) {
		fputs("\r\033[K", view->out);
		print_line(view, &boards[i], width);
		fputc('\n', view->out);
	}
	view->drawn = count;
}

static void tell(struct fleet_view *view, struct fleet_board *boards, size_t count, int64_t now_ms)
{
	int width = name_width(boards, count);
	size_t i;

	for (i = 0; i < count; i++) {
		struct fleet_board *board = &boards[i];

		if (!board->changed || (board->shown_ms && now_ms - board->shown_ms < PLAIN_MS))
			continue;
		print_line(view, board, width);
		fputc('\n', view->out);
		board->changed = false;
		board->shown_ms = now_ms;
	}
}

void fleet_show(struct fleet_view *view, struct fleet_board *boards, size_t count, bool last,
		int64_t now_ms)
{
	if (view->quiet || (view->terminal && !last && now_ms - view->drawn_ms < REDRAW_MS))
		return;
	if (view->terminal)
		draw(view, boards, count);
	else
		tell(view, boards, count, now_ms);
	view->drawn_ms = now_ms;
	fflush(view->out);
}

static const struct fleet_board *first_plan(const struct fleet_board *boards, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (boards[i].plan && fleet_is_well(&boards[i]))
			return &boards[i];
	return NULL;
}

void fleet_show_plans(FILE *out, const struct fleet_board *boards, size_t count, bool colour)
{
	const struct fleet_board *first = first_plan(boards, count);
	int width = name_width(boards, count);
	size_t i;

	if (first) {
		fprintf(out, "Plan for %s\n", first->name);
		print_plan(out, json_object_get(first->plan, "plan"),
			   text_of(first->plan, "digest"), colour);
	}
	fprintf(out, "Boards\n");
	for (i = 0; i < count; i++) {
		bool well = fleet_is_well(&boards[i]);

		fprintf(out, "  %s%s%s  %-*s  ",
			colour_begin(well ? COLOUR_GOOD : COLOUR_BAD, colour), well ? "ok" : "xx",
			colour_end(colour), width, boards[i].name);
		print_clean(out, well ? text_of(boards[i].plan, "digest") : reason_of(&boards[i]),
			    (size_t)width + 8);
		fputc('\n', out);
	}
	fflush(out);
}

void fleet_show_end(FILE *out, const struct fleet_board *boards, size_t count, bool colour)
{
	size_t failed = 0, i;

	for (i = 0; i < count; i++)
		failed += !fleet_is_well(&boards[i]);
	fprintf(out, "%s%zu of %zu boards done%s",
		colour_begin(failed ? COLOUR_BAD : COLOUR_GOOD, colour), count - failed, count,
		colour_end(colour));
	fputs(failed ? "; not done:\n" : "\n", out);
	for (i = 0; i < count; i++) {
		const json_t *error = json_object_get(boards[i].result, "error");

		if (fleet_is_well(&boards[i]))
			continue;
		fprintf(out, "  %s: ", boards[i].name);
		print_clean(out, reason_of(&boards[i]), 4);
		fputc('\n', out);
		if (!*text_of(error, "remedy"))
			continue;
		fputs("    -> ", out);
		print_clean(out, text_of(error, "remedy"), 7);
		fputc('\n', out);
	}
}
