// SPDX-License-Identifier: MIT
/*
 * Secrets of a board. A board file names them and says where they are (environment or file); they
 * are read when they are needed, and everything read is remembered, so that text on its way to a
 * log, an event or a record can be cleaned of it.
 */
#ifndef ABOARD_BASE_SECRET_H
#define ABOARD_BASE_SECRET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"

struct secrets;

/* `map` is the board file's `secrets` (NULL: none): NAME: {env: VARIABLE} or NAME: {file: PATH};
   PATH is relative to the folder of the board file. It must outlive what is returned. */
int secrets_new(struct secrets **secrets, const struct yaml *map, struct err *err);
void secrets_free(struct secrets *secrets);

/* The value of a secret, without a trailing newline; borrowed until secrets_free(). Unknown name,
   unset variable or unreadable file is ERR_CONFIG, with the place. */
int secrets_get(struct secrets *secrets, const char *name, const char **value, struct err *err);

/* Remembers a secret that came from elsewhere (a credential file, an option), for secrets_hide().
 */
void secrets_remember(struct secrets *secrets, const char *value);

/* Replaces every remembered value in `text` by "***", in place in the buffer. Values under 4
 * characters are left. */
void secrets_hide(const struct secrets *secrets, struct buf *text);

#endif
