// SPDX-License-Identifier: MIT
/*
 * Ways to switch a board's power. One record a way; table.c lists them. A switch that fails is an
 * error; where the device tells its state, the state is read back before a switch counts as done.
 */
#ifndef ABOARD_POWER_POWER_H
#define ABOARD_POWER_POWER_H

#include "base/deadline.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/yaml.h"

enum power_state {
	POWER_OFF,
	POWER_ON,
	POWER_UNKNOWN, /* the device cannot tell */
};

struct power;

/* One way to switch power. */
struct power_way {
	const char *name;       /* the board file's `power: type:` */
	const char *summary;    /* one line */
	const struct key *keys; /* of the board file's `power` mapping, besides the common ones */
	/* Reads the checked settings; touches nothing. `power->settings` is set. */
	int (*open)(struct power *power, struct err *err);
	int (*set)(struct power *power, bool on, struct deadline deadline, struct err *err);
	/* Absent where the device cannot tell. */
	int (*get)(struct power *power, enum power_state *state, struct deadline deadline,
		   struct err *err);
	/* Absent where off, a pause and on do the same. Returns 1, and has done nothing, when that
	   is so for this board only. */
	int (*cycle)(struct power *power, struct deadline deadline, struct err *err);
	void (*close)(struct power *power);
};

struct power {
	const struct power_way *way;
	const struct yaml *settings; /* the board file's `power`; borrowed */
	struct secrets *secrets;     /* borrowed */
	const char *board;           /* the board's name; borrowed */
	int64_t pause_ms;            /* between off and on: `off_time`, default 2 s */
	int64_t timeout_ms;          /* of one switch: `timeout`, default 30 s */
	/* Shows `question` to the person at the terminal and waits for Enter (0). Set by the owner
	   after power_open(); NULL: nobody is there to be asked. */
	int (*ask)(void *context, const char *question, struct deadline deadline, struct err *err);
	void *ask_context;
	void *own; /* the way's */
};

/* All ways, ended by NULL (table.c). */
extern const struct power_way *const power_ways[];

/* The keys that every way has, for the manual. */
extern const struct key power_common_keys[];

/* Checks `settings` (a mapping with `type`) and makes the record. Nothing is switched or asked. The
 * arguments must outlive it. ERR_CONFIG with file, line and column. */
int power_open(struct power **power, const char *board, const struct yaml *settings,
	       struct secrets *secrets, struct err *err);
void power_close(struct power *power);
void power_closep(struct power **power);

/* Switches, then reads the state back until it is so. Takes at most `timeout`; when that passes it
 * is ERR_POWER. */
int power_set(struct power *power, bool on, struct deadline deadline, struct err *err);

/* Off, `off_time`, on. A process that is a board is started anew. */
int power_cycle(struct power *power, struct deadline deadline, struct err *err);

/* POWER_UNKNOWN, and success, where the device cannot tell. */
int power_get(struct power *power, enum power_state *state, struct deadline deadline,
	      struct err *err);

const char *power_state_name(enum power_state state);

#endif
