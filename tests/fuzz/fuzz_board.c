// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/board.h"
#include "engine/driver.h"
#include "engine/usb_match.h"

static const struct key login_keys[] = {
	{"password", KEY_SECRET, false, NULL, "secret with the password", NULL},
	{0},
};

static const struct key keys[] = {
	{"prompt", KEY_TEXT, false, "=>", "what the loader says", NULL},
	{"logins", KEY_LIST, false, NULL, "how to log in", login_keys},
	{0},
};

static const struct key timeouts[] = {
	{"boot", KEY_DURATION, false, "90s", "until Linux is up", NULL},
	{0},
};

static const struct usb_mode modes[] = {
	{0x0483, 0xdf11, {0xfe, 1, 2}, "DFU", "ROM", "boot ROM"},
	{0},
};

static const struct driver rom = {.name = "rom",
				  .summary = "a boot ROM",
				  .keys = keys,
				  .timeouts = timeouts,
				  .usb_modes = modes};
static const struct driver *const drivers[] = {&rom, NULL};

/* Which of what is attached the board could be. */
static const struct usb_info attached[] = {
	{.path = "usb:1-2.3", .vid = 0x0483, .pid = 0xdf11, .serial = "0039"},
	{.path = "usb:1-3", .vid = 0x0483, .pid = 0xdf11, .product = "DFU"},
	{.path = "usbip://[::1]:3240/1-1", .vid = 0x18d1, .pid = 0x4ee0, .serial = "0039"},
};

static void match(const struct board *board)
{
	const struct usb_known known = {0};
	const struct usb_info *chosen;
	struct err err;

	if (usb_known_choose(&known, board, modes, attached, 3, &chosen, &err) == 0 && chosen &&
	    usb_known_fit(&known, board, modes, chosen) == USB_FIT_NO)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boards boards;
	struct board *board;
	struct err err;
	size_t i;

	if (boards_load_text(&boards, "fuzz.yaml", data, size, drivers, &err) < 0)
		return 0;
	for (i = 0; i < boards.count; i++) {
		board_timeout_ms(&boards.items[i], "boot");
		match(&boards.items[i]);
	}
	boards_find(&boards, "demo", &board, &err);
	boards_free(&boards);
	return 0;
}
