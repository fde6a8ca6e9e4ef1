// SPDX-License-Identifier: MIT
#include "sim/stm32mp.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"

#define IMAGE_MAX ((size_t)17 << 20)
#define DDR_MAX   ((size_t)32 << 10)
#define LINGER_MS 10 /* how long U-Boot looks for a reset after DETACH */

enum {
	STATUS_TARGET = 1,
	STATUS_ADDRESS = 8
};

/* As measured on an STM32MP157C-DK2 (published log of STM32CubeProgrammer 2.2.0): what a control
   transfer takes of 1.9 ms, 1.08 ms and 2.06 ms a block. */
static const struct {
	const char *name;
	const struct dfu_manners *manners;
	uint64_t transfer_us;
	uint32_t poll_ms, manifest_ms;
} stages[] = {
	[STM_ROM] = {"rom", &dfu_rom, 450, 1, 1},
	[STM_TFA] = {"tfa", &dfu_tfa, 360, 0, 1},
	[STM_SPL] = {"spl", &dfu_uboot, 1030, 0, 0},
	[STM_UBOOT] = {"uboot", &dfu_uboot, 1030, 0, 0},
	[STM_FASTBOOT] = {"fastboot", &dfu_uboot, 100, 0, 0},
	[STM_UMS] = {"ums", &dfu_uboot, 100, 0, 0},
	[STM_PROMPT] = {"prompt", &dfu_uboot, 0, 0, 0},
};

static struct stm32mp *model_of(struct sim_device *device)
{
	return container_of(device, struct stm32mp, device);
}

void stm_fail(struct stm32mp *model, const char *format, ...)
{
	va_list args;

	if (model->phase == PHASE_RESET)
		return;
	va_start(args, format);
	vsnprintf(model->error, sizeof(model->error), format, args);
	va_end(args);
	model->phase = PHASE_RESET;
	model->need_detach = false;
}

void stm_leave(struct stm32mp *model, enum stm_stage stage, int64_t realistic_ms)
{
	model->next = stage;
	model->device.leaves = true;
	model->device.linger_ms = model->stage == STM_UBOOT && model->detached ? LINGER_MS : 0;
	model->device.absent_ms = stage == STM_PROMPT ? -1 : model->absent_ms;
	if (stage != STM_PROMPT && model->realistic)
		model->device.absent_ms += realistic_ms;
}

static uint8_t first_phase(const struct stm32mp *model, enum stm_stage before)
{
	if (model->settings.old_tfa)
		return PHASE_LAYOUT;
	return model->chip->wants_ddr && before == STM_ROM ? PHASE_DDR : PHASE_SSBL;
}

static bool is_gadget(enum stm_stage stage)
{
	return stage == STM_FASTBOOT || stage == STM_UMS;
}

void stm_enter(struct stm32mp *model, enum stm_stage stage)
{
	enum stm_stage before = model->stage;
	bool goes_on = stage == STM_TFA && before == STM_ROM && model->chip->keeps_session;
	bool again = stage == STM_UBOOT && before == STM_UBOOT;

	model->stage = model->next = stage;
	model->device.stage = stages[stage].name;
	model->detached = model->need_detach = false;
	if (model->realistic) {
		model->device.transfer_us =
			model->transfer_us ? model->transfer_us : stages[stage].transfer_us;
	}
	model->dfu.poll_ms = stages[stage].poll_ms;
	model->dfu.manifest_ms = stages[stage].manifest_ms;
	model->dfu.manners = stages[stage].manners;
	if (stage == STM_ROM) {
		env_free(&model->env);
		model->error[0] = '\0';
		model->kept_layout = false;
		model->phase = PHASE_FSBL;
	}
	if (stage == STM_TFA)
		model->phase = first_phase(model, before);
	if (stage == STM_SPL)
		model->phase = PHASE_SSBL;
	if (again)
		stm_uboot_partitions(model);
	else if (stage == STM_UBOOT)
		stm_uboot_begin(model);
	if (goes_on)
		return;
	if (is_gadget(stage)) {
		stm_gadget_enter(model);
		return;
	}
	stm_make_face(model);
	model->dfu.alt = 0;
	dfu_device_reset(&model->dfu);
}

static const struct stm_alt *alt_of(const struct stm32mp *model)
{
	return &model->alts[model->dfu.alt < model->alt_count ? model->dfu.alt : 0];
}

/* The ROM and TF-A take what they wait for into RAM. */
static uint8_t gather(struct stm32mp *model, const struct stm_alt *alt, uint64_t at,
		      const uint8_t *data, size_t size)
{
	bool detach = model->need_detach && model->phase == PHASE_LAYOUT;

	if (alt->phase != model->phase || detach) {
		if (model->stage == STM_TFA)
			stm_fail(model, "Phase 0x%x is not expected here\n", alt->phase);
		return STATUS_TARGET;
	}
	if (at == 0)
		buf_clear(&model->image);
	if (alt->phase == PHASE_DDR && at + size > DDR_MAX)
		return STATUS_ADDRESS;
	return buf_add(&model->image, data, size) ? 0 : STATUS_ADDRESS;
}

static uint8_t write_block(struct dfu_device *dfu, uint64_t at, const uint8_t *data, size_t size)
{
	struct stm32mp *model = container_of(dfu, struct stm32mp, dfu);

	if (model->stage == STM_UBOOT)
		return stm_uboot_write(model, alt_of(model), at, data, size);
	return gather(model, alt_of(model), at, data, size);
}

static uint8_t finish(struct dfu_device *dfu, uint64_t size)
{
	struct stm32mp *model = container_of(dfu, struct stm32mp, dfu);

	(void)size;
	if (model->stage == STM_UBOOT)
		return stm_uboot_finish(model, alt_of(model));
	if (model->stage == STM_ROM)
		stm_rom_image(model);
	else
		stm_tfa_image(model);
	return 0;
}

static bool read_block(struct dfu_device *dfu, uint64_t at, uint8_t *data, size_t *size)
{
	struct stm32mp *model = container_of(dfu, struct stm32mp, dfu);

	if (model->stage == STM_UBOOT)
		return stm_uboot_read(model, alt_of(model), at, data, size);
	return alt_of(model)->phase == PHASE_VIRTUAL && stm_get_phase(model, at, data, size);
}

/* The ROM and TF-A without what they waited for start nothing. */
static void detach(struct dfu_device *dfu)
{
	struct stm32mp *model = container_of(dfu, struct stm32mp, dfu);

	if (model->stage == STM_UBOOT)
		stm_uboot_detach(model);
	else if (!model->need_detach)
		stm_leave(model, STM_PROMPT, 0);
	else if (model->stage == STM_ROM)
		stm_leave(model, STM_TFA, 700);
	else
		stm_leave(model, model->next, model->next == STM_TFA ? 200 : 2500);
}

static const struct dfu_device_ops dfu_ops = {write_block, finish, read_block, detach};

static const struct sim_face *face(struct sim_device *device)
{
	return &model_of(device)->face;
}

static enum sim_status control(struct sim_device *device, struct usb_setup setup, uint8_t *data,
			       size_t *size)
{
	struct stm32mp *model = model_of(device);

	if (is_gadget(model->stage))
		return stm_gadget_control(model, setup, data, size);
	if (model->detached)
		return SIM_STALL;
	return dfu_device_control(&model->dfu, setup, data, size);
}

static enum sim_status bulk(struct sim_device *device, uint8_t endpoint, uint8_t *data,
			    size_t *size, bool *pending)
{
	return stm_gadget_bulk(model_of(device), endpoint, data, size, pending);
}

/* After DETACH, U-Boot takes a reset of the bus for a wish to reboot. */
static void reset(struct sim_device *device)
{
	struct stm32mp *model = model_of(device);

	if (model->detached && model->chip->reset_reboots)
		stm_leave(model, STM_ROM, 500);
	else if (is_gadget(model->stage))
		stm_gadget_reset(model);
	else if (!model->detached)
		dfu_device_reset(&model->dfu);
}

static void arrive(struct sim_device *device)
{
	struct stm32mp *model = model_of(device);

	if (model->next != STM_PROMPT)
		stm_enter(model, model->next);
}

static void restart(struct sim_device *device)
{
	struct stm32mp *model = model_of(device);

	model->stage = STM_PROMPT;
	stm_enter(model, STM_ROM);
}

static void release(struct sim_device *device)
{
	struct stm32mp *model = model_of(device);

	media_close(&model->media);
	medium_close(&model->otp_file);
	uboot_free(&model->uboot);
	fb_free(&model->fastboot);
	ums_free(&model->ums);
	env_free(&model->env);
	closep(&model->console);
	face_free(&model->face);
	buf_free(&model->image);
	buf_free(&model->kept);
	buf_free(&model->buffer);
	free(model->otp);
	free(model->otp_status);
	free(model);
}

static const struct sim_model stm_model = {
	.name = "stm32mp",
	.face = face,
	.control = control,
	.bulk = bulk,
	.reset = reset,
	.restart = restart,
	.arrive = arrive,
	.free = release,
};

static int open_otp(struct stm32mp *model, struct err *err)
{
	size_t words = model->chip->otp_words, i;
	_cleanup_(freep) uint8_t *file = xcalloc(words, 4);
	int rc = medium_open(&model->otp_file, &model->device, model->settings.otp, 4 * words, err);

	model->otp = xcalloc(words, sizeof(*model->otp));
	model->otp_status = xcalloc(words, sizeof(*model->otp_status));
	if (rc < 0 || !medium_read(&model->otp_file, 0, file, 4 * words))
		return rc;
	for (i = 0; i < words; i++)
		model->otp[i] = le32(file + 4 * i);
	return 0;
}

/* 24 digits: three words of the chip's identity. */
static void set_serial(struct stm32mp *model, const struct sim_settings *common)
{
	if (common->serial)
		return;
	snprintf(model->device.serial, sizeof(model->device.serial), "003A%04X3338510732383233",
		 common->number);
	snprintf(model->device.serial + 20, sizeof(model->device.serial) - 20, "%04X",
		 0x1000 + common->number);
}

static int open_console(struct stm32mp *model, const char *path, struct err *err)
{
	model->console = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	return model->console < 0 ? err_errno(err, ERR_HOST, "%s", path) : 0;
}

int stm_model_new(struct sim_device **device, const struct sim_settings *common,
		  const struct stm_settings *settings, struct err *err)
{
	struct stm32mp *model = xcalloc(1, sizeof(*model));
	struct sim_settings media_settings = *common;
	int rc = 0;

	model->settings = *settings;
	model->chip = stm_chip_find(settings->chip);
	model->absent_ms = common->absent_ms;
	model->realistic = settings->realistic;
	model->transfer_us = common->transfer_us;
	model->image.max = IMAGE_MAX;
	model->buffer.max = (size_t)settings->dfu_buffer + 4096;
	model->otp_file.fd = -1;
	if (model->realistic && !media_settings.write_rate)
		media_settings.write_rate = 15000000;
	if (model->realistic && !media_settings.read_rate)
		media_settings.read_rate = 20000000;
	sim_device_begin(&model->device, &stm_model, common, "STM");
	set_serial(model, common);
	model->dfu.ops = &dfu_ops;
	model->dfu.device = &model->device;
	model->console = -1;
	if (settings->console)
		rc = open_console(model, settings->console, err);
	if (rc == 0)
		rc = media_open(&model->media, settings->media, &model->device, &media_settings,
				err);
	if (rc == 0)
		rc = open_otp(model, err);
	if (rc < 0) {
		sim_device_free(&model->device);
		return rc;
	}
	stm_script_begin(model);
	model->stage = STM_PROMPT;
	stm_enter(model, STM_ROM);
	*device = &model->device;
	return 0;
}
