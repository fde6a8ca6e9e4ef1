// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bundle/oci_client.h"
#include "bundle/oci_manifest.h"
#include "bundle/pack.h"
#include "bundle/publish.h"

#define ANSWER_MAX ((size_t)64 << 10)

/* A blob on its way to a registry: a file, or a text. */
struct outgoing {
	const char *digest;
	const char *path; /* NULL: `text` */
	const char *text;
	uint64_t size;
};

static int blob_is_there(struct oci_client *client, const char *digest, bool *there,
			 struct deadline deadline, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	_cleanup_(freep) char *url = oci_client_url(client, "blobs", digest);
	struct http_request request = {.method = "HEAD", .url = url};
	int rc = oci_client_exchange(client, &request, ANSWER_MAX, &response, deadline, err);

	if (rc < 0)
		return rc;
	*there = response.status == 200;
	if (*there || response.status == 404)
		return 0;
	return oci_client_status_err(client, url, &response, err);
}

/* Asks where to put a blob. */
static int begin_upload(struct oci_client *client, char **location, struct deadline deadline,
			struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	_cleanup_(freep) char *url = oci_client_url(client, "blobs", "uploads/");
	struct http_request request = {.method = "POST", .url = url};
	int rc = oci_client_exchange(client, &request, ANSWER_MAX, &response, deadline, err);

	if (rc < 0)
		return rc;
	if (response.status != 202)
		return oci_client_status_err(client, url, &response, err);
	if (!response.location)
		return err_set(err, ERR_NETWORK, "the registry does not tell where to put a blob");
	return http_resolve(url, response.location, location, err);
}

static int send_blob(struct oci_client *client, const struct outgoing *blob, const char *location,
		     struct deadline deadline, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	_cleanup_(freep) char *url = xasprintf("%s%cdigest=%s", location,
					       strchr(location, '?') ? '&' : '?', blob->digest);
	struct http_request request = {
		.method = "PUT", .url = url, .body = blob->text, .body_size = (size_t)blob->size};
	int rc;

	if (blob->path)
		rc = oci_client_upload(client, &request, blob->path, blob->size, &response,
				       deadline, err);
	else
		rc = oci_client_exchange(client, &request, ANSWER_MAX, &response, deadline, err);
	if (rc < 0 || response.status == 201)
		return rc;
	return oci_client_status_err(client, url, &response, err);
}

static int push_blob(struct oci_client *client, const struct outgoing *blob,
		     struct published *published, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *location = NULL;
	bool there;
	int rc = blob_is_there(client, blob->digest, &there, deadline, err);

	if (rc < 0 || there)
		return rc;
	rc = begin_upload(client, &location, deadline, err);
	if (rc == 0)
		rc = send_blob(client, blob, location, deadline, err);
	published->sent_bytes += rc == 0 ? blob->size : 0;
	return rc;
}

static int push_files(struct oci_client *client, const struct pack *pack,
		      struct published *published, struct deadline deadline, struct err *err)
{
	const struct outgoing empty = {
		.digest = OCI_EMPTY_DIGEST, .text = OCI_EMPTY_TEXT, .size = strlen(OCI_EMPTY_TEXT)};
	size_t i;
	int rc = push_blob(client, &empty, published, deadline, err);

	for (i = 0; rc == 0 && i < pack->count; i++) {
		struct outgoing blob = {.digest = pack->files[i].digest,
					.path = pack->files[i].path,
					.size = pack->files[i].size};

		rc = push_blob(client, &blob, published, deadline, err);
		if (rc < 0)
			return err_prefix(err, "%s", pack->files[i].title);
	}
	return rc;
}

static int push_manifest(struct oci_client *client, const struct pack *pack,
			 struct deadline deadline, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	const char *name = client->ref->tag ? client->ref->tag : pack->digest;
	_cleanup_(freep) char *url = oci_client_url(client, "manifests", name);
	struct http_request request = {
		.method = "PUT",
		.url = url,
		.body = pack->manifest,
		.body_size = pack->manifest_size,
		.content_type = OCI_MANIFEST_TYPE,
	};
	int rc = oci_client_exchange(client, &request, ANSWER_MAX, &response, deadline, err);

	if (rc < 0)
		return rc;
	if (response.status != 201)
		return oci_client_status_err(client, url, &response, err);
	if (response.digest && strcmp(response.digest, pack->digest) != 0)
		return err_set(err, ERR_DIGEST, "the registry stored %s, not %s", response.digest,
			       pack->digest);
	return 0;
}

static int check_ref(const struct oci_ref *ref, const struct pack *pack, struct err *err)
{
	if (!ref->digest || strcmp(ref->digest, pack->digest) == 0)
		return 0;
	return err_set(err, ERR_DIGEST, "the folder packs to %s, not to %s", pack->digest,
		       ref->digest);
}

int bundle_push(const char *folder, const struct bundle_options *options, const char *ref,
		struct published *published, struct warnings *warnings, struct deadline deadline,
		struct err *err)
{
	_cleanup_(oci_client_closep) struct oci_client *client = NULL;
	_cleanup_(oci_ref_freep) struct oci_ref *parsed = NULL;
	_cleanup_(pack_free) struct pack pack = {0};
	int rc = oci_ref_parse(&parsed, ref, err);

	if (rc == 0)
		rc = pack_folder(&pack, folder, options, published, err);
	if (rc == 0)
		rc = check_ref(parsed, &pack, err);
	if (rc == 0)
		rc = oci_client_open(&client, parsed, &options->http, true, warnings, deadline,
				     err);
	if (rc == 0)
		rc = push_files(client, &pack, published, deadline, err);
	if (rc == 0)
		rc = push_manifest(client, &pack, deadline, err);
	return rc < 0 ? err_prefix(err, "pushing %s", ref) : 0;
}
