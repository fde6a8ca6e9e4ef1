// SPDX-License-Identifier: MIT
/*
 * Who we are to an OCI registry: user name and password from where the field keeps them, and the
 * tokens a registry wants instead (distribution's docs/spec/auth/token.md).
 */
#ifndef ABOARD_BUNDLE_OCI_AUTH_H
#define ABOARD_BUNDLE_OCI_AUTH_H

#include <stdbool.h>

#include "base/deadline.h"
#include "base/err.h"
#include "bundle/oci_ref.h"
#include "bundle/warnings.h"
#include "io/http.h"

struct oci_login {
	char *username, *password; /* NULL: none was found */
	char *helper;              /* the credential helper that might know more, and the file that
				      names it; NULL: none */
};

/* Looks in this order, the first that has something wins: `given` (its username and password; both
   or neither, else ERR_USAGE), OCI_USERNAME with OCI_PASSWORD (one alone is a warning), the files
   $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json
   (~/.config), $DOCKER_CONFIG/config.json, ~/.docker/config.json. Finding nothing is no error. A
   file that cannot be used is a warning. */
int oci_login_find(struct oci_login *login, const struct oci_ref *ref,
		   const struct http_options *given, struct warnings *warnings, struct err *err);
void oci_login_free(struct oci_login *login);

/* The entry of one auth file (containers-auth.json(5), Docker's config.json) for a repository: the
   key with the longest path that fits. `name` is for warnings. Credential helpers are noted, not
   run. */
void oci_auth_file_find(struct oci_login *login, const void *data, size_t size, const char *name,
			const struct oci_ref *ref, struct warnings *warnings);

/* WWW-Authenticate (RFC 9110 section 11.6.1). */
struct oci_challenge {
	bool bearer;                   /* else Basic */
	char *realm, *service, *scope; /* owned; NULL: missing */
};

/* ERR_AUTH when it has neither a usable Bearer nor a Basic challenge; Bearer is preferred. */
int oci_challenge_parse(struct oci_challenge *challenge, const char *header, struct err *err);
void oci_challenge_free(struct oci_challenge *challenge);

/* Asks the realm of a Bearer challenge for a token; owned by the caller. `base` is the URL of the
   registry: a realm reached less safely than it does not get the password. `scope` holds when the
   challenge has none. */
int oci_token_fetch(char **token, const struct oci_challenge *challenge, const char *base,
		    const char *scope, const struct oci_login *login,
		    const struct http_options *http, struct deadline deadline, struct err *err);

#endif
