// SPDX-License-Identifier: MIT
/* The HTTP client as a program, for tests against real servers: http-tool get|put URL [options].
   The body goes to standard output; what is known about it, or the error, to standard error.
   Standard input is the cancel descriptor. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/http.h"

struct tool {
	struct http_options options;
	const char *headers[9];
	size_t header_count;
	int64_t deadline_ms;
	uint64_t offset;
	const char *method, *file;
	uint64_t piece; /* bytes per read */
};

static bool set_text(struct tool *tool, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **place;
	} rows[] = {
		{"--bearer", &tool->options.bearer},
		{"--user", &tool->options.username},
		{"--password", &tool->options.password},
		{"--cacert", &tool->options.ca_file},
		{"--method", &tool->method},
		{"--file", &tool->file},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*rows[i].place = value;
			return true;
		}
	}
	if (strcmp(name, "--header") != 0 || tool->header_count + 1 == ARRAY_SIZE(tool->headers))
		return false;
	tool->headers[tool->header_count++] = value;
	tool->options.headers = tool->headers;
	return true;
}

static bool set_number(struct tool *tool, const char *name, const char *value)
{
	uint64_t number;

	if (!text_u64(value, INT64_MAX, &number))
		return false;
	if (strcmp(name, "--stall") == 0)
		tool->options.stall_ms = (int64_t)number;
	else if (strcmp(name, "--tries") == 0)
		tool->options.tries = (unsigned int)number;
	else if (strcmp(name, "--deadline") == 0)
		tool->deadline_ms = (int64_t)number;
	else if (strcmp(name, "--offset") == 0)
		tool->offset = number;
	else if (strcmp(name, "--piece") == 0)
		tool->piece = number;
	else
		return false;
	return true;
}

static bool set_flag(struct tool *tool, const char *name)
{
	if (strcmp(name, "-k") == 0)
		tool->options.insecure = true;
	else if (strcmp(name, "--digest") == 0)
		tool->options.digest = true;
	else if (strcmp(name, "--pinned") == 0)
		tool->options.pinned = true;
	else
		return false;
	return true;
}

static bool parse(struct tool *tool, char **args)
{
	for (; *args; args++) {
		if (set_flag(tool, *args))
			continue;
		if (!args[1] ||
		    (!set_text(tool, *args, args[1]) && !set_number(tool, *args, args[1])))
			return false;
		args++;
	}
	return true;
}

static int report(const struct err *err)
{
	fprintf(stderr, "%s: %s\n", err_kind_name(err->kind), err->text);
	if (err->remedy[0])
		fprintf(stderr, "remedy: %s\n", err->remedy);
	return err_exit_status(err->kind);
}

static int get(const struct tool *tool, const char *url, struct deadline deadline)
{
	_cleanup_(reader_closep) struct reader *reader = NULL;
	_cleanup_(freep) char *piece = xmalloc(tool->piece);
	struct http_download info;
	struct err err = {0};
	size_t got = 1;
	int rc;

	rc = http_open_at(&reader, url, &tool->options, tool->offset, &info, deadline, &err);
	if (rc < 0)
		return report(&err);
	fprintf(stderr, "size %" PRId64 " etag %s\n", (int64_t)info.size, info.etag);
	while (got > 0) {
		rc = reader->read(reader, piece, tool->piece, &got, &err);
		if (rc < 0)
			return report(&err);
		if (write(STDOUT_FILENO, piece, got) != (ssize_t)got)
			return 1;
	}
	return 0;
}

static int report_response(const char *url, struct http_response *response)
{
	struct err err = {0};

	fprintf(stderr, "status %ld\nlocation %s\nauthenticate %s\nretry-after %ld\n",
		response->status, response->location ? response->location : "-",
		response->authenticate ? response->authenticate : "-", response->retry_after_s);
	if (write(STDOUT_FILENO, buf_text(&response->body), response->body.size) < 0)
		return 1;
	if (response->status < 400)
		return 0;
	http_status_err(url, response, &err);
	return report(&err);
}

static int exchange(const struct tool *tool, const char *url, struct deadline deadline)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	struct http_request request = {
		.method = tool->method,
		.url = url,
		.options = tool->options,
	};
	struct err err = {0};

	if (http_exchange(&request, 65536, &response, deadline, &err) < 0)
		return report(&err);
	return report_response(url, &response);
}

struct memory {
	struct reader reader;
	struct buf data;
	size_t at;
};

static int memory_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct memory *memory = container_of(reader, struct memory, reader);
	size_t left = memory->data.size - memory->at;

	(void)err;
	*got = left < size ? left : size;
	memcpy(data, memory->data.data + memory->at, *got);
	memory->at += *got;
	return 0;
}

static int upload(const struct tool *tool, const char *url, struct deadline deadline)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	struct memory memory = {.reader.read = memory_read};
	struct http_request request = {
		.method = tool->method,
		.url = url,
		.options = tool->options,
	};
	struct err err = {0};
	int rc;

	if (path_read(tool->file, (size_t)64 << 20, &memory.data, &err) < 0)
		return report(&err);
	rc = http_upload(&request, &memory.reader, memory.data.size, &response, deadline, &err);
	buf_free(&memory.data);
	return rc < 0 ? report(&err) : report_response(url, &response);
}

int main(int argc, char **argv)
{
	struct tool tool = {.piece = 65536, .deadline_ms = 60000};
	struct deadline deadline;

	if (argc < 3 || !parse(&tool, argv + 3))
		return 2;
	deadline = deadline_of_cancel(STDIN_FILENO, tool.deadline_ms);
	if (strcmp(argv[1], "get") == 0)
		return get(&tool, argv[2], deadline);
	return tool.file ? upload(&tool, argv[2], deadline) : exchange(&tool, argv[2], deadline);
}
