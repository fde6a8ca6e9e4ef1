// SPDX-License-Identifier: MIT
/*
 * Identifiers that are predictable: UUIDs and 32-bit numbers derived from names and content by
 * hashing, so that the same input always gives the same image and different images differ.
 */
#ifndef ABOARD_BUILD_IDENT_H
#define ABOARD_BUILD_IDENT_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_SIZE 16
#define UUID_TEXT 37

/* A UUID from these texts (NULL-terminated list), marked as version 8 (RFC 9562, 5.8: of the
   maker's own making). Bytes in the order of the text form. */
void ident_uuid(uint8_t out[UUID_SIZE], const char *const *words);

/* A number other than 0, from the same. */
uint32_t ident_number(const char *const *words);

/* "01234567-89ab-..." in lower case, and back (upper case too). */
void uuid_text(const uint8_t uuid[UUID_SIZE], char out[UUID_TEXT]);
bool uuid_read(const char *text, uint8_t out[UUID_SIZE]);

#define IDENT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The time for what has none of its own: SOURCE_DATE_EPOCH when it is set and a number, else the
   first moment FAT knows, 1980-01-01. Always the same, so that images are. */
int64_t ident_time(void);

#endif
