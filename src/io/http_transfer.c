// SPDX-License-Identifier: MIT
#include "io/http_transfer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define HEADERS_MAX ((size_t)256 << 10)

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static const char *const *copy_texts(const char *const *texts)
{
	size_t count = 0, i;
	char **copy;

	while (texts && texts[count])
		count++;
	copy = xcalloc(count + 1, sizeof(*copy));
	for (i = 0; i < count; i++)
		copy[i] = xstrdup(texts[i]);
	return (const char *const *)copy;
}

static void wipe(const char *text)
{
	char *own = (char *)(uintptr_t)text;

	if (own)
		explicit_bzero(own, strlen(own));
	free(own);
}

static void options_copy(struct http_options *to, const struct http_options *from)
{
	static const struct http_options none = {0};

	*to = from ? *from : none;
	to->headers = copy_texts(to->headers);
	to->bearer = copy_text(to->bearer);
	to->username = copy_text(to->username);
	to->password = copy_text(to->password);
	to->ca_file = copy_text(to->ca_file);
	if (!to->connect_ms)
		to->connect_ms = HTTP_CONNECT_MS;
	if (!to->stall_ms)
		to->stall_ms = HTTP_STALL_MS;
	if (!to->tries)
		to->tries = HTTP_TRIES;
}

static void options_free(struct http_options *options)
{
	const char *const *header;

	for (header = options->headers; header && *header; header++)
		wipe(*header);
	free((void *)(uintptr_t)options->headers);
	wipe(options->bearer);
	wipe(options->username);
	wipe(options->password);
	wipe(options->ca_file);
}

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, ":");

	return length == strcspn(b, ":") && strncasecmp(a, b, length) == 0;
}

static int check_headers(const char *const *headers, struct err *err)
{
	size_t i, j;
	int rc;

	for (i = 0; headers && headers[i]; i++) {
		rc = http_check_header(headers[i], err);
		if (rc < 0)
			return rc;
		for (j = 0; j < i; j++)
			if (same_name(headers[i], headers[j]))
				return err_set(err, ERR_USAGE, "the header %.*s is given twice",
					       (int)strcspn(headers[i], ":"), headers[i]);
	}
	return 0;
}

static int check_options(const struct http_options *options, struct err *err)
{
	int rc = check_headers(options->headers, err);

	if (rc < 0 || !options->bearer)
		return rc;
	return http_check_bearer(options->bearer, err);
}

static int set_url(struct http_transfer *transfer, const char *url, struct err *err)
{
	_cleanup_(freep) char *username = NULL, *password = NULL;
	int rc = http_url_split(url, &transfer->first_url, &username, &password, err);

	if (rc < 0)
		return rc;
	transfer->url = xstrdup(transfer->first_url);
	if (username && !transfer->options.username) {
		transfer->options.username = steal(username);
		wipe(transfer->options.password);
		transfer->options.password = password ? steal(password) : xstrdup("");
	}
	return 0;
}

int http_transfer_new(struct http_transfer **transfer, const char *url,
		      const struct http_options *options, struct err *err)
{
	_cleanup_(http_transfer_freep) struct http_transfer *made = xcalloc(1, sizeof(*made));
	int rc;

	options_copy(&made->options, options);
	rc = check_options(&made->options, err);
	if (rc == 0)
		rc = set_url(made, url, err);
	if (rc < 0)
		return rc;
	made->multi = curl_multi_init();
	if (!made->multi)
		return err_set(err, ERR_INTERNAL, "libcurl could not be started");
	*transfer = steal(made);
	return 0;
}

static void end_request(struct http_transfer *transfer)
{
	if (transfer->easy) {
		curl_multi_remove_handle(transfer->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->headers);
	transfer->easy = NULL;
	transfer->headers = NULL;
}

void http_transfer_freep(struct http_transfer **transfer)
{
	if (!*transfer)
		return;
	end_request(*transfer);
	curl_multi_cleanup((*transfer)->multi);
	options_free(&(*transfer)->options);
	free((*transfer)->first_url);
	free((*transfer)->url);
	free(*transfer);
	*transfer = NULL;
}

void http_transfer_rewind(struct http_transfer *transfer)
{
	free(transfer->url);
	transfer->url = xstrdup(transfer->first_url);
	transfer->stranger = false;
	transfer->redirects = 0;
}

void http_transfer_header(struct http_transfer *transfer, const char *header)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, header);

	if (!longer)
		abort();
	transfer->headers = longer;
}

/* libcurl reads "Name:" without a value as "leave that header out"; "Name;" sends it empty. */
static void add_own_header(struct http_transfer *transfer, const char *header)
{
	size_t length = strcspn(header, ":");
	_cleanup_(freep) char *empty = NULL;

	if (header[length + 1 + strspn(header + length + 1, " \t")]) {
		http_transfer_header(transfer, header);
		return;
	}
	empty = xasprintf("%.*s;", (int)length, header);
	http_transfer_header(transfer, empty);
}

static bool has_authorization(const char *const *headers)
{
	for (; *headers; headers++)
		if (same_name(*headers, "Authorization:"))
			return true;
	return false;
}

/* What only the host that was asked for may see. */
static void add_secrets(struct http_transfer *transfer)
{
	const struct http_options *options = &transfer->options;
	_cleanup_(freep) char *bearer = NULL;
	const char *const *header;

	for (header = options->headers; *header; header++)
		add_own_header(transfer, *header);
	if (has_authorization(options->headers))
		return;
	if (options->bearer) {
		bearer = xasprintf("Authorization: Bearer %s", options->bearer);
		http_transfer_header(transfer, bearer);
		explicit_bzero(bearer, strlen(bearer));
	} else if (options->username) {
		curl_easy_setopt(transfer->easy, CURLOPT_USERNAME, options->username);
		curl_easy_setopt(transfer->easy, CURLOPT_PASSWORD,
				 options->password ? options->password : "");
		curl_easy_setopt(transfer->easy, CURLOPT_HTTPAUTH,
				 options->digest ? CURLAUTH_BASIC | CURLAUTH_DIGEST
						 : CURLAUTH_BASIC);
	}
}

/* Notes the end of the final header block. A 401 may be followed by libcurl's own second try
   (digest): it counts when the request is done. */
static size_t on_header(char *data, size_t one, size_t size, void *context)
{
	struct http_transfer *transfer = context;
	long status = http_transfer_status(transfer);

	(void)one;
	transfer->active_at = clock_ms();
	transfer->head_size += size;
	if (transfer->head_size > HEADERS_MAX)
		return 0;
	if (size && (data[0] == '\r' || data[0] == '\n') && status >= 200 && status != 401)
		transfer->head = true;
	return size;
}

static void set_tls(struct http_transfer *transfer)
{
	const struct http_options *options = &transfer->options;

	if (options->ca_file)
		curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, options->ca_file);
	curl_easy_setopt(transfer->easy, CURLOPT_SSL_VERIFYPEER, options->insecure ? 0L : 1L);
	curl_easy_setopt(transfer->easy, CURLOPT_SSL_VERIFYHOST, options->insecure ? 0L : 2L);
}

/* HTTP/1.1 only: a paused HTTP/2 stream is read ahead into memory by the whole of its window. */
static void set_limits(struct http_transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)transfer->options.connect_ms);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L << 10);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 64L << 10);
}

void http_transfer_prepare(struct http_transfer *transfer)
{
	end_request(transfer);
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		abort();
	transfer->head = false;
	transfer->head_size = 0;
	transfer->done = false;
	transfer->message[0] = '\0';
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url);
	curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, "aboard");
	curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer);
	set_limits(transfer);
	set_tls(transfer);
	http_transfer_header(transfer, "Accept-Encoding: identity");
	http_transfer_header(transfer, "Expect:");
	if (!transfer->stranger)
		add_secrets(transfer);
}

void http_transfer_begin(struct http_transfer *transfer)
{
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (curl_multi_add_handle(transfer->multi, transfer->easy) != CURLM_OK)
		abort();
	transfer->active_at = clock_ms();
}

int http_transfer_move(struct http_transfer *transfer, struct err *err)
{
	CURLMcode code;
	CURLMsg *message;
	int running, queued;

	code = curl_multi_perform(transfer->multi, &running);
	if (code != CURLM_OK)
		return err_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
	while ((message = curl_multi_info_read(transfer->multi, &queued))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		transfer->done = true;
		transfer->result = message->data.result;
	}
	return 0;
}

/* Milliseconds until the first of deadline and stall; at least one, so that the caller's loop sees
   them passed. */
static int wait_ms(int64_t stall_left, struct deadline deadline)
{
	int64_t left = deadline_left_ms(deadline);

	if (stall_left < left)
		left = stall_left;
	if (left < 1)
		left = 1;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int http_transfer_wait(struct http_transfer *transfer, struct deadline deadline, struct err *err)
{
	struct curl_waitfd cancel = {.fd = deadline.cancel_fd, .events = CURL_WAIT_POLLIN};
	int64_t stall_left = transfer->active_at + transfer->options.stall_ms - clock_ms();
	int rc = deadline_check(deadline, err);

	if (rc < 0)
		return rc;
	if (stall_left <= 0)
		return err_set(err, ERR_NETWORK, "no byte came for %lld s",
			       (long long)(transfer->options.stall_ms + 999) / 1000);
	curl_multi_poll(transfer->multi, &cancel, deadline.cancel_fd >= 0,
			wait_ms(stall_left, deadline), NULL);
	return deadline_check(deadline, err);
}

struct failure {
	CURLcode code;
	enum err_kind kind;
	const char *remedy;
};

static const struct failure failures[] = {
	{CURLE_PEER_FAILED_VERIFICATION, ERR_NETWORK,
	 "name the authority that signed the server's certificate with --cacert FILE"},
	{CURLE_SSL_CACERT_BADFILE, ERR_CONFIG, "the file must hold certificates in PEM form"},
	{CURLE_COULDNT_RESOLVE_HOST, ERR_NETWORK, "check the spelling of the host name"},
	{CURLE_UNSUPPORTED_PROTOCOL, ERR_USAGE, NULL},
	{CURLE_URL_MALFORMAT, ERR_USAGE, NULL},
};

int http_transfer_err(const struct http_transfer *transfer, struct err *err)
{
	static const struct failure other = {CURL_LAST, ERR_NETWORK, NULL};
	const char *text =
		transfer->message[0] ? transfer->message : curl_easy_strerror(transfer->result);
	_cleanup_(freep) char *shown = http_display_url(transfer->url);
	const struct failure *row = &other;
	long reason = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == transfer->result)
			row = &failures[i];
	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &reason);
	if (transfer->result == CURLE_COULDNT_CONNECT && reason)
		err_set(err, row->kind, "%s: %s: %s", shown, text, strerror((int)reason));
	else
		err_set(err, row->kind, "%s: %s", shown, text);
	if (row->remedy)
		err_remedy(err, "%s", row->remedy);
	return -(int)row->kind;
}

long http_transfer_status(const struct http_transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

const char *http_transfer_reply(const struct http_transfer *transfer, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

int http_transfer_redirect(struct http_transfer *transfer, bool *again, struct err *err)
{
	const char *location = http_transfer_reply(transfer, "Location");
	_cleanup_(freep) char *shown = NULL;
	char *next;
	int rc;

	*again = location && is_redirect(http_transfer_status(transfer));
	if (!*again)
		return 0;
	if (transfer->redirects++ == HTTP_REDIRECTS) {
		shown = http_display_url(transfer->first_url);
		return err_set(err, ERR_NETWORK, "%s: more than %d redirects", shown,
			       HTTP_REDIRECTS);
	}
	rc = http_url_resolve(transfer->url, location, &next, err);
	if (rc < 0)
		return rc;
	if (!http_url_same_origin(transfer->url, next))
		transfer->stranger = true;
	free(transfer->url);
	transfer->url = next;
	return 0;
}

/* The challenge we can do most with: Bearer before any other. */
static char *challenge(const struct http_transfer *transfer)
{
	struct curl_header *header;
	const char *best = NULL;
	size_t i;

	for (i = 0; curl_easy_header(transfer->easy, "WWW-Authenticate", i, CURLH_HEADER, -1,
				     &header) == CURLHE_OK;
	     i++) {
		if (strncasecmp(header->value, "Bearer ", 7) == 0)
			return xstrdup(header->value);
		if (!best || strncasecmp(header->value, "Basic", 5) == 0)
			best = header->value;
	}
	return copy_text(best);
}

void http_transfer_response(const struct http_transfer *transfer, struct http_response *response)
{
	curl_off_t retry_after = 0;

	response->status = http_transfer_status(transfer);
	response->location = copy_text(http_transfer_reply(transfer, "Location"));
	response->authenticate = challenge(transfer);
	response->digest = copy_text(http_transfer_reply(transfer, "Docker-Content-Digest"));
	response->content_type = copy_text(http_transfer_reply(transfer, "Content-Type"));
	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
	response->retry_after_s = (long)retry_after;
}

void http_transfer_hide(const struct http_transfer *transfer, struct buf *body)
{
	const struct http_options *options = &transfer->options;
	const char *const *header;
	struct secrets *secrets;

	if (secrets_new(&secrets, NULL, NULL) < 0)
		return;
	for (header = options->headers; *header; header++)
		secrets_remember(secrets,
				 *header + strcspn(*header, ":") + 1 +
					 strspn(*header + strcspn(*header, ":") + 1, " \t"));
	if (options->bearer)
		secrets_remember(secrets, options->bearer);
	if (options->password)
		secrets_remember(secrets, options->password);
	secrets_hide(secrets, body);
	secrets_free(secrets);
}
