// SPDX-License-Identifier: MIT
/*
 * The driver `fastboot`, for the table of drivers.
 */
#ifndef ABOARD_DRIVERS_FASTBOOT_DRIVER_H
#define ABOARD_DRIVERS_FASTBOOT_DRIVER_H

#include "engine/driver.h"

extern const struct driver fastboot_driver;

#endif
