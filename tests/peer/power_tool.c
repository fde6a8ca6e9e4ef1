// SPDX-License-Identifier: MIT
/*
 * Drives src/power from tests: power-tool FILE on|off|cycle|status. FILE is a mapping with `name`,
 * `power`, `secrets`. Prints the state, or the error and its remedy; exits like aboard does.
 * SIGTERM cancels. With ABOARD_TEST_PERSON set, standard input is the person who is asked.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "power/power.h"

static int ask(void *context, const char *question, struct deadline deadline, struct err *err)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];
	int rc;

	(void)context;
	fprintf(stderr, "%s\n", question);
	rc = deadline_poll(&input, 1, deadline, err);
	if (rc < 0)
		return rc;
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		return err_set(err, ERR_CANCELLED, "nobody answers");
	return 0;
}

static int report(const struct err *err)
{
	fprintf(stderr, "%s: %s\n", err_kind_name(err->kind), err->text);
	if (err->remedy[0])
		fprintf(stderr, "remedy: %s\n", err->remedy);
	return err_exit_status(err->kind);
}

static int act(struct power *power, const char *verb, struct deadline deadline, struct err *err)
{
	enum power_state state;
	int rc;

	if (strcmp(verb, "cycle") == 0)
		return power_cycle(power, deadline, err);
	if (strcmp(verb, "status") != 0)
		return power_set(power, strcmp(verb, "on") == 0, deadline, err);
	rc = power_get(power, &state, deadline, err);
	if (rc == 0)
		printf("%s\n", power_state_name(state));
	return rc;
}

static int run(const struct yaml *board, const char *verb, int cancel_fd, struct err *err)
{
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = cancel_fd};
	struct power *power = NULL;
	struct secrets *secrets;
	int rc = secrets_new(&secrets, yaml_get(board, "secrets"), err);

	if (rc < 0)
		return rc;
	rc = power_open(&power, yaml_text(board, "name", "board"), yaml_get(board, "power"),
			secrets, err);
	if (rc == 0) {
		if (getenv("ABOARD_TEST_PERSON"))
			power->ask = ask;
		rc = act(power, verb, deadline, err);
		power_close(power);
	}
	secrets_free(secrets);
	return rc;
}

int main(int argc, char **argv)
{
	struct yaml **roots;
	struct err err = {0};
	sigset_t stop;
	size_t count;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: %s FILE on|off|cycle|status\n", argv[0]);
		return 2;
	}
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	rc = yaml_parse_file(argv[1], &roots, &count, &err);
	if (rc == 0) {
		rc = run(roots[0], argv[2], signalfd(-1, &stop, SFD_CLOEXEC), &err);
		yaml_free_all(roots, count);
	}
	return rc < 0 ? report(&err) : 0;
}
