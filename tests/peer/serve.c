// SPDX-License-Identifier: MIT
/*
 * A program around the two servers, for clients in other languages and of other makers.
 *
 *   serve-tool [OPTION...]
 *     --address A                    instead of 127.0.0.1
 *     --tftp-port N, --http-port N   0 (the default): any free one
 *     --window N                     largest windowsize granted
 *     --lose N                       drop every Nth datagram the TFTP server sends
 *     --tftp NAME=PATH               stage a file for TFTP
 *     --tftp-data NAME=TEXT          the same from memory
 *     --http NAME=PATH, --http-data NAME=TEXT
 *     --stream NAME=PATH[,LENGTH[,FAILAT]]
 *                                    serve what PATH gives once; LENGTH is announced ("-": not
 *                                    known), and at FAILAT bytes the reader fails
 *
 * Prints one line of JSON with the ports and paths, then answers each line on standard input, a
 * NAME, with a line of JSON on how far that is, and ends at the end of standard input.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "serve/http_server.h"
#include "serve/tftp_server.h"

struct tool {
	struct tftp_server *tftp;
	struct http_server *http;
	json_t *paths; /* NAME: path */
};

struct loss {
	unsigned long every, seen;
};

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s\n%s\n", err->text, err->remedy);
	exit(err_exit_status(err->kind));
}

static bool lose(void *context, const void *packet, size_t size)
{
	struct loss *loss = context;

	(void)packet;
	(void)size;
	return ++loss->seen % loss->every != 0;
}

struct file_reader {
	struct reader reader;
	int fd;
	uint64_t at, fail_at;
};

static int read_file(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct file_reader *file = container_of(reader, struct file_reader, reader);
	ssize_t step;

	if (file->at >= file->fail_at)
		return err_set(err, ERR_IMAGE, "the reader fails at %llu",
			       (unsigned long long)file->at);
	if (size > file->fail_at - file->at)
		size = (size_t)(file->fail_at - file->at);
	step = read(file->fd, data, size);
	if (step < 0)
		return err_errno(err, ERR_HOST, "reading");
	file->at += (uint64_t)step;
	*got = (size_t)step;
	return 0;
}

static void close_file(struct reader *reader)
{
	struct file_reader *file = container_of(reader, struct file_reader, reader);

	close(file->fd);
	free(file);
}

static struct reader *open_reader(const char *path, uint64_t fail_at)
{
	struct file_reader *file = xcalloc(1, sizeof(*file));

	file->reader = (struct reader){.read = read_file, .close = close_file};
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	file->fail_at = fail_at;
	if (file->fd < 0) {
		perror(path);
		exit(1);
	}
	return &file->reader;
}

static uint64_t number(const char *text, uint64_t otherwise)
{
	uint64_t value;

	return text && text_u64(text, UINT64_MAX, &value) ? value : otherwise;
}

/* Cuts TEXT at the first SEPARATOR; what follows, or NULL. */
static char *split(char *text, char separator)
{
	char *rest = text ? strchr(text, separator) : NULL;

	if (!rest)
		return NULL;
	*rest = '\0';
	return rest + 1;
}

static void add_stream(struct tool *tool, const char *name, char *value, char **path,
		       struct err *err)
{
	char *length = split(value, ','), *fail_at = split(length, ',');

	must(http_server_add_stream(tool->http, name,
				    open_reader(value, number(fail_at, UINT64_MAX)),
				    number(length, UINT64_MAX), path, err),
	     err);
}

static void stage(struct tool *tool, const char *option, char *name)
{
	_cleanup_(freep) char *path = NULL;
	char *value = split(name, '=');
	struct err err = {0};

	if (text_equal(option, "--tftp"))
		must(tftp_server_add_file(tool->tftp, name, value, &err), &err);
	else if (text_equal(option, "--tftp-data"))
		must(tftp_server_add_data(tool->tftp, name, value, strlen(value), &err), &err);
	else if (text_equal(option, "--http"))
		must(http_server_add_file(tool->http, name, value, &path, &err), &err);
	else if (text_equal(option, "--http-data"))
		must(http_server_add_data(tool->http, name, value, strlen(value), &path, &err),
		     &err);
	else if (text_equal(option, "--stream"))
		add_stream(tool, name, value, &path, &err);
	if (path)
		json_object_set_new(tool->paths, name, json_string(path));
}

static void print_json(json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT);

	puts(text);
	fflush(stdout);
	free(text);
	json_decref(root);
}

static void report_http(struct tool *tool, const char *path)
{
	struct http_progress progress;

	http_server_progress(tool->http, path, &progress);
	print_json(json_pack("{sIsIsbsbss}", "sent", (json_int_t)progress.sent, "requests",
			     (json_int_t)progress.requests, "done", progress.done, "failed",
			     progress.failed, "error", progress.err.text));
}

static void report_tftp(struct tool *tool, const char *name)
{
	struct tftp_progress progress;

	tftp_server_progress(tool->tftp, name, &progress);
	print_json(json_pack("{sIsIsIsIsIss}", "sent", (json_int_t)progress.sent, "size",
			     (json_int_t)progress.size, "begun", (json_int_t)progress.begun,
			     "ended", (json_int_t)progress.ended, "resent",
			     (json_int_t)progress.resent, "error", progress.last_error));
}

static void answer_lines(struct tool *tool)
{
	char line[256];
	json_t *path;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		path = json_object_get(tool->paths, line);
		if (path)
			report_http(tool, json_string_value(path));
		else
			report_tftp(tool, line);
	}
}

static const char *option_value(int argc, char **argv, const char *name)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2)
		if (text_equal(argv[i], name))
			return argv[i + 1];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *address = option_value(argc, argv, "--address");
	struct loss loss = {.every = number(option_value(argc, argv, "--lose"), 0)};
	struct tftp_settings settings = {
		.address = address ? address : "127.0.0.1",
		.port = (uint16_t)number(option_value(argc, argv, "--tftp-port"), 0),
		.window = (unsigned int)number(option_value(argc, argv, "--window"), 0),
		.send_filter = loss.every ? lose : NULL,
		.filter_context = &loss,
	};
	uint16_t http_port = (uint16_t)number(option_value(argc, argv, "--http-port"), 0);
	struct tool tool = {.paths = json_object()};
	struct err err = {0};
	int i;

	must(tftp_server_start(&tool.tftp, &settings, &err), &err);
	must(http_server_start(&tool.http, settings.address, http_port, &err), &err);
	for (i = 1; i + 1 < argc; i += 2)
		stage(&tool, argv[i], argv[i + 1]);
	print_json(json_pack("{sisisO}", "tftp", tftp_server_port(tool.tftp), "http",
			     http_server_port(tool.http), "paths", tool.paths));
	answer_lines(&tool);
	tftp_server_stop(tool.tftp);
	http_server_stop(tool.http);
	json_decref(tool.paths);
	return 0;
}
