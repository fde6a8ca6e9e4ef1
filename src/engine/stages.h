// SPDX-License-Identifier: MIT
/*
 * Runs the stages of a job in order: deadlines, tries, the retry budget, and going back to the
 * cheapest stage that can help.
 */
#ifndef ABOARD_ENGINE_STAGES_H
#define ABOARD_ENGINE_STAGES_H

#include "engine/job.h"

/* 0 when all stages are done. The error is prefixed with the stage's label. */
int stages_run(struct job *job, struct err *err);

#endif
