// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_transfer.h"

#define BODY_SHOWN 200

/* One request with what its callbacks need. */
struct exchange {
	struct http_transfer *transfer;
	const struct http_request *request;
	struct http_response *response;
	struct reader *upload; /* NULL: the body is in the request */
	uint64_t size;
	struct err *read_err; /* filled when the upload's reader fails */
	bool read_failed;
};

static bool is_method(const struct http_request *request, const char *method)
{
	return strcmp(request->method ? request->method : "GET", method) == 0;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
	struct exchange *exchange = context;
	struct buf *body = &exchange->response->body;
	size_t room = body->max - body->size;

	(void)one;
	exchange->transfer->active_at = clock_ms();
	if (size > room)
		body->over = true;
	buf_add(body, data, size < room ? size : room);
	return size;
}

static size_t on_upload(char *data, size_t one, size_t size, void *context)
{
	struct exchange *exchange = context;
	size_t got = 0;
	int rc;

	size *= one;
	if (size > exchange->size)
		size = (size_t)exchange->size;
	if (size == 0)
		return 0;
	rc = exchange->upload->read(exchange->upload, data, size, &got, exchange->read_err);
	if (rc == 0 && got == 0)
		rc = err_set(exchange->read_err, ERR_HOST, "the data to send ended early");
	exchange->read_failed = rc < 0;
	exchange->size -= got;
	exchange->transfer->active_at = clock_ms();
	return rc < 0 ? CURL_READFUNC_ABORT : got;
}

static void set_memory_body(CURL *easy, const struct http_request *request)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_upload(CURL *easy, struct exchange *exchange)
{
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->request->method);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->size);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
}

static void set_method(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	CURL *easy = exchange->transfer->easy;

	if (exchange->upload)
		set_upload(easy, exchange);
	else if (is_method(request, "HEAD"))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (is_method(request, "POST") || is_method(request, "PUT") || request->body)
		set_memory_body(easy, request);
	else if (!is_method(request, "GET"))
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void add_header(struct http_transfer *transfer, const char *name, const char *value)
{
	_cleanup_(freep) char *header = xasprintf("%s: %s", name, value);

	http_transfer_header(transfer, header);
}

static void set_types(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	const char *type =
		request->content_type ? request->content_type : "application/octet-stream";

	if (exchange->upload || request->body)
		add_header(exchange->transfer, "Content-Type", type);
	if (request->accept)
		add_header(exchange->transfer, "Accept", request->accept);
}

static int run(struct exchange *exchange, struct deadline deadline, struct err *err)
{
	struct http_transfer *transfer = exchange->transfer;
	_cleanup_(freep) char *shown = NULL;
	int rc = deadline_check(deadline, err);

	while (rc == 0) {
		rc = http_transfer_move(transfer, err);
		if (rc < 0 || transfer->done)
			break;
		rc = http_transfer_wait(transfer, deadline, err);
	}
	if (rc < 0) {
		shown = http_display_url(transfer->url);
		return err_prefix(err, "%s", shown);
	}
	if (exchange->read_failed)
		return -(int)exchange->read_err->kind;
	return transfer->result == CURLE_OK ? 0 : http_transfer_err(transfer, err);
}

static int once(struct exchange *exchange, struct deadline deadline, struct err *err)
{
	struct http_transfer *transfer = exchange->transfer;
	int rc;

	buf_clear(&exchange->response->body);
	http_transfer_prepare(transfer);
	set_method(exchange);
	set_types(exchange);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, exchange);
	http_transfer_begin(transfer);
	rc = run(exchange, deadline, err);
	if (rc < 0)
		err_prefix(err, "%s",
			   exchange->request->method ? exchange->request->method : "GET");
	return rc;
}

static int follow(struct exchange *exchange, struct deadline deadline, struct err *err)
{
	bool may = !exchange->upload &&
		   (is_method(exchange->request, "GET") || is_method(exchange->request, "HEAD"));
	bool again = true;
	int rc = 0;

	while (rc == 0 && again) {
		rc = once(exchange, deadline, err);
		again = false;
		if (rc == 0 && may)
			rc = http_transfer_redirect(exchange->transfer, &again, err);
	}
	return rc;
}

/* A body that is cut off is no answer; the text of a refusal may be. */
static int finish(struct exchange *exchange, struct err *err)
{
	struct http_response *response = exchange->response;
	_cleanup_(freep) char *shown = NULL;

	http_transfer_response(exchange->transfer, response);
	if (response->status >= 400)
		http_transfer_hide(exchange->transfer, &response->body);
	else if (buf_over(&response->body)) {
		shown = http_display_url(exchange->transfer->url);
		return err_set(err, ERR_NETWORK, "%s: the answer is larger than %zu bytes", shown,
			       response->body.max);
	}
	return 0;
}

static int exchange_run(struct exchange *exchange, size_t max, struct deadline deadline,
			struct err *err)
{
	_cleanup_(http_transfer_freep) struct http_transfer *transfer = NULL;
	const struct http_request *request = exchange->request;
	int rc;

	*exchange->response = (struct http_response){.body.max = max ? max : 1};
	rc = http_transfer_new(&transfer, request->url, &request->options, err);
	if (rc < 0)
		return rc;
	exchange->transfer = transfer;
	rc = follow(exchange, deadline, err);
	return rc < 0 ? rc : finish(exchange, err);
}

int http_exchange(const struct http_request *request, size_t max, struct http_response *response,
		  struct deadline deadline, struct err *err)
{
	struct exchange exchange = {.request = request, .response = response};

	return exchange_run(&exchange, max, deadline, err);
}

int http_upload(const struct http_request *request, struct reader *body, uint64_t size,
		struct http_response *response, struct deadline deadline, struct err *err)
{
	struct err read_err = {0};
	struct exchange exchange = {
		.request = request,
		.response = response,
		.upload = body,
		.size = size,
		.read_err = &read_err,
	};
	int rc = exchange_run(&exchange, (size_t)64 << 10, deadline, err);

	if (exchange.read_failed && err)
		*err = read_err;
	return rc;
}

void http_response_free(struct http_response *response)
{
	buf_free(&response->body);
	free(response->location);
	free(response->authenticate);
	free(response->digest);
	free(response->content_type);
	*response = (struct http_response){0};
}

/* The first line or so of a text body, without line ends; empty when it is no text. */
static void shown_body(const struct buf *body, char out[BODY_SHOWN + 1])
{
	const char *text = buf_text(body);
	size_t i, used = 0;

	for (i = 0; i < body->size && used < BODY_SHOWN; i++) {
		if (text[i] == '\n' || text[i] == '\r' || text[i] == '\t' || text[i] == ' ') {
			if (used && out[used - 1] != ' ')
				out[used++] = ' ';
		} else if ((unsigned char)text[i] < 32 || text[i] == 127) {
			used = 0;
			break;
		} else {
			out[used++] = text[i];
		}
	}
	while (used && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
}

struct status_row {
	long status;
	enum err_kind kind;
	const char *words;
};

static const struct status_row statuses[] = {
	{400, ERR_NETWORK, "bad request"},
	{401, ERR_AUTH, "credentials are wanted, or those given are wrong"},
	{403, ERR_AUTH, "access is denied"},
	{404, ERR_NOT_FOUND, "not found"},
	{407, ERR_NETWORK, "the proxy wants credentials"},
	{410, ERR_NOT_FOUND, "gone"},
	{416, ERR_NETWORK, "the file does not have that range"},
	{429, ERR_NETWORK, "too many requests"},
	{500, ERR_NETWORK, "the server failed"},
	{502, ERR_NETWORK, "bad gateway"},
	{503, ERR_NETWORK, "the service is unavailable"},
	{504, ERR_NETWORK, "the gateway timed out"},
};

int http_status_err(const char *url, const struct http_response *response, struct err *err)
{
	static const struct status_row other = {0, ERR_NETWORK, "not the answer that was expected"};
	_cleanup_(freep) char *shown = http_display_url(url);
	const struct status_row *row = &other;
	char body[BODY_SHOWN + 1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == response->status)
			row = &statuses[i];
	shown_body(&response->body, body);
	err_set(err, row->kind, "%s: HTTP status %ld (%s)%s%s", shown, response->status, row->words,
		body[0] ? ": " : "", body);
	if (response->retry_after_s > 0)
		err_remedy(err, "the server asks to try again in %ld s", response->retry_after_s);
	return -(int)row->kind;
}
