// SPDX-License-Identifier: MIT
/*
 * Who has a device open, for messages.
 */
#ifndef ABOARD_IO_HOLDER_H
#define ABOARD_IO_HOLDER_H

/* "NAME (process PID)" of another process that has the file open, as far as we may look; NULL when
   none is found. Owned by the caller. */
char *holder_of(const char *path);

#endif
