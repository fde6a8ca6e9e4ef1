// SPDX-License-Identifier: MIT
/*
 * The suffix of a .dfu file (DFU 1.1 appendix B) is for the host: it says which device the file is
 * for, and is never sent.
 */
#ifndef ABOARD_PROTO_DFU_SUFFIX_H
#define ABOARD_PROTO_DFU_SUFFIX_H

#include "base/reader.h"
#include "proto/dfu.h"

/* Hands `below` (borrowed) through up to its suffix. At the end *found tells whether there was one,
   and `suffix` what it says. Its CRC is wrong: ERR_IMAGE. */
struct reader *dfu_strip_new(struct reader *below, struct dfu_suffix *suffix, bool *found);

/* ERR_IMAGE, with what to do: the file is for another device, or for DfuSe. */
int dfu_suffix_check(const struct dfu_suffix *suffix, uint16_t vid, uint16_t pid, struct err *err);

#endif
