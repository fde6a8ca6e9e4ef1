// SPDX-License-Identifier: MIT
/*
 * Public keys at hand for one FIT, and the judgement of its signatures by them.
 */
#ifndef ABOARD_BUILD_FIT_TRUST_H
#define ABOARD_BUILD_FIT_TRUST_H

#include "build/fit_check.h"
#include "build/fit_key.h"

struct fit_known_key {
	char *hint, *algo; /* algo NULL: any; so from a folder */
	char *required;    /* "image", "conf"; NULL: not */
	EVP_PKEY *key;
};

struct fit_keys {
	struct fit_known_key *items;
	size_t count;
	bool any; /* `required-mode` is "any": one required key of a kind is enough */
};

/* Keys of the control tree, or those of the folder that the FIT's signatures name; none when
   `trust` is NULL or empty. Neither kind may come out empty: ERR_CONFIG. */
int fit_keys_load(struct fit_keys *keys, const struct fit_trust *trust, const void *tree,
		  struct err *err);
void fit_keys_free(struct fit_keys *keys);

/* Judges a signature node over `regions` by key number `only`, or by any when that is negative. */
enum fit_verdict fit_keys_check(const struct fit_keys *keys, const void *tree, int signature,
				const struct regions *regions, int only);

/* The same of a configuration. The nodes are found from the configuration, as U-Boot does since
   2026; what the unsigned list `hashed-nodes` says (all that older ones go by) is taken only when
   it leaves out no more than images that are neither kernel, firmware nor fdt, and *note then names
   what is left out. *note (owned by the caller) may be NULL. */
enum fit_verdict fit_keys_check_config(const struct fit_keys *keys, const void *tree, int config,
				       int signature, int only, char **note);

#endif
