// SPDX-License-Identifier: MIT
/* The shadow of the OTP words, in the form of OP-TEE's NVMEM service: version, state, then a value
   and a status of each word. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "sim/stm32mp.h"

#define OTP_UPDATE 0x80000000u /* set by the host: to be written */
#define OTP_LOCK   0x40000000u /* locked for ever */
#define OTP_ERROR  0x04000000u /* it is locked */
#define UPPER      32          /* from this word on, a word is written once */

#define HEAD 8 /* bytes before the words */

void stm_otp_read(struct stm32mp *model, struct buf *out)
{
	uint8_t bytes[8] = {2};
	size_t i;

	buf_clear(out);
	buf_add(out, bytes, sizeof(bytes));
	for (i = 0; i < model->chip->otp_words; i++) {
		put_le32(bytes, model->otp[i]);
		put_le32(bytes + 4, model->otp_status[i]);
		buf_add(out, bytes, sizeof(bytes));
	}
}

static void burn(struct stm32mp *model, size_t word, uint32_t value, uint32_t status)
{
	bool spent = word >= UPPER && model->otp[word] && model->otp[word] != value;

	model->otp_status[word] &= ~OTP_ERROR;
	if (model->otp_status[word] & OTP_LOCK || spent) {
		model->otp_status[word] |= OTP_ERROR;
		return;
	}
	model->otp[word] |= value; /* fuses: no bit goes back */
	model->otp_status[word] |= status & OTP_LOCK;
}

bool stm_otp_write(struct stm32mp *model, const uint8_t *data, size_t size)
{
	size_t words = model->chip->otp_words, i;
	_cleanup_(freep) uint8_t *file = xcalloc(words, 4);

	if (size != HEAD + 8 * words || le32(data) != 2)
		return false;
	for (i = 0; i < words; i++)
		if (le32(data + HEAD + 8 * i + 4) & OTP_UPDATE)
			burn(model, i, le32(data + HEAD + 8 * i), le32(data + HEAD + 8 * i + 4));
	for (i = 0; i < words; i++)
		put_le32(file + 4 * i, model->otp[i]);
	return medium_write(&model->otp_file, 0, file, 4 * words);
}
