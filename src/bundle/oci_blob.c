// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "bundle/oci_client.h"

#define ANSWER_MAX ((size_t)64 << 10)

/* A download that outlives the token it was begun with. */
struct blob {
	struct reader reader;
	struct reader *inner;
	struct oci_client *client;
	struct deadline deadline;
	char *url;
	uint64_t position;
	bool gained; /* bytes since the last login */
};

static int open_here(struct blob *blob, struct err *err)
{
	struct http_options options;

	oci_client_options(blob->client, &options);
	return http_open_at(&blob->inner, blob->url, &options, blob->position, NULL, blob->deadline,
			    err);
}

/* What stands in the way is found out, and where possible mended, by asking for the head alone. */
static int ask_head(struct blob *blob, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	struct http_request request = {.method = "HEAD", .url = blob->url};
	int rc = oci_client_exchange(blob->client, &request, ANSWER_MAX, &response, blob->deadline,
				     err);

	if (rc == 0 && response.status != 200)
		rc = oci_client_status_err(blob->client, blob->url, &response, err);
	return rc;
}

static int open_again(struct blob *blob, struct err *err)
{
	int rc = ask_head(blob, err);

	reader_closep(&blob->inner);
	blob->gained = false;
	return rc < 0 ? rc : open_here(blob, err);
}

static int blob_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct blob *blob = container_of(reader, struct blob, reader);
	int rc = blob->inner->read(blob->inner, data, size, got, err);

	while (rc == -ERR_AUTH && blob->gained) {
		rc = open_again(blob, err);
		if (rc == 0)
			rc = blob->inner->read(blob->inner, data, size, got, err);
	}
	if (rc < 0)
		return rc;
	blob->gained = blob->gained || *got > 0;
	blob->position += *got;
	return 0;
}

static void blob_close(struct reader *reader)
{
	struct blob *blob = container_of(reader, struct blob, reader);

	reader_closep(&blob->inner);
	free(blob->url);
	free(blob);
}

int oci_client_blob(void *client, struct reader **reader, const char *digest, uint64_t offset,
		    struct deadline deadline, struct err *err)
{
	_cleanup_(reader_closep) struct reader *made = NULL;
	struct blob *blob = xcalloc(1, sizeof(*blob));
	int rc;

	made = &blob->reader;
	made->read = blob_read;
	made->close = blob_close;
	blob->client = client;
	blob->deadline = deadline;
	blob->position = offset;
	blob->url = oci_client_url(client, "blobs", digest);
	rc = open_here(blob, err);
	if (rc == -ERR_AUTH || rc == -ERR_NETWORK)
		rc = open_again(blob, err);
	if (rc == 0)
		*reader = steal(made);
	return rc;
}
