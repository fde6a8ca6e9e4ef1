// SPDX-License-Identifier: MIT
/*
 * A plan: everything resolved before anything is touched. It is shown, approved, digested and
 * recorded; the stages do what it says and nothing else. It holds no time, no token and no port, so
 * the same inputs give the same digest.
 */
#ifndef ABOARD_ENGINE_PLAN_H
#define ABOARD_ENGINE_PLAN_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct plan;

struct plan *plan_new(void);
void plan_free(struct plan *plan);

/* One resolved fact, in the order in which they are to be shown: section "board", "image",
   "bundle", "network", "target"; a key, and its value (printf). A value given again replaces the
   earlier one in its place. */
void plan_fact(struct plan *plan, const char *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A number of bytes: the only facts that are JSON numbers; null when over INT64_MAX (not known). */
void plan_fact_bytes(struct plan *plan, const char *section, const char *key, uint64_t bytes);

/* What will be done, one line a step, in order. */
void plan_step(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the person should know before saying yes. */
void plan_warn(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What cannot be undone (one-time programmable words, fuses), in one phrase that names it exactly;
   at most one a plan. It is asked for in addition to the plan's own question, and yes in advance
   does not cover it. */
void plan_irreversible(struct plan *plan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* NULL: everything in this plan can be undone. Borrowed. */
const char *plan_irreversible_phrase(const struct plan *plan);

/* {"facts": {SECTION: {KEY: VALUE}}, "steps": [...], "warnings": [...]}, and "irreversible":
   PHRASE where there is one; borrowed. */
const json_t *plan_json(const struct plan *plan);

/* SHA-256 of the canonical form: JSON with sorted keys and no white space. */
void plan_digest(const struct plan *plan, char out[SHA256_TEXT]);

#endif
