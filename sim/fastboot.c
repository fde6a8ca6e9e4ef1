// SPDX-License-Identifier: MIT
/* A board whose U-Boot is in fastboot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/fb_usb.h"
#include "sim/models.h"
#include "sim/uboot.h"

#define RAM_BASE 0xc0000000u
#define RAM_SIZE ((uint64_t)1 << 30)
#define LOADADDR "0xc8000000" /* behind the buffer */

struct fastboot_model {
	struct sim_device device;
	struct sim_face face;
	struct media_set media;
	struct env env;
	struct fb_device fb;
	struct fb_net *tcp, *udp;
	struct uboot uboot;
	int64_t absent_ms;
};

static struct fastboot_model *model_of(struct sim_device *device)
{
	return container_of(device, struct fastboot_model, device);
}

static const struct sim_face *face(struct sim_device *device)
{
	return &model_of(device)->face;
}

static enum sim_status control(struct sim_device *device, struct usb_setup setup, uint8_t *data,
			       size_t *size)
{
	(void)device;
	(void)data;
	*size = 0;
	return setup.request_type & 0x60 ? SIM_STALL : SIM_OK;
}

static enum sim_status bulk(struct sim_device *device, uint8_t endpoint, uint8_t *data,
			    size_t *size, bool *pending)
{
	struct fastboot_model *model = model_of(device);
	enum sim_status status = fb_usb_bulk(&model->fb, endpoint, data, size, pending);
	enum fb_end end = fb_ended(&model->fb);

	if (model->uboot.stop == UBOOT_RESET && !model->fb.count)
		end = FB_REBOOT;
	if (end == FB_STAYS)
		return status;
	/* Rebooted, it is in fastboot again; else it runs something that is not. */
	device->leaves = true;
	device->absent_ms = end == FB_REBOOT ? model->absent_ms : -1;
	fb_begin(&model->fb);
	model->uboot.stop = UBOOT_GOES_ON;
	return status;
}

static void reset(struct sim_device *device)
{
	fb_begin(&model_of(device)->fb);
}

static void release(struct sim_device *device)
{
	struct fastboot_model *model = model_of(device);

	fb_net_free(model->tcp);
	fb_net_free(model->udp);
	uboot_free(&model->uboot);
	media_close(&model->media);
	env_free(&model->env);
	fb_free(&model->fb);
	face_free(&model->face);
	free(model);
}

static const struct sim_model fastboot_model = {
	.name = "fastboot",
	.face = face,
	.control = control,
	.bulk = bulk,
	.reset = reset,
	.restart = reset,
	.free = release,
};

static int set_env(struct fastboot_model *model, const char *const *texts, struct err *err)
{
	const char *equals;

	for (; texts && *texts; texts++) {
		_cleanup_(freep) char *name = NULL;

		equals = strchr(*texts, '=');
		if (!equals)
			return err_set(err, ERR_USAGE, "--env: \"%s\" is not NAME=VALUE", *texts);
		name = xstrndup(*texts, (size_t)(equals - *texts));
		env_set(&model->env, name, equals + 1);
	}
	return 0;
}

static int open_nets(struct fastboot_model *model, const struct fastboot_settings *settings,
		     struct err *err)
{
	struct fb_net_settings net = {.commands_only = settings->uboot_tcp,
				      .sequence = settings->udp_sequence,
				      .lose = settings->lose};
	char bound[80];
	int rc = 0;

	if (settings->tcp) {
		net.address = settings->tcp;
		rc = fb_tcp_new(&model->tcp, &model->fb, settings->loop, &net, bound, err);
		if (rc == 0)
			buf_addf(settings->lines, "tcp listening on %s\n", bound);
	}
	if (settings->udp && rc == 0) {
		net.address = settings->udp;
		rc = fb_udp_new(&model->udp, &model->fb, settings->loop, &net, bound, err);
		if (rc == 0)
			buf_addf(settings->lines, "udp listening on %s\n", bound);
	}
	return rc;
}

static bool run_uboot(void *context, const char *command)
{
	struct fastboot_model *model = context;

	uboot_load(&model->uboot, command, strlen(command));
	uboot_run(&model->uboot);
	return model->uboot.status == 0;
}

static void begin_uboot(struct fastboot_model *model, unsigned int mmc)
{
	model->uboot = (struct uboot){
		.media = &model->media,
		.device = &model->device,
		.env = &model->env,
		.ram_base = RAM_BASE,
		.ram_size = RAM_SIZE,
		.mmc = mmc,
		.console = -1,
	};
	uboot_begin(&model->uboot);
	env_set(&model->env, "loadaddr", LOADADDR);
	model->fb.run = run_uboot;
	model->fb.context = model;
	model->fb.memory = model->uboot.ram;
}

int fastboot_model_new(struct sim_device **device, const struct sim_settings *common,
		       const struct fastboot_settings *settings, struct err *err)
{
	struct fastboot_model *model = xcalloc(1, sizeof(*model));
	int rc;

	sim_device_begin(&model->device, &fastboot_model, common, "FASTBOOT");
	model->absent_ms = common->absent_ms;
	model->fb.device = &model->device;
	model->fb.media = &model->media;
	model->fb.env = &model->env;
	model->fb.mmc = settings->mmc;
	model->fb.buffer_size = settings->buffer;
	model->fb.product = "model";
	model->fb.no_user_area = settings->no_user_area;
	model->fb.old = settings->old;
	fb_begin(&model->fb);
	if (settings->oem_run)
		begin_uboot(model, settings->mmc);
	rc = media_open(&model->media, settings->media, &model->device, common, err);
	if (rc == 0)
		rc = set_env(model, settings->env, err);
	if (rc == 0)
		rc = open_nets(model, settings, err);
	if (rc < 0) {
		sim_device_free(&model->device);
		return rc;
	}
	fb_usb_face(&model->face,
		    &(struct gadget_ids){settings->vid, settings->pid, "USB download gadget",
					 model->device.serial});
	*device = &model->device;
	return 0;
}
