// SPDX-License-Identifier: MIT
#include "engine/meter.h"

void meter_begin(struct job_meter *meter, const struct stage *stages)
{
	*meter = (struct job_meter){.stages = stages};
	for (; stages->name; stages++)
		meter->whole += stages->weight;
}

void meter_stage(struct job_meter *meter, size_t stage)
{
	size_t i;

	meter->stage = stage;
	meter->sample_count = 0;
	meter->ended = false;
	meter->shown_ms = 0;
	meter->before = 0;
	for (i = 0; i < stage; i++)
		meter->before += meter->stages[i].weight;
}

/* The oldest sample that is still in the ring and in the window; the ring's newest one is the last
 * taken. */
static size_t oldest(const struct job_meter *meter, int64_t now_ms)
{
	size_t first =
		meter->sample_count > METER_SAMPLES ? meter->sample_count - METER_SAMPLES : 0;

	while (first + 1 < meter->sample_count &&
	       meter->samples[first % METER_SAMPLES].ms < now_ms - METER_WINDOW_MS)
		first++;
	return first % METER_SAMPLES;
}

static double rate_of(const struct job_meter *meter, uint64_t done, int64_t now_ms)
{
	size_t first = oldest(meter, now_ms);
	int64_t ms = now_ms - meter->samples[first].ms;

	if (ms <= 0 || done < meter->samples[first].done)
		return 0;
	return (double)(done - meter->samples[first].done) * 1000 / (double)ms;
}

static void read_meter(const struct job_meter *meter, uint64_t done, uint64_t total, int64_t now_ms,
		       struct meter_reading *reading)
{
	double part = total ? (double)done / (double)total : 0;

	if (part > 1)
		part = 1;
	reading->percent = 0;
	if (meter->whole > 0)
		reading->percent = (meter->before + meter->stages[meter->stage].weight * part) /
				   meter->whole * 100;
	reading->rate = rate_of(meter, done, now_ms);
	reading->eta_ms = -1;
	if (total >= done && total && reading->rate > 0)
		reading->eta_ms = (int64_t)((double)(total - done) / reading->rate * 1000);
}

bool meter_sample(struct job_meter *meter, uint64_t done, uint64_t total, int64_t now_ms,
		  struct meter_reading *reading)
{
	bool last = total && done >= total && !meter->ended;
	bool due = last || !meter->sample_count || now_ms - meter->shown_ms >= METER_EVERY_MS;

	if (!due)
		return false;
	meter->samples[meter->sample_count % METER_SAMPLES].ms = now_ms;
	meter->samples[meter->sample_count % METER_SAMPLES].done = done;
	meter->sample_count++;
	meter->shown_ms = now_ms;
	meter->ended |= last;
	read_meter(meter, done, total, now_ms, reading);
	return true;
}
