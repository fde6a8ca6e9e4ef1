// SPDX-License-Identifier: MIT
/*
 * The driver `ums`.
 */
#ifndef ABOARD_DRIVERS_UMS_DRIVER_H
#define ABOARD_DRIVERS_UMS_DRIVER_H

#include "engine/driver.h"

extern const struct driver ums_driver;

#endif
