// SPDX-License-Identifier: MIT
/*
 * U-Boot's environment: names and values.
 */
#ifndef ABOARD_SIM_ENV_H
#define ABOARD_SIM_ENV_H

#include <stddef.h>

struct env {
	char **names, **values; /* owned */
	size_t count;
};

const char *env_get(const struct env *env, const char *name);       /* NULL: not set */
void env_set(struct env *env, const char *name, const char *value); /* NULL or "": unset */
void env_free(struct env *env);

#endif
