// SPDX-License-Identifier: MIT
/*
 * What the ways to switch power have in common, and the records that table.c lists. Only for the
 * files of this folder and their tests.
 */
#ifndef ABOARD_POWER_WAYS_H
#define ABOARD_POWER_WAYS_H

#include <regex.h>

#include "base/buf.h"
#include "power/power.h"

extern const struct power_way power_command;
extern const struct power_way power_gpio;
extern const struct power_way power_http;
extern const struct power_way power_manual;
extern const struct power_way power_process;
extern const struct power_way power_snmp;
extern const struct power_way power_usb_hub;
extern const struct power_way power_ykush;

/* The last lines of what a program or a device said, on one line and printable, with secrets
   hidden, to end an error text: ": ..." or nothing. Owned by the caller. */
char *power_said(const struct power *power, const char *text, size_t size);

/* ERR_CONFIG at `at`, whose text is none of the presets; the remedy is the nearest, or all of them
   and what to give `instead`. `names` is NULL-terminated. */
int power_unknown_preset(const struct yaml *at, const char *const *names, const char *instead,
			 struct err *err);

/* A pattern of the board file: POSIX extended, letter case ignored. A bad one is ERR_CONFIG, at
   `at`. Freed with power_pattern_free(). */
int power_pattern_compile(const struct yaml *at, const char *pattern, regex_t **regex,
			  struct err *err);
void power_pattern_free(regex_t *regex);

/* Tells a state from a text by two patterns. */
struct power_match {
	regex_t *on, *off; /* owned; NULL: not given */
};

/* Reads the patterns under two keys; a fallback (NULL: none) holds for a key that is missing. A bad
   pattern is ERR_CONFIG with its place. Freed with power_match_free(), also after an error. */
int power_match_open(struct power_match *match, const struct yaml *settings, const char *on_key,
		     const char *off_key, const char *const fallbacks[2], struct err *err);
void power_match_free(struct power_match *match);

/* With one pattern, a text without it is the other state. False: neither matches, or both. */
bool power_match_state(const struct power_match *match, const char *text, enum power_state *state);

#endif
