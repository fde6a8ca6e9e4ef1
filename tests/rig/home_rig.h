// SPDX-License-Identifier: MIT
/* A home folder of its own for each test: ABOARD_HOME is a new folder, which is removed afterwards.
   For cmocka_unit_test_setup_teardown(test, home_set_up, home_tear_down); *state is its path. */
#ifndef ABOARD_TESTS_RIG_HOME_RIG_H
#define ABOARD_TESTS_RIG_HOME_RIG_H

#include <stdlib.h>

#include "base/mem.h"
#include "base/path.h"

static inline int home_set_up(void **state)
{
	char *root = xstrdup("/tmp/aboard-test.XXXXXX");

	*state = root;
	return mkdtemp(root) ? setenv("ABOARD_HOME", root, 1) : -1;
}

static inline int home_tear_down(void **state)
{
	_cleanup_(freep) char *root = *state;
	struct err err;

	unsetenv("ABOARD_HOME");
	return path_remove_tree(root, &err);
}

#endif
