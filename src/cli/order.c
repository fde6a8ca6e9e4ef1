// SPDX-License-Identifier: MIT
#include "cli/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/output.h"
#include "drivers/table.h"

#define RETRIES_DEFAULT 3
#define RETRIES_MAX     100
#define LIST_MAX        ((size_t)1 << 20)

const char *order_keep(struct order *order, char *text)
{
	order->texts = xrealloc(order->texts, order->text_count + 1, sizeof(*order->texts));
	order->texts[order->text_count++] = text;
	return text;
}

void order_add(struct order *order, struct request_item item)
{
	size_t count = order->request.item_count++;

	order->items = xrealloc(order->items, count + 1, sizeof(*order->items));
	order->items[count] = item;
	order->request.items = order->items;
}

void order_free(struct order *order)
{
	asker_close(&order->asker);
	term_free(order->term);
	boards_free(&order->boards);
	while (order->text_count > 0)
		free(order->texts[--order->text_count]);
	free(order->texts);
	free(order->headers);
	free(order->items);
	free(order->sha256);
}

static int read_checksum(struct order *order, const struct args *args, struct err *err)
{
	const char *text = args_value(args, "os-image-checksum", NULL);
	const char *path = args_value(args, "os-image-checksum-file", NULL);
	_cleanup_(buf_free) struct buf list = {0};
	_cleanup_(freep) char *copy = NULL;
	int rc = 0;

	if (text && path)
		return err_set(err, ERR_USAGE,
			       "--os-image-checksum and --os-image-checksum-file "
			       "cannot both be given");
	if (text) {
		rc = read_sha256(text, &order->sha256, err);
	} else if (path) {
		rc = path_read(path, LIST_MAX, &list, err);
		copy = xstrdup(buf_text(&list));
		if (rc == 0)
			rc = find_sha256(copy, args_word(args, 1), &order->sha256, err);
		if (rc < 0)
			return err_prefix(err, "%s", path);
	}
	order->request.sha256 = order->sha256;
	return rc;
}

static int check_header(const struct order *order, const char *header, size_t index,
			struct err *err)
{
	size_t length = strcspn(header, ":"), i;
	int rc = http_check_header(header, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < index; i++)
		if (strncasecmp(order->headers[i], header, length + 1) == 0)
			return err_set(err, ERR_USAGE, "the header '%.*s' is given twice",
				       (int)length, header);
	return 0;
}

/* What is worth hiding in a header is long enough not to be an ordinary word. */
#define SECRET_MIN 8

static void remember(struct order *order, const char *value)
{
	value += strspn(value, ": ");
	if (strlen(value) >= SECRET_MIN)
		secrets_remember(order->board->secrets, value);
}

static int add_header(struct order *order, const char *header, size_t *count, struct err *err)
{
	int rc = check_header(order, header, *count, err);

	if (rc < 0)
		return rc;
	order->headers = xrealloc(order->headers, *count + 2, sizeof(*order->headers));
	order->headers[(*count)++] = header;
	order->headers[*count] = NULL;
	remember(order, header + strcspn(header, ":"));
	return 0;
}

/* @FILE: one header a line, so that a secret need not be in an argument list. */
static int add_header_file(struct order *order, const char *path, size_t *count, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	char *line, *end;
	int rc = path_read(path, LIST_MAX, &text, err);

	if (rc < 0)
		return rc;
	line = xstrdup(buf_text(&text));
	order_keep(order, line);
	for (; line && rc == 0; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		line = text_trim(line);
		if (*line)
			rc = add_header(order, line, count, err);
	}
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

static int read_headers(struct order *order, const struct args *args, struct err *err)
{
	_cleanup_(freep) const char **given = args_values(args, "header");
	size_t count = 0, i;
	int rc = 0;

	for (i = 0; given[i] && rc == 0; i++) {
		if (given[i][0] == '@')
			rc = add_header_file(order, given[i] + 1, &count, err);
		else
			rc = add_header(order, given[i], &count, err);
	}
	order->request.http.headers = order->headers;
	return rc < 0 ? err_prefix(err, "--header") : 0;
}

static bool has_authorization(const struct order *order)
{
	size_t i;

	for (i = 0; order->headers && order->headers[i]; i++)
		if (strncasecmp(order->headers[i], "authorization:", 14) == 0)
			return true;
	return false;
}

/* An explicit Authorization header wins over a token. */
static int read_bearer(struct order *order, const struct args *args, struct err *err)
{
	const char *given =
		option_find(args->verb->options, "bearer") ? getenv("ABOARD_BEARER") : NULL;
	const char *token = args_value(args, "bearer", given);
	char *clean;
	int rc;

	if (!token || !*token || has_authorization(order))
		return 0;
	clean = xstrdup(token);
	order_keep(order, clean);
	clean = text_trim(clean);
	rc = http_check_bearer(clean, err);
	if (rc < 0)
		return err_prefix(err, "%s",
				  args_count(args, "bearer") ? "--bearer" : "ABOARD_BEARER");
	remember(order, clean);
	order->request.http.bearer = clean;
	return 0;
}

static int read_http(struct order *order, const struct args *args, struct err *err)
{
	int rc = read_headers(order, args, err);

	order->request.http.ca_file = args_value(args, "cacert", NULL);
	order->request.http.insecure = args_flag(args, "insecure-tls", false);
	return rc < 0 ? rc : read_bearer(order, args, err);
}

static int read_request(struct order *order, const struct args *args, const char *verb,
			struct err *err)
{
	struct request *request = &order->request;
	int rc;

	request->verb = verb;
	request->bundle = args_value(args, "force-flash-bundle", NULL);
	request->plan_digest = args_value(args, "plan-digest", NULL);
	request->host_address = args_value(args, "host-address", NULL);
	request->direct = args_flag(args, "direct", false);
	request->no_power_off = !args_flag(args, "power-off", true);
	request->no_verify = !args_flag(args, "verify", true);
	request->irreversible = args_value(args, "irreversible", NULL);
	request->dry_run = args_flag(args, "dry-run", false);
	request->console_debug = args_flag(args, "console-debug", false);
	rc = args_uint(args, "retries", RETRIES_DEFAULT, RETRIES_MAX, &request->retries, err);
	if (rc == 0)
		rc = read_checksum(order, args, err);
	return rc < 0 ? rc : read_http(order, args, err);
}

int order_open(struct order *order, const struct cli *cli, const char *verb, struct err *err)
{
	int rc = boards_load(&order->boards, cli->boards_file, drivers, err);

	order->plan_out = stderr;
	order->asker.fd = -1;
	if (rc == 0)
		rc = boards_find(&order->boards, args_word(cli->args, 0), &order->board, err);
	if (rc < 0)
		return rc;
	/* Without a terminal there is nobody to ask, which matters only when there is a question.
	 */
	if (!cli->json)
		asker_open(&order->asker, order->board->name, cli->cancel_fd, NULL);
	return read_request(order, cli->args, verb, err);
}

/* The second reader: how it ended. */
static void take_end(void *context, const json_t *event)
{
	const json_t *exit_status = json_object_get(event, "exit");
	struct order *order = context;

	if (!text_equal(json_string_value(json_object_get(event, "event")), "result"))
		return;
	order->ended = true;
	order->ended_well = json_integer_value(exit_status) == 0;
}

static enum term_detail detail_of(const struct order *order, const struct cli *cli)
{
	if (cli->verbose || order->request.console_debug)
		return TERM_DEBUG;
	return cli->quiet ? TERM_QUIET : TERM_NORMAL;
}

struct job_settings order_settings(struct order *order, struct cli *cli, struct job_confirm confirm)
{
	struct term_settings settings = term_here(order->plan_out, detail_of(order, cli));
	struct event_sink reader;

	settings.always_plan = order->always_plan;
	if (!cli->json)
		order->term = term_new(&settings);
	reader = cli->json ? json_sink(stdout) : term_sink(order->term);
	order->asker.term = order->term;
	return (struct job_settings){
		.confirm = confirm,
		.person = {order->asker.fd < 0 ? NULL : asker_wait, &order->asker},
		.sinks = {reader, {take_end, order}},
		.cancel_fd = cli->cancel_fd};
}

void order_report(const struct order *order, struct cli *cli, int rc)
{
	cli->reported = order->ended && order->ended_well == (rc == 0);
}

int order_run(struct order *order, struct cli *cli, struct job_confirm confirm, struct err *err)
{
	struct job_settings settings = order_settings(order, cli, confirm);
	int rc = job_run(order->board, &order->request, &settings, err);

	order_report(order, cli, rc);
	return rc;
}
