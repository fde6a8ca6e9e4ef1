// SPDX-License-Identifier: MIT
/* A plain DFU 1.1 device: alternate settings that are files, read and written as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim/dfu_device.h"
#include "sim/medium.h"
#include "sim/models.h"

enum {
	STATUS_WRITE = 3,
	STATUS_ADDRESS = 8
};

struct alt {
	char *name;
	struct medium medium;
	bool fixed;      /* of a size that was given: the rest of it stays */
	uint64_t length; /* bytes that it reads as */
};

struct dfu_model {
	struct sim_device device;
	struct sim_face face;
	struct dfu_device dfu;
	struct dfu_settings settings;
	struct alt *alts;
	const char **names; /* ended by NULL; the alts' */
	size_t count;
};

static struct dfu_model *model_of(struct sim_device *device)
{
	return container_of(device, struct dfu_model, device);
}

static struct alt *alt_of(struct dfu_device *dfu)
{
	struct dfu_model *model = container_of(dfu, struct dfu_model, dfu);

	return &model->alts[dfu->alt < model->count ? dfu->alt : 0];
}

static uint8_t write_block(struct dfu_device *dfu, uint64_t at, const uint8_t *data, size_t size)
{
	struct alt *alt = alt_of(dfu);

	if (!alt->fixed && alt->medium.size < at + size)
		alt->medium.size = at + size;
	if (at + size > alt->medium.size)
		return STATUS_ADDRESS;
	return medium_write(&alt->medium, at, data, size) ? 0 : STATUS_WRITE;
}

static uint8_t finish(struct dfu_device *dfu, uint64_t size)
{
	struct alt *alt = alt_of(dfu);

	medium_flush(&alt->medium);
	if (alt->fixed)
		return 0;
	alt->length = size;
	return ftruncate(alt->medium.fd, (off_t)size) < 0 ? STATUS_WRITE : 0;
}

static bool read_block(struct dfu_device *dfu, uint64_t at, uint8_t *data, size_t *size)
{
	struct alt *alt = alt_of(dfu);

	if (at > alt->length)
		at = alt->length;
	if (*size > alt->length - at)
		*size = (size_t)(alt->length - at);
	return medium_read(&alt->medium, at, data, *size);
}

/* As U-Boot's command `dfu` ends: what comes after it is no DFU device. */
static void leave_dfu(struct dfu_device *dfu)
{
	struct dfu_model *model = container_of(dfu, struct dfu_model, dfu);

	model->device.leaves = true;
	model->device.absent_ms = -1;
}

static const struct dfu_device_ops dfu_ops = {write_block, finish, read_block, leave_dfu};

static const struct sim_face *face(struct sim_device *device)
{
	return &model_of(device)->face;
}

static enum sim_status control(struct sim_device *device, struct usb_setup setup, uint8_t *data,
			       size_t *size)
{
	return dfu_device_control(&model_of(device)->dfu, setup, data, size);
}

static void reset(struct sim_device *device)
{
	struct dfu_model *model = model_of(device);

	dfu_device_reset(&model->dfu);
	model->dfu.alt = 0;
}

static void release(struct sim_device *device)
{
	struct dfu_model *model = model_of(device);
	size_t i;

	for (i = 0; i < model->count; i++) {
		free(model->alts[i].name);
		medium_close(&model->alts[i].medium);
	}
	free(model->alts);
	free(model->names);
	face_free(&model->face);
	free(model);
}

static const struct sim_model dfu_model = {
	.name = "dfu",
	.face = face,
	.control = control,
	.reset = reset,
	.restart = reset,
	.free = release,
};

static int add_alt(struct dfu_model *model, const char *text, const struct sim_settings *common,
		   struct err *err)
{
	const char *equals = strchr(text, '=');
	_cleanup_(freep) char *path = NULL;
	uint64_t size;
	struct alt *alt;
	int rc;

	if (!equals || equals == text) {
		err_set(err, ERR_USAGE, "\"%s\" is no alternate setting", text);
		return err_remedy(err, "give it as NAME=FILE, NAME=FILE:SIZE or NAME=:SIZE");
	}
	sim_file_split(equals + 1, common->number, &path, &size);
	model->alts = xrealloc(model->alts, model->count + 1, sizeof(*model->alts));
	alt = &model->alts[model->count++];
	*alt = (struct alt){.name = xstrndup(text, (size_t)(equals - text)), .fixed = size > 0};
	alt->medium.fd = -1;
	rc = medium_open(&alt->medium, &model->device, path, size, err);
	if (rc < 0)
		return rc;
	alt->medium.write_rate = common->write_rate;
	alt->medium.read_rate = common->read_rate;
	alt->length = alt->medium.size;
	return 0;
}

static void make_face(struct dfu_model *model)
{
	const struct dfu_settings *settings = &model->settings;
	const struct face_ids ids = {
		.vid = settings->vid,
		.pid = settings->pid,
		.release = 0x0100,
		.manufacturer = "aboard",
		.product = settings->uboot ? "USB download gadget" : "DFU model",
		.serial = model->device.serial,
		.speed = USB_SPEED_HIGH,
		.attributes = 0xc0,
		.power = 1,
	};
	size_t i;

	model->names = xcalloc(model->count + 1, sizeof(*model->names));
	for (i = 0; i < model->count; i++)
		model->names[i] = model->alts[i].name;
	face_begin(&model->face, &ids);
	dfu_face(&model->face, &model->dfu.function, model->names);
}

static void make_dfu(struct dfu_model *model)
{
	const struct dfu_settings *settings = &model->settings;
	struct dfu_device *dfu = &model->dfu;

	dfu->manners = settings->uboot ? &dfu_uboot : &dfu_strict;
	dfu->ops = &dfu_ops;
	dfu->device = &model->device;
	dfu->poll_ms = settings->poll_ms;
	dfu->manifest_ms = settings->manifest_ms;
	dfu->function = (struct dfu_function){
		.attributes = (uint8_t)((settings->no_download ? 0 : DFU_CAN_DOWNLOAD) |
					(settings->no_upload ? 0 : DFU_CAN_UPLOAD) |
					(settings->intolerant ? 0 : DFU_MANIFESTATION_TOLERANT) |
					(settings->uboot ? DFU_WILL_DETACH : 0)),
		.detach_ms = settings->uboot ? 0 : 1000,
		.transfer_size = settings->transfer_size,
		.version = settings->version,
	};
	dfu_device_reset(dfu);
}

int dfu_model_new(struct sim_device **device, const struct sim_settings *common,
		  const struct dfu_settings *settings, struct err *err)
{
	static const char *const memory[] = {"firmware=:1M", NULL};
	struct dfu_model *model = xcalloc(1, sizeof(*model));
	const char *const *alt = settings->alts && settings->alts[0] ? settings->alts : memory;
	int rc = 0;

	model->settings = *settings;
	sim_device_begin(&model->device, &dfu_model, common, "DFU");
	for (; *alt && rc == 0; alt++)
		rc = add_alt(model, *alt, common, err);
	if (rc < 0) {
		sim_device_free(&model->device);
		return rc;
	}
	make_dfu(model);
	make_face(model);
	*device = &model->device;
	return 0;
}
