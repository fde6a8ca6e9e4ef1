// SPDX-License-Identifier: MIT
#include "proto/tftp.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

unsigned int tftp_opcode(const void *packet, size_t size)
{
	return size < 2 ? 0 : get16(packet);
}

/* The NUL-terminated word at *at, and *at moved behind it; NULL when no NUL is left. */
static const char *next_word(const char **at, const char *end)
{
	const char *word = *at, *nul = memchr(word, '\0', (size_t)(end - word));

	if (!nul)
		return NULL;
	*at = nul + 1;
	return word;
}

/* Strictly decimal: "0x10", "+1" and "" are no numbers. */
static bool decimal(const char *text, uint64_t *value)
{
	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	return text_u64(text, UINT64_MAX, value);
}

static void take_blksize(struct tftp_options *options, uint64_t value)
{
	if (value >= TFTP_BLKSIZE_MIN && !options->blksize)
		options->blksize = value < TFTP_BLKSIZE_MAX ? (uint32_t)value : TFTP_BLKSIZE_MAX;
}

static void take_timeout(struct tftp_options *options, uint64_t value)
{
	if (value >= 1 && value <= 255 && !options->timeout)
		options->timeout = (uint32_t)value;
}

static void take_windowsize(struct tftp_options *options, uint64_t value)
{
	if (value >= 1 && value <= UINT16_MAX && !options->windowsize)
		options->windowsize = (uint32_t)value;
}

/* U-Boot sends the size of the file it fetched before; the number says nothing. */
static void take_tsize(struct tftp_options *options, uint64_t value)
{
	if (options->has_tsize)
		return;
	options->has_tsize = true;
	options->tsize = value;
}

static const struct {
	const char *name;
	void (*take)(struct tftp_options *options, uint64_t value);
} known_options[] = {
	{"blksize", take_blksize},
	{"timeout", take_timeout},
	{"tsize", take_tsize},
	{"windowsize", take_windowsize},
};

static void take_option(struct tftp_options *options, const char *name, const char *text)
{
	uint64_t value;
	size_t i;

	if (!decimal(text, &value))
		return;
	for (i = 0; i < ARRAY_SIZE(known_options); i++) {
		if (strcasecmp(name, known_options[i].name) == 0)
			known_options[i].take(options, value);
	}
}

int tftp_parse_request(const void *packet, size_t size, struct tftp_request *request,
		       struct err *err)
{
	const char *at = packet, *end = at + size, *name, *mode, *option, *value;
	unsigned int opcode = tftp_opcode(packet, size);

	*request = (struct tftp_request){0};
	if (opcode != TFTP_RRQ && opcode != TFTP_WRQ)
		return err_set(err, ERR_NETWORK, "not a TFTP request");
	request->opcode = opcode;
	at += 2;
	name = next_word(&at, end);
	mode = name ? next_word(&at, end) : NULL;
	if (!mode)
		return err_set(err, ERR_NETWORK, "a TFTP request that is cut short");
	if (strlen(name) > TFTP_NAME_MAX)
		return err_set(err, ERR_NETWORK, "a TFTP request for too long a name");
	memcpy(request->name, name, strlen(name) + 1);
	request->octet = strcasecmp(mode, "octet") == 0;
	while ((option = next_word(&at, end)) && (value = next_word(&at, end)))
		take_option(&request->options, option, value);
	return 0;
}

static void take_text(char out[TFTP_TEXT_MAX + 1], const uint8_t *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && i < TFTP_TEXT_MAX && text[i]; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? (char)text[i] : '?';
	out[i] = '\0';
}

int tftp_parse_reply(const void *packet, size_t size, struct tftp_reply *reply, struct err *err)
{
	const uint8_t *bytes = packet;
	unsigned int opcode = tftp_opcode(packet, size);

	*reply = (struct tftp_reply){0};
	if (opcode != TFTP_ACK && opcode != TFTP_ERROR)
		return err_set(err, ERR_NETWORK, "neither ACK nor ERROR");
	if (size < TFTP_HEADER_SIZE)
		return err_set(err, ERR_NETWORK, "a TFTP packet that is cut short");
	reply->opcode = opcode;
	reply->number = (uint16_t)get16(bytes + 2);
	if (opcode == TFTP_ERROR)
		take_text(reply->text, bytes + TFTP_HEADER_SIZE, size - TFTP_HEADER_SIZE);
	return 0;
}

static void add_option(struct buf *buf, const char *name, uint64_t value)
{
	buf_add(buf, name, strlen(name) + 1);
	buf_addf(buf, "%llu", (unsigned long long)value);
	buf_add_char(buf, '\0');
}

static size_t give(const struct buf *buf, void *packet, size_t space)
{
	if (buf->size > space)
		return 0;
	memcpy(packet, buf->data, buf->size);
	return buf->size;
}

size_t tftp_build_oack(void *packet, size_t space, const struct tftp_options *granted)
{
	_cleanup_(buf_free) struct buf buf = {0};
	uint8_t opcode[2];

	put16(opcode, TFTP_OACK);
	buf_add(&buf, opcode, sizeof(opcode));
	/* U-Boot does not look for options in the last eight bytes, so the shortest comes first. */
	if (granted->has_tsize)
		add_option(&buf, "tsize", granted->tsize);
	if (granted->timeout)
		add_option(&buf, "timeout", granted->timeout);
	if (granted->blksize)
		add_option(&buf, "blksize", granted->blksize);
	if (granted->windowsize)
		add_option(&buf, "windowsize", granted->windowsize);
	return give(&buf, packet, space);
}

size_t tftp_build_error(void *packet, size_t space, enum tftp_error_code code, const char *text)
{
	_cleanup_(buf_free) struct buf buf = {0};
	uint8_t header[TFTP_HEADER_SIZE];

	put16(header, TFTP_ERROR);
	put16(header + 2, code);
	buf_add(&buf, header, sizeof(header));
	buf_add(&buf, text, strlen(text) + 1);
	return give(&buf, packet, space);
}

void tftp_build_data(void *packet, uint16_t block)
{
	uint8_t *bytes = packet;

	put16(bytes, TFTP_DATA);
	put16(bytes + 2, block);
}
