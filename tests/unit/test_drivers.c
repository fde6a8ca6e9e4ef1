// SPDX-License-Identifier: MIT
/* What the engine takes for granted of every driver's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "drivers/table.h"

static const struct key *find_timeout(const struct driver *driver, const char *name)
{
	const struct key *key;

	for (key = driver->timeouts; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

/* A stage without a deadline of its own would be over before it begins. */
static void check_deadlines(const struct driver *driver, const struct stage *stage)
{
	const struct key *timeout;
	int64_t ms;

	for (; stage->name; stage++) {
		timeout = find_timeout(driver, stage->name);
		if (!timeout || !timeout->fallback || !text_duration(timeout->fallback, &ms))
			fail_msg("%s: stage '%s' has no timeout", driver->name, stage->name);
	}
}

/* Going back is going back: to a stage that was there before. */
static void check_restarts(const struct driver *driver, const struct stage *stages)
{
	size_t i, j;

	for (i = 0; stages[i].name; i++) {
		if (!stages[i].restart)
			continue;
		for (j = 0; j < i && strcmp(stages[j].name, stages[i].restart) != 0; j++)
			;
		if (j == i)
			fail_msg("%s: '%s' goes back to '%s', which is no earlier stage",
				 driver->name, stages[i].name, stages[i].restart);
	}
}

static void test_stages(void **state)
{
	const struct driver *const *driver;
	const struct work *work;

	(void)state;
	for (driver = drivers; *driver; driver++) {
		for (work = (*driver)->works; work->verb; work++) {
			check_deadlines(*driver, work->stages);
			check_restarts(*driver, work->stages);
		}
	}
}

/* A mode that nothing narrows down would take any device for a board. */
static void test_usb_modes(void **state)
{
	const struct driver *const *driver;
	const struct usb_mode *mode;

	(void)state;
	for (driver = drivers; *driver; driver++)
		for (mode = (*driver)->usb_modes; mode && mode->mode; mode++)
			if (!mode->family || (!mode->vid && !mode->interface.class))
				fail_msg("%s: '%s' is any device", (*driver)->name, mode->mode);
}

static void test_names(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; drivers[i]; i++) {
		assert_true(drivers[i]->summary && *drivers[i]->summary);
		for (j = 0; j < i; j++)
			assert_string_not_equal(drivers[i]->name, drivers[j]->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_usb_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
