// SPDX-License-Identifier: MIT
/* What the boot ROM and TF-A do with an image that was sent to them. */
#include <stdio.h>

#include "base/bytes.h"
#include "build/stm32.h"
#include "sim/stm32mp.h"

#define FIP_MAGIC    0xaa640001u
#define FIT_MAGIC    0xd00dfeedu
#define LEGACY_MAGIC 0x27051956u

static const uint8_t *bytes_of(const struct stm32mp *model)
{
	return (const uint8_t *)buf_text(&model->image);
}

/* A header of this version, all of its payload there, and the checksum right. */
static bool image_is_good(const struct stm32mp *model, uint32_t version, size_t max)
{
	const uint8_t *data = bytes_of(model);
	size_t size = model->image.size;
	struct stm32_header header;

	if (stm32_parse(data, size, &header, NULL) < 0 || header.layout->version != version)
		return false;
	if (header.length > size - header.layout->size || header.length > max)
		return false;
	return stm32_checksum(0, data + header.layout->size, header.length) == header.checksum;
}

static void wants_detach(struct stm32mp *model)
{
	model->phase = PHASE_LAYOUT;
	model->need_detach = true;
}

/* What the ROM says of a bad image is not published; it does not start it. */
void stm_rom_image(struct stm32mp *model)
{
	if (!image_is_good(model, model->chip->header, model->chip->fsbl_max)) {
		stm_fail(model, "Bad image header");
		return;
	}
	if (model->settings.spl)
		stm_leave(model, STM_SPL, 500);
	else if (model->chip->keeps_session)
		stm_enter(model, STM_TFA);
	else
		wants_detach(model);
}

/* A FIT or a legacy image, of which the SPL tells no more than that it starts it or not. */
static void take_uboot(struct stm32mp *model)
{
	uint32_t magic = model->image.size >= 4 ? be32(bytes_of(model)) : 0;

	model->next = magic == FIT_MAGIC || magic == LEGACY_MAGIC ? STM_UBOOT : STM_PROMPT;
	wants_detach(model);
}

static bool fip_is_good(const struct stm32mp *model)
{
	const uint8_t *data = bytes_of(model);

	return model->image.size >= 16 && le32(data) == FIP_MAGIC && le32(data + 4) != 0;
}

/* Old TF-A keeps the layout for U-Boot, which knows it by its STM32 header. */
static void take_layout(struct stm32mp *model)
{
	if (!image_is_good(model, 0x00010000, (size_t)256 << 10)) {
		stm_fail(model, "Flash layout: bad STM32 header or checksum\n");
		return;
	}
	buf_clear(&model->kept);
	buf_add(&model->kept, model->image.data, model->image.size);
	model->kept_layout = true;
	model->phase = PHASE_SSBL;
}

void stm_tfa_image(struct stm32mp *model)
{
	bool good = fip_is_good(model) || (model->settings.old_tfa && model->phase == PHASE_SSBL &&
					   image_is_good(model, 0x00010000, (size_t)16 << 20));

	if (model->stage == STM_SPL) {
		take_uboot(model);
		return;
	}
	if (model->phase == PHASE_LAYOUT) {
		take_layout(model);
		return;
	}
	if (!good) {
		stm_fail(model, "FIP Header check failed for phase %u\n", model->phase);
		return;
	}
	model->next = model->phase == PHASE_DDR ? STM_TFA : STM_UBOOT;
	wants_detach(model);
}
