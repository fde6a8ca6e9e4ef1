// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

#define SECRET_MAX ((size_t)64 << 10)
#define HIDE_MIN   4

struct secrets {
	const struct yaml *map;
	pthread_mutex_t *lock; /* a server's thread logs while the driver reads a secret */
	char **values;         /* all that were read or remembered, each once, longest first */
	size_t count;
};

static const struct key place_keys[] = {
	{"env", KEY_TEXT, false, NULL, "environment variable that holds the secret", NULL},
	{"file", KEY_TEXT, false, NULL, "file that holds the secret", NULL},
	{0},
};

int secrets_new(struct secrets **secrets, const struct yaml *map, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; map && i < map->count; i++) {
		rc = yaml_check(map->items[i], place_keys, err);
		if (rc < 0)
			return rc;
		if (map->items[i]->count != 1)
			return yaml_err(map->items[i], err, "give either 'env' or 'file'");
	}
	*secrets = xcalloc(1, sizeof(**secrets));
	(*secrets)->map = map;
	(*secrets)->lock = xmalloc(sizeof(pthread_mutex_t));
	pthread_mutex_init((*secrets)->lock, NULL);
	return 0;
}

void secrets_free(struct secrets *secrets)
{
	size_t i;

	if (!secrets)
		return;
	for (i = 0; i < secrets->count; i++) {
		explicit_bzero(secrets->values[i], strlen(secrets->values[i]));
		free(secrets->values[i]);
	}
	free(secrets->values);
	pthread_mutex_destroy(secrets->lock);
	free(secrets->lock);
	free(secrets);
}

/* Longest first: hiding "hunter2" in "hunter22" would leave the rest of the longer one to be read.
 */
static const char *insert(struct secrets *secrets, const char *value)
{
	size_t i = 0, length = strlen(value);

	while (i < secrets->count && strlen(secrets->values[i]) > length)
		i++;
	secrets->values = xrealloc(secrets->values, secrets->count + 1, sizeof(*secrets->values));
	memmove(secrets->values + i + 1, secrets->values + i,
		(secrets->count - i) * sizeof(*secrets->values));
	secrets->count++;
	return secrets->values[i] = xstrdup(value);
}

static const char *remember(struct secrets *secrets, const char *value)
{
	const char *kept = NULL;
	size_t i;

	pthread_mutex_lock(secrets->lock);
	for (i = 0; i < secrets->count && !kept; i++)
		if (strcmp(secrets->values[i], value) == 0)
			kept = secrets->values[i];
	if (!kept)
		kept = insert(secrets, value);
	pthread_mutex_unlock(secrets->lock);
	return kept;
}

void secrets_remember(struct secrets *secrets, const char *value)
{
	remember(secrets, value);
}

static int read_file(const struct yaml *place, const char *name, struct buf *out, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(place->file);
	_cleanup_(freep) char *path = path_join(folder, name);
	int rc = path_read(path, SECRET_MAX, out, err);

	if (rc < 0)
		return err_prefix(err, "%s:%u: secret '%s'", place->file, place->line, place->key);
	while (out->size && strchr("\r\n", out->data[out->size - 1]))
		out->data[--out->size] = '\0';
	return 0;
}

int secrets_get(struct secrets *secrets, const char *name, const char **value, struct err *err)
{
	const struct yaml *place = yaml_get(secrets->map, name);
	_cleanup_(buf_free) struct buf text = {0};
	const char *variable, *found;
	int rc;

	if (!place)
		return err_set(err, ERR_CONFIG, "the board file has no secret '%s'", name);
	variable = yaml_text(place, "env", NULL);
	if (variable) {
		found = getenv(variable);
		if (!found)
			return yaml_err(place, err, "secret '%s': the environment has no %s", name,
					variable);
		*value = remember(secrets, found);
	} else {
		rc = read_file(place, yaml_text(place, "file", ""), &text, err);
		if (rc < 0)
			return rc;
		*value = remember(secrets, buf_text(&text));
	}
	return 0;
}

static void hide_one(const char *value, struct buf *text)
{
	struct buf clean = {.max = text->max};
	const char *rest = buf_text(text), *hit;

	while ((hit = strstr(rest, value))) {
		buf_add(&clean, rest, (size_t)(hit - rest));
		buf_add_text(&clean, "***");
		rest = hit + strlen(value);
	}
	buf_add_text(&clean, rest);
	buf_free(text);
	*text = clean;
}

void secrets_hide(const struct secrets *secrets, struct buf *text)
{
	size_t i;

	if (!secrets)
		return;
	pthread_mutex_lock(secrets->lock);
	for (i = 0; i < secrets->count; i++)
		if (strlen(secrets->values[i]) >= HIDE_MIN &&
		    strstr(buf_text(text), secrets->values[i]))
			hide_one(secrets->values[i], text);
	pthread_mutex_unlock(secrets->lock);
}
