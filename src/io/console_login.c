// SPDX-License-Identifier: MIT
/* Logging in to Linux, or finding that a shell is there already. Decided by the line that stands
   open at the end of what came, after a moment without anything more: so neither the "#2 SMP" of a
   kernel's banner nor the "login: " of "Last login: Monday" cut in two is taken for a prompt. */
#include <string.h>

#include "base/mem.h"
#include "io/console_parts.h"

#define CTRL_C    "\x03"
#define CTRL_U    "\x15"
#define SETTLE_MS 100
#define NOISE_MS  1000 /* the longest wait for quiet */
#define NUDGE_MS  2000 /* silence after which Linux is asked to show its prompt again */
#define ANSWER_MS 5000 /* the same, when a name or password was given: it may take its time */
#define NAMES_MAX 3

#define REFUSED "[Ll]ogin incorrect|[Ll]ogin failed|[Aa]uthentication failure|[Pp]ermission denied"

struct login {
	struct console *console;
	const struct console_login *how;
	struct deadline deadline;
	struct console_pattern refused;
	int64_t nudge_at;
	int names;     /* how often the name was typed */
	bool password; /* was typed */
};

/* Types an answer, which makes what came so far old. */
static int answer(struct login *login, const char *text, struct err *err)
{
	int rc;

	buf_clear(&login->console->rx);
	login->nudge_at = clock_ms() + ANSWER_MS;
	rc = console_send(login->console, text, strlen(text), login->deadline, err);
	return rc < 0 ? rc : console_send(login->console, "\r", 1, login->deadline, err);
}

static int not_accepted(struct err *err)
{
	err_set(err, ERR_BOARD, "the board does not accept the login");
	return err_remedy(err, "check login.username and login.password in the manifest");
}

static int at_login(struct login *login, const struct console_pattern *pattern, struct err *err)
{
	(void)pattern;
	if (!login->how->username)
		return 0;
	if (login->password || login->names == NAMES_MAX)
		return not_accepted(err);
	login->names++;
	return answer(login, login->how->username, err);
}

/* The password of a login that somebody else began is answered with nothing. */
static int at_password(struct login *login, const struct console_pattern *pattern, struct err *err)
{
	(void)pattern;
	if (!login->names)
		return answer(login, "", err);
	if (!login->how->password) {
		err_set(err, ERR_BOARD, "the board asks for a password, and there is none");
		return err_remedy(err, "set login.password in the manifest");
	}
	if (login->password)
		return not_accepted(err);
	login->password = true;
	login->console->muted = true;
	return answer(login, login->how->password, err);
}

static int at_activate(struct login *login, const struct console_pattern *pattern, struct err *err)
{
	(void)pattern;
	return answer(login, "", err);
}

static int prove(struct login *login, const struct console_pattern *prompt, struct err *err)
{
	int rc = console_send(login->console, CTRL_U, 1, login->deadline, err);

	if (rc == 0)
		rc = console_settle(login->console, SETTLE_MS,
				    deadline_in(login->deadline, NOISE_MS), err);
	if (rc < 0)
		return rc;
	if (!console_stands_at(login->console, prompt))
		return err_set(err, ERR_BOARD, "the prompt has gone");
	return console_prove(login->console, SHELL_POSIX, login->deadline, err);
}

/* 1: the prompt is a shell's. What somebody left half typed is taken back before anything is typed
   behind it: "reboot #" looks like a prompt, too. What was typed to find out is taken back when it
   is no shell. */
static int at_prompt(struct login *login, const struct console_pattern *prompt, struct err *err)
{
	int rc = prove(login, prompt, err);

	if (rc == 0)
		return 1;
	if (rc != -ERR_BOARD)
		return rc;
	buf_clear(&login->console->rx);
	login->nudge_at = clock_ms() + NUDGE_MS;
	return console_send(login->console, CTRL_C, 1, login->deadline, err);
}

struct row {
	struct console_pattern pattern;
	int (*act)(struct login *login, const struct console_pattern *pattern, struct err *err);
};

#define ROWS 4

struct rows {
	struct row list[ROWS];
};

static void rows_free(struct rows *rows)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		console_pattern_free(&rows->list[i].pattern);
}

static int rows_compile(struct rows *rows, const struct console_login *how, struct err *err)
{
	const struct {
		const char *pattern;
		int (*act)(struct login *login, const struct console_pattern *pattern,
			   struct err *err);
	} texts[ROWS] = {
		{how->login_prompt ? how->login_prompt : "login: *$", at_login},
		{"assword: *$", at_password},
		{"press Enter to activate this console", at_activate}, /* busybox init */
		{how->prompt ? how->prompt : "[#$] *$", at_prompt},
	};
	int rc = 0;
	size_t i;

	for (i = 0; i < ROWS && rc == 0; i++) {
		rows->list[i].act = texts[i].act;
		rc = console_pattern_compile(&rows->list[i].pattern, texts[i].pattern, err);
	}
	return rc;
}

static bool is_refused(const struct login *login)
{
	_cleanup_(buf_free) struct buf text = {0};

	if (!login->names)
		return false;
	console_clean(buf_text(&login->console->rx), login->console->rx.size, &text);
	return regexec(&login->refused.compiled, buf_text(&text), 0, NULL, 0) == 0;
}

/* A prompt may have been printed before we listened, or a kernel message ran over it: Enter shows
   it again. But when nothing was heard yet it may be U-Boot who waits, and an empty line would
   repeat its last command: Ctrl-C is safe there. What stands on an open line may have been typed by
   somebody, or be U-Boot's prompt, or a program that is slow to end its line: Ctrl-U takes back
   what was typed, a blank line shows the prompt and repeats nothing, and the program is not
   disturbed. */
static const char *nudge_of(const struct login *login, const char *line)
{
	if (*line)
		return CTRL_U " \r";
	return login->console->heard ? "\r" : CTRL_C;
}

static int nudge(struct login *login, const char *line, struct err *err)
{
	const char *keys = nudge_of(login, line);

	if (clock_ms() < login->nudge_at)
		return 0;
	login->nudge_at = clock_ms() + NUDGE_MS;
	return console_send(login->console, keys, strlen(keys), login->deadline, err);
}

static int step(struct login *login, struct rows *rows, struct err *err)
{
	_cleanup_(freep) char *line = NULL;
	size_t i;
	int rc;

	rc = console_settle(login->console, SETTLE_MS, deadline_in(login->deadline, NOISE_MS), err);
	if (rc < 0)
		return rc;
	if (is_refused(login))
		return not_accepted(err);
	if (rc > 0 && login->nudge_at < clock_ms() + NUDGE_MS)
		login->nudge_at = clock_ms() + NUDGE_MS;
	line = console_open_line(login->console);
	for (i = 0; i < ROWS; i++)
		if (regexec(&rows->list[i].pattern.compiled, line, 0, NULL, 0) == 0)
			return rows->list[i].act(login, &rows->list[i].pattern, err);
	return nudge(login, line, err);
}

static int log_in(struct login *login, struct rows *rows, struct err *err)
{
	int rc;

	login->nudge_at = clock_ms() + NUDGE_MS;
	for (;;) {
		rc = step(login, rows, err);
		if (rc == 0)
			rc = deadline_check(login->deadline, err);
		if (rc)
			return rc < 0 ? rc : 0;
	}
}

static void login_free(struct login *login)
{
	console_pattern_free(&login->refused);
}

int console_login(struct console *console, const struct console_login *how,
		  struct deadline deadline, struct err *err)
{
	_cleanup_(login_free) struct login login = {
		.console = console, .how = how, .deadline = deadline};
	_cleanup_(rows_free) struct rows rows = {0};
	int64_t start = clock_ms();
	int rc = rows_compile(&rows, how, err);

	if (rc == 0)
		rc = console_pattern_compile(&login.refused, REFUSED, err);
	if (rc < 0)
		return rc;
	rc = log_in(&login, &rows, err);
	console->muted = false;
	return console_waited_for_shell(console, rc, start, "a shell", err);
}
