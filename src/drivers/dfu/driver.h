// SPDX-License-Identifier: MIT
/*
 * The driver `dfu`.
 */
#ifndef ABOARD_DRIVERS_DFU_DRIVER_H
#define ABOARD_DRIVERS_DFU_DRIVER_H

#include "engine/driver.h"

extern const struct driver dfu_driver;

#endif
