// SPDX-License-Identifier: MIT
/*
 * The driver `stm32mp`, for the table of drivers.
 */
#ifndef ABOARD_DRIVERS_STM32MP_DRIVER_H
#define ABOARD_DRIVERS_STM32MP_DRIVER_H

#include "engine/driver.h"

extern const struct driver stm32mp_driver;

#endif
