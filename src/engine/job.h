// SPDX-License-Identifier: MIT
/*
 * A job: one run of one verb on one board. The engine takes it through resolve, checks, confirm,
 * stages and cleanup; the driver's functions get it as their only argument.
 */
#ifndef ABOARD_ENGINE_JOB_H
#define ABOARD_ENGINE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "engine/board.h"
#include "engine/driver.h"
#include "engine/events.h"
#include "engine/plan.h"
#include "engine/record.h"
#include "image/image.h"
#include "io/console.h"
#include "io/usb.h"
#include "power/power.h"

struct job_image;

/* One thing to write, or to read back. */
struct request_item {
	const char *target;    /* name of a target; NULL: the default one */
	const char *partition; /* GPT label on that target's device; NULL: the whole target */
	const char *file;      /* image reference, or the file to dump to */
};

/* What the user asked for. All borrowed; lives as long as the job. */
struct request {
	const char *verb;
	const struct request_item *items;
	size_t item_count;
	struct http_options http;
	const char *sha256;       /* expected digest of the image as given; NULL: none */
	const char *bundle;       /* for this job only; NULL: the board's */
	const char *plan_digest;  /* run only this plan; NULL: any */
	const char *irreversible; /* the plan's irreversible phrase, said in advance; NULL: it was
				     not */
	const char *at;           /* shell: "bootloader" or "linux" */
	const char *host_address; /* advertised to the board; NULL: worked out */
	unsigned int retries;
	bool direct; /* the board pulls the source URL itself */
	bool no_power_off;
	bool no_verify;     /* written is enough where the board cannot be asked what is on it */
	bool dry_run;       /* stop before confirm */
	bool console_debug; /* mirror the console into log events */
};

/* Asks the person; returns false for no. NULL in job_settings: yes was said in advance. */
struct job_confirm {
	bool (*ask)(void *context, const struct plan *plan, const char *digest);
	/* Has the plan's irreversible phrase typed. */
	bool (*ask_phrase)(void *context, const char *phrase);
	void *context;
};

/* Asks the person to do something by hand, and waits until it is done; `wait` NULL: nobody is
 * there. */
struct job_person {
	int (*wait)(void *context, const char *question, struct deadline deadline, struct err *err);
	void *context;
};

struct job {
	struct board *board;
	const struct work *work;
	const struct request *request;
	struct plan *plan;
	struct events *events;
	struct record *record; /* NULL: a job that keeps none (dry run) */
	int cancel_fd;
	void *own;     /* the driver's; made in resolve, freed by driver->release */
	bool wrote;    /* a stage that writes was begun: the storage is not what it was */
	bool proven;   /* all that was written was read back and is right; the driver sets it */
	bool complete; /* all stages are done */
	const char *unproven;    /* a constant: why the driver cannot read back; NULL: it can */
	struct console *console; /* NULL until job_console() */
	struct power *power;     /* NULL until job_power() */
	struct usb_device *usb;  /* NULL until job_usb_open() */

	/* The engine's own. */
	const struct job_image **images; /* that were resolved; borrowed, the array is owned */
	size_t image_count;
	struct board_lock *lock;
	struct usb_bus *usb_bus;     /* see job_usb.c; NULL: no USB so far */
	struct usb_known *usb_known; /* the same */
	struct job_person person;
	int console_log;         /* descriptor of the record's console.log; -1: none */
	struct buf console_line; /* console_debug: what came of the current line */
	struct job_meter *meter;
	const struct stage *stage; /* running now; NULL: none */
	size_t begun;              /* how many stages have been begun at least once */
	unsigned int *attempts;    /* of each stage, over the whole job; owned */
	unsigned int retries_left;
	int64_t begun_ms;
	json_t *writes;  /* see job_wrote() */
	json_t *results; /* see job_result() */
};

struct job_settings {
	struct job_confirm confirm;
	struct job_person person;
	struct event_sink sinks[2]; /* take == NULL: unused */
	int cancel_fd;              /* -1: cannot be cancelled */
};

/* Runs the whole way of one job and returns how it ended; the result event has been emitted and the
 * record closed. */
int job_run(struct board *board, const struct request *request, const struct job_settings *settings,
	    struct err *err);

/* For verbs that hand the board over in the middle (shell): job_begin() goes to the end of the
   stages and leaves everything up; job_end() cleans up, emits the result for `rc` and `err`, and
   frees the job. Both must be called, also when job_begin() fails. */
int job_begin(struct job **job, struct board *board, const struct request *request,
	      const struct job_settings *settings, struct err *err);
int job_end(struct job *job, int rc, struct err *err);

/* For drivers. */

/* How far the running stage is; rates, the whole job's percent and event pacing are worked out
 * here. total 0: not known. */
void job_progress(struct job *job, uint64_t done, uint64_t total);

/* How far a part of the stage is, for callbacks of protocols: context is a struct job_share. */
struct job_share {
	struct job *job;
	uint64_t base,
		total; /* bytes of the stage: before this part, and of all; total 0: not known */
};

void job_share_progress(void *context, uint64_t done);

/* A deadline inside the running stage: the board's timeout `name`, never later than the stage's
 * own. */
struct deadline job_deadline(struct job *job, struct deadline outer, const char *name);

/* Opens the board's console (once), before anything touches power; all that comes is kept in the
   record's console.log. ERR_CONFIG when the board file gives none. */
int job_console(struct job *job, struct deadline deadline, struct err *err);

/* Opens the board's power switch (once); switches nothing. */
int job_power(struct job *job, struct err *err);

/* Puts {target, device, bytes, sha256, verified} into the result event: what is on the board now,
   in place of what was said of that target before. */
void job_wrote(struct job *job, const char *target, const char *device, uint64_t bytes,
	       const char *sha256, bool verified);

/* A JSON field of the result event (a digest of a dump, a path). Takes value over. */
void job_result(struct job *job, const char *name, json_t *value);

#endif
