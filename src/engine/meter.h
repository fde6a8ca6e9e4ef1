// SPDX-License-Identifier: MIT
/*
 * Turns how far a stage is into what people want to see: percent of the whole job, rate and time
 * left. Pure: the time is a parameter.
 */
#ifndef ABOARD_ENGINE_METER_H
#define ABOARD_ENGINE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/driver.h"

/* The rate is that of the last seconds, because storage gets slower when its cache is full. */
#define METER_SAMPLES   32
#define METER_WINDOW_MS 5000
#define METER_EVERY_MS  100

struct job_meter {
	const struct stage *stages;
	size_t stage;  /* index of the running one */
	double whole;  /* sum of the weights */
	double before; /* sum of the weights of the stages before the running one */
	struct {
		int64_t ms;
		uint64_t done;
	} samples[METER_SAMPLES]; /* a ring */
	size_t sample_count;
	bool ended;       /* done == total was given */
	int64_t shown_ms; /* when the last reading was given */
};

struct meter_reading {
	double percent; /* of the whole job, 0..100 */
	double rate;    /* units a second; 0: not known yet */
	int64_t eta_ms; /* of the stage; -1: not known */
};

void meter_begin(struct job_meter *meter, const struct stage *stages);

/* A stage begins (also again). */
void meter_stage(struct job_meter *meter, size_t stage);

/* Takes a sample; true when a reading is due: every METER_EVERY_MS, and at the end (done == total).
 */
bool meter_sample(struct job_meter *meter, uint64_t done, uint64_t total, int64_t now_ms,
		  struct meter_reading *reading);

#endif
