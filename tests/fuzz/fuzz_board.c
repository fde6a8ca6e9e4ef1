// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "engine/board.h"
#include "engine/driver.h"

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

static const struct driver rom = {
	.name = "rom", .summary = "a boot ROM", .keys = keys, .timeouts = timeouts};
static const struct driver *const drivers[] = {&rom, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boards boards;
	struct board *board;
	struct err err;
	size_t i;

	if (boards_load_text(&boards, "fuzz.yaml", data, size, drivers, &err) < 0)
		return 0;
	for (i = 0; i < boards.count; i++)
		board_timeout_ms(&boards.items[i], "boot");
	boards_find(&boards, "demo", &board, &err);
	boards_free(&boards);
	return 0;
}
