// SPDX-License-Identifier: MIT
/*
 * The one list of drivers. A new driver is its folder and one line in table.c.
 */
#ifndef ABOARD_DRIVERS_TABLE_H
#define ABOARD_DRIVERS_TABLE_H

#include "engine/driver.h"

/* Ends with NULL. */
extern const struct driver *const drivers[];

#endif
