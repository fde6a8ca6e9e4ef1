// SPDX-License-Identifier: MIT
#include "build/config.h"
#include "build/config_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

struct config_entry *config_find(const struct config *config, const char *name, int64_t index,
				 int64_t second)
{
	struct config_entry *entry;

	for (entry = config->entries; entry < config->entries + config->count; entry++)
		if (entry->index == index && entry->second == second &&
		    strcmp(entry->name, name) == 0)
			return entry;
	return NULL;
}

struct config_entry *config_entry(struct config *config, const char *name, int64_t index,
				  int64_t second)
{
	struct config_entry *entry = config_find(config, name, index, second);

	if (entry || config->count >= CONFIG_ENTRIES)
		return entry;
	if (config->count % 64 == 0)
		config->entries =
			xrealloc(config->entries, config->count + 64, sizeof(*config->entries));
	entry = &config->entries[config->count++];
	*entry = (struct config_entry){
		.name = xstrdup(name), .index = index, .second = second, .text = xstrdup("")};
	return entry;
}

void config_clear(struct config *config, const char *name)
{
	size_t kept = 0, i;

	for (i = 0; i < config->count; i++) {
		if (strcmp(config->entries[i].name, name) != 0) {
			config->entries[kept++] = config->entries[i];
			continue;
		}
		free(config->entries[i].name);
		free(config->entries[i].text);
	}
	/* The array keeps its size: config_entry() grows it at multiples of 64 only. */
	if (kept != config->count)
		config->entries =
			xrealloc(config->entries, (kept / 64 + 1) * 64, sizeof(*config->entries));
	config->count = kept;
}

void config_set(struct config *config, const char *name, const char *text)
{
	struct config_entry *entry = config_entry(config, name, 0, -1);

	if (!entry)
		return;
	free(entry->text);
	entry->text = xstrdup(text);
}

const char *config_environment(const struct config *config, const char *name)
{
	size_t length = strlen(name);
	char **entry;

	for (entry = config->environment; entry && *entry; entry++)
		if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
			return *entry + length + 1;
	return NULL;
}

const char *config_lookup(const struct config *config, const char *name, int64_t index,
			  int64_t second)
{
	struct config_entry *entry = config_find(config, name, index, second);

	if (entry) {
		entry->used = true;
		return entry->text;
	}
	return index == 0 && second < 0 ? config_environment(config, name) : NULL;
}

const char *config_text_pair(const struct config *config, const char *name, int64_t index,
			     int64_t second)
{
	struct config_entry *entry = config_find(config, name, index, second);

	return entry && *entry->text ? entry->text : NULL;
}

const char *config_text_at(const struct config *config, const char *name, int64_t index)
{
	return config_text_pair(config, name, index, -1);
}

const char *config_text(const struct config *config, const char *name)
{
	return config_text_at(config, name, 0);
}

int config_error(const struct config *config, const struct config_entry *entry, struct err *err,
		 const char *format, ...)
{
	char text[900];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!entry || !entry->line)
		return err_set(err, ERR_CONFIG, "%s: %s", config->path, text);
	return err_set(err, ERR_CONFIG, "%s:%u:%u: %s", config->path, entry->line, entry->column,
		       text);
}

int config_number(const struct config *config, const char *name, int64_t index, int64_t fallback,
		  int64_t *value, struct err *err)
{
	const struct config_entry *entry = config_find(config, name, index, -1);
	struct err why = {0};

	*value = fallback;
	if (!entry || !*entry->text)
		return 0;
	if (config_arithmetic(config, entry->text, value, &why) == 0)
		return 0;
	return config_error(config, entry, err, "%s is not a number: %s", name, why.text);
}

static char **copy_environment(const char *const *environment)
{
	size_t count = 0, i;
	char **copy;

	while (environment && environment[count])
		count++;
	copy = xcalloc(count + 1, sizeof(*copy));
	for (i = 0; i < count; i++)
		copy[i] = xstrdup(environment[i]);
	return copy;
}

int config_parse(struct config *config, const char *path, const char *text, size_t size,
		 const char *const *environment, struct err *err)
{
	int rc;

	*config = (struct config){.path = xstrdup(path)};
	config->environment = copy_environment(environment);
	rc = config_parse_text(config, text, size, err);
	if (rc < 0)
		config_free(config);
	return rc;
}

int config_read(struct config *config, const char *path, const char *const *environment,
		struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	int rc;

	*config = (struct config){0};
	rc = path_read(path, CONFIG_FILE, &text, err);
	if (rc < 0)
		return rc;
	return config_parse(config, path, buf_text(&text), text.size, environment, err);
}

void config_free(struct config *config)
{
	char **variable;
	size_t i;

	for (i = 0; i < config->count; i++) {
		free(config->entries[i].name);
		free(config->entries[i].text);
	}
	free(config->entries);
	for (variable = config->environment; variable && *variable; variable++)
		free(*variable);
	free(config->environment);
	free(config->path);
	*config = (struct config){0};
}
