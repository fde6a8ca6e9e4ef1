// SPDX-License-Identifier: MIT
/*
 * A session with one repository of an OCI registry (opencontainers/distribution-spec): it finds out
 * how to reach it, logs in when asked to, waits when told to (429), and turns refusals into errors
 * with the registry's own codes.
 */
#ifndef ABOARD_BUNDLE_OCI_CLIENT_H
#define ABOARD_BUNDLE_OCI_CLIENT_H

#include "bundle/oci_auth.h"

struct oci_client {
	struct oci_ref *ref;      /* owned */
	struct http_options http; /* without anything secret; ca_file is owned */
	struct oci_login login;
	char *base;        /* "https://HOST/v2/" */
	const char *scope; /* "pull" or "pull,push" */
	char *token;       /* NULL: none */
	bool basic;        /* the registry wants the password itself */
};

/* HTTPS, except: a registry on this machine, or any with http->insecure, that does not speak it is
   asked by plain HTTP. Of `http` the CA file, `insecure`, the waits, and username with password or
   the bearer token are used. */
int oci_client_open(struct oci_client **client, const struct oci_ref *ref,
		    const struct http_options *http, bool push, struct warnings *warnings,
		    struct deadline deadline, struct err *err);
void oci_client_close(struct oci_client *client);
void oci_client_closep(struct oci_client **client);

/* What a request to the registry itself is sent with, as far as it is known now; borrowed. */
void oci_client_options(const struct oci_client *client, struct http_options *options);

/* One exchange; request->url is a whole URL, its options are filled in here. Logs in and repeats
   when that is wanted, waits and repeats on 429. Any other status is the caller's to judge. */
int oci_client_exchange(struct oci_client *client, struct http_request *request, size_t max,
			struct http_response *response, struct deadline deadline, struct err *err);

/* The same with a body from a file. */
int oci_client_upload(struct oci_client *client, struct http_request *request, const char *path,
		      uint64_t size, struct http_response *response, struct deadline deadline,
		      struct err *err);

/* http_status_err() with the code and message of the registry's answer, and what to do about
   credentials. */
int oci_client_status_err(const struct oci_client *client, const char *url,
			  struct http_response *response, struct err *err);

/* BASE REPOSITORY / KIND / NAME, kind being "manifests" or "blobs"; owned by the caller. */
char *oci_client_url(const struct oci_client *client, const char *kind, const char *name);

/* The manifest for a tag or digest: its bytes, and its digest, which is checked against the one
   asked for, or else the one the registry tells. */
int oci_client_manifest(struct oci_client *client, const char *wanted, struct buf *out,
			char **digest, struct deadline deadline, struct err *err);

/* A reader of a blob from `offset` on; as struct cache_source wants it, with the client as context,
   which must outlive the reader. A token that runs out on the way is renewed. The digest is not
   checked here. */
int oci_client_blob(void *client, struct reader **reader, const char *digest, uint64_t offset,
		    struct deadline deadline, struct err *err);

#endif
