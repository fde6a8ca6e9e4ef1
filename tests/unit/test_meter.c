// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/meter.h"

static const struct stage stages[] = {
	{.name = "a", .weight = 10},
	{.name = "b", .weight = 30},
	{.name = "c", .weight = 60},
	{0},
};

static void percent_is_of_the_whole_job(void **state)
{
	struct meter_reading reading;
	struct job_meter meter;

	(void)state;
	meter_begin(&meter, stages);
	meter_stage(&meter, 1);
	assert_true(meter_sample(&meter, 0, 100, 1000, &reading));
	assert_float_equal(reading.percent, 10, 0.01);
	assert_true(meter_sample(&meter, 50, 100, 2000, &reading));
	assert_float_equal(reading.percent, 25, 0.01);
	meter_stage(&meter, 2);
	assert_true(meter_sample(&meter, 200, 100, 3000, &reading));
	assert_float_equal(reading.percent, 100, 0.01);
}

static void rate_is_that_of_the_window(void **state)
{
	struct meter_reading reading = {0};
	struct job_meter meter;
	int64_t ms;

	(void)state;
	meter_begin(&meter, stages);
	meter_stage(&meter, 2);
	/* 10 s at 1000 a second, then 10 s at 100 a second. */
	for (ms = 0; ms <= 10000; ms += 200)
		meter_sample(&meter, (uint64_t)ms, 100000, ms, &reading);
	assert_float_equal(reading.rate, 1000, 1);
	for (; ms <= 20000; ms += 200)
		meter_sample(&meter, (uint64_t)(10000 + (ms - 10000) / 10), 100000, ms, &reading);
	assert_float_equal(reading.rate, 100, 2);
	assert_in_range(reading.eta_ms, 850000, 930000);
}

static void readings_are_paced(void **state)
{
	struct meter_reading reading;
	struct job_meter meter;

	(void)state;
	meter_begin(&meter, stages);
	meter_stage(&meter, 0);
	assert_true(meter_sample(&meter, 1, 10, 5000, &reading));
	assert_false(meter_sample(&meter, 2, 10, 5000 + METER_EVERY_MS - 1, &reading));
	assert_true(meter_sample(&meter, 3, 10, 5000 + METER_EVERY_MS, &reading));
	assert_true(meter_sample(&meter, 10, 10, 5000 + METER_EVERY_MS + 1, &reading));
	/* The end is told once, however often it is reported. */
	assert_false(meter_sample(&meter, 10, 10, 5000 + METER_EVERY_MS + 2, &reading));
}

static void unknown_total(void **state)
{
	struct meter_reading reading;
	struct job_meter meter;

	(void)state;
	meter_begin(&meter, stages);
	meter_stage(&meter, 0);
	meter_sample(&meter, 0, 0, 0, &reading);
	assert_true(meter_sample(&meter, 1000, 0, 1000, &reading));
	assert_float_equal(reading.percent, 0, 0.01);
	assert_int_equal(reading.eta_ms, -1);
	assert_float_equal(reading.rate, 1000, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percent_is_of_the_whole_job),
		cmocka_unit_test(rate_is_that_of_the_window),
		cmocka_unit_test(readings_are_paced),
		cmocka_unit_test(unknown_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
