// SPDX-License-Identifier: MIT
/*
 * The record of jobs: an SQLite file in the state folder, one row a job, with a folder beside it
 * for the console log. Written as things happen, so that after a kill or a power loss the history
 * tells how far a job came. Several processes write at once.
 */
#ifndef ABOARD_ENGINE_RECORD_H
#define ABOARD_ENGINE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/events.h"

struct record;

/* Opens (and migrates) STATE/history.sqlite, adds a running job and makes its folder STATE/jobs/ID.
   Checks that the state folder has room (64 MiB). The job counts as running as long as this process
   holds a lock in that folder. */
int record_begin(struct record **record, const char *verb, const char *board, const char *driver,
		 struct err *err);
int64_t record_job(const struct record *record);
const char *record_folder(const struct record *record); /* borrowed */

/* The reader of events that stores them: plan, checks, stages with times, results. */
struct event_sink record_sink(struct record *record);

/* What went wrong while storing, if anything did: 0 or the first error. */
int record_trouble(const struct record *record, struct err *err);

/* Ends it. A job without a result event stays "interrupted". */
void record_end(struct record *record);

/* Jobs, newest first, as a JSON array of {job, board, driver, verb, version, begun, ended, outcome,
   stage, error, image, target, sha256, ms}; what is not known is null. outcome is running, done,
   failed, refused, cancelled or interrupted (no result, and its process is gone); stage is the one
   begun last. image and target are the plan's facts "image": "ref" and "target": "name" (else the
   first text of that section), sha256 the digest of what was written. */
struct record_filter {
	const char *board;  /* NULL: all */
	bool failed;        /* only those not done (and not running) */
	unsigned int limit; /* 0: all */
};

int record_list(const struct record_filter *filter, json_t **jobs, struct err *err);

/* One job whole: the above plus state (a sentence: what is on the board now), plan, digest, checks,
   stages {name, label, attempt, state, begun, ended, ms, reason}, events (those kept: all but
   progress, debug logs and what the other fields hold), result (the event), and console (the path
   of the console log; null: none). ERR_NOT_FOUND. */
int record_get(int64_t job, json_t **whole, struct err *err);

#endif
