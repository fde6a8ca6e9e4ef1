// SPDX-License-Identifier: MIT
/*
 * A program that is the board itself: QEMU, or a simulator. On starts it, off ends it. It runs on
 * after this process ends; STATE/power/BOARD.pid tells the next one where it is.
 */
#include "base/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "power/running.h"
#include "power/ways.h"

#define EARLY_EXIT_MS 300  /* a program that ends within this time has not started well */
#define TERM_MS       5000 /* for a program to end by itself after SIGTERM */
#define KILL_MS       5000 /* for the kernel to end it after SIGKILL */
#define GROUP_LOOK_MS 20
#define LOG_END_MAX   ((size_t)4096)

static const struct key process_keys[] = {
	{"argv", KEY_TEXTS, true, NULL,
	 "program that is the board, and its arguments; it must stay in the foreground", NULL},
	{"log", KEY_TEXT, false, "power/BOARD.log in the state folder",
	 "file that gets its output; relative to the board file", NULL},
	{0},
};

/* Where one board's program is remembered. All owned. */
struct places {
	char *pid, *lock, *log;
};

static void places_free(struct places *places)
{
	free(places->pid);
	free(places->lock);
	free(places->log);
}

/* The board's name as a file name: other bytes than letters, digits and "-_." become %XX. */
static char *file_name(const char *board)
{
	struct buf name = {0};
	const char *c;

	for (c = board; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("-_", *c) || (*c == '.' && c != board))
			buf_add_char(&name, *c);
		else
			buf_addf(&name, "%%%02X", (unsigned int)(unsigned char)*c);
	}
	return buf_steal(&name);
}

static char *log_path(const struct power *power, const char *fallback)
{
	const char *log = yaml_text(power->settings, "log", NULL);
	_cleanup_(freep) char *folder = NULL;

	if (!log)
		return xstrdup(fallback);
	folder = path_folder(power->settings->file);
	return path_join(folder, log);
}

static int find_places(const struct power *power, struct places *places, struct err *err)
{
	_cleanup_(freep) char *state = NULL, *folder = NULL, *name = NULL, *log = NULL;
	int rc = path_state(&state, err);

	if (rc < 0)
		return rc;
	folder = path_join(state, "power");
	rc = path_make_folder(folder, err);
	if (rc < 0)
		return rc;
	name = file_name(power->board);
	places->pid = xasprintf("%s/%s.pid", folder, name);
	places->lock = xasprintf("%s/%s.lock", folder, name);
	log = xasprintf("%s/%s.log", folder, name);
	places->log = log_path(power, log);
	return 0;
}

/* Held while the program is started or stopped, so that two never run. */
static int lock(const struct places *places, int *fd, struct err *err)
{
	*fd = open(places->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", places->lock);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY, "another process is just switching it");
	return err_errno(err, ERR_HOST, "cannot lock %s", places->lock);
}

static int process_open(struct power *power, struct err *err)
{
	const struct yaml *argv = yaml_get(power->settings, "argv");

	if (argv->kind == YAML_LIST && argv->count == 0)
		return yaml_err(argv, err, "'argv' names no program");
	/* A program has no capacitors: it is off when it is off. */
	power->pause_ms = yaml_duration_ms(power->settings, "off_time", 0);
	return 0;
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

static char *said_from(const struct power *power, int fd, off_t from)
{
	char text[LOG_END_MAX];
	ssize_t got = pread(fd, text, sizeof(text), from);

	return power_said(power, text, got > 0 ? (size_t)got : 0);
}

/* What the program wrote since the log had `from` bytes; at most its end. */
static char *log_end(const struct power *power, const char *path, off_t from)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = size_of(path);

	if (size - from > (off_t)LOG_END_MAX)
		from = size - (off_t)LOG_END_MAX;
	return said_from(power, fd, from);
}

static int wait_end(int pid_fd, struct deadline deadline, struct err *err)
{
	struct pollfd ended = {.fd = pid_fd, .events = POLLIN};
	int rc = deadline_poll(&ended, 1, deadline, err);

	return rc < 0 ? rc : 0;
}

/* Whether the program, a child of ours, is still there after a moment. */
static int outlive_start(const struct power *power, const struct places *places, pid_t pid,
			 off_t log_from, struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	_cleanup_(freep) char *said = NULL;
	int status = 0, rc;

	if (pid_fd < 0)
		return err_errno(err, ERR_HOST, "cannot watch process %d", (int)pid);
	rc = wait_end(pid_fd, deadline_in(deadline, EARLY_EXIT_MS), err);
	if (rc == -ERR_TIMEOUT)
		return 0;
	if (rc < 0)
		return rc;
	waitpid(pid, &status, 0);
	unlink(places->pid);
	said = log_end(power, places->log, log_from);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_POWER, "the program was ended at once by signal %d%s",
			       WTERMSIG(status), said);
	err_set(err, ERR_POWER, "the program ended at once with exit status %d%s",
		WEXITSTATUS(status), said);
	return err_remedy(err, "it must stay in the foreground; its log is %s", places->log);
}

/* Runs before the program does, so that there is no moment in which it runs unremembered. */
static int remember(void *context, pid_t pid, struct err *err)
{
	const struct places *places = context;
	struct running running;

	if (!running_look(pid, &running))
		return err_set(err, ERR_HOST, "process %d cannot be seen in /proc", (int)pid);
	return running_save(places->pid, &running, err);
}

static int start(const struct power *power, struct places *places, struct deadline deadline,
		 struct err *err)
{
	_cleanup_(freep) const char **argv = yaml_texts(power->settings, "argv");
	off_t log_from = size_of(places->log);
	pid_t pid;
	int rc;

	rc = process_start_noted(argv, places->log, remember, places, &pid, err);
	if (rc < 0) {
		unlink(places->pid);
		return rc;
	}
	return outlive_start(power, places, pid, log_from, deadline, err);
}

/* Waits until the leader, then the rest of its group, has ended. */
static int group_end(pid_t group, int pid_fd, struct deadline deadline, struct err *err)
{
	int rc = wait_end(pid_fd, deadline, err);

	while (rc == 0 && running_group_alive(group))
		rc = deadline_pause(GROUP_LOOK_MS, deadline, err);
	return rc;
}

static int kill_group(pid_t group, int pid_fd, int cancel_fd, struct err *err)
{
	int rc;

	kill(-group, SIGKILL);
	rc = group_end(group, pid_fd, deadline_of_cancel(cancel_fd, KILL_MS), err);
	return rc < 0 ? err_prefix(err, "waiting for process %d to end", (int)group) : 0;
}

/* The leader stays unreaped, and so its id is not used again, until the whole group is gone. */
static int stop(const struct running *running, struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int pid_fd = (int)syscall(SYS_pidfd_open, running->pid, 0);
	struct running now;
	int rc;

	if (pid_fd < 0 && errno == ESRCH)
		return 0;
	if (pid_fd < 0)
		return err_errno(err, ERR_HOST, "cannot watch process %d", (int)running->pid);
	if (!running_look(running->pid, &now) || now.start != running->start)
		return 0;
	if (kill(-running->pid, SIGTERM) < 0 && errno != ESRCH)
		return err_errno(err, ERR_POWER, "cannot end process %d", (int)running->pid);
	rc = group_end(running->pid, pid_fd, deadline_in(deadline, TERM_MS), err);
	if (rc == -ERR_TIMEOUT)
		rc = kill_group(running->pid, pid_fd, deadline.cancel_fd, err);
	if (rc == 0)
		waitpid(running->pid, NULL, WNOHANG);
	return rc;
}

static int process_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	_cleanup_(places_free) struct places places = {0};
	_cleanup_(closep) int lock_fd = -1;
	struct running running;
	bool alive;
	int rc;

	rc = find_places(power, &places, err);
	if (rc == 0)
		rc = lock(&places, &lock_fd, err);
	if (rc == 0)
		rc = running_load(places.pid, &running, &alive, err);
	if (rc < 0)
		return rc;
	if (on)
		return alive ? 0 : start(power, &places, deadline, err);
	if (alive)
		rc = stop(&running, deadline, err);
	if (rc == 0)
		unlink(places.pid);
	return rc;
}

static int process_get(struct power *power, enum power_state *state, struct deadline deadline,
		       struct err *err)
{
	_cleanup_(places_free) struct places places = {0};
	struct running running;
	bool alive;
	int rc;

	(void)deadline;
	rc = find_places(power, &places, err);
	if (rc == 0)
		rc = running_load(places.pid, &running, &alive, err);
	if (rc == 0)
		*state = alive ? POWER_ON : POWER_OFF;
	return rc;
}

const struct power_way power_process = {
	.name = "process",
	.summary = "starts and ends a program that is the board, such as QEMU",
	.keys = process_keys,
	.open = process_open,
	.set = process_set,
	.get = process_get,
};
