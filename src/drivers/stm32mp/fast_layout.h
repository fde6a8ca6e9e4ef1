// SPDX-License-Identifier: MIT
/*
 * What U-Boot's `stm32prog` does with a layout on an mmc, as commands for the script of the fast
 * way: the partition table, what is to be erased, from where an eMMC boots. Pure. Source: U-Boot
 * arch/arm/mach-stm32mp/cmd_stm32prog/stm32prog.c, doc/usage/cmd/gpt.rst.
 */
#ifndef ABOARD_DRIVERS_STM32MP_FAST_LAYOUT_H
#define ABOARD_DRIVERS_STM32MP_FAST_LAYOUT_H

#include "base/buf.h"
#include "drivers/stm32mp/tsv.h"

/* Why a layout cannot be written so; NULL: it can. It must have been checked. `media` as for
   tsv_check(). A constant. */
const char *fast_layout_reason(const struct tsv *tsv, const struct tsv_media *media);

/* The number of its mmc; only for a layout that can be written so. */
unsigned int fast_layout_device(const struct tsv *tsv);

/* How U-Boot's fastboot calls the place of a line: "1:0" the whole medium, "1:a" a partition,
   "1.2:0" a boot partition. */
void fast_layout_place(const struct tsv *tsv, const struct tsv_line *line, char out[16]);

/* The commands before anything is written, and when all is. */
void fast_layout_before(const struct tsv *tsv, struct buf *out);
void fast_layout_after(const struct tsv *tsv, struct buf *out);

#endif
