// SPDX-License-Identifier: MIT
#include "proto/fastboot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define TYPE_SIZE 4
#define HELLO_MS  2000 /* a device that is not in the middle of something answers at once */

void fastboot_close(struct fastboot *fastboot)
{
	if (fastboot->link)
		fastboot->link->ops->close(fastboot->link);
	fastboot->link = NULL;
}

static enum fastboot_kind kind_of(const char *type)
{
	static const char names[][TYPE_SIZE + 1] = {
		[FASTBOOT_INFO] = "INFO", [FASTBOOT_TEXT] = "TEXT", [FASTBOOT_OKAY] = "OKAY",
		[FASTBOOT_FAIL] = "FAIL", [FASTBOOT_DATA] = "DATA",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (memcmp(names[i], type, TYPE_SIZE) == 0)
			return (enum fastboot_kind)i;
	return FASTBOOT_UNKNOWN;
}

/* Up to a NUL, without white space at its ends; what cannot be printed becomes '?'. */
static void copy_text(const char *from, size_t size, char to[FASTBOOT_ANSWER])
{
	size_t length = strnlen(from, size), i;

	if (length >= FASTBOOT_ANSWER)
		length = FASTBOOT_ANSWER - 1;
	while (length > 0 &&
	       (from[length - 1] == '\n' || from[length - 1] == '\r' || from[length - 1] == ' '))
		length--;
	for (i = 0; i < length; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[length] = '\0';
}

void fastboot_parse(const void *data, size_t size, struct fastboot_answer *answer)
{
	const char *bytes = data;
	uint64_t number;

	*answer = (struct fastboot_answer){.kind = FASTBOOT_UNKNOWN};
	if (size >= TYPE_SIZE)
		answer->kind = kind_of(bytes);
	if (answer->kind == FASTBOOT_UNKNOWN) {
		copy_text(bytes, size, answer->text);
		return;
	}
	copy_text(bytes + TYPE_SIZE, size - TYPE_SIZE, answer->text);
	if (answer->kind != FASTBOOT_DATA)
		return;
	if (strlen(answer->text) == 8 && text_hex(answer->text, &number))
		answer->size = (uint32_t)number;
	else
		answer->kind = FASTBOOT_UNKNOWN;
}

/* One exchange. */

struct command {
	char text[FASTBOOT_ANSWER]; /* printf's; longer than a packet is an error */
	size_t size;
};

static int send_command(struct fastboot *fastboot, const struct command *command,
			struct deadline deadline, struct err *err)
{
	struct fastboot_link *link = fastboot->link;

	if (command->size > link->packet_max || command->size >= sizeof(command->text))
		return err_set(err, ERR_USAGE, "'%s' is too long: a command has at most %zu bytes",
			       command->text, link->packet_max);
	return link->ops->send(link, command->text, command->size, deadline, err);
}

/* The answer that ends an exchange or begins its data; never INFO or TEXT. */
static int await(struct fastboot *fastboot, struct fastboot_answer *answer,
		 struct deadline deadline, struct err *err)
{
	struct fastboot_link *link = fastboot->link;
	char packet[FASTBOOT_ANSWER];
	size_t got;
	int rc = 0;

	/* A device that never stops talking is no reason to listen for ever. */
	for (; rc == 0; rc = deadline_check(deadline, err)) {
		rc = link->ops->receive(link, packet, sizeof(packet), &got, deadline, err);
		if (rc < 0)
			return rc;
		fastboot_parse(packet, got, answer);
		if (answer->kind == FASTBOOT_UNKNOWN)
			return err_set(err, ERR_BOARD,
				       "the device answers what is not fastboot: '%.64s'",
				       answer->text);
		if (answer->kind != FASTBOOT_INFO && answer->kind != FASTBOOT_TEXT)
			return 0;
		if (fastboot->info)
			fastboot->info(fastboot->info_context, answer->text);
	}
	return rc;
}

static int exchange(struct fastboot *fastboot, const struct command *command,
		    struct fastboot_answer *answer, struct deadline deadline, struct err *err)
{
	int rc = send_command(fastboot, command, deadline, err);

	if (rc == 0)
		rc = await(fastboot, answer, deadline, err);
	return rc < 0 ? err_prefix(err, "'%s'", command->text) : 0;
}

static void make_command(struct command *command, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void make_command(struct command *command, const char *format, va_list args)
{
	int size = vsnprintf(command->text, sizeof(command->text), format, args);

	command->size = size < 0 ? 0 : (size_t)size;
}

/* What the words of U-Boot mean (drivers/fastboot/fb_command.c): the same command may be unknown to
   a version, or left out of a build. */
static const struct {
	const char *words, *remedy;
} meanings[] = {
	{"unrecognized command", "the board's loader is of a version without this command"},
	{"unsupported command", "the board's loader was built without this command: build it with "
				"the option that adds it"},
};

static int refusal(const struct command *command, const struct fastboot_answer *answer,
		   struct err *err)
{
	size_t i;

	err_set(err, ERR_BOARD, "'%s': the device says: %s", command->text,
		answer->text[0] ? answer->text : "failed, without a reason");
	for (i = 0; i < ARRAY_SIZE(meanings); i++)
		if (strstr(answer->text, meanings[i].words))
			err_remedy(err, "%s", meanings[i].remedy);
	return -ERR_BOARD;
}

static int unexpected(const struct command *command, const char *what, struct err *err)
{
	return err_set(err, ERR_BOARD, "'%s': the device %s", command->text, what);
}

/* A command without data. */
static int run(struct fastboot *fastboot, const struct command *command,
	       struct fastboot_answer *answer, struct deadline deadline, struct err *err)
{
	int rc = exchange(fastboot, command, answer, deadline, err);

	if (rc == 0 && answer->kind == FASTBOOT_DATA)
		rc = unexpected(command, "wants data, or has some", err);
	return rc;
}

int fastboot_command(struct fastboot *fastboot, char value[FASTBOOT_ANSWER],
		     struct deadline deadline, struct err *err, const char *format, ...)
{
	struct fastboot_answer answer;
	struct command command;
	va_list args;
	int rc;

	va_start(args, format);
	make_command(&command, format, args);
	va_end(args);
	rc = run(fastboot, &command, &answer, deadline, err);
	if (rc == 0 && answer.kind == FASTBOOT_FAIL)
		rc = refusal(&command, &answer, err);
	if (rc == 0 && value)
		memcpy(value, answer.text, FASTBOOT_ANSWER);
	return rc;
}

int fastboot_try(struct fastboot *fastboot, char value[FASTBOOT_ANSWER], bool *refused,
		 struct deadline deadline, struct err *err, const char *format, ...)
{
	struct fastboot_answer answer = {0};
	struct command command;
	va_list args;
	int rc;

	va_start(args, format);
	make_command(&command, format, args);
	va_end(args);
	rc = run(fastboot, &command, &answer, deadline, err);
	*refused = rc == 0 && answer.kind == FASTBOOT_FAIL;
	if (rc == 0 && value)
		memcpy(value, answer.text, FASTBOOT_ANSWER);
	return rc;
}

int fastboot_getvar(struct fastboot *fastboot, const char *name, char value[FASTBOOT_ANSWER],
		    bool *known, struct deadline deadline, struct err *err)
{
	bool refused;
	int rc = fastboot_try(fastboot, value, &refused, deadline, err, "getvar:%s", name);

	*known = rc == 0 && !refused && value[0];
	return rc;
}

int fastboot_getvar_number(struct fastboot *fastboot, const char *name, uint64_t *value,
			   bool *known, struct deadline deadline, struct err *err)
{
	char text[FASTBOOT_ANSWER];
	int rc = fastboot_getvar(fastboot, name, text, known, deadline, err);

	*known = *known && text_u64(text, UINT64_MAX, value);
	return rc;
}

/* Data. */

static void tell(const struct fastboot *fastboot, uint64_t bytes)
{
	if (fastboot->moved)
		fastboot->moved(fastboot->moved_context, bytes);
}

static int begin_download(struct fastboot *fastboot, struct command *command, uint32_t size,
			  struct deadline deadline, struct err *err)
{
	struct fastboot_answer answer;
	int rc;

	command->size =
		(size_t)snprintf(command->text, sizeof(command->text), "download:%08" PRIx32, size);
	rc = exchange(fastboot, command, &answer, deadline, err);
	if (rc < 0)
		return rc;
	if (answer.kind == FASTBOOT_FAIL)
		return refusal(command, &answer, err);
	if (answer.kind != FASTBOOT_DATA || answer.size != size)
		return unexpected(command, "is ready for another number of bytes", err);
	return 0;
}

/* After the data: what the device made of it. */
static int conclude(struct fastboot *fastboot, const struct command *command,
		    struct deadline deadline, struct err *err)
{
	struct fastboot_answer answer;
	int rc = await(fastboot, &answer, deadline, err);

	if (rc < 0)
		return err_prefix(err, "'%s': after the data", command->text);
	if (answer.kind == FASTBOOT_FAIL)
		return refusal(command, &answer, err);
	if (answer.kind != FASTBOOT_OKAY)
		return unexpected(command, "wants more data than it said", err);
	return 0;
}

static int send_step(struct fastboot *fastboot, const void *data, size_t step, uint64_t done,
		     struct deadline deadline, struct err *err)
{
	struct fastboot_link *link = fastboot->link;
	int rc = link->ops->send_data(link, data, step, deadline, err);

	if (rc < 0)
		return err_prefix(err, "after %" PRIu64 " bytes of a download", done);
	tell(fastboot, done + step);
	return 0;
}

int fastboot_download_bytes(struct fastboot *fastboot, const void *data, uint32_t size,
			    struct deadline deadline, struct err *err)
{
	struct command command;
	size_t done, step;
	int rc = begin_download(fastboot, &command, size, deadline, err);

	for (done = 0; rc == 0 && done < size; done += step) {
		step = size - done < FASTBOOT_STEP ? size - done : FASTBOOT_STEP;
		rc = send_step(fastboot, (const char *)data + done, step, done, deadline, err);
	}
	return rc == 0 ? conclude(fastboot, &command, deadline, err) : rc;
}

int fastboot_download(struct fastboot *fastboot, struct reader *from, uint32_t size,
		      struct deadline deadline, struct err *err)
{
	_cleanup_(freep) uint8_t *buffer = xmalloc(FASTBOOT_STEP);
	struct command command;
	size_t done, step, got;
	int rc = begin_download(fastboot, &command, size, deadline, err);

	for (done = 0; rc == 0 && done < size; done += step) {
		step = size - done < FASTBOOT_STEP ? size - done : FASTBOOT_STEP;
		rc = reader_fill(from, buffer, step, &got, err);
		if (rc == 0 && got < step)
			rc = err_set(err, ERR_IMAGE,
				     "there are only %zu bytes to send, and not %" PRIu32,
				     done + got, size);
		if (rc == 0)
			rc = send_step(fastboot, buffer, step, done, deadline, err);
	}
	return rc == 0 ? conclude(fastboot, &command, deadline, err) : rc;
}

static int receive_all(struct fastboot *fastboot, uint32_t size, const struct fastboot_sink *sink,
		       struct deadline deadline, struct err *err)
{
	_cleanup_(freep) uint8_t *buffer = xmalloc(FASTBOOT_STEP);
	struct fastboot_link *link = fastboot->link;
	size_t done, want, got = 0;
	int rc = 0;

	for (done = 0; rc == 0 && done < size; done += got) {
		want = size - done < FASTBOOT_STEP ? size - done : FASTBOOT_STEP;
		rc = link->ops->receive_data(link, buffer, want, &got, deadline, err);
		if (rc == 0 && got > 0)
			rc = sink->take(sink->context, buffer, got, err);
		if (rc == 0)
			tell(fastboot, done + got);
		if (rc == 0 && done + got < size)
			rc = deadline_check(deadline, err);
	}
	return rc;
}

int fastboot_fetch(struct fastboot *fastboot, const char *partition, uint64_t offset, uint32_t size,
		   const struct fastboot_sink *sink, struct deadline deadline, struct err *err)
{
	struct fastboot_answer answer;
	struct command command;
	int rc;

	command.size =
		(size_t)snprintf(command.text, sizeof(command.text),
				 "fetch:%s:0x%08" PRIx64 ":0x%08" PRIx32, partition, offset, size);
	rc = exchange(fastboot, &command, &answer, deadline, err);
	if (rc < 0)
		return rc;
	if (answer.kind == FASTBOOT_FAIL)
		return refusal(&command, &answer, err);
	if (answer.kind != FASTBOOT_DATA || answer.size != size)
		return unexpected(&command, "gives another number of bytes", err);
	rc = receive_all(fastboot, size, sink, deadline, err);
	return rc == 0 ? conclude(fastboot, &command, deadline, err) : rc;
}

static int ask_version(struct fastboot *fastboot, struct deadline deadline, struct err *err)
{
	char value[FASTBOOT_ANSWER];
	bool known;

	return fastboot_getvar(fastboot, "version", value, &known, deadline, err);
}

int fastboot_hello(struct fastboot *fastboot, struct deadline deadline, struct err *err)
{
	struct fastboot_link *link = fastboot->link;
	int rc = ask_version(fastboot, deadline_in(deadline, HELLO_MS), err);

	if (rc == 0 || !err_may_pass(err->kind) || deadline_check(deadline, NULL) < 0)
		return rc;
	rc = link->ops->recover(link, deadline, err);
	if (rc == 0)
		rc = ask_version(fastboot, deadline, err);
	return rc < 0 ? err_prefix(err, "the device does not answer") : 0;
}
