// SPDX-License-Identifier: MIT
#include "drivers/table.h"

#include "drivers/dfu/driver.h"
#include "drivers/fastboot/driver.h"
#include "drivers/stm32mp/driver.h"
#include "drivers/uboot/driver.h"
#include "drivers/ums/driver.h"

/* A USB device is called by the first row that it matches: drivers of one family come before those
   for any device. */
const struct driver *const drivers[] = {
	&uboot_driver, &stm32mp_driver, &fastboot_driver, &dfu_driver, &ums_driver, NULL,
};
