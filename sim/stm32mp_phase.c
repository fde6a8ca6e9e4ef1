// SPDX-License-Identifier: MIT
/* GETPHASE and SETPHASE: the alternate setting 0xF1. */
#include <string.h>

#include "base/bytes.h"
#include "sim/fault.h"
#include "sim/stm32mp.h"

#define PHASE_SIZE  9 /* without extra information */
#define UNDEFINED   0xffffffffu
#define NO_PHASE    0x7e /* one that no file belongs to */
#define ANSWER_SIZE (PHASE_SIZE + STM_ERROR)

/* Phase 0 in U-Boot, and what TF-A waits for, have an address in RAM. */
static uint32_t address_of(const struct stm32mp *model)
{
	if (model->stage == STM_UBOOT && model->phase == PHASE_LAYOUT)
		return model->chip->layout_address;
	if (model->stage == STM_TFA && !model->need_detach && model->phase != PHASE_RESET)
		return model->chip->tfa_address;
	return UNDEFINED;
}

/* TF-A counts one character too few. */
static size_t put_error(const struct stm32mp *model, uint8_t *out)
{
	const char *text = model->error[0] ? model->error : "Unspecified";
	size_t length = strnlen(text, STM_ERROR - 1);

	if (model->stage == STM_TFA && length)
		length--;
	memcpy(out, text, length);
	return length;
}

static size_t make_answer(struct stm32mp *model, uint8_t out[ANSWER_SIZE])
{
	bool current = model->stage == STM_UBOOT && model->phase != PHASE_LAYOUT &&
		       model->phase <= STM_ID_MAX;
	size_t size = PHASE_SIZE;

	out[0] = model->phase;
	put_le32(out + 1, address_of(model));
	put_le32(out + 5, current ? (uint32_t)model->resume : 0);
	if (model->phase == PHASE_LAYOUT)
		out[size++] = model->need_detach;
	if (model->phase == PHASE_RESET) {
		size += put_error(model, out + size);
		model->error_read = true;
	}
	if (sim_fault(model->device.faults, SIM_FAULT_PHASE, model->device.stage, 1))
		out[0] = NO_PHASE;
	return size;
}

bool stm_get_phase(struct stm32mp *model, uint64_t at, uint8_t *data, size_t *size)
{
	uint8_t answer[ANSWER_SIZE];
	size_t length;

	if (at) {
		*size = 0;
		return true;
	}
	if (model->stage == STM_UBOOT && *size < PHASE_SIZE)
		return false;
	length = make_answer(model, answer);
	*size = length < *size ? length : *size;
	memcpy(data, answer, *size);
	return true;
}

static const struct stm_line *line_of(const struct stm32mp *model, uint8_t id)
{
	size_t i;

	for (i = 0; i < model->layout.count; i++)
		if (model->layout.lines[i].id == id && stm_line_is_real(&model->layout.lines[i]))
			return &model->layout.lines[i];
	return NULL;
}

/* Phase, then a value: big endian, unlike all else. */
bool stm_set_phase(struct stm32mp *model)
{
	const uint8_t *command = (const uint8_t *)model->image.data;

	if (model->image.size < 5)
		return false;
	if (command[0] == PHASE_RESET) { /* a jump into RAM: nobody knows what runs there */
		stm_leave(model, STM_PROMPT, 0);
		return true;
	}
	if (command[0] != model->phase && (!model->second || !line_of(model, command[0])))
		return false;
	model->phase = command[0];
	model->resume = be32(command + 1);
	return true;
}
