// SPDX-License-Identifier: MIT
/* U-Boot's `stm32prog` over USB. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/stm32.h"
#include "sim/stm32mp.h"

#define LAYOUT_MAX  ((size_t)256 << 10)
#define COMMAND_MAX 512
#define OTP_MAX     (8 + 8 * 368)

enum {
	STATUS_UNKNOWN = 14
};

static struct medium *medium_of(const struct stm_line *line)
{
	return line->media ? media_part(line->media, line->hwpart) : NULL;
}

/* The lowest selected phase above this one, or the end. */
static uint8_t next_phase(const struct stm32mp *model, uint8_t phase)
{
	const struct stm_line *line;
	uint8_t next = PHASE_END;
	size_t i;

	for (i = 0; i < model->layout.count; i++) {
		line = &model->layout.lines[i];
		if (line->option & STM_SELECT && !(line->option & STM_EMPTY) &&
		    stm_line_is_real(line) && line->id > phase && line->id < next)
			next = line->id;
	}
	return next;
}

static bool parse_layout(struct stm32mp *model, const uint8_t *data, size_t size)
{
	struct stm32_header header;
	char error[STM_ERROR];

	if (stm32_is(data, size)) {
		if (stm32_parse(data, size, &header, NULL) < 0 ||
		    header.layout->version != 0x00010000 || !header.reserved_clean ||
		    header.length > size - header.layout->size) {
			stm_fail(model, "Layout: invalid STM32 header");
			return false;
		}
		data += header.layout->size;
		size = header.length;
		if (stm32_checksum(0, data, size) != header.checksum) {
			stm_fail(model, "Layout: bad checksum, expected 0x%x", header.checksum);
			return false;
		}
	}
	if (!stm_layout_parse(&model->layout, (const char *)data, size, error)) {
		stm_fail(model, "%s", error);
		return false;
	}
	if (next_phase(model, 0) == PHASE_END) {
		stm_fail(model, "Layout: selected none phase");
		return false;
	}
	return true;
}

void stm_uboot_partitions(struct stm32mp *model)
{
	char error[STM_ERROR];

	model->need_detach = false;
	if (model->phase == PHASE_RESET)
		return;
	if (!stm_layout_resolve(&model->layout, &model->media, error) ||
	    !stm_layout_prepare(&model->layout, &model->media, error)) {
		stm_fail(model, "%s", error);
		return;
	}
	model->second = true;
	model->phase = next_phase(model, 0);
}

void stm_uboot_begin(struct stm32mp *model)
{
	model->phase = PHASE_LAYOUT;
	model->need_detach = model->second = model->error_read = false;
	model->resume = 0;
	if (!model->kept_layout)
		return;
	model->kept_layout = false;
	if (parse_layout(model, (const uint8_t *)model->kept.data, model->kept.size))
		stm_uboot_partitions(model);
}

static uint8_t write_fails(struct stm32mp *model, const struct stm_line *line)
{
	stm_fail(model, "DFU write error on %s (0x%x)", line->name, line->id);
	return STATUS_UNKNOWN;
}

/* Gives the buffer to the medium: this is when the board is silent for long. */
static uint8_t flush(struct stm32mp *model, const struct stm_line *line)
{
	struct medium *medium = medium_of(line);
	size_t size = model->buffer.size;
	uint64_t at = model->write_base + model->buffered_at;

	if (!medium) { /* ram */
		buf_clear(&model->buffer);
		return 0;
	}
	if (at + size > line->size ||
	    !medium_write(medium, line->offset + at, buf_text(&model->buffer), size))
		return write_fails(model, line);
	medium_flush(medium);
	model->buffered_at += size;
	buf_clear(&model->buffer);
	return 0;
}

static uint8_t write_line(struct stm32mp *model, const struct stm_line *line, uint64_t at,
			  const uint8_t *data, size_t size)
{
	if (!(line->option & STM_SELECT) || line->option & STM_EMPTY)
		return write_fails(model, line);
	if (at == 0) {
		buf_clear(&model->buffer);
		model->buffered_at = 0;
		model->write_base = line->id == model->phase ? model->resume : 0;
	}
	buf_add(&model->buffer, data, size);
	return model->buffer.size < model->settings.dfu_buffer ? 0 : flush(model, line);
}

/* What is gathered in RAM: the layout, commands, OTP, PMIC. */
static uint8_t gather(struct stm32mp *model, uint8_t phase, uint64_t at, const uint8_t *data,
		      size_t size)
{
	size_t max = phase == PHASE_LAYOUT ? LAYOUT_MAX
		     : phase == PHASE_OTP  ? OTP_MAX
					   : COMMAND_MAX;

	if (at == 0)
		buf_clear(&model->image);
	if (model->image.size + size > max)
		return STATUS_UNKNOWN;
	buf_add(&model->image, data, size);
	return 0;
}

uint8_t stm_uboot_write(struct stm32mp *model, const struct stm_alt *alt, uint64_t at,
			const uint8_t *data, size_t size)
{
	if (alt->line)
		return write_line(model, alt->line, at, data, size);
	return gather(model, alt->phase, at, data, size);
}

static void take_layout(struct stm32mp *model)
{
	const uint8_t *data = (const uint8_t *)buf_text(&model->image);

	if (model->phase == PHASE_RESET)
		return;
	if (!model->settings.no_script_slot && stm_script_is(data, model->image.size)) {
		model->phase = PHASE_END;
		return;
	}
	if (parse_layout(model, data, model->image.size))
		model->need_detach = true;
}

/* Further copies of the first loader, each behind the last one's erase blocks. */
static void copy_line(struct stm32mp *model, const struct stm_line *line, uint64_t size)
{
	uint64_t unit = line->media->erase_size, step = (size + unit - 1) / unit * unit, i;
	_cleanup_(freep) uint8_t *data = xmalloc((size_t)size + 1);
	struct medium *medium = medium_of(line);

	if (!medium_read(medium, line->offset, data, (size_t)size))
		size = 0;
	for (i = 1; i < line->copies; i++)
		if ((i + 1) * step > line->size ||
		    !medium_write(medium, line->offset + i * step, data, (size_t)size))
			stm_fail(model, "%s (0x%x): copy %u failed", line->name, line->id,
				 (unsigned int)i);
}

static uint8_t end_line(struct stm32mp *model, const struct stm_line *line)
{
	uint8_t status = flush(model, line);

	if (status)
		return status;
	if (line->copies > 1)
		copy_line(model, line, model->buffered_at);
	if (line->hwpart) {
		line->media->boot_ack = true;
		line->media->boot_part = line->hwpart;
	}
	if (line->id == model->phase)
		model->phase = next_phase(model, line->id);
	return 0;
}

static bool finish_pmic(struct stm32mp *model)
{
	if (model->settings.no_pmic || model->image.size != PMIC_SIZE)
		return false;
	memcpy(model->pmic, model->image.data, PMIC_SIZE);
	return true;
}

static bool finish_command(struct stm32mp *model, uint8_t phase)
{
	if (phase == PHASE_VIRTUAL)
		return stm_set_phase(model);
	if (phase == PHASE_PMIC)
		return finish_pmic(model);
	return stm_otp_write(model, (const uint8_t *)buf_text(&model->image), model->image.size);
}

/* The write that manifestation does runs after the answer; when it fails the gadget is torn down
   and the board resets, so that no text can be read. */
uint8_t stm_uboot_finish(struct stm32mp *model, const struct stm_alt *alt)
{
	bool good = true;

	if (alt->line)
		good = end_line(model, alt->line) == 0;
	else if (alt->phase == PHASE_LAYOUT)
		take_layout(model);
	else
		good = finish_command(model, alt->phase);
	if (!good)
		stm_leave(model, STM_ROM, 500);
	return 0;
}

static bool read_bytes(const void *bytes, size_t length, uint64_t at, uint8_t *data, size_t *size)
{
	if (at > length)
		at = length;
	if (*size > length - at)
		*size = length - (size_t)at;
	memcpy(data, (const uint8_t *)bytes + at, *size);
	return true;
}

static bool read_line(const struct stm_line *line, uint64_t at, uint8_t *data, size_t *size)
{
	struct medium *medium = medium_of(line);

	if (!medium)
		return false;
	if (at > line->size)
		at = line->size;
	if (*size > line->size - at)
		*size = (size_t)(line->size - at);
	return medium_read(medium, line->offset + at, data, *size);
}

bool stm_uboot_read(struct stm32mp *model, const struct stm_alt *alt, uint64_t at, uint8_t *data,
		    size_t *size)
{
	_cleanup_(buf_free) struct buf otp = {0};

	if (alt->line)
		return read_line(alt->line, at, data, size);
	switch (alt->phase) {
	case PHASE_VIRTUAL:
		return stm_get_phase(model, at, data, size);
	case PHASE_OTP:
		stm_otp_read(model, &otp);
		return read_bytes(otp.data, otp.size, at, data, size);
	case PHASE_PMIC:
		return !model->settings.no_pmic &&
		       read_bytes(model->pmic, PMIC_SIZE, at, data, size);
	default:
		return read_bytes(buf_text(&model->image), model->image.size, at, data, size);
	}
}

void stm_uboot_detach(struct stm32mp *model)
{
	model->detached = true;
	if (!model->second && model->phase == PHASE_END) {
		stm_script_run(model);
		return;
	}
	if (!model->second && model->need_detach)
		stm_leave(model, STM_UBOOT, 1500);
	else if (model->second && model->phase == PHASE_RESET && model->error_read)
		stm_leave(model, STM_ROM, 500);
	else
		stm_leave(model, STM_PROMPT, 0);
}
