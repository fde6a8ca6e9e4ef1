// SPDX-License-Identifier: MIT
/*
 * Memory and ownership. The x-functions never return NULL: running out of memory ends the process.
 * `_cleanup_(f)` calls f with the address of the variable when it goes out of scope; an owned thing
 * is handed on with `steal()`.
 */
#ifndef ABOARD_BASE_MEM_H
#define ABOARD_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* A variable that only owns is used by its end, which clang does not see. */
#define _cleanup_(function) __attribute__((cleanup(function), unused))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member` at `pointer`. */
#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Gives the value of an owned pointer away and leaves NULL behind. */
#define steal(pointer)                                   \
	__extension__({                                  \
		__typeof__(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                        \
		stolen_;                                 \
	})

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t count, size_t size); /* count * size bytes, checked for overflow */
/* The alignment is a power of two, the size a multiple of it; free() ends it. */
void *xaligned(size_t alignment, size_t size);
void *xmemdup(const void *data, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* For `_cleanup_(freep) char *x`. */
void freep(void *address_of_pointer);

/* For `_cleanup_(closep) int fd = -1`. */
void closep(int *fd);

/* Gives an owned file descriptor away and leaves -1 behind. */
int steal_fd(int *fd);

#endif
