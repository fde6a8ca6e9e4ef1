// SPDX-License-Identifier: MIT
/* Waiting for text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/console_parts.h"

#define PATTERNS_MAX 16
#define LONG_LINE    8192 /* what is longer is taken for several lines */
#define EXPECT_MAX   ((size_t)1 << 20)

int console_pattern_compile(struct console_pattern *pattern, const char *text, struct err *err)
{
	char reason[128];
	int failed = regcomp(&pattern->compiled, text, REG_EXTENDED | REG_NEWLINE);

	pattern->ready = !failed;
	if (!failed)
		return 0;
	regerror(failed, &pattern->compiled, reason, sizeof(reason));
	return err_set(err, ERR_CONFIG, "'%s' is no regular expression: %s", text, reason);
}

void console_pattern_free(struct console_pattern *pattern)
{
	if (pattern->ready)
		regfree(&pattern->compiled);
	pattern->ready = false;
}

bool console_stands_at(struct console *console, const struct console_pattern *pattern)
{
	_cleanup_(freep) char *line = console_open_line(console);

	return regexec(&pattern->compiled, line, 0, NULL, 0) == 0;
}

struct patterns {
	struct console_pattern list[PATTERNS_MAX];
	size_t count;
};

static void patterns_free(struct patterns *patterns)
{
	size_t i;

	for (i = 0; i < patterns->count; i++)
		console_pattern_free(&patterns->list[i]);
}

static int patterns_compile(struct patterns *patterns, const char *const *texts, size_t count,
			    struct err *err)
{
	int rc = 0;

	if (!count || count > PATTERNS_MAX)
		return err_set(err, ERR_INTERNAL, "1 to %d patterns can be awaited", PATTERNS_MAX);
	for (; patterns->count < count && rc == 0; patterns->count++)
		rc = console_pattern_compile(&patterns->list[patterns->count],
					     texts[patterns->count], err);
	return rc;
}

struct found {
	size_t which, start, end;
};

/* The first match in one line of the text, from..to; of two that begin together the one that is
   listed first. */
static bool match_line(const struct patterns *patterns, const char *text, size_t from, size_t to,
		       bool mid_line, struct found *found)
{
	int flags = REG_STARTEND | (mid_line ? REG_NOTBOL : 0);
	bool any = false;
	regmatch_t at;
	size_t i;

	for (i = 0; i < patterns->count; i++) {
		at = (regmatch_t){.rm_so = 0, .rm_eo = (regoff_t)(to - from)};
		if (regexec(&patterns->list[i].compiled, text + from, 1, &at, flags) != 0)
			continue;
		if (any && from + (size_t)at.rm_so >= found->start)
			continue;
		*found = (struct found){i, from + (size_t)at.rm_so, from + (size_t)at.rm_eo};
		any = true;
	}
	return any;
}

struct waiting {
	struct buf text; /* what came, clean */
	size_t line;     /* where its last line begins; the lines before it do not match */
	bool mid_line;   /* that line is the rest of a line */
};

static void waiting_free(struct waiting *waiting)
{
	buf_free(&waiting->text);
}

/* Looks at the lines that are new, and again at the last one while it grows. */
static bool match_new(struct waiting *waiting, const struct patterns *patterns, struct found *found)
{
	const char *text = buf_text(&waiting->text), *end = text;
	size_t to;

	/* Backspaces may have taken back more than the part of a long line. */
	if (waiting->line > waiting->text.size)
		waiting->line = waiting->text.size;
	while (end) {
		end = memchr(text + waiting->line, '\n', waiting->text.size - waiting->line);
		to = end ? (size_t)(end - text) : waiting->text.size;
		if (match_line(patterns, text, waiting->line, to, waiting->mid_line, found))
			return true;
		if (!end && to - waiting->line < LONG_LINE)
			break;
		waiting->line = end ? to + 1 : to;
		waiting->mid_line = !end;
	}
	return false;
}

/* Takes what came over into the clean text; lines that did not match are forgotten when they are
   many. */
static void take_in(struct console *console, struct waiting *waiting)
{
	size_t used = console_clean(buf_text(&console->rx), console->rx.size, &waiting->text);

	buf_drop(&console->rx, used);
	if (waiting->text.size > EXPECT_MAX) {
		buf_drop(&waiting->text, waiting->line);
		waiting->line = 0;
		console->mid_line = waiting->mid_line;
	}
}

/* Gives what lies behind `end` back for the next one who looks. */
static void give_back(struct console *console, struct waiting *waiting, size_t end)
{
	struct buf rest = {.max = console->rx.max};

	if (end)
		console->mid_line = waiting->text.data[end - 1] != '\n';
	buf_add(&rest, buf_text(&waiting->text) + end, waiting->text.size - end);
	buf_add(&rest, buf_text(&console->rx), console->rx.size);
	buf_free(&console->rx);
	console->rx = rest;
}

static int await_match(struct console *console, const struct patterns *patterns,
		       struct waiting *waiting, struct found *found, struct deadline deadline,
		       struct err *err)
{
	int rc;

	for (;;) {
		take_in(console, waiting);
		if (match_new(waiting, patterns, found))
			return 0;
		rc = console_fill(console, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static void describe(struct buf *text, const char *const *patterns, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		buf_addf(text, "%s/%s/", i ? " or " : "", patterns[i]);
}

int console_expect(struct console *console, const char *const *patterns, size_t count,
		   size_t *which, struct buf *before, struct deadline deadline, struct err *err)
{
	_cleanup_(patterns_free) struct patterns compiled = {0};
	_cleanup_(waiting_free) struct waiting waiting = {.text.max = 4 * EXPECT_MAX,
							  .mid_line = console->mid_line};
	_cleanup_(buf_free) struct buf what = {.max = 200};
	int64_t start = clock_ms();
	struct found found;
	int rc = patterns_compile(&compiled, patterns, count, err);

	if (rc < 0)
		return rc;
	rc = await_match(console, &compiled, &waiting, &found, deadline, err);
	if (rc < 0) {
		give_back(console, &waiting, 0);
		describe(&what, patterns, count);
		return console_waited(console, rc, start, buf_text(&what), err);
	}
	*which = found.which;
	if (before)
		buf_add(before, buf_text(&waiting.text), found.start);
	give_back(console, &waiting, found.end);
	return 0;
}
