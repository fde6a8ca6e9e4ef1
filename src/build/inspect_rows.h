// SPDX-License-Identifier: MIT
/*
 * The rows of the table of recognisers (inspect.c), by the file that has them.
 */
#ifndef ABOARD_BUILD_INSPECT_ROWS_H
#define ABOARD_BUILD_INSPECT_ROWS_H

#include "build/finding.h"

#define ROW(name)                                     \
	bool name##_match(const struct input *input); \
	void name##_explain(const struct input *input, struct finding *finding)

/* inspect_boot.c */
ROW(stm32);
ROW(fip);
ROW(legacy_image);
ROW(fdt);

/* inspect_kernel.c */
ROW(arm64_kernel);
ROW(zimage);
ROW(elf);
ROW(pe);
ROW(cpio);

/* inspect_imx.c */
ROW(imx_ivt);
ROW(ahab);

/* inspect_chip.c */
ROW(rockchip_loader);
ROW(rockchip_idblock);
ROW(egon);

/* inspect_esp.c */
ROW(esp);

/* inspect_disk.c */
ROW(gpt);
ROW(mbr);

/* inspect_fs.c */
ROW(ext4);
ROW(fat);
ROW(squashfs);
ROW(sparse);

/* inspect_packed.c */
ROW(packed);

#undef ROW

#endif
