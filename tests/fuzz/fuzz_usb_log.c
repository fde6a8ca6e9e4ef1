// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/usb_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a log says, no more is given than was asked for. */
static void ask(struct usb_device *usb)
{
	uint8_t bytes[16];
	struct err err;
	size_t got;

	usb_claim(usb, 0, &err);
	usb_control(usb, (struct usb_setup){0xa1, 3, 0, 0}, bytes, 6, &got, DEADLINE_NEVER, &err);
	if (got > 6)
		abort();
	usb_bulk(usb, 0x81, bytes, 4, &got, DEADLINE_NEVER, &err);
	if (got > 4)
		abort();
	memcpy(bytes, "test", 4);
	usb_bulk(usb, 0x01, bytes, 4, &got, DEADLINE_NEVER, &err);
	usb_control(usb, (struct usb_setup){0xa1, 3, 0, 0}, bytes, 6, &got, DEADLINE_NEVER, &err);
	usb_await_gone(usb, DEADLINE_NEVER, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)data, size);
	struct usb_device *usb;
	struct err err;
	size_t session;

	for (session = 0; session < 2; session++) {
		usb = NULL;
		if (usb_replay_text(&usb, text, session, &err) < 0)
			continue;
		ask(usb);
		usb_close(usb);
	}
	return 0;
}
