// SPDX-License-Identifier: MIT
#include "drivers/table.h"

#include "drivers/uboot/driver.h"

const struct driver *const drivers[] = {
	&uboot_driver,
	NULL,
};
