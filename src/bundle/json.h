// SPDX-License-Identifier: MIT
/*
 * JSON values of libjansson as owned things.
 */
#ifndef ABOARD_BUNDLE_JSON_H
#define ABOARD_BUNDLE_JSON_H

#include <jansson.h>

/* For `_cleanup_(json_freep) json_t *x = NULL`. */
static inline void json_freep(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

#endif
