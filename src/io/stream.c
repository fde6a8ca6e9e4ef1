// SPDX-License-Identifier: MIT
#include "io/stream.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/stream_kinds.h"

struct scheme {
	const char *prefix;
	bool keep; /* the prefix belongs to what the opener is given */
	int (*check)(const char *rest, struct err *err);
	int (*open)(struct stream **stream, const char *rest,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err);
};

static const struct scheme schemes[] = {
	{"socket://", false, stream_check_host_port, stream_open_tcp},
	{"rfc2217://", false, stream_check_host_port, stream_open_rfc2217},
	{"unix:", false, stream_check_unix, stream_open_unix},
	{"pty:", false, stream_check_path, stream_open_pty},
	{"exec:", false, stream_check_words, stream_open_exec},
	{"/", true, stream_check_path, stream_open_tty},
	{"./", true, stream_check_path, stream_open_tty},
	{"../", true, stream_check_path, stream_open_tty},
};

static int scheme_of(const struct scheme **scheme, const char **rest, const char *address,
		     struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!text_starts(address, schemes[i].prefix))
			continue;
		*scheme = &schemes[i];
		*rest = schemes[i].keep ? address : address + strlen(schemes[i].prefix);
		return 0;
	}
	err_set(err, ERR_CONFIG, "'%s' is no address of a serial stream", address);
	return err_remedy(err, "use /dev/ttyNAME, socket://HOST:PORT, rfc2217://HOST:PORT, "
			       "unix:PATH, unix:PATH?listen, pty:PATH or exec:PROGRAM ARG...");
}

int stream_check(const char *address, struct err *err)
{
	const struct scheme *scheme;
	const char *rest;
	int rc = scheme_of(&scheme, &rest, address, err);

	if (rc < 0)
		return rc;
	if (scheme->check(rest, err) < 0)
		return err_prefix(err, "%s", address);
	return 0;
}

int stream_open(struct stream **stream, const char *address, const struct stream_settings *settings,
		struct deadline deadline, struct err *err)
{
	static const struct stream_settings usual = {.baud = 115200};
	struct stream_settings wanted = settings ? *settings : usual;
	const struct scheme *scheme;
	const char *rest;
	int rc = stream_check(address, err);

	*stream = NULL;
	if (rc < 0)
		return rc;
	scheme_of(&scheme, &rest, address, err);
	if (!wanted.baud)
		wanted.baud = usual.baud;
	if (scheme->open(stream, rest, &wanted, deadline, err) < 0)
		return err_prefix(err, "%s", address);
	return 0;
}

int stream_read(struct stream *stream, void *data, size_t size, size_t *got,
		struct deadline deadline, struct err *err)
{
	*got = 0;
	if (!size)
		return err_set(err, ERR_INTERNAL, "a read of no bytes");
	return stream->ops->read(stream, data, size, got, deadline, err);
}

int stream_write(struct stream *stream, const void *data, size_t size, struct deadline deadline,
		 struct err *err)
{
	if (!size)
		return 0;
	return stream->ops->write(stream, data, size, deadline, err);
}

void stream_close(struct stream *stream)
{
	if (stream)
		stream->ops->close(stream);
}

void stream_closep(struct stream **stream)
{
	stream_close(*stream);
	*stream = NULL;
}
