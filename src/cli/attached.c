// SPDX-License-Identifier: MIT
#include "cli/attached.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/term.h"
#include "drivers/table.h"
#include "engine/board.h"
#include "engine/usb_match.h"
#include "io/usb.h"
#include "io/usb_udev.h"

#define LOOK_MS   5000 /* one look at a bus */
#define REMOTE_MS 250  /* between two looks at other machines' buses, which have no events */
#define BUSES_MAX 33   /* ours and those of as many machines */

/* One device that a driver knows. */
struct attached {
	struct usb_info info;
	const struct driver *driver;
	const struct usb_mode *mode;
	enum usb_fit fit;          /* of the mode: YES, or MAYBE */
	const struct board *board; /* whose it is; NULL: no board file says */
};

struct attached_list {
	struct attached *items;
	size_t count;
};

struct buses {
	struct usb_bus *items[BUSES_MAX];
	bool told[BUSES_MAX]; /* that it does not answer */
	size_t count;
};

static void buses_close(struct buses *buses)
{
	while (buses->count > 0)
		usb_bus_close(buses->items[--buses->count]);
}

static void list_free(struct attached_list *list)
{
	free(list->items);
}

static struct deadline one_look(const struct cli *cli)
{
	return deadline_of_cancel(cli->cancel_fd, LOOK_MS);
}

/* A machine that does not answer hides nothing of the others. */
static void open_bus(struct buses *buses, const struct cli *cli, const char *address)
{
	struct err err = {0};

	if (buses->count == BUSES_MAX)
		return;
	if (usb_bus_open(&buses->items[buses->count], address, one_look(cli), &err) == 0)
		buses->count++;
	else
		print_err(stderr, &err, term_has_colour(stderr));
}

static bool is_known(char *const *addresses, size_t count, const char *address)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(addresses[i], address) == 0)
			return true;
	return false;
}

static void open_buses(struct buses *buses, const struct cli *cli, const struct boards *boards)
{
	char *addresses[BUSES_MAX] = {xstrdup("usb:")};
	size_t count = 1, i;

	open_bus(buses, cli, NULL);
	for (i = 0; i < boards->count && count < BUSES_MAX; i++) {
		const char *path = yaml_text(boards->items[i].usb, "path", NULL);
		_cleanup_(freep) char *address = NULL;

		if (!path || usb_path_check(path, &address, NULL, NULL) < 0 ||
		    is_known(addresses, count, address))
			continue;
		open_bus(buses, cli, address);
		addresses[count++] = steal(address);
	}
	while (count > 0)
		free(addresses[--count]);
}

static const struct board *whose(const struct boards *boards, const struct usb_info *info)
{
	size_t i;

	for (i = 0; i < boards->count; i++)
		if (boards->items[i].usb && board_usb_match(&boards->items[i], info))
			return &boards->items[i];
	return NULL;
}

/* The driver and mode of a device. One that two drivers know belongs to the board's own, if there
   is one. */
static bool identify(struct attached *one, const struct boards *boards)
{
	const struct driver *const *driver;
	const struct usb_mode *mode;
	enum usb_fit fit;

	one->board = whose(boards, &one->info);
	for (driver = drivers; *driver; driver++) {
		bool own = one->board && one->board->driver == *driver;

		if (!(*driver)->usb_modes)
			continue;
		mode = usb_mode_best((*driver)->usb_modes, &one->info, &fit);
		if (!mode || (!own && fit <= one->fit))
			continue;
		one->driver = *driver;
		one->mode = mode;
		one->fit = fit;
		if (own)
			break;
	}
	return one->driver;
}

static void add_known(struct attached_list *list, const struct usb_info *infos, size_t count,
		      const struct boards *boards)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct attached one = {.info = infos[i]};

		if (!identify(&one, boards))
			continue;
		list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
		list->items[list->count++] = one;
	}
}

/* The first bus is this machine's. A device of another one is asked for its strings only when that
   is wanted: its server resets it when we leave it. A machine that does not answer is told of once.
 */
static int look_at_bus(struct attached_list *list, const struct cli *cli, struct buses *buses,
		       size_t index, const struct boards *boards, struct err *err)
{
	bool strings = index == 0 || args_flag(cli->args, "ask", false);
	_cleanup_(freep) struct usb_info *infos = NULL;
	size_t count = 0;
	int rc = usb_bus_list(buses->items[index], strings, &infos, &count, one_look(cli), err);

	if (rc == -ERR_CANCELLED || (rc < 0 && index == 0))
		return rc;
	if (rc < 0 && !buses->told[index])
		print_err(stderr, err, term_has_colour(stderr));
	buses->told[index] = rc < 0;
	add_known(list, infos, count, boards);
	return 0;
}

static int look(struct attached_list *list, const struct cli *cli, struct buses *buses,
		const struct boards *boards, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < buses->count; i++)
		rc = look_at_bus(list, cli, buses, i, boards, err);
	return rc;
}

/* "STM32MP boot ROM"; with a question mark where only its strings could tell. Owned by the caller.
 */
static char *what_of(const struct attached *one)
{
	return xasprintf("%s %s%s", one->mode->family, one->mode->mode,
			 one->fit == USB_FIT_YES ? "" : "?");
}

static char *rule_of(const struct attached *one)
{
	struct buf rule = {0};

	usb_udev_rule(&rule, one->info.vid, one->info.pid, (struct usb_class){0});
	return buf_steal(&rule);
}

static json_t *to_json(const struct attached *one)
{
	_cleanup_(freep) char *rule = one->info.denied ? rule_of(one) : NULL;
	const struct usb_info *info = &one->info;
	char id[16];

	snprintf(id, sizeof(id), "%04x:%04x", info->vid, info->pid);
	return json_pack("{so,ss,so,ss,ss,ss,ss,sb,so,so,sb,so}", "path", json_text(info->path),
			 "id", id, "serial", json_text(info->serial[0] ? info->serial : NULL),
			 "speed", usb_speed_name(info->speed), "driver", one->driver->name,
			 "family", one->mode->family, "mode", one->mode->mode, "sure",
			 one->fit == USB_FIT_YES, "product",
			 json_text(info->product[0] ? info->product : NULL), "board",
			 json_text(one->board ? one->board->name : NULL), "denied", info->denied,
			 "rule", json_text(rule));
}

/* Widths of the columns that differ from machine to machine. */
struct columns {
	int path, serial, what;
};

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = (int)strlen(text);
}

static void print_cell(FILE *out, const char *text, int width)
{
	print_clean(out, text, 0);
	fprintf(out, "%*s", width - (int)strlen(text) + 2, "");
}

static const char *serial_of(const struct attached *one)
{
	return one->info.serial[0] ? one->info.serial : "-";
}

static struct columns measure(const struct attached *items, size_t count)
{
	struct columns columns = {4, 6, 4};
	size_t i;

	for (i = 0; i < count; i++) {
		_cleanup_(freep) char *what = what_of(&items[i]);

		widen(&columns.path, items[i].info.path);
		widen(&columns.serial, serial_of(&items[i]));
		widen(&columns.what, what);
	}
	return columns;
}

static void print_device(FILE *out, const char *sign, const struct attached *one,
			 struct columns columns)
{
	_cleanup_(freep) char *what = what_of(one);
	_cleanup_(freep) char *rule = one->info.denied ? rule_of(one) : NULL;
	const struct usb_info *info = &one->info;

	fputs(sign, out);
	print_cell(out, info->path, columns.path);
	fprintf(out, "%04x:%04x  %-7s  ", info->vid, info->pid, usb_speed_name(info->speed));
	print_cell(out, serial_of(one), columns.serial);
	print_cell(out, what, columns.what);
	fprintf(out, "%-9s  %s\n", one->driver->name, one->board ? one->board->name : "-");
	if (rule)
		fprintf(out,
			"    you may not open it: as root, 'aboard doctor --install-udev', or put "
			"this into %s:\n    %s\n",
			USB_UDEV_FILE, rule);
}

static void print_table(FILE *out, const struct attached_list *list)
{
	struct columns columns = measure(list->items, list->count);
	size_t i;

	if (list->count)
		fprintf(out, "%-*s  %-9s  %-7s  %-*s  %-*s  %-9s  %s\n", columns.path, "port", "id",
			"speed", columns.serial, "serial", columns.what, "what", "driver", "board");
	for (i = 0; i < list->count; i++)
		print_device(out, "", &list->items[i], columns);
}

int attached_list(struct cli *cli, struct err *err)
{
	_cleanup_(list_free) struct attached_list list = {0};
	_cleanup_(buses_close) struct buses buses = {0};
	_cleanup_(boards_free) struct boards boards = {0};
	json_t *rows = json_array();
	size_t i;
	int rc = boards_load(&boards, cli->boards_file, drivers, err);

	if (rc == 0) {
		open_buses(&buses, cli, &boards);
		rc = look(&list, cli, &buses, &boards, err);
	}
	for (i = 0; rc == 0 && i < list.count; i++)
		json_array_append_new(rows, to_json(&list.items[i]));
	if (rc == 0 && cli->json)
		json_print(stdout, json_incref(rows));
	else if (rc == 0)
		print_table(stdout, &list);
	if (!cli->json && rc == 0 && list.count == 0 && !cli->quiet)
		fputs("aboard: no device that a driver knows is attached\n", stderr);
	json_decref(rows);
	return rc;
}

static void tell(const struct cli *cli, const char *what, const char *sign,
		 const struct attached *one)
{
	json_t *row;

	if (cli->json) {
		row = to_json(one);
		json_object_set_new(row, "event", json_string(what));
		json_print(stdout, row);
	} else {
		print_device(stdout, sign, one, measure(one, 1));
	}
	fflush(stdout);
}

static struct attached *find(const struct attached_list *list, const struct usb_info *info)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i].info.path, info->path) == 0 &&
		    list->items[i].info.address == info->address)
			return &list->items[i];
	return NULL;
}

/* What went first, so that a device that has enumerated anew goes before it comes. */
static void tell_changes(const struct cli *cli, struct attached_list *before,
			 const struct attached_list *now)
{
	size_t i;

	for (i = 0; i < before->count; i++)
		if (!find(now, &before->items[i].info))
			tell(cli, "left", "- ", &before->items[i]);
	for (i = 0; i < now->count; i++)
		if (!find(before, &now->items[i].info))
			tell(cli, "attached", "+ ", &now->items[i]);
}

/* The first bus is this machine's, and has events. */
static int wait_for_change(const struct cli *cli, const struct buses *buses, struct err *err)
{
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = cli->cancel_fd};
	int rc;

	if (buses->count == 0)
		return err_set(err, ERR_HOST, "there is no USB bus to watch");
	if (buses->count > 1)
		deadline = deadline_in(deadline, REMOTE_MS);
	rc = usb_bus_wait(buses->items[0], deadline, err);
	return rc == -ERR_TIMEOUT ? 0 : rc;
}

int attached_watch(struct cli *cli, struct err *err)
{
	_cleanup_(list_free) struct attached_list before = {0};
	_cleanup_(buses_close) struct buses buses = {0};
	_cleanup_(boards_free) struct boards boards = {0};
	int rc = boards_load(&boards, cli->boards_file, drivers, err);

	if (rc == 0)
		open_buses(&buses, cli, &boards);
	while (rc == 0) {
		struct attached_list now = {0};

		rc = look(&now, cli, &buses, &boards, err);
		if (rc == 0)
			tell_changes(cli, &before, &now);
		list_free(&before);
		before = now;
		if (rc == 0)
			rc = wait_for_change(cli, &buses, err);
	}
	return rc == -ERR_CANCELLED ? 0 : rc;
}

int attached_access(const struct cli *cli, struct attached_access *access, struct err *err)
{
	_cleanup_(list_free) struct attached_list list = {0};
	_cleanup_(buses_close) struct buses buses = {0};
	struct boards none = {0};
	size_t i;
	int rc;

	*access = (struct attached_access){0};
	open_bus(&buses, cli, NULL);
	rc = look(&list, cli, &buses, &none, err);
	access->count = list.count;
	for (i = 0; i < list.count; i++) {
		if (!list.items[i].info.denied)
			continue;
		if (access->denied++ == 0)
			access->rule = rule_of(&list.items[i]);
	}
	return rc;
}

static bool is_covered(const struct buf *rules, const struct usb_mode *mode)
{
	_cleanup_(buf_free) struct buf rule = {0};

	usb_udev_rule(&rule, mode->vid, mode->pid, mode->interface);
	return strstr(buf_text(rules), buf_text(&rule));
}

char *attached_rules(void)
{
	const struct driver *const *driver;
	const struct usb_mode *mode;
	struct buf rules = {0};

	buf_addf(&rules, "# Made by 'aboard doctor --install-udev': devices that aboard knows.\n");
	for (driver = drivers; *driver; driver++) {
		for (mode = (*driver)->usb_modes; mode && mode->mode; mode++) {
			if (is_covered(&rules, mode))
				continue;
			buf_addf(&rules, "# %s %s\n", mode->family, mode->mode);
			usb_udev_rule(&rules, mode->vid, mode->pid, mode->interface);
			buf_add_char(&rules, '\n');
		}
	}
	return buf_steal(&rules);
}
