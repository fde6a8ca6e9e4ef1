// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "drivers/stm32mp/otp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes as a list of words, and as what a board gives for its words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct otp_words words, fixed;
	_cleanup_(freep) uint8_t *otp = xmemdup(size ? data : (const uint8_t *)"", size);
	_cleanup_(buf_free) struct buf text = {0};
	struct err err;

	if (otp_words_parse(&words, "file", data, size, &err) == 0)
		otp_words_text(&words, &text);
	otp_words_parse(&fixed, "fixed", "57 0x1\n1 2 lock\n", 16, &err);
	otp_apply(otp, size, &fixed, &err);
	otp_compare(otp, size, &fixed, &err);
	return 0;
}
