// SPDX-License-Identifier: MIT
/* A board whose U-Boot is in `ums`. */
#include <stdlib.h>

#include "base/mem.h"
#include "sim/media.h"
#include "sim/models.h"
#include "sim/ums_device.h"

struct ums_model {
	struct sim_device device;
	struct sim_face face;
	struct media_set media;
	struct ums_device ums;
};

static struct ums_model *model_of(struct sim_device *device)
{
	return container_of(device, struct ums_model, device);
}

static const struct sim_face *face(struct sim_device *device)
{
	return &model_of(device)->face;
}

static enum sim_status control(struct sim_device *device, struct usb_setup setup, uint8_t *data,
			       size_t *size)
{
	return ums_control(&model_of(device)->ums, setup, data, size);
}

static enum sim_status bulk(struct sim_device *device, uint8_t endpoint, uint8_t *data,
			    size_t *size, bool *pending)
{
	struct ums_model *model = model_of(device);
	enum sim_status status = ums_bulk(&model->ums, endpoint, data, size, pending);

	if (model->ums.ended && !model->ums.has_status) {
		device->leaves = true;
		device->absent_ms = -1;
	}
	return status;
}

static void reset(struct sim_device *device)
{
	ums_begin(&model_of(device)->ums);
}

static void release(struct sim_device *device)
{
	struct ums_model *model = model_of(device);

	media_close(&model->media);
	ums_free(&model->ums);
	face_free(&model->face);
	free(model);
}

static const struct sim_model ums_model = {
	.name = "ums",
	.face = face,
	.control = control,
	.bulk = bulk,
	.reset = reset,
	.restart = reset,
	.free = release,
};

int ums_model_new(struct sim_device **device, const struct sim_settings *common,
		  const struct ums_settings *settings, struct err *err)
{
	struct ums_model *model = xcalloc(1, sizeof(*model));
	size_t i;
	int rc;

	sim_device_begin(&model->device, &ums_model, common, "UMS");
	model->ums.eject_ends = settings->eject_ends;
	rc = media_open(&model->media, settings->media, &model->device, common, err);
	if (rc < 0) {
		sim_device_free(&model->device);
		return rc;
	}
	for (i = 0; i < model->media.count && i < UMS_LUNS; i++)
		model->ums.luns[model->ums.count++] = &model->media.list[i].user;
	ums_begin(&model->ums);
	ums_face(&model->face, &(struct gadget_ids){settings->vid, settings->pid,
						    "USB download gadget", model->device.serial});
	*device = &model->device;
	return 0;
}
