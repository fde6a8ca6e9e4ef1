// SPDX-License-Identifier: MIT
/* The connection to the loader. */
#include <string.h>

#include "base/text.h"
#include "drivers/fastboot/board.h"
#include "engine/job_usb.h"

/* The class is what makes a device a fastboot device; ids only give it a name (NXP's uuu,
   libuuu/config.cpp; AOSP's and vendors' U-Boot configurations). */
#define FASTBOOT_CLASS           \
	{                        \
		0xff, 0x42, 0x03 \
	}

const struct usb_mode fb_modes[] = {
	{0x0483, 0x0afb, FASTBOOT_CLASS, NULL, "STM32MP", "fastboot"},
	{0x0525, 0xa4a5, FASTBOOT_CLASS, NULL, "i.MX", "fastboot"},
	{0x1fc9, 0x0152, FASTBOOT_CLASS, NULL, "i.MX", "fastboot"},
	{0x0451, 0, FASTBOOT_CLASS, NULL, "TI", "fastboot"},
	{0x2207, 0, FASTBOOT_CLASS, NULL, "Rockchip", "fastboot"},
	{0x1f3a, 0, FASTBOOT_CLASS, NULL, "Allwinner", "fastboot"},
	{0x18d1, 0x0d02, FASTBOOT_CLASS, NULL, "Android", "fastboot"},
	{0x18d1, 0x4ee0, FASTBOOT_CLASS, NULL, "Android", "fastboot"},
	{0, 0, FASTBOOT_CLASS, NULL, "fastboot", "fastboot"},
	{0},
};

/* What the device says on the way. */
static void take_info(void *context, const char *text)
{
	struct job *job = context;
	struct fb *fb = fb_of(job);

	if (fb->listing)
		buf_addf(&fb->partitions, "%s\n", text);
	else if (text[0])
		events_log(job->events, "info", "device: %s", text);
}

void fb_disconnect(struct job *job)
{
	struct fb *fb = fb_of(job);

	if (fb->device.link)
		fastboot_close(&fb->device);
	job_usb_close(job);
}

static int open_link(struct job *job, struct fastboot_link **link, struct deadline deadline,
		     struct err *err)
{
	const char *how = yaml_text(job->board->own, "link", "usb");
	int rc;

	if (text_starts(how, "tcp:"))
		return fastboot_tcp(link, how + 4, deadline, err);
	if (text_starts(how, "udp:"))
		return fastboot_udp(link, how + 4, deadline, err);
	rc = job_usb_open(job, fb_modes, deadline, err);
	return rc == 0 ? fastboot_usb(link, job->usb, deadline, err) : rc;
}

int fb_connect(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);
	int rc;

	deadline = job_deadline(job, deadline, "connect");
	if (fb->device.link && fastboot_hello(&fb->device, deadline, err) == 0)
		return 0;
	fb_disconnect(job);
	rc = deadline_check(deadline, err);
	if (rc == 0)
		rc = open_link(job, &fb->device.link, deadline, err);
	if (rc < 0)
		return rc;
	fb->device.info = take_info;
	fb->device.info_context = job;
	rc = fastboot_hello(&fb->device, deadline, err);
	if (rc < 0)
		fb_disconnect(job);
	return rc;
}
