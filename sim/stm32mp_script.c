// SPDX-License-Identifier: MIT
/* A script in the flash layout's place: it is run once the host has detached, and may make the
   board a fastboot device on the way. */
#include "base/bytes.h"
#include "base/digest.h"
#include "build/legacy.h"
#include "sim/stm32mp.h"

#define LENGTHS 8 /* bytes of the table before a script's text: its length, and 0 */

bool stm_script_is(const uint8_t *data, size_t size)
{
	struct legacy legacy;

	if (legacy_parse(data, size, &legacy, NULL) < 0 || legacy.type != LEGACY_SCRIPT)
		return false;
	return legacy.size >= LENGTHS && legacy.size <= size - LEGACY_HEADER &&
	       crc32_add(0, data + LEGACY_HEADER, legacy.size) == legacy.data_crc;
}

/* Where the script has got to decides what the board is next. */
static void follow(struct stm32mp *model)
{
	static const struct {
		enum stm_stage stage;
		int64_t realistic_ms;
	} next[] = {
		[UBOOT_GOES_ON] = {STM_PROMPT, 0},      [UBOOT_ENDED] = {STM_PROMPT, 0},
		[UBOOT_FASTBOOT] = {STM_FASTBOOT, 200}, [UBOOT_UMS] = {STM_UMS, 200},
		[UBOOT_RESET] = {STM_ROM, 500},
	};
	struct sim_device *device = &model->device;
	enum uboot_stop stop = uboot_run(&model->uboot);

	stm_leave(model, next[stop].stage, next[stop].realistic_ms);
	/* What the script took of time, the board is away longer. */
	if (device->absent_ms >= 0)
		device->absent_ms += device->busy_us / 1000;
	device->busy_us = 0;
}

void stm_script_run(struct stm32mp *model)
{
	const uint8_t *data = (const uint8_t *)buf_text(&model->image) + LEGACY_HEADER;
	size_t size = model->image.size - LEGACY_HEADER - LENGTHS;
	uint32_t length = be32(data);

	uboot_load(&model->uboot, (const char *)data + LENGTHS, length < size ? length : size);
	follow(model);
}

void stm_gadget_reset(struct stm32mp *model)
{
	if (model->stage == STM_FASTBOOT)
		fb_begin(&model->fastboot);
	else
		ums_begin(&model->ums);
}

void stm_gadget_enter(struct stm32mp *model)
{
	static const char product[] = "USB download gadget";
	const struct gadget_ids fastboot = {0x0483, 0x0afb, product, model->device.serial};
	const struct gadget_ids ums = {0x0483, 0x5720, product, model->device.serial};

	model->ums.luns[0] = model->uboot.disk;
	model->ums.count = 1;
	stm_gadget_reset(model);
	if (model->stage == STM_FASTBOOT)
		fb_usb_face(&model->face, &fastboot);
	else
		ums_face(&model->face, &ums);
}

enum sim_status stm_gadget_control(struct stm32mp *model, struct usb_setup setup, uint8_t *data,
				   size_t *size)
{
	if (model->stage == STM_UMS)
		return ums_control(&model->ums, setup, data, size);
	*size = 0;
	return setup.request_type & 0x60 ? SIM_STALL : SIM_OK;
}

static enum sim_status fastboot_bulk(struct stm32mp *model, uint8_t endpoint, uint8_t *data,
				     size_t *size, bool *pending)
{
	enum sim_status status = fb_usb_bulk(&model->fastboot, endpoint, data, size, pending);

	switch (fb_ended(&model->fastboot)) {
	case FB_STAYS:
		break;
	case FB_CONTINUE:
		follow(model);
		break;
	case FB_REBOOT:
		stm_leave(model, STM_ROM, 500);
		break;
	case FB_BOOT:
		stm_leave(model, STM_PROMPT, 0);
		break;
	}
	return status;
}

enum sim_status stm_gadget_bulk(struct stm32mp *model, uint8_t endpoint, uint8_t *data,
				size_t *size, bool *pending)
{
	if (model->stage == STM_FASTBOOT)
		return fastboot_bulk(model, endpoint, data, size, pending);
	if (model->stage == STM_UMS)
		return ums_bulk(&model->ums, endpoint, data, size, pending);
	return SIM_STALL;
}

void stm_script_begin(struct stm32mp *model)
{
	const struct stm_settings *settings = &model->settings;

	model->uboot = (struct uboot){
		.no_crc32 = settings->no_crc32,
		.no_hash = settings->no_hash,
		.no_fastboot = settings->no_fastboot,
		.no_ums = settings->no_ums,
		.media = &model->media,
		.device = &model->device,
		.env = &model->env,
		.ram_base = model->chip->ram_base,
		.ram_size = (uint64_t)512 << 20,
		.mmc = model->chip->fastboot_mmc,
		.console = model->console,
	};
	uboot_begin(&model->uboot);
	model->fastboot = (struct fb_device){
		.device = &model->device,
		.media = &model->media,
		.env = &model->env,
		.mmc = model->chip->fastboot_mmc,
		.buffer_size = (uint32_t)settings->fastboot_buffer,
		.product = "stm32mp1",
		.memory = uboot_memory(&model->uboot, model->chip->fastboot_address,
				       settings->fastboot_buffer),
	};
}
