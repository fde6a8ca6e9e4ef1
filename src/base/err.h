// SPDX-License-Identifier: MIT
/*
 * Errors. A call that can fail returns 0 or a negative `enum err_kind`, and fills a struct err that
 * its caller owns: what happened, what was being done (a chain of prefixes), and what to do next
 * (the remedy). Nothing here allocates, prints or exits, so an error can be reported from anywhere.
 */
#ifndef ABOARD_BASE_ERR_H
#define ABOARD_BASE_ERR_H

#include <stdbool.h>

/* What kind of trouble it is. It decides the exit status and whether trying again can help: err.c
 * has the table. */
enum err_kind {
	ERR_NONE = 0,
	ERR_USAGE,     /* the command line is wrong */
	ERR_CONFIG,    /* a file the user wrote is wrong: board file, manifest */
	ERR_NOT_FOUND, /* something named does not exist */
	ERR_HOST,      /* this machine cannot do it: permission, port taken, disk full */
	ERR_IMAGE,     /* the image is damaged, truncated or of an unknown kind */
	ERR_DIGEST,    /* a digest that was given is not the digest of what was read */
	ERR_NETWORK,   /* a server did not answer, or not as agreed */
	ERR_AUTH,      /* a server wants other credentials */
	ERR_POWER,     /* power could not be switched, or does not read back */
	ERR_CONSOLE,   /* the console was lost, or stays silent */
	ERR_USB,       /* the USB device is gone, or a transfer broke */
	ERR_BOARD,     /* the board refused, or answered something else than agreed */
	ERR_TARGET,    /* the target is missing, ambiguous, too small or in use */
	ERR_VERIFY,    /* what was read back is not what was written */
	ERR_TIMEOUT,   /* a deadline has passed */
	ERR_CANCELLED, /* the user, or a signal, ended it */
	ERR_REFUSED,   /* not confirmed, or the plan is not the one that was approved */
	ERR_BUSY,      /* another job holds it */
	ERR_INTERNAL,  /* a defect of this program */
	ERR_KIND_COUNT
};

struct err {
	enum err_kind kind;
	char text[1024];
	char remedy[512];
};

/* Fills *err. Returns -kind, so that `return err_set(err, ...)` is the way to fail. err may be
 * NULL. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno (kept) behind it. */
int err_errno(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the text that is there. Returns -kind of what is there. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what to do next. Replaces an earlier remedy. Returns -kind of what is there. */
int err_remedy(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* The word for a kind in events and records ("timeout"), never NULL. */
const char *err_kind_name(enum err_kind kind);

/* The exit status of the program for this kind: 0 for ERR_NONE only. */
int err_exit_status(enum err_kind kind);

/* One line on what an exit status of this kind means, for the manual. */
const char *err_kind_help(enum err_kind kind);

/* Whether the same work, done again with the same arguments, may succeed. */
bool err_may_pass(enum err_kind kind);

#endif
