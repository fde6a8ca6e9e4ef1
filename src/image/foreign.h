// SPDX-License-Identifier: MIT
/*
 * What is not an image although it may be taken for one: archives, disk formats of emulators,
 * compression nobody undoes here, web pages in place of a download. Written to a medium they would
 * look like success.
 */
#ifndef ABOARD_IMAGE_FOREIGN_H
#define ABOARD_IMAGE_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* `head` is the start of what would be written. `decoded`: it comes out of a decoder, so another
   layer of compression is an error, too. 0, or ERR_IMAGE with a remedy. */
int foreign_check(const uint8_t *head, size_t size, bool decoded, struct err *err);

#endif
