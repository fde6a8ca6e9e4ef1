// SPDX-License-Identifier: MIT
/*
 * What U-Boot's commands print, and how its shell wants values quoted. Pure text in, values out;
 * all of it comes from a console and is hostile.
 */
#ifndef ABOARD_PROTO_UBOOT_H
#define ABOARD_PROTO_UBOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"

/* tftpboot and other loads: "Bytes transferred = 33554432 (2000000 hex)" (U-Boot net/net.c). */
bool uboot_bytes_transferred(const char *output, uint64_t *bytes);

/* crc32: "crc32 for 40200000 ... 421fffff ==> 1a2b3c4d" (U-Boot common/hash.c). */
bool uboot_crc32(const char *output, uint32_t *crc);

/* hash sha256: "sha256 for 40200000 ... 421fffff ==> 64 digits" (U-Boot common/hash.c). Lower case.
 */
bool uboot_sha256(const char *output, char sha256[SHA256_TEXT]);

/* printenv NAME: one line "NAME=VALUE". `value` is replaced. */
bool uboot_env(const char *output, const char *name, struct buf *value);

/* "Unknown command 'hash' - try 'help'" (U-Boot common/cli_hush.c): this build does not have it. */
bool uboot_is_unknown_command(const char *output);

/* Appends `value` so that hush takes it as one word; false for a value it cannot hold (quote,
 * control characters). */
bool uboot_quote(struct buf *line, const char *value);

#endif
