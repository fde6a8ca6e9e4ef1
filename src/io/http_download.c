// SPDX-License-Identifier: MIT
/* A download is pulled: bytes move only inside read(), straight into the caller's memory. What
   libcurl hands over beyond that is kept (one piece of at most CURL_MAX_WRITE_SIZE), then the
   transfer is paused and the connection's own flow control holds the server back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_transfer.h"

#define REFUSAL_MAX    ((size_t)4 << 10)
#define REFUSAL_MS     5000
#define BACKOFF_MS     500
#define BACKOFF_MAX_MS 8000

struct download {
	struct reader reader;
	struct http_transfer *transfer;
	struct deadline deadline;
	uint64_t position;     /* the next byte of the body, counted over all tries */
	uint64_t size;         /* of the whole; UINT64_MAX: not told */
	uint64_t skip;         /* bytes of this response that are before `position` */
	char *etag, *modified; /* validators of the first response; NULL: none */
	bool judged;           /* the response is the one wanted: its body may be taken */
	bool paused;           /* by on_body */
	bool refused;          /* the body is the text of a refusal */
	struct buf refusal;
	unsigned int failures; /* tries since a byte was gained */
	char *out;             /* where the caller wants the bytes, while in read() */
	size_t room, got;
	size_t kept_at, kept_size; /* in `kept` */
	char kept[CURL_MAX_WRITE_SIZE];
};

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static void take(struct download *download, const char *data, size_t size)
{
	size_t skip = smaller(download->skip, size), direct;

	download->skip -= skip;
	data += skip;
	size -= skip;
	download->position += size;
	if (size)
		download->failures = 0;
	direct = size < download->room ? size : download->room;
	if (direct)
		memcpy(download->out, data, direct);
	download->out += direct;
	download->room -= direct;
	download->got += direct;
	if (size == direct)
		return;
	memcpy(download->kept, data + direct, size - direct);
	download->kept_at = 0;
	download->kept_size = size - direct;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
	struct download *download = context;
	bool full = download->kept_size > 0 || (download->room == 0 && download->skip == 0);

	(void)one;
	download->transfer->active_at = clock_ms();
	download->transfer->head = true;
	if (download->refused) {
		buf_add(&download->refusal, data,
			smaller(REFUSAL_MAX - download->refusal.size, size));
		return size;
	}
	if (!download->judged || full) {
		download->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	take(download, data, size);
	return size;
}

static void resume(struct download *download)
{
	if (!download->paused)
		return;
	download->paused = false;
	download->transfer->active_at = clock_ms();
	curl_easy_pause(download->transfer->easy, CURLPAUSE_CONT);
}

static bool is_weak(const char *etag)
{
	return text_starts(etag, "W/");
}

static const char *validator(const struct download *download)
{
	return download->etag ? download->etag : download->modified;
}

static void add_range(struct download *download)
{
	struct http_transfer *transfer = download->transfer;
	_cleanup_(freep) char *range = xasprintf("Range: bytes=%" PRIu64 "-", download->position);
	_cleanup_(freep) char *condition = NULL;

	if (download->position == 0)
		return;
	http_transfer_header(transfer, range);
	if (!validator(download))
		return;
	condition = xasprintf("If-Range: %s", validator(download));
	http_transfer_header(transfer, condition);
}

static void begin(struct download *download)
{
	struct http_transfer *transfer = download->transfer;

	download->judged = false;
	download->refused = false;
	download->paused = false;
	download->skip = 0;
	buf_clear(&download->refusal);
	http_transfer_prepare(transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, download);
	add_range(download);
	http_transfer_begin(transfer);
}

/* Moves and waits until the header is there (or the request has ended without). */
static int await_head(struct download *download, struct err *err)
{
	struct http_transfer *transfer = download->transfer;
	int rc = deadline_check(download->deadline, err);

	while (rc == 0) {
		rc = http_transfer_move(transfer, err);
		if (rc < 0 || transfer->head || transfer->done)
			return rc;
		rc = http_transfer_wait(transfer, download->deadline, err);
	}
	return rc;
}

/* Sends the request, and follows redirects. 0: the header of a response is there; its body may be
   broken already. */
static int request(struct download *download, struct err *err)
{
	struct http_transfer *transfer = download->transfer;
	_cleanup_(freep) char *shown = NULL;
	bool again = true;
	int rc = 0;

	while (rc == 0 && again) {
		begin(download);
		rc = await_head(download, err);
		if (rc == 0 && !transfer->head && transfer->result != CURLE_OK)
			return http_transfer_err(transfer, err);
		if (rc == 0)
			rc = http_transfer_redirect(transfer, &again, err);
	}
	if (rc < 0) {
		shown = http_display_url(transfer->url);
		return err_prefix(err, "%s", shown);
	}
	return 0;
}

/* Reads the text of a refusal as far as it comes, and makes an error of it. `retry_after` may be
   NULL. */
static int refuse(struct download *download, long *retry_after, struct err *err)
{
	struct http_transfer *transfer = download->transfer;
	struct deadline deadline = deadline_in(download->deadline, REFUSAL_MS);
	struct http_response response = {0};
	struct err ignored;
	int rc = 0;

	download->refused = true;
	resume(download);
	while (rc == 0 && !transfer->done && download->refusal.size < REFUSAL_MAX) {
		rc = http_transfer_move(transfer, &ignored);
		if (rc == 0 && !transfer->done)
			rc = http_transfer_wait(transfer, deadline, &ignored);
	}
	http_transfer_hide(transfer, &download->refusal);
	http_transfer_response(transfer, &response);
	if (retry_after)
		*retry_after = response.retry_after_s;
	response.body = download->refusal;
	rc = http_status_err(transfer->url, &response, err);
	response.body = (struct buf){0};
	http_response_free(&response);
	return rc;
}

static uint64_t content_length(const struct download *download)
{
	curl_off_t length = -1;

	curl_easy_getinfo(download->transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	return length < 0 ? UINT64_MAX : (uint64_t)length;
}

/* "bytes FIRST-LAST/TOTAL" (RFC 9110 section 14.4); TOTAL may be "*". */
static bool parse_content_range(const char *text, uint64_t *first, uint64_t *total)
{
	_cleanup_(freep) char *copy = xstrdup(text ? text : "");
	char *dash = strchr(copy, '-'), *slash = strchr(copy, '/');

	if (!text_starts(copy, "bytes ") || !dash || !slash || dash > slash)
		return false;
	*dash = '\0';
	*total = UINT64_MAX;
	if (!text_u64(copy + 6, INT64_MAX, first))
		return false;
	return strcmp(slash + 1, "*") == 0 || text_u64(slash + 1, INT64_MAX, total);
}

static void note_first(struct download *download, uint64_t size)
{
	const char *etag = http_transfer_reply(download->transfer, "ETag");
	const char *modified = http_transfer_reply(download->transfer, "Last-Modified");

	download->size = size;
	download->etag = etag && !is_weak(etag) ? xstrdup(etag) : NULL;
	download->modified = modified ? xstrdup(modified) : NULL;
}

static bool same_validator(const char *noted, const char *now)
{
	return !noted || !now || strcmp(noted, now) == 0;
}

/* Whether the response is of the same file as the first one: whatever both of them tell is equal.
   `whole`: and at least one validator is told, because nothing else ties the two together. */
static bool same_file(const struct download *download, uint64_t size, bool whole)
{
	const char *etag = http_transfer_reply(download->transfer, "ETag");
	const char *modified = http_transfer_reply(download->transfer, "Last-Modified");
	bool tied = download->position == 0 || (download->etag && etag) ||
		    (download->modified && modified);

	if (size != UINT64_MAX && download->size != UINT64_MAX && size != download->size)
		return false;
	if (!same_validator(download->etag, etag) || (whole && !tied))
		return download->transfer->options.pinned && !validator(download);
	return download->etag || same_validator(download->modified, modified);
}

static int changed(const struct download *download, struct err *err)
{
	_cleanup_(freep) char *shown = http_display_url(download->transfer->url);

	return err_set(err, ERR_NETWORK,
		       "%s: the connection broke at byte %" PRIu64
		       ", and the file on the server is another one since",
		       shown, download->position);
}

static int bad_range(const struct download *download, struct err *err)
{
	_cleanup_(freep) char *shown = http_display_url(download->transfer->url);

	return err_set(err, ERR_NETWORK,
		       "%s: asked for the file from byte %" PRIu64 " on, the server sends another"
		       " part",
		       shown, download->position);
}

/* Judges a response with status 200 or 206. `first`: there was none before it. */
static int judge_body(struct download *download, bool first, struct err *err)
{
	bool whole = http_transfer_status(download->transfer) == 200;
	uint64_t from = 0, size = content_length(download);
	const char *range;

	if (!whole) {
		range = http_transfer_reply(download->transfer, "Content-Range");
		if (!parse_content_range(range, &from, &size) || from != download->position)
			return bad_range(download, err);
	}
	if (first)
		note_first(download, size);
	else if (!same_file(download, size, whole))
		return changed(download, err);
	if (download->size == UINT64_MAX)
		download->size = size;
	download->skip = download->position - from;
	download->judged = true;
	resume(download);
	return 0;
}

static bool has_body(const struct download *download)
{
	long status = http_transfer_status(download->transfer);

	return status == 200 || (status == 206 && download->position > 0);
}

static bool may_pass(long status)
{
	return status == 408 || status == 429 || status >= 500;
}

static int broken(const struct download *download, struct err *err)
{
	return err_prefix(err, "the connection broke at byte %" PRIu64 " and could not be taken up",
			  download->position);
}

static int pause_before(struct download *download, int64_t ms, struct err *err)
{
	int rc = ms > 0 ? deadline_pause(ms, download->deadline, err) : 0;

	return rc < 0 ? broken(download, err) : 0;
}

/* The first failure in a row is taken up at once, the others after a growing pause. */
static int64_t backoff_ms(unsigned int failures)
{
	int64_t ms = failures < 2 ? 0 : BACKOFF_MS;

	for (; failures > 2 && ms < BACKOFF_MAX_MS; failures--)
		ms *= 2;
	return ms;
}

/* One try to take the download up at `position`. A refusal that may pass sets *retry_after and
   keeps its error in *err. */
static int try_again(struct download *download, bool *passing, long *retry_after, struct err *err)
{
	int rc;

	*passing = true;
	*retry_after = 0;
	http_transfer_rewind(download->transfer);
	rc = request(download, err);
	if (rc < 0) {
		*passing = rc == -ERR_NETWORK;
		return rc;
	}
	*passing = may_pass(http_transfer_status(download->transfer));
	if (!has_body(download))
		return refuse(download, retry_after, err);
	return judge_body(download, false, err);
}

/* The connection is broken, for the reason in *err: takes the download up again. */
static int reconnect(struct download *download, struct err *err)
{
	const struct http_options *options = &download->transfer->options;
	bool passing = true;
	long retry_after = 0;
	int64_t wait;
	int rc;

	if (download->position > 0 && !validator(download) && !options->pinned) {
		broken(download, err);
		return err_remedy(err, "the server gives neither ETag nor Last-Modified, so the"
				       " rest could be of another file; start again");
	}
	do {
		if (++download->failures > options->tries)
			return broken(download, err);
		wait = backoff_ms(download->failures);
		if (wait < (int64_t)retry_after * 1000)
			wait = (int64_t)retry_after * 1000;
		rc = pause_before(download, wait, err);
		if (rc < 0)
			return rc;
		rc = try_again(download, &passing, &retry_after, err);
	} while (rc < 0 && passing);
	return rc;
}

/* The request is done: the end of the body, or a break. */
static int at_end(struct download *download, bool *end, struct err *err)
{
	struct http_transfer *transfer = download->transfer;
	_cleanup_(freep) char *shown = http_display_url(transfer->url);
	bool complete = transfer->result == CURLE_OK && download->skip == 0;

	*end = complete && (download->size == UINT64_MAX || download->position == download->size);
	if (*end)
		return 0;
	if (complete && download->position > download->size)
		return err_set(err, ERR_NETWORK, "%s: more bytes came than were announced", shown);
	if (transfer->result == CURLE_OK)
		err_set(err, ERR_NETWORK, "%s: the body ended early", shown);
	else
		http_transfer_err(transfer, err);
	return reconnect(download, err);
}

/* Nothing was moved: waits, or takes up a broken connection. */
static int await_body(struct download *download, bool *end, struct err *err)
{
	struct http_transfer *transfer = download->transfer;
	_cleanup_(freep) char *shown = NULL;
	int rc;

	if (transfer->done)
		return at_end(download, end, err);
	rc = http_transfer_wait(transfer, download->deadline, err);
	if (rc == 0)
		return 0;
	shown = http_display_url(transfer->url);
	err_prefix(err, "%s", shown);
	return rc == -ERR_NETWORK ? reconnect(download, err) : rc;
}

static size_t take_kept(struct download *download, void *data, size_t size)
{
	size_t step = size < download->kept_size ? size : download->kept_size;

	memcpy(data, download->kept + download->kept_at, step);
	download->kept_at += step;
	download->kept_size -= step;
	return step;
}

static int pull(struct download *download, struct err *err)
{
	bool end = false;
	int rc = 0;

	while (rc == 0 && download->got == 0 && !end) {
		resume(download);
		rc = http_transfer_move(download->transfer, err);
		if (rc == 0 && download->got == 0)
			rc = await_body(download, &end, err);
	}
	return rc;
}

static int download_read(struct reader *reader, void *data, size_t size, size_t *got,
			 struct err *err)
{
	struct download *download = container_of(reader, struct download, reader);
	int rc;

	*got = take_kept(download, data, size);
	if (*got)
		return 0;
	rc = deadline_check(download->deadline, err);
	if (rc < 0)
		return rc;
	download->out = data;
	download->room = size;
	download->got = 0;
	download->transfer->active_at = clock_ms();
	rc = pull(download, err);
	*got = download->got;
	download->room = 0;
	download->out = NULL;
	return rc;
}

static void download_close(struct reader *reader)
{
	struct download *download = container_of(reader, struct download, reader);

	http_transfer_freep(&download->transfer);
	buf_free(&download->refusal);
	free(download->etag);
	free(download->modified);
	free(download);
}

static int open_first(struct download *download, struct http_download *info, struct err *err)
{
	const char *etag;
	int rc = request(download, err);

	if (rc < 0)
		return rc;
	if (!has_body(download))
		return refuse(download, NULL, err);
	rc = judge_body(download, true, err);
	if (rc < 0 || !info)
		return rc;
	etag = http_transfer_reply(download->transfer, "ETag");
	*info = (struct http_download){.size = download->size};
	if (etag && strlen(etag) < sizeof(info->etag))
		memcpy(info->etag, etag, strlen(etag) + 1);
	return 0;
}

int http_open_at(struct reader **reader, const char *url, const struct http_options *options,
		 uint64_t offset, struct http_download *info, struct deadline deadline,
		 struct err *err)
{
	_cleanup_(reader_closep) struct reader *made = NULL;
	struct download *download = xcalloc(1, sizeof(*download));
	int rc;

	made = &download->reader;
	made->read = download_read;
	made->close = download_close;
	download->deadline = deadline;
	download->position = offset;
	rc = http_transfer_new(&download->transfer, url, options, err);
	if (rc == 0)
		rc = open_first(download, info, err);
	if (rc < 0)
		return rc;
	*reader = steal(made);
	return 0;
}

int http_open(struct reader **reader, const char *url, const struct http_options *options,
	      struct http_download *info, struct deadline deadline, struct err *err)
{
	return http_open_at(reader, url, options, 0, info, deadline, err);
}
