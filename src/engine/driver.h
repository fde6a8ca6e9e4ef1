// SPDX-License-Identifier: MIT
/*
 * Where the engine and the drivers meet. A driver is constant data: the keys it understands, and
 * for each verb it can do how to resolve it, which checks to make first, and which stages the work
 * has. The engine runs them, and owns order, retries, deadlines, progress, cancellation, events and
 * the record; a driver only speaks its protocol, linearly.
 */
#ifndef ABOARD_ENGINE_DRIVER_H
#define ABOARD_ENGINE_DRIVER_H

#include <stdbool.h>

#include "base/deadline.h"
#include "base/err.h"
#include "base/yaml.h"
#include "io/usb.h"

struct job;

/* One preflight test. It changes nothing on the board. An error refuses the job; `note` may say
 * what was found. */
struct check {
	const char *name;  /* "console-opens": in events and records */
	const char *label; /* "console opens": for people */
	int (*run)(struct job *job, struct deadline deadline, char note[256], struct err *err);
};

/* One step of the work. Its deadline is the board's timeout of the same name. */
struct stage {
	const char *name;    /* "power-cycle": in events, records and `timeouts` */
	const char *label;   /* "power cycle": for people */
	unsigned int weight; /* share of the whole for the progress bar; for stages that move the
				image: per run, see job_progress */
	unsigned int tries;  /* how often it is done before it counts as failed; 0: once */
	const char *restart; /* when it has failed with an error that may pass: the earlier stage to
				go on from, as long as the job has retries; NULL: the job fails */
	bool writes; /* from its beginning on the board's storage is no longer what it was */
	int (*run)(struct job *job, struct deadline deadline, struct err *err);
	/* Undoes what must not stay (servers, processes, power), newest stage first, at the end of
	   the job whatever its outcome; only for stages that were begun. The deadline is not the
	   stage's: it is fresh. */
	int (*cleanup)(struct job *job, struct deadline deadline, struct err *err);
};

/* One verb a driver can do. */
struct work {
	const char *verb; /* "flash", "dump", "shell"; the last row has NULL */
	const char *at; /* "shell": "bootloader", "linux", "none"; NULL: the request need not say */
	int (*resolve)(struct job *job, struct deadline deadline,
		       struct err *err); /* fills job->plan; reads only */
	const struct check *checks;      /* ordered, ends with an empty row */
	const struct stage *stages;      /* ordered, ends with an empty row */
};

/* The engine's own waits; every driver's table of timeouts begins with them. */
#define JOB_TIMEOUTS                                                                                 \
	{"resolve", KEY_DURATION, false, "1h", "reading the image and the bundle beforehand", NULL}, \
		{"check", KEY_DURATION, false, "20s", "one check", NULL},                            \
	{                                                                                            \
		"cleanup", KEY_DURATION, false, "1m", "cleaning up after a job", NULL                \
	}

/* A USB device that this driver knows: a recovery mode. Fields that are 0 or NULL hold for any
   device. `aboard boards --attached` and the udev rules are made from these tables. */
struct usb_mode {
	uint16_t vid, pid;
	struct usb_class interface; /* of one of its interfaces; class 0: any */
	const char *product;        /* what its product string contains */
	const char *family;         /* "STM32MP" */
	const char *mode;           /* "boot ROM"; the last row has NULL */
};

struct driver {
	const char *name, *summary;
	const struct key *keys; /* of the mapping under the driver's name in a board file; ends with
				   an empty row */
	const struct key *timeouts; /* every deadline and wait by name, KEY_DURATION, the default in
				       `fallback` */
	const struct work *works;
	const struct usb_mode *usb_modes; /* in order of preference; NULL: not by USB */
	void (*release)(struct job *job); /* frees job->own */
};

#endif
