// SPDX-License-Identifier: MIT
#include "engine/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/events.h"

/* What the file holds is always this long, so that a reader never sees half of an older holder. */
#define NOTE_SIZE 512

struct board_lock {
	int fd;
	char *verb;
	char since[EVENT_TIME];
};

/* Only for others to read: that it could not be written is no reason not to go on. */
static void write_note(const struct board_lock *lock, int64_t job)
{
	_cleanup_(freep) char *text = NULL;
	char note[NOTE_SIZE];
	json_t *json;
	size_t size;

	json = json_pack("{s:I,s:I,s:s,s:s}", "pid", (json_int_t)getpid(), "job", (json_int_t)job,
			 "verb", lock->verb, "since", lock->since);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	memset(note, ' ', sizeof(note));
	size = text ? strlen(text) : 0;
	if (size < sizeof(note))
		memcpy(note, text ? text : "", size);
	note[sizeof(note) - 1] = '\n';
	if (pwrite(lock->fd, note, sizeof(note), 0) < 0)
		return;
}

static int busy(int fd, const char *board, struct err *err)
{
	char note[NOTE_SIZE];
	ssize_t size = pread(fd, note, sizeof(note), 0);
	json_t *json = json_loadb(note, size > 0 ? (size_t)size : 0, 0, NULL);
	const char *verb = "?", *since = "?";
	json_int_t pid = 0, job = 0;

	if (json_unpack(json, "{s:I,s:I,s:s,s:s}", "pid", &pid, "job", &job, "verb", &verb, "since",
			&since) < 0)
		err_set(err, ERR_BUSY, "board '%s' is busy with another job", board);
	else if (job)
		err_set(err, ERR_BUSY,
			"board '%s' is busy: job %" PRId64 " (%s, process %" PRId64
			") has held it since %s",
			board, (int64_t)job, verb, (int64_t)pid, since);
	else
		err_set(err, ERR_BUSY,
			"board '%s' is busy: process %" PRId64 " (%s) has held it since %s", board,
			(int64_t)pid, verb, since);
	json_decref(json);
	return err_remedy(err, "wait until it has ended, or end that process");
}

static int lock_path(char **path, const char *board, struct err *err)
{
	_cleanup_(freep) char *state = NULL, *folder = NULL;
	int rc = path_state(&state, err);

	if (rc < 0)
		return rc;
	folder = path_join(state, "locks");
	rc = path_make_folder(folder, err);
	if (rc < 0)
		return rc;
	*path = xasprintf("%s/%s.lock", folder, board);
	return 0;
}

int board_lock(struct board_lock **lock, const char *board, const char *verb, struct err *err)
{
	_cleanup_(freep) char *path = NULL;
	_cleanup_(closep) int fd = -1;
	int rc = lock_path(&path, board, err);

	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? busy(fd, board, err)
					    : err_errno(err, ERR_HOST, "cannot lock %s", path);
	*lock = xcalloc(1, sizeof(**lock));
	(*lock)->fd = steal_fd(&fd);
	(*lock)->verb = xstrdup(verb);
	event_time((*lock)->since);
	write_note(*lock, 0);
	return 0;
}

void board_lock_job(struct board_lock *lock, int64_t job)
{
	write_note(lock, job);
}

void board_unlock(struct board_lock *lock)
{
	if (!lock)
		return;
	close(lock->fd);
	free(lock->verb);
	free(lock);
}
