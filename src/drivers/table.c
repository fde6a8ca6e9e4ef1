// SPDX-License-Identifier: MIT
#include "drivers/table.h"

#include "drivers/dfu/driver.h"
#include "drivers/uboot/driver.h"

const struct driver *const drivers[] = {
	&uboot_driver,
	&dfu_driver,
	NULL,
};
