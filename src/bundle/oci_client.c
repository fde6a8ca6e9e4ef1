// SPDX-License-Identifier: MIT
#include "bundle/oci_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/json.h"
#include "bundle/file.h"
#include "bundle/oci_manifest.h"

#define TRIES      4
#define WAIT_S     1
#define WAIT_MAX_S 60
#define PROBE_MAX  ((size_t)64 << 10)

void oci_client_options(const struct oci_client *client, struct http_options *options)
{
	const struct http_options *http = &client->http;

	*options = (struct http_options){
		.ca_file = http->ca_file,
		.insecure = http->insecure,
		.connect_ms = http->connect_ms,
		.stall_ms = http->stall_ms,
		.tries = http->tries,
		.pinned = true,
		.bearer = client->token,
	};
	if (!client->token && client->basic) {
		options->username = client->login.username;
		options->password = client->login.password;
	}
}

/* Whether something that looks like a registry answers at client->base. */
static int probe(struct oci_client *client, struct deadline deadline, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	struct http_request request = {.url = client->base};
	int rc;

	oci_client_options(client, &request.options);
	request.options.bearer = NULL;
	rc = http_exchange(&request, PROBE_MAX, &response, deadline, err);
	if (rc < 0)
		return rc;
	if (response.status == 400)
		return err_set(err, ERR_NETWORK, "%s: no registry answers", client->base);
	return 0;
}

/* Plain HTTP is tried only where nobody can listen in, or where that was said not to matter. */
static int find_base(struct oci_client *client, struct deadline deadline, struct err *err)
{
	const char *host = client->ref->host;
	bool plain = client->http.insecure || oci_host_is_local(host);
	_cleanup_(freep) char *secure = NULL;
	int rc;

	client->base = xasprintf("https://%s/v2/", host);
	if (!plain)
		return 0;
	rc = probe(client, deadline, err);
	if (rc != -ERR_NETWORK)
		return rc;
	secure = client->base;
	client->base = xasprintf("http://%s/v2/", host);
	if (probe(client, deadline, NULL) == 0)
		return 0;
	free(client->base);
	client->base = steal(secure);
	return rc;
}

int oci_client_open(struct oci_client **client, const struct oci_ref *ref,
		    const struct http_options *http, bool push, struct warnings *warnings,
		    struct deadline deadline, struct err *err)
{
	_cleanup_(oci_client_closep) struct oci_client *made = xcalloc(1, sizeof(*made));
	_cleanup_(freep) char *full = oci_ref_text(ref);
	int rc;

	made->http = (struct http_options){
		.ca_file = http->ca_file ? xstrdup(http->ca_file) : NULL,
		.insecure = http->insecure,
		.connect_ms = http->connect_ms,
		.stall_ms = http->stall_ms,
		.tries = http->tries,
	};
	made->scope = push ? "pull,push" : "pull";
	if (http->bearer)
		made->token = xstrdup(http->bearer);
	rc = oci_ref_parse(&made->ref, full, err);
	if (rc == 0)
		rc = oci_login_find(&made->login, ref, http, warnings, err);
	if (rc == 0)
		rc = find_base(made, deadline, err);
	if (rc == 0)
		*client = steal(made);
	return rc;
}

static void forget_token(struct oci_client *client)
{
	if (client->token)
		explicit_bzero(client->token, strlen(client->token));
	free(client->token);
	client->token = NULL;
}

void oci_client_close(struct oci_client *client)
{
	if (!client)
		return;
	forget_token(client);
	oci_login_free(&client->login);
	oci_ref_free(client->ref);
	free((void *)(uintptr_t)client->http.ca_file);
	free(client->base);
	free(client);
}

void oci_client_closep(struct oci_client **client)
{
	oci_client_close(*client);
	*client = NULL;
}

static int credentials_remedy(const struct oci_client *client, struct err *err)
{
	const char *registry = client->ref->registry;

	if (client->login.username)
		return err_remedy(err, "the registry does not take the password found for %s",
				  registry);
	if (client->login.helper)
		return err_remedy(err,
				  "credentials for %s may be with %s, which is not run: set"
				  " OCI_USERNAME and OCI_PASSWORD, or log in to an auth file with"
				  " 'skopeo login' or 'podman login'",
				  registry, client->login.helper);
	return err_remedy(err,
			  "no credentials for %s were found: set OCI_USERNAME and OCI_PASSWORD, or"
			  " log in with 'skopeo login %s'",
			  registry, registry);
}

/* Answers a challenge. *again: something is different now, so asking again makes sense. */
static int log_in(struct oci_client *client, const char *header, bool *again,
		  struct deadline deadline, struct err *err)
{
	_cleanup_(oci_challenge_free) struct oci_challenge challenge = {0};
	_cleanup_(freep) char *scope = NULL;
	int rc;

	*again = false;
	if (!header)
		return 0;
	rc = oci_challenge_parse(&challenge, header, err);
	if (rc < 0)
		return rc;
	if (challenge.bearer) {
		*again = true;
		forget_token(client);
		scope = xasprintf("repository:%s:%s", client->ref->repository, client->scope);
		rc = oci_token_fetch(&client->token, &challenge, client->base, scope,
				     &client->login, &client->http, deadline, err);
		return rc == -ERR_AUTH ? credentials_remedy(client, err) : rc;
	}
	*again = !client->basic && client->login.username;
	client->basic = true;
	return 0;
}

static int wait_for(const struct http_response *response, unsigned int tries,
		    struct deadline deadline, struct err *err)
{
	long wait = response->retry_after_s > 0 ? response->retry_after_s : (long)WAIT_S << tries;

	if (wait > WAIT_MAX_S)
		wait = WAIT_MAX_S;
	return deadline_pause(wait * 1000, deadline, err);
}

static bool is_busy(const struct http_response *response)
{
	return response->status == 429 || (response->status == 503 && response->retry_after_s > 0);
}

/* What to do about an answer. *again: the request is to be repeated. */
static int react(struct oci_client *client, const struct http_response *response,
		 unsigned int tries, bool *logged_in, bool *again, struct deadline deadline,
		 struct err *err)
{
	*again = false;
	if (response->status == 401 && !*logged_in) {
		*logged_in = true;
		return log_in(client, response->authenticate, again, deadline, err);
	}
	if (!is_busy(response) || tries + 1 >= TRIES)
		return 0;
	*again = true;
	return wait_for(response, tries, deadline, err);
}

/* One request with an optional file as its body. */
struct call {
	struct http_request *request;
	const char *path; /* NULL: the body is in the request */
	uint64_t size;
	size_t max;
};

static int call_once(struct oci_client *client, struct call *call, struct http_response *response,
		     struct deadline deadline, struct err *err)
{
	_cleanup_(reader_closep) struct reader *body = NULL;
	struct http_request *request = call->request;
	int rc;

	oci_client_options(client, &request->options);
	if (!http_same_origin(client->base, request->url))
		request->options.bearer = request->options.username = request->options.password =
			NULL;
	if (!call->path)
		return http_exchange(request, call->max, response, deadline, err);
	rc = file_reader(&body, call->path, 0, err);
	if (rc < 0)
		return rc;
	return http_upload(request, body, call->size, response, deadline, err);
}

static int call_run(struct oci_client *client, struct call *call, struct http_response *response,
		    struct deadline deadline, struct err *err)
{
	bool logged_in = false, again = true;
	unsigned int tries;
	int rc = 0;

	for (tries = 0; rc == 0 && again; tries++) {
		http_response_free(response);
		rc = call_once(client, call, response, deadline, err);
		if (rc == 0)
			rc = react(client, response, tries, &logged_in, &again, deadline, err);
	}
	return rc;
}

int oci_client_exchange(struct oci_client *client, struct http_request *request, size_t max,
			struct http_response *response, struct deadline deadline, struct err *err)
{
	struct call call = {.request = request, .max = max};

	return call_run(client, &call, response, deadline, err);
}

int oci_client_upload(struct oci_client *client, struct http_request *request, const char *path,
		      uint64_t size, struct http_response *response, struct deadline deadline,
		      struct err *err)
{
	struct call call = {.request = request, .path = path, .size = size};

	return call_run(client, &call, response, deadline, err);
}

/* Puts "CODE: message" of the first error in place of the JSON. */
static void simplify_body(struct buf *body)
{
	_cleanup_(json_freep) json_t *root =
		json_loadb(buf_text(body), body->size, 0, &(json_error_t){0});
	const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
	const char *code = json_string_value(json_object_get(first, "code"));
	const char *message = json_string_value(json_object_get(first, "message"));

	if (!code)
		return;
	buf_clear(body);
	body->max = 0;
	buf_addf(body, "%.60s%s%.200s", code, message ? ": " : "", message ? message : "");
}

int oci_client_status_err(const struct oci_client *client, const char *url,
			  struct http_response *response, struct err *err)
{
	int rc;

	simplify_body(&response->body);
	rc = http_status_err(url, response, err);
	return rc == -ERR_AUTH ? credentials_remedy(client, err) : rc;
}

char *oci_client_url(const struct oci_client *client, const char *kind, const char *name)
{
	return xasprintf("%s%s/%s/%s", client->base, client->ref->repository, kind, name);
}

/* Checks the bytes against the digest that was asked for, or that the registry told. */
static int check_manifest(const char *wanted, const struct http_response *response, char **digest,
			  struct err *err)
{
	const char *told = oci_digest_is_valid(wanted) ? wanted : response->digest;
	_cleanup_(freep) char *algorithm = NULL;
	_cleanup_(digest_freep) struct digest *running = NULL;
	char hex[129];

	if (told && !oci_digest_is_valid(told))
		return err_set(err, ERR_NETWORK, "the registry tells a digest that is none");
	algorithm = xstrndup(told ? told : "sha256", 6);
	running = digest_new_named(algorithm);
	digest_add(running, buf_text(&response->body), response->body.size);
	digest_text(running, hex);
	if (told && strcmp(told + 7, hex) != 0)
		return err_set(err, ERR_DIGEST, "the manifest %s came with the digest %s:%s", told,
			       algorithm, hex);
	*digest = xasprintf("%s:%s", algorithm, hex);
	return 0;
}

int oci_client_manifest(struct oci_client *client, const char *wanted, struct buf *out,
			char **digest, struct deadline deadline, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	_cleanup_(freep) char *url = oci_client_url(client, "manifests", wanted);
	struct http_request request = {.url = url, .accept = OCI_ACCEPT};
	int rc = oci_client_exchange(client, &request, OCI_MANIFEST_MAX, &response, deadline, err);

	if (rc == 0 && response.status != 200)
		rc = oci_client_status_err(client, url, &response, err);
	if (rc == 0)
		rc = check_manifest(wanted, &response, digest, err);
	if (rc < 0)
		return rc;
	*out = response.body;
	response.body = (struct buf){0};
	return 0;
}
