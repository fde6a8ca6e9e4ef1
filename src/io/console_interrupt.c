// SPDX-License-Identifier: MIT
/* Stopping a boot loader's countdown. */
#include <string.h>

#include "base/mem.h"
#include "io/console_parts.h"

/* Twice, because behind an ESC the first is taken for the rest of a sequence. */
#define CTRL_C         "\x03\x03"
#define CTRL_C_EVERY   5   /* rounds of keys */
#define SETTLE_MS      100 /* so long nothing more comes: the line is complete */
#define PROMPT_WAIT_MS 500

/* Reads for `ms` or until the prompt stands at the end of what came. 1: it does. */
static int await_open_prompt(struct console *console, const struct console_pattern *prompt,
			     int64_t ms, struct deadline deadline, struct err *err)
{
	struct deadline round = deadline_in(deadline, ms);
	int rc;

	while (!console_stands_at(console, prompt)) {
		rc = console_fill(console, round, err);
		if (rc == -ERR_TIMEOUT)
			return 0;
		if (rc < 0)
			return rc;
	}
	return 1;
}

/* Keys that were typed may stand behind the prompt: Ctrl-C gives a clean line. 0: there is a shell.
 */
static int prove_uboot(struct console *console, const struct console_pattern *prompt,
		       struct deadline deadline, struct err *err)
{
	int rc = console_settle(console, SETTLE_MS, deadline_in(deadline, PROMPT_WAIT_MS), err);

	buf_clear(&console->rx);
	if (rc >= 0)
		rc = console_send(console, CTRL_C, strlen(CTRL_C), deadline, err);
	if (rc >= 0)
		rc = console_settle(console, SETTLE_MS, deadline_in(deadline, PROMPT_WAIT_MS), err);
	if (rc < 0)
		return rc;
	if (!console_stands_at(console, prompt))
		return err_set(err, ERR_BOARD, "the prompt does not come again");
	return console_prove(console, SHELL_UBOOT, deadline, err);
}

/* In some rounds it is Ctrl-C, whatever the keys are: a prompt that was printed before the console
   was opened, or behind which keys stand, then shows itself anew. An empty line would do so, too,
   but it repeats U-Boot's last command. */
static const char *key_of_round(const struct console_interrupt *how, size_t round)
{
	size_t count = 0;

	while (how->keys && how->keys[count])
		count++;
	if (!count || round % CTRL_C_EVERY == 0)
		return CTRL_C;
	return how->keys[(round - 1 - round / CTRL_C_EVERY) % count];
}

static int interrupt(struct console *console, const struct console_interrupt *how,
		     const struct console_pattern *prompt, struct deadline deadline,
		     struct err *err)
{
	int64_t every_ms = how->every_ms > 0 ? how->every_ms : 100;
	const char *key;
	size_t round;
	int rc;

	for (round = 0;; round++) {
		key = key_of_round(how, round);
		rc = console_send(console, key, strlen(key), deadline, err);
		if (rc == 0)
			rc = await_open_prompt(console, prompt, every_ms, deadline, err);
		if (rc == 1) {
			rc = prove_uboot(console, prompt, deadline, err);
			if (rc == 0)
				return 0;
		}
		if (rc == 0 || rc == -ERR_BOARD)
			rc = deadline_check(deadline, err);
		if (rc < 0)
			return rc;
	}
}

int console_interrupt(struct console *console, const struct console_interrupt *how,
		      struct deadline deadline, struct err *err)
{
	_cleanup_(console_pattern_free) struct console_pattern prompt = {0};
	_cleanup_(freep) char *what = xasprintf("the boot loader's prompt /%s/", how->prompt);
	int64_t start = clock_ms();
	int rc = console_pattern_compile(&prompt, how->prompt, err);

	if (rc < 0)
		return rc;
	rc = interrupt(console, how, &prompt, deadline, err);
	return console_waited_for_shell(console, rc, start, what, err);
}
