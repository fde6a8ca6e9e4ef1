// SPDX-License-Identifier: MIT
#include "drivers/table.h"

#include "drivers/dfu/driver.h"
#include "drivers/fastboot/driver.h"
#include "drivers/stm32mp/driver.h"
#include "drivers/uboot/driver.h"

const struct driver *const drivers[] = {
	&uboot_driver,
	&stm32mp_driver,
	&dfu_driver,
	&fastboot_driver,
	NULL,
};
