// SPDX-License-Identifier: MIT
/* What hosts send to models as files: flash layouts, scripts, sparse images, partition tables. The
   first byte chooses. */
#include <stdlib.h>

#include "sim/fb_device.h"
#include "sim/stm32mp_layout.h"
#include "sim/uboot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void release(struct sim_device *device)
{
	(void)device;
}

static const struct sim_model nothing = {.name = "nothing", .free = release};

static void run_layout(struct media_set *media, const char *text, size_t size)
{
	struct stm_layout *layout = calloc(1, sizeof(*layout));
	char error[STM_ERROR];

	if (!layout)
		abort();
	if (stm_layout_parse(layout, text, size, error) && stm_layout_resolve(layout, media, error))
		stm_layout_prepare(layout, media, error);
	free(layout);
}

static void run_script(struct media_set *media, struct sim_device *device, const char *text,
		       size_t size)
{
	struct env env = {0};
	struct uboot uboot = {.media = media,
			      .device = device,
			      .env = &env,
			      .ram_base = 0x1000,
			      .ram_size = 1 << 20,
			      .console = -1};
	int stops = 0;

	uboot_begin(&uboot);
	uboot_load(&uboot, text, size);
	while (uboot_run(&uboot) == UBOOT_FASTBOOT && stops++ < 100)
		;
	uboot_free(&uboot);
	env_free(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const texts[] = {"mmc0=:2M", "mmc1=:2M", "nand0=:32M", NULL};
	struct sim_device device = {.model = &nothing};
	const struct sim_settings settings = {.number = 1};
	struct media_set media = {0};
	struct fb_target target;
	struct err err;

	if (!size)
		return 0;
	if (media_open(&media, texts, &device, &settings, &err) < 0)
		abort();
	target = (struct fb_target){FB_PART, &media.list[0], &media.list[0].user, 0, 1 << 20};
	if (data[0] == 'l')
		run_layout(&media, (const char *)data + 1, size - 1);
	else if (data[0] == 's')
		run_script(&media, &device, (const char *)data + 1, size - 1);
	else if (data[0] == 'g')
		gpt_restore(&media.list[0].user, data + 1, size - 1);
	else if (fb_is_sparse(data + 1, size - 1))
		fb_write_sparse(&target, data + 1, size - 1);
	media_close(&media);
	return 0;
}
