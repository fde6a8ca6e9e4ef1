// SPDX-License-Identifier: MIT
#include "power/running.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define FILE_MAX ((size_t)4096)

/* Fields after the name, counted as proc(5) does. */
enum {
	FIELD_STATE = 3,
	FIELD_GROUP = 5,
	FIELD_START = 22,
};

static const char *field(const char *after_name, int wanted)
{
	const char *at = after_name;
	int number;

	for (number = FIELD_STATE; at && number < wanted; number++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at;
}

bool proc_stat_parse(const char *text, struct proc_stat *stat)
{
	const char *name_end = strrchr(text, ')'), *group, *start;

	if (!name_end || name_end[1] != ' ')
		return false;
	group = field(name_end + 2, FIELD_GROUP);
	start = field(name_end + 2, FIELD_START);
	if (!group || !start)
		return false;
	stat->state = name_end[2];
	stat->group = (pid_t)strtol(group, NULL, 10);
	stat->start = strtoull(start, NULL, 10);
	return stat->group >= 0 && stat->start > 0;
}

static bool read_stat(const char *pid, struct proc_stat *stat)
{
	_cleanup_(freep) char *path = xasprintf("/proc/%s/stat", pid);
	_cleanup_(buf_free) struct buf text = {0};

	return path_read(path, FILE_MAX, &text, NULL) == 0 &&
	       proc_stat_parse(buf_text(&text), stat);
}

static bool is_over(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

static void read_boot(char boot[BOOT_ID_SIZE])
{
	_cleanup_(buf_free) struct buf text = {0};

	boot[0] = '\0';
	if (path_read("/proc/sys/kernel/random/boot_id", FILE_MAX, &text, NULL) == 0)
		snprintf(boot, BOOT_ID_SIZE, "%s", buf_text(&text));
	boot[strcspn(boot, "\n")] = '\0';
}

bool running_look(pid_t pid, struct running *running)
{
	_cleanup_(freep) char *name = xasprintf("%d", (int)pid);
	struct proc_stat stat;

	if (!read_stat(name, &stat))
		return false;
	if (is_over(&stat)) {
		waitpid(pid, NULL, WNOHANG);
		return false;
	}
	*running = (struct running){.pid = pid, .start = stat.start};
	read_boot(running->boot);
	return true;
}

int running_save(const char *path, const struct running *running, struct err *err)
{
	_cleanup_(freep) char *text =
		xasprintf("%d %llu %s\n", (int)running->pid, running->start, running->boot);

	return path_write(path, text, strlen(text), 0600, err);
}

/* "PID START BOOT". A pid of 0 or 1 must never get as far as kill(-pid). */
static bool parse(char *text, struct running *running)
{
	char *start = strchr(text, ' '), *boot = start ? strchr(start + 1, ' ') : NULL;
	uint64_t pid, ticks;

	if (!boot)
		return false;
	*start++ = '\0';
	*boot++ = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	if (!text_u64(text, INT_MAX, &pid) || pid <= 1 || !text_u64(start, UINT64_MAX, &ticks) ||
	    strlen(boot) >= BOOT_ID_SIZE)
		return false;
	*running = (struct running){.pid = (pid_t)pid, .start = ticks};
	snprintf(running->boot, sizeof(running->boot), "%s", boot);
	return true;
}

int running_load(const char *path, struct running *running, bool *alive, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	struct running now;
	int rc;

	*alive = false;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	rc = path_read(path, FILE_MAX, &text, err);
	if (rc < 0)
		return rc;
	if (!text.size || !parse(text.data, running)) {
		err_set(err, ERR_HOST, "%s does not name a process", path);
		return err_remedy(err, "stop the board's program if it runs, and remove the file");
	}
	*alive = running_look(running->pid, &now) && now.start == running->start &&
		 strcmp(now.boot, running->boot) == 0;
	return 0;
}

static int is_process(const struct dirent *entry)
{
	return entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
}

bool running_group_alive(pid_t group)
{
	_cleanup_(freep) struct dirent **entries = NULL;
	int count = scandir("/proc", &entries, is_process, alphasort), i;
	struct proc_stat stat;
	bool alive = false;

	for (i = 0; i < count; i++) {
		alive = alive || (read_stat(entries[i]->d_name, &stat) && stat.group == group &&
				  !is_over(&stat));
		free(entries[i]);
	}
	return alive;
}
