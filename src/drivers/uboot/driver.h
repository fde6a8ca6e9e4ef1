// SPDX-License-Identifier: MIT
/*
 * The driver `uboot`, for the table of drivers.
 */
#ifndef ABOARD_DRIVERS_UBOOT_DRIVER_H
#define ABOARD_DRIVERS_UBOOT_DRIVER_H

#include "engine/driver.h"

extern const struct driver uboot_driver;

#endif
