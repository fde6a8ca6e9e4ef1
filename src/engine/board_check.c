// SPDX-License-Identifier: MIT
#include "engine/board_check.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/driver.h"

#define NAME_MAX_LENGTH 64

int board_suggest(struct err *err, const char *word, const char *const *words)
{
	const char *near = text_nearest(word, words);
	_cleanup_(buf_free) struct buf list = {0};
	size_t i;

	for (i = 0; words[i]; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", words[i]);
	if (near)
		return err_remedy(err, "did you mean '%s'? known: %s", near, buf_text(&list));
	return err_remedy(err, "known: %s", buf_text(&list));
}

/* `KEY: TEXT` becomes `KEY: {INNER: TEXT}`. */
static void put_in_form(struct yaml *node, const char *key, const char *inner)
{
	struct yaml *outer = NULL, *child;
	size_t i;

	for (i = 0; i < node->count; i++)
		if (yaml_get(node, key) == node->items[i])
			outer = node->items[i];
	if (!outer || outer->kind != YAML_SCALAR)
		return;
	child = xmemdup(outer, sizeof(*outer));
	child->key = xstrdup(inner);
	outer->kind = YAML_MAP;
	outer->text = NULL;
	outer->items = xcalloc(1, sizeof(struct yaml *));
	outer->items[0] = child;
	outer->count = 1;
}

static size_t count_drivers(const struct driver *const *drivers)
{
	size_t count = 0;

	while (drivers[count])
		count++;
	return count;
}

static const struct driver *find_driver(const struct driver *const *drivers, const char *name)
{
	for (; name && *drivers; drivers++)
		if (strcmp((*drivers)->name, name) == 0)
			return *drivers;
	return NULL;
}

/* The common keys, and one mapping under each driver's name; only that of the board's own driver is
 * looked into. */
static int check_keys(const struct yaml *node, const struct driver *const *drivers,
		      const struct driver *own, struct err *err)
{
	_cleanup_(freep) struct key *keys = NULL;
	size_t common = 0, i;

	while (board_keys[common].name)
		common++;
	keys = xcalloc(common + count_drivers(drivers) + 1, sizeof(*keys));
	memcpy(keys, board_keys, common * sizeof(*keys));
	for (i = 0; drivers[i]; i++)
		keys[common + i] = (struct key){.name = drivers[i]->name,
						.type = KEY_MAP,
						.help = drivers[i]->summary,
						.sub = drivers[i] == own ? own->keys : NULL};
	return yaml_check(node, keys, err);
}

static int unknown_driver(const struct yaml *node, const struct driver *const *drivers,
			  struct err *err)
{
	_cleanup_(freep) const char **names = xcalloc(count_drivers(drivers) + 1, sizeof(*names));
	const struct yaml *driver = yaml_get(node, "driver");
	size_t i;

	for (i = 0; drivers[i]; i++)
		names[i] = drivers[i]->name;
	yaml_err(driver, err, "unknown driver '%s'", driver->text);
	return board_suggest(err, driver->text, names);
}

static int check_other_drivers(const struct yaml *node, const struct driver *const *drivers,
			       const struct driver *own, struct err *err)
{
	const struct yaml *other;

	for (; *drivers; drivers++) {
		other = *drivers == own ? NULL : yaml_get(node, (*drivers)->name);
		if (!other)
			continue;
		yaml_err(other, err, "'%s' is for boards of that driver", other->key);
		return err_remedy(err, "this board's driver is '%s'", own->name);
	}
	return 0;
}

static int check_required(const struct yaml *node, const struct driver *own, struct err *err)
{
	const struct key *key;

	if (yaml_get(node, own->name))
		return 0;
	for (key = own->keys; key && key->name; key++)
		if (key->required)
			return yaml_err(node, err, "'%s: {%s: ...}' is missing (%s)", own->name,
					key->name, key->help);
	return 0;
}

static bool is_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name) &&
	       isalnum((unsigned char)*name) && strlen(name) <= NAME_MAX_LENGTH;
}

/* A name is part of file names and of command lines. */
static int check_name(const struct yaml *node, struct err *err)
{
	const struct yaml *name = yaml_get(node, "name");

	if (is_name(name->text))
		return 0;
	yaml_err(name, err, "'%s' cannot be the name of a board", name->text);
	return err_remedy(err,
			  "use up to %d of a-z, 0-9, '.', '_' and '-', beginning with a letter or "
			  "a digit",
			  NAME_MAX_LENGTH);
}

static int check_serial(const struct yaml *serial, struct err *err)
{
	uint64_t baud = yaml_uint(serial, "baud", 115200);

	if (serial && !*yaml_text(serial, "url", ""))
		return yaml_err(serial, err, "the address of the console is empty");
	if (baud == 0 || baud > UINT_MAX)
		return yaml_err(yaml_get(serial, "baud"), err, "%s is not a speed",
				yaml_text(serial, "baud", ""));
	return 0;
}

static int check_power(const struct yaml *power, struct err *err)
{
	const struct yaml *type = yaml_get(power, "type");

	if (power && !type)
		return yaml_err(power, err, "'type' is missing (the way to switch power)");
	if (type && type->kind != YAML_SCALAR)
		return yaml_err(type, err, "'type' must be a text");
	return 0;
}

static int check_bundle(const struct yaml *bundle, struct err *err)
{
	if (bundle && !*yaml_text(bundle, "ref", ""))
		return yaml_err(bundle, err, "the reference of the bundle is empty");
	return 0;
}

static int check_targets(const struct yaml *targets, struct err *err)
{
	size_t i;

	for (i = 0; targets && i < targets->count; i++)
		if (!*yaml_text(targets, targets->items[i]->key, ""))
			return yaml_err(targets->items[i], err, "the target '%s' has no selector",
					targets->items[i]->key);
	return 0;
}

static int check_secret_name(const struct yaml *name, const struct yaml *secrets, struct err *err)
{
	_cleanup_(freep) const char **names = NULL;
	size_t i;

	if (!name || yaml_get(secrets, name->text))
		return 0;
	yaml_err(name, err, "'secrets' has no '%s'", name->text);
	if (!secrets)
		return err_remedy(err,
				  "add 'secrets: {%s: {env: VARIABLE}}', or {file: PATH} with the "
				  "file that holds it",
				  name->text);
	names = xcalloc(secrets->count + 1, sizeof(*names));
	for (i = 0; i < secrets->count; i++)
		names[i] = secrets->items[i]->key;
	return board_suggest(err, name->text, names);
}

/* Every KEY_SECRET of a checked mapping must name an entry of `secrets`. */
static int check_secret_names(const struct yaml *map, const struct key *keys,
			      const struct yaml *secrets, struct err *err)
{
	const struct yaml *node;
	size_t i;
	int rc = 0;

	for (; rc == 0 && map && keys && keys->name; keys++) {
		node = yaml_get(map, keys->name);
		if (keys->type == KEY_SECRET)
			rc = check_secret_name(node, secrets, err);
		else if (keys->type == KEY_MAP)
			rc = check_secret_names(node, keys->sub, secrets, err);
		else if (keys->type == KEY_LIST)
			for (i = 0; rc == 0 && node && i < node->count; i++)
				rc = check_secret_names(node->items[i], keys->sub, secrets, err);
	}
	return rc;
}

static int check_parts(const struct board *board, struct err *err)
{
	static const struct key no_keys[] = {{0}};
	const struct key *timeouts = board->driver->timeouts ? board->driver->timeouts : no_keys;
	int rc = check_name(board->node, err);

	if (rc == 0)
		rc = check_serial(yaml_get(board->node, "serial"), err);
	if (rc == 0)
		rc = check_power(board->power, err);
	if (rc == 0)
		rc = board_check_network(board->network, err);
	if (rc == 0)
		rc = board_check_usb(board->usb, err);
	if (rc == 0)
		rc = check_bundle(board->bundle, err);
	if (rc == 0)
		rc = check_targets(board->targets, err);
	if (rc == 0 && board->timeouts)
		rc = yaml_check(board->timeouts, timeouts, err);
	if (rc == 0)
		rc = check_secret_names(board->own, board->driver->keys,
					yaml_get(board->node, "secrets"), err);
	return rc;
}

static void find_parts(struct board *board)
{
	const struct yaml *serial = yaml_get(board->node, "serial");

	board->name = yaml_text(board->node, "name", NULL);
	board->labels = yaml_get(board->node, "labels");
	board->serial = yaml_text(serial, "url", NULL);
	board->baud = (unsigned int)yaml_uint(serial, "baud", 0);
	board->usb = yaml_get(board->node, "usb");
	board->power = yaml_get(board->node, "power");
	board->network = yaml_get(board->node, "network");
	board->bundle = yaml_get(board->node, "bundle");
	board->default_target = yaml_text(board->node, "default_target", NULL);
	board->targets = yaml_get(board->node, "targets");
	board->timeouts = yaml_get(board->node, "timeouts");
	board->own = yaml_get(board->node, board->driver->name);
}

static int open_secrets(struct board *board, struct err *err)
{
	const struct yaml *map = yaml_get(board->node, "secrets");
	int rc = secrets_new(&board->secrets, map, err);

	if (rc < 0 && err && !err->remedy[0])
		return err_remedy(err,
				  "write NAME: {env: VARIABLE} or NAME: {file: PATH}; a secret "
				  "itself is never written in a board file");
	return rc;
}

int board_read(struct board *board, struct yaml *node, const struct driver *const *drivers,
	       struct err *err)
{
	int rc;

	put_in_form(node, "serial", "url");
	put_in_form(node, "usb", "path");
	put_in_form(node, "bundle", "ref");
	*board = (struct board){.node = node};
	board->driver = find_driver(drivers, yaml_text(node, "driver", NULL));
	rc = check_keys(node, drivers, board->driver, err);
	if (rc < 0)
		return rc;
	if (!board->driver)
		return unknown_driver(node, drivers, err);
	rc = check_other_drivers(node, drivers, board->driver, err);
	if (rc == 0)
		rc = check_required(node, board->driver, err);
	if (rc < 0)
		return rc;
	find_parts(board);
	rc = check_parts(board, err);
	return rc < 0 ? rc : open_secrets(board, err);
}
