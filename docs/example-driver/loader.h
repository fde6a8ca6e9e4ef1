// SPDX-License-Identifier: MIT
/*
 * The example of docs/adding-a-driver.md.
 */
#ifndef ABOARD_EXAMPLE_LOADER_H
#define ABOARD_EXAMPLE_LOADER_H

#include "engine/driver.h"

extern const struct driver loader_driver;

#endif
