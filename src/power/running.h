// SPDX-License-Identifier: MIT
/*
 * A program that is left running, remembered in a file, and found again later by another process.
 * A process id alone does not tell a program, since ids are used again: the start time of the
 * process and the boot of the machine are kept with it.
 */
#ifndef ABOARD_POWER_RUNNING_H
#define ABOARD_POWER_RUNNING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define BOOT_ID_SIZE 37

struct running {
	pid_t pid;                /* also the id of its process group */
	unsigned long long start; /* clock ticks after boot: field 22 of /proc/PID/stat */
	char boot[BOOT_ID_SIZE];  /* /proc/sys/kernel/random/boot_id */
};

/* What is used of /proc/PID/stat (proc(5)). */
struct proc_stat {
	char state;
	pid_t group;
	unsigned long long start;
};

/* Parses the text of /proc/PID/stat; the name in it may hold anything, also ") ". */
bool proc_stat_parse(const char *text, struct proc_stat *stat);

/* Describes a live process. False: there is none; a zombie is none, and is reaped if it is our
 * child. */
bool running_look(pid_t pid, struct running *running);

/* Writes the file, whole or not at all. */
int running_save(const char *path, const struct running *running, struct err *err);

/* *alive tells whether the very process of the file still runs; a missing file is none. A file
   that is not ours is ERR_HOST. */
int running_load(const char *path, struct running *running, bool *alive, struct err *err);

/* Whether any process of this group still runs (zombies do not count). */
bool running_group_alive(pid_t group);

#endif
