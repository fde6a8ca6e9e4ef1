// SPDX-License-Identifier: MIT
/* A USB device as a program, for tests on real buses and real USB/IP servers:

     usb-tool PATH [VERB [ARGUMENT]]...
	 list                   what is attached to the bus of PATH, one a line
	 wait                   until the device is there
	 absent                 until it is not
	 open                   waits for nothing
	 info                   ids, speed, strings, interfaces
	 disk                   claims its mass storage interface and asks who it is (INQUIRY)
	 idle                   takes back a transfer that does not end, then asks again
	 two                    two transfers in flight at once, in the order of INQUIRY's phases
	 reset
	 gone                   until it has left, while it is open
	 close

   In their order, until one fails: then the kind of error and its text go to standard output, the
   remedy behind them; the exit status is that of aboard. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/usb.h"
#include "io/usb_descriptors.h"

struct tool {
	struct usb_bus *bus;
	struct usb_device *usb;
	struct usb_alt disk;
	char path[USB_PATH];
	uint32_t tag;
};

static struct deadline soon(void)
{
	return deadline_in(DEADLINE_NEVER, 20000);
}

static int list(struct tool *tool, struct usb_info **infos, size_t *count, struct err *err)
{
	return usb_bus_list(tool->bus, false, infos, count, soon(), err);
}

static void print_info(const struct usb_info *info)
{
	size_t i;

	printf("%04x:%04x %s '%s' '%s' '%s'", info->vid, info->pid, usb_speed_name(info->speed),
	       info->manufacturer, info->product, info->serial);
	for (i = 0; i < info->interface_count; i++)
		printf(" %02x/%02x/%02x", info->interfaces[i].class, info->interfaces[i].subclass,
		       info->interfaces[i].protocol);
	printf("%s\n", info->denied ? " denied" : "");
}

static int do_list(struct tool *tool, struct err *err)
{
	_cleanup_(freep) struct usb_info *infos = NULL;
	size_t count, i;
	int rc = list(tool, &infos, &count, err);

	for (i = 0; i < count; i++) {
		printf("%s ", infos[i].path);
		print_info(&infos[i]);
	}
	return rc;
}

static int look(struct tool *tool, struct usb_info *info, bool *there, struct err *err)
{
	_cleanup_(freep) struct usb_info *infos = NULL;
	size_t count, i;
	int rc = list(tool, &infos, &count, err);

	*there = false;
	for (i = 0; i < count; i++) {
		if (strcmp(infos[i].path, tool->path) != 0)
			continue;
		*there = true;
		*info = infos[i];
	}
	return rc;
}

static int wait_until(struct tool *tool, bool wanted, struct err *err)
{
	struct deadline deadline = soon();
	struct usb_info info;
	bool there = !wanted;
	int rc;

	for (;;) {
		rc = look(tool, &info, &there, err);
		if (rc < 0 || there == wanted)
			return rc;
		rc = usb_bus_wait(tool->bus, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static int do_wait(struct tool *tool, struct err *err)
{
	return wait_until(tool, true, err);
}

static int do_absent(struct tool *tool, struct err *err)
{
	return wait_until(tool, false, err);
}

static int do_open(struct tool *tool, struct err *err)
{
	struct usb_info info;
	bool there;
	int rc = look(tool, &info, &there, err);

	if (rc == 0 && !there)
		rc = err_set(err, ERR_NOT_FOUND, "%s is not there", tool->path);
	return rc < 0 ? rc : usb_open(&tool->usb, tool->bus, &info, soon(), err);
}

static int do_info(struct tool *tool, struct err *err)
{
	(void)err;
	print_info(&tool->usb->info);
	return 0;
}

#define INQUIRY_SIZE 36

/* Command block wrapper of an INQUIRY (USB mass storage, bulk-only, section 5.1). */
static void put_command(struct tool *tool, uint8_t out[31])
{
	memset(out, 0, 31);
	put_le32(out, 0x43425355);
	put_le32(out + 4, ++tool->tag);
	put_le32(out + 8, INQUIRY_SIZE);
	out[12] = 0x80;
	out[14] = 6;
	out[15] = 0x12;
	out[19] = INQUIRY_SIZE;
}

static int check_status(const struct tool *tool, const uint8_t status[13], struct err *err)
{
	if (le32(status) == 0x53425355 && le32(status + 4) == tool->tag && !status[12])
		return 0;
	return err_set(err, ERR_BOARD, "the status of the command is not good");
}

static int inquire(struct tool *tool, struct err *err)
{
	uint8_t command[31], answer[INQUIRY_SIZE], status[13];
	int rc;

	put_command(tool, command);
	rc = usb_bulk(tool->usb, tool->disk.bulk_out, command, 31, NULL, soon(), err);
	if (rc == 0)
		rc = usb_bulk(tool->usb, tool->disk.bulk_in, answer, sizeof(answer), NULL, soon(),
			      err);
	if (rc == 0)
		rc = usb_bulk(tool->usb, tool->disk.bulk_in, status, sizeof(status), NULL, soon(),
			      err);
	if (rc == 0)
		printf("%.8s%.16s\n", (const char *)answer + 8, (const char *)answer + 16);
	return rc < 0 ? rc : check_status(tool, status, err);
}

static int do_disk(struct tool *tool, struct err *err)
{
	_cleanup_(buf_free) struct buf bytes = {0};
	int rc = usb_configuration(tool->usb, 0, &bytes, soon(), err);

	if (rc < 0)
		return rc;
	usb_alts((const uint8_t *)bytes.data, bytes.size, &tool->disk, 1);
	rc = usb_claim(tool->usb, tool->disk.interface, err);
	return rc < 0 ? rc : inquire(tool, err);
}

static int do_idle(struct tool *tool, struct err *err)
{
	uint8_t bytes[64];
	size_t got;
	int rc = usb_bulk(tool->usb, tool->disk.bulk_in, bytes, sizeof(bytes), &got,
			  deadline_in(DEADLINE_NEVER, 200), err);

	if (rc != -ERR_TIMEOUT)
		return err_set(err, ERR_BOARD, "nothing should have come");
	return inquire(tool, err);
}

/* Answer and status are asked for before the command is sent. */
static int do_two(struct tool *tool, struct err *err)
{
	uint8_t command[31], answer[INQUIRY_SIZE], status[13];
	struct usb_transfer transfers[] =
		{
			{.type = USB_BULK,
			 .endpoint = tool->disk.bulk_in,
			 .data = answer,
			 .size = sizeof(answer)},
			{.type = USB_BULK,
			 .endpoint = tool->disk.bulk_in,
			 .data = status,
			 .size = sizeof(status)},
			{.type = USB_BULK,
			 .endpoint = tool->disk.bulk_out,
			 .data = command,
			 .size = sizeof(command)},
		},
			    *reaped;
	size_t i;
	int rc = 0;

	put_command(tool, command);
	for (i = 0; rc == 0 && i < ARRAY_SIZE(transfers); i++)
		rc = usb_submit(tool->usb, &transfers[i], err);
	for (i = 0; rc == 0 && i < ARRAY_SIZE(transfers); i++) {
		rc = usb_reap(tool->usb, &reaped, soon(), err);
		if (rc == 0 && (reaped->status || reaped->got != reaped->size))
			rc = err_set(err, ERR_BOARD, "transfer %zu: status %d, %zu bytes",
				     (size_t)(reaped - transfers), reaped->status, reaped->got);
	}
	if (rc < 0)
		return rc;
	printf("%.8s%.16s\n", (const char *)answer + 8, (const char *)answer + 16);
	return check_status(tool, status, err);
}

static int do_reset(struct tool *tool, struct err *err)
{
	return usb_reset(tool->usb, soon(), err);
}

static int do_gone(struct tool *tool, struct err *err)
{
	return usb_await_gone(tool->usb, soon(), err);
}

static int do_close(struct tool *tool, struct err *err)
{
	(void)err;
	usb_close(steal(tool->usb));
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct tool *tool, struct err *err);
} verbs[] = {
	{"list", do_list},   {"wait", do_wait}, {"absent", do_absent}, {"open", do_open},
	{"info", do_info},   {"disk", do_disk}, {"idle", do_idle},     {"two", do_two},
	{"reset", do_reset}, {"gone", do_gone}, {"close", do_close},
};

static int run(struct tool *tool, const char *verb, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, verb) == 0)
			return verbs[i].run(tool, err);
	return err_set(err, ERR_USAGE, "no verb '%s'", verb);
}

int main(int argc, char **argv)
{
	_cleanup_(freep) char *address = NULL;
	struct tool tool = {0};
	struct err err = {0};
	int rc = argc > 1 ? usb_path_check(argv[1], &address, tool.path, &err)
			  : err_set(&err, ERR_USAGE, "PATH is missing");

	setlinebuf(stdout);
	if (rc == 0)
		rc = usb_bus_open(&tool.bus, address, soon(), &err);
	for (argv += 2; rc == 0 && *argv; argv++)
		rc = run(&tool, *argv, &err);
	usb_close(tool.usb);
	usb_bus_close(tool.bus);
	if (rc == 0)
		return 0;
	printf("%s: %s\n%s\n", err_kind_name(err.kind), err.text, err.remedy);
	return err_exit_status(err.kind);
}
