// SPDX-License-Identifier: MIT
/*
 * The private keys one FIT is signed with, each read once, and what each was used for: U-Boot's
 * control tree must then hold the public ones.
 */
#ifndef ABOARD_BUILD_FIT_KEYRING_H
#define ABOARD_BUILD_FIT_KEYRING_H

#include "base/buf.h"
#include "base/err.h"
#include "build/fit_key.h"

/* `folder` holds HINT.key or HINT.pem; borrowed. */
struct fit_keyring *fit_keyring_new(const char *folder);
void fit_keyring_freep(struct fit_keyring **ring);

/* Reads algo, padding and key-name-hint of a signature node; `required` is "image" or "conf", for
   the control tree. *algo and *key (borrowed) are what to sign with. */
int fit_keyring_use(struct fit_keyring *ring, const void *tree, int signature, const char *required,
		    struct fit_algo *algo, EVP_PKEY **key, struct err *err);

/* The control tree at `path` with every key that was used, each in /signature/key-HINT. A key that
   signed images and configurations is there twice, the second time as key-HINT-image: U-Boot looks
   at one requirement of a node only, and would otherwise take single images out of the FIT
   (imxtract, source) without asking for a signature. */
int fit_keyring_control(const struct fit_keyring *ring, const char *path, struct buf *control,
			struct err *err);

#endif
