// SPDX-License-Identifier: MIT
/*
 * A board with a TI K3 SoC in USB peripheral boot: the ROM takes tiboot3.bin, then U-Boot's SPLs
 * take what comes next, each as another device on the same port. Sources: U-Boot
 * doc/board/ti/k3.rst, include/env/ti/k3_dfu.env; the ROM as published transcripts and TI's guides
 * show it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/dfu_device.h"
#include "sim/fault.h"
#include "sim/media.h"
#include "sim/models.h"

#define IMAGE_MAX  ((size_t)8 << 20)
#define ROM_BLOCK  512
#define SPL_BLOCK  4096
#define FIT_MAGIC  0xd00dfeedu
#define ID_GP      32
#define ID_HS      200
#define GETSTATUS  3
#define STAGES_MAX 6

enum {
	STATUS_WRITE = 3,
	STATUS_ADDRESS = 8
};

struct k3_soc {
	const char *name, *id; /* id: as the identity block has it */
	uint16_t pid;
	bool sysfw;         /* system firmware is sent for itself */
	const char *second; /* name of the alternate setting for tispl.bin */
};

static const struct k3_soc socs[] = {
	{"am62x", "am62x", 0x6165, false, "tispl.bin"},
	{"am64x", "am64x", 0x6165, false, "tispl.bin"},
	{"am62l", "am62l", 0x6165, false, "bootloader"},
	{"am65x", "am65x", 0x6162, true, "tispl.bin"},
	{"j721e", "j7es", 0x6163, true, "tispl.bin"},
	{"j7200", "j7200", 0x6164, false, "tispl.bin"},
	{"j721s2", "j721s2", 0x6168, false, "tispl.bin"},
};

/* Where U-Boot's own alternate settings lie (k3_dfu.env, "emmc"); blocks of 512 bytes. */
static const struct k3_area {
	const char *name;
	unsigned int hwpart;
	uint64_t start, count; /* count 0: up to the end */
} areas[] = {
	{"rawemmc", 0, 0, 0},
	{"tiboot3.bin.raw", 1, 0x0, 0x400},
	{"tispl.bin.raw", 1, 0x400, 0x1000},
	{"u-boot.img.raw", 1, 0x1400, 0x2000},
	{"u-env.raw", 1, 0x3400, 0x100},
	{"sysfw.itb.raw", 1, 0x3600, 0x800},
};

enum k3_kind {
	K3_ROM,
	K3_SPL,
	K3_UBOOT
};

struct k3_stage {
	enum k3_kind kind;
	const char *name; /* of the stage, for faults; and of the alternate setting of an SPL */
	bool waits;       /* for DETACH after its file */
};

struct k3 {
	struct sim_device device;
	struct sim_face face;
	struct dfu_device dfu;
	struct k3_settings settings;
	const struct k3_soc *soc;
	struct media_set media;
	int64_t absent_ms;
	struct k3_stage stages[STAGES_MAX];
	size_t count, now, next;
	struct buf image;
	bool done; /* the file of this stage is there, and is good */
};

static struct k3 *model_of(struct sim_device *device)
{
	return container_of(device, struct k3, device);
}

static void add_stage(struct k3 *model, enum k3_kind kind, const char *name, bool waits)
{
	model->stages[model->count++] = (struct k3_stage){kind, name, waits};
}

static void make_stages(struct k3 *model)
{
	add_stage(model, K3_ROM, "bootloader", false);
	if (model->soc->sysfw)
		add_stage(model, K3_SPL, "sysfw.itb", true);
	add_stage(model, K3_SPL, model->soc->second, model->settings.wait_detach);
	add_stage(model, K3_SPL, "u-boot.img", true);
	if (model->media.count)
		add_stage(model, K3_UBOOT, "emmc", true);
}

static const char **alt_names(const struct k3 *model)
{
	const char **names = xcalloc(ARRAY_SIZE(areas) + 1, sizeof(*names));
	const struct k3_stage *stage = &model->stages[model->now];
	size_t i;

	names[0] = stage->name;
	if (stage->kind == K3_ROM)
		names[1] = "SocId";
	for (i = 0; stage->kind == K3_UBOOT && i < ARRAY_SIZE(areas); i++)
		names[i] = areas[i].name;
	return names;
}

static void make_face(struct k3 *model)
{
	const struct k3_stage *stage = &model->stages[model->now];
	_cleanup_(freep) const char **names = alt_names(model);
	bool rom = stage->kind == K3_ROM;
	const struct face_ids ids = {
		.vid = 0x0451,
		.pid = model->soc->pid,
		.release = rom ? 0x0200 : 0x0223,
		.manufacturer = "Texas Instruments, Inc",
		.product = rom ? "AM62x DFU" : "USB download gadget",
		.serial = rom                       ? "01.00.00.00"
			  : stage->kind == K3_UBOOT ? model->device.serial
						    : NULL,
		.speed = USB_SPEED_HIGH,
		.attributes = 0xc0,
		.power = 1,
	};

	model->dfu.function = (struct dfu_function){0x0f, 0, rom ? ROM_BLOCK : SPL_BLOCK, 0x0110};
	face_begin(&model->face, &ids);
	dfu_face(&model->face, &model->dfu.function, names);
}

static void enter(struct k3 *model, size_t stage)
{
	model->now = model->next = stage;
	model->device.stage = model->stages[stage].name;
	model->done = false;
	buf_clear(&model->image);
	make_face(model);
	model->dfu.alt = 0;
	dfu_device_reset(&model->dfu);
}

static void leave(struct k3 *model, size_t next)
{
	model->next = next;
	model->device.leaves = true;
	model->device.absent_ms = next < model->count ? model->absent_ms : -1;
}

/* tiboot3.bin begins with an X.509 certificate, the others are FIT images. */
static bool is_good(const struct k3 *model)
{
	const uint8_t *data = (const uint8_t *)buf_text(&model->image);

	if (model->stages[model->now].kind == K3_ROM)
		return model->image.size > 4 && data[0] == 0x30 && data[1] == 0x82;
	return model->image.size >= 8 && be32(data) == FIT_MAGIC &&
	       be32(data + 4) <= model->image.size;
}

/* The file is whole: what comes after this stage. A bad file of the ROM brings the same ROM back;
   an SPL that cannot start what it got hangs. */
static void take_file(struct k3 *model)
{
	const struct k3_stage *stage = &model->stages[model->now];
	bool again = sim_fault(model->device.faults, SIM_FAULT_ROUND, NULL, 1);
	size_t next = again ? model->now : model->now + 1;

	if (!is_good(model))
		next = stage->kind == K3_ROM ? model->now : model->count;
	model->done = true;
	model->next = next;
	if (!stage->waits)
		leave(model, next);
}

static const struct k3_area *area_of(const struct k3 *model)
{
	return &areas[model->dfu.alt < ARRAY_SIZE(areas) ? model->dfu.alt : 0];
}

static struct medium *area_medium(struct k3 *model, const struct k3_area *area, uint64_t *start,
				  uint64_t *size)
{
	struct medium *medium = media_part(&model->media.list[0], area->hwpart);

	*start = area->start * GPT_BLOCK;
	if (!medium || *start > medium->size)
		return NULL;
	*size = area->count ? area->count * GPT_BLOCK : medium->size - *start;
	return medium;
}

static uint8_t write_block(struct dfu_device *dfu, uint64_t at, const uint8_t *data, size_t size)
{
	struct k3 *model = container_of(dfu, struct k3, dfu);
	uint64_t start, room;
	struct medium *medium;

	if (model->stages[model->now].kind == K3_UBOOT) {
		medium = area_medium(model, area_of(model), &start, &room);
		if (!medium || at + size > room)
			return STATUS_ADDRESS;
		return medium_write(medium, start + at, data, size) ? 0 : STATUS_WRITE;
	}
	if (dfu->alt != 0)
		return STATUS_ADDRESS;
	if (at == 0)
		buf_clear(&model->image);
	return buf_add(&model->image, data, size) ? 0 : STATUS_ADDRESS;
}

static uint8_t finish(struct dfu_device *dfu, uint64_t size)
{
	struct k3 *model = container_of(dfu, struct k3, dfu);

	(void)size;
	if (model->stages[model->now].kind != K3_UBOOT)
		take_file(model);
	else
		medium_flush(&model->media.list[0].user);
	return 0;
}

/* The identity block: 32 bytes of a general purpose part, 200 of a secure one. */
static size_t identity(const struct k3 *model, uint8_t out[ID_HS])
{
	bool gp = text_equal(model->settings.type, "gp");
	static const uint8_t versions[8] = {0, 1, 1, 0, 0, 1, 1, 0};
	size_t i;

	memset(out, 0, ID_HS);
	out[0] = gp ? 1 : 2;
	out[4] = 1;
	out[5] = 26;
	memcpy(out + 8, model->soc->id, strlen(model->soc->id));
	memcpy(out + 20,
	       gp                                          ? "GP  "
	       : text_equal(model->settings.type, "hs-se") ? "HSSE"
							   : "HSFS",
	       4);
	memcpy(out + 24, versions, sizeof(versions));
	if (gp)
		return ID_GP;
	out[32] = 2;
	out[33] = 166;
	put_le16(out + 38, 1);
	for (i = 40; i < ID_HS; i++)
		out[i] = (uint8_t)(i * 7);
	return ID_HS;
}

static bool give(const uint8_t *bytes, size_t length, uint64_t at, uint8_t *data, size_t *size)
{
	if (at > length)
		at = length;
	if (*size > length - at)
		*size = length - (size_t)at;
	memcpy(data, bytes + at, *size);
	return true;
}

static bool read_block(struct dfu_device *dfu, uint64_t at, uint8_t *data, size_t *size)
{
	struct k3 *model = container_of(dfu, struct k3, dfu);
	uint8_t id[ID_HS];
	uint64_t start, room;
	struct medium *medium;

	if (model->stages[model->now].kind == K3_ROM)
		return dfu->alt == 1 && give(id, identity(model, id), at, data, size);
	if (model->stages[model->now].kind == K3_SPL)
		return give((const uint8_t *)buf_text(&model->image), model->image.size, at, data,
			    size);
	medium = area_medium(model, area_of(model), &start, &room);
	if (!medium)
		return false;
	if (at > room)
		at = room;
	if (*size > room - at)
		*size = (size_t)(room - at);
	return medium_read(medium, start + at, data, *size);
}

/* What runs after U-Boot's gadget, or after an SPL that got no file, is no device. */
static void detach(struct dfu_device *dfu)
{
	struct k3 *model = container_of(dfu, struct k3, dfu);
	bool last = model->stages[model->now].kind == K3_UBOOT;

	leave(model, !last && model->done ? model->next : model->count);
}

static const struct dfu_device_ops dfu_ops = {write_block, finish, read_block, detach};

static const struct sim_face *face(struct sim_device *device)
{
	return &model_of(device)->face;
}

/* The ROM starts what it got instead of answering the last GETSTATUS. */
static enum sim_status control(struct sim_device *device, struct usb_setup setup, uint8_t *data,
			       size_t *size)
{
	struct k3 *model = model_of(device);
	bool last = setup.request_type == 0xa1 && setup.request == GETSTATUS &&
		    model->dfu.state == DFU_MANIFEST_SYNC &&
		    model->stages[model->now].kind == K3_ROM;

	if (!last || model->settings.answers_last)
		return dfu_device_control(&model->dfu, setup, data, size);
	take_file(model);
	*size = 0;
	return model->settings.stalls_last ? SIM_STALL : SIM_HANG;
}

/* Some loaders start the next stage at a reset of the bus. */
static void reset(struct sim_device *device)
{
	struct k3 *model = model_of(device);

	if (model->done && model->stages[model->now].kind == K3_SPL)
		leave(model, model->next);
	else
		dfu_device_reset(&model->dfu);
}

static void arrive(struct sim_device *device)
{
	struct k3 *model = model_of(device);

	if (model->next < model->count)
		enter(model, model->next);
}

static void restart(struct sim_device *device)
{
	enter(model_of(device), 0);
}

static void release(struct sim_device *device)
{
	struct k3 *model = model_of(device);

	media_close(&model->media);
	face_free(&model->face);
	buf_free(&model->image);
	free(model);
}

static const struct sim_model k3_model = {
	.name = "k3",
	.face = face,
	.control = control,
	.reset = reset,
	.restart = restart,
	.arrive = arrive,
	.free = release,
};

int k3_model_new(struct sim_device **device, const struct sim_settings *common,
		 const struct k3_settings *settings, struct err *err)
{
	struct k3 *model = xcalloc(1, sizeof(*model));
	size_t i;
	int rc;

	model->settings = *settings;
	for (i = 0; i < ARRAY_SIZE(socs); i++)
		if (text_equal(socs[i].name, settings->soc))
			model->soc = &socs[i];
	model->absent_ms = common->absent_ms;
	model->image.max = IMAGE_MAX;
	sim_device_begin(&model->device, &k3_model, common, "K3-");
	model->dfu.manners = &dfu_uboot;
	model->dfu.ops = &dfu_ops;
	model->dfu.device = &model->device;
	model->dfu.manifest_ms = settings->manifest_ms;
	rc = media_open(&model->media, settings->media, &model->device, common, err);
	if (rc == 0 && model->media.count && !model->media.list[0].is_emmc) {
		rc = err_set(err, ERR_USAGE, "the model k3 has one medium, an eMMC");
		err_remedy(err, "give it as --media mmc1=FILE:SIZE");
	}
	if (rc < 0) {
		sim_device_free(&model->device);
		return rc;
	}
	make_stages(model);
	enter(model, 0);
	*device = &model->device;
	return 0;
}
