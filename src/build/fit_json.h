// SPDX-License-Identifier: MIT
/*
 * A report on a FIT as facts and checks of a finding.
 */
#ifndef ABOARD_BUILD_FIT_JSON_H
#define ABOARD_BUILD_FIT_JSON_H

#include "build/finding.h"
#include "build/fit_check.h"

/* {"description", "timestamp", "images": [...], "configurations": [...], "marks": [...]}; new
   reference. */
json_t *fit_report_json(const struct fit_report *report);

/* Every hash and signature that could be judged. */
void fit_report_checks(const struct fit_report *report, struct finding *finding);

#endif
