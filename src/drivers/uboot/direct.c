// SPDX-License-Identifier: MIT
/* --direct: the board pulls the source URL itself. What it must know is a script that it fetches
   from us, because headers and tokens are secrets and consoles are logged. The image was read here
   once, so its digest is known and the read-back proves it. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

struct unpacker {
	const char *codec, *command;
};

static const struct unpacker unpackers[] = {
	{"none", "cat"},    {"gzip", "zcat"},    {"xz", "xzcat"},
	{"bzip2", "bzcat"}, {"zstd", "zstdcat"}, {"lz4", "lz4 -dc"},
};

static const char *unpacker_of(const char *codec)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unpackers); i++)
		if (strcmp(unpackers[i].codec, codec) == 0)
			return unpackers[i].command;
	return NULL;
}

int direct_check_ref(const char *file, struct err *err)
{
	if (text_starts(file, "http://") || text_starts(file, "https://"))
		return 0;
	return err_set(err, ERR_USAGE, "--direct wants an http:// or https:// image, not %s", file);
}

int direct_check(const struct job_image *image, struct err *err)
{
	if (strcmp(image->layout, "raw") == 0 && unpacker_of(image->codec))
		return 0;
	err_set(err, ERR_IMAGE, "the board cannot unpack %s (%s, %s) itself", image->ref,
		image->codec, image->layout);
	return err_remedy(err, "leave --direct out: then this host unpacks it");
}

/* One word for a POSIX shell. */
static void quote(struct buf *script, const char *word)
{
	buf_add_text(script, "'");
	for (; *word; word++) {
		if (*word == '\'')
			buf_add_text(script, "'\\''");
		else
			buf_add_char(script, *word);
	}
	buf_add_text(script, "' ");
}

static void add_headers(struct buf *script, const char *option, const struct http_options *http)
{
	_cleanup_(freep) char *authorization = NULL;
	size_t i;

	for (i = 0; http->headers && http->headers[i]; i++) {
		buf_addf(script, "%s ", option);
		quote(script, http->headers[i]);
	}
	if (!http->bearer)
		return;
	authorization = xasprintf("Authorization: Bearer %s", http->bearer);
	buf_addf(script, "%s ", option);
	quote(script, authorization);
}

static void fetch_line(struct buf *script, const char *start, const char *header_option,
		       const struct http_options *http, const char *url)
{
	buf_add_text(script, start);
	add_headers(script, header_option, http);
	quote(script, url);
	buf_add_char(script, '\n');
}

/* curl checks certificates and follows redirects safely; busybox wget is there always. */
static void write_script(struct buf *script, const struct http_options *http, const char *url,
			 bool ca)
{
	buf_add_text(script, "if command -v curl >/dev/null; then\n");
	fetch_line(script,
		   http->insecure ? "exec curl -fsSL -k "
		   : ca           ? "exec curl -fsSL --cacert /tmp/aboard/ca.pem "
				  : "exec curl -fsSL ",
		   "-H", http, url);
	buf_add_text(script, "fi\n");
	fetch_line(script,
		   http->insecure ? "exec wget -q -O - --no-check-certificate "
				  : "exec wget -q -O - ",
		   "--header", http, url);
}

static int fetch_to_board(struct job *job, const char *path, const char *name,
			  struct deadline deadline, struct err *err)
{
	char host[INET_ADDRSTRLEN];

	return board_cmd(job, SHELL_POSIX, deadline, NULL, err,
			 "wget -q -O /tmp/aboard/%s http://%s:%u%s", name,
			 uboot_host_text(uboot_of(job), host),
			 http_server_port(uboot_of(job)->http), path);
}

static int hand_over_ca(struct job *job, struct deadline deadline, struct err *err)
{
	const char *file = job->request->http.ca_file;
	_cleanup_(freep) char *path = NULL;
	int rc;

	if (!file)
		return 0;
	rc = http_server_add_file(uboot_of(job)->http, "ca.pem", file, &path, err);
	return rc < 0 ? rc : fetch_to_board(job, path, "ca.pem", deadline, err);
}

static int hand_over_script(struct job *job, const char *url, struct deadline deadline,
			    struct err *err)
{
	const struct http_options *http = &job->request->http;
	_cleanup_(buf_free) struct buf script = {0};
	_cleanup_(freep) char *path = NULL;
	int rc;

	write_script(&script, http, url, http->ca_file != NULL);
	rc = http_server_add_data(uboot_of(job)->http, "get", buf_text(&script), script.size, &path,
				  err);
	if (rc == 0)
		rc = fetch_to_board(job, path, "get", deadline, err);
	if (path)
		http_server_remove(uboot_of(job)->http, path);
	return rc;
}

int direct_pipeline(struct job *job, const struct item *item, char **source,
		    struct deadline deadline, struct err *err)
{
	int rc = hand_over_ca(job, deadline, err);

	if (rc == 0)
		rc = hand_over_script(job, item->request->file, deadline, err);
	if (rc == 0)
		*source = xasprintf("{ sh /tmp/aboard/get || : >/tmp/aboard/bad; } | "
				    "{ %s || : >/tmp/aboard/bad; }",
				    unpacker_of(item->image.codec));
	return rc;
}
