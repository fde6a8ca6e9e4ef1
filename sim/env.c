// SPDX-License-Identifier: MIT
#include "sim/env.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

static size_t find(const struct env *env, const char *name)
{
	size_t i;

	for (i = 0; i < env->count; i++)
		if (text_equal(env->names[i], name))
			break;
	return i;
}

const char *env_get(const struct env *env, const char *name)
{
	size_t i = find(env, name);

	return i < env->count ? env->values[i] : NULL;
}

static void drop(struct env *env, size_t i)
{
	free(env->names[i]);
	free(env->values[i]);
	env->count--;
	env->names[i] = env->names[env->count];
	env->values[i] = env->values[env->count];
}

void env_set(struct env *env, const char *name, const char *value)
{
	size_t i = find(env, name);
	char *copy;

	if (!value || !value[0]) {
		if (i < env->count)
			drop(env, i);
		return;
	}
	copy = xstrdup(value); /* it may be the old one */
	if (i == env->count) {
		env->names = xrealloc(env->names, i + 1, sizeof(char *));
		env->values = xrealloc(env->values, i + 1, sizeof(char *));
		env->names[i] = xstrdup(name);
		env->count++;
	} else {
		free(env->values[i]);
	}
	env->values[i] = copy;
}

void env_free(struct env *env)
{
	while (env->count)
		drop(env, env->count - 1);
	free(env->names);
	free(env->values);
	*env = (struct env){0};
}
