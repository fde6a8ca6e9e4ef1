// SPDX-License-Identifier: MIT
/* Fastboot over a link that follows a script; and the packets of UDP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proto/fastboot_net.h"

#define LATER DEADLINE_NEVER

/* "> text": the host sends it. "< text": the device answers it. "= text": so many bytes of data,
   as one text, from the host; "~ text": from the device. "! kind": the link fails with that error.
 */
struct script {
	struct fastboot_link link;
	const char *const *lines;
	size_t at;
	size_t data; /* bytes of the data line that have passed */
	unsigned int recovered, closed;
	struct buf said; /* what the device said on the way */
	uint64_t moved;
};

static const char *line(struct script *script, char kind)
{
	const char *text = script->lines[script->at];

	if (!text)
		fail_msg("the script has ended");
	if (text[0] != kind)
		fail_msg("'%s' was to come, and not '%c'", text, kind);
	return text + 2;
}

static int broken(struct script *script, struct err *err)
{
	const char *text = script->lines[script->at];
	int kind;

	if (!text || text[0] != '!')
		return 0;
	script->at++;
	for (kind = 1; strcmp(err_kind_name((enum err_kind)kind), text + 2) != 0; kind++)
		assert_true(kind < ERR_KIND_COUNT);
	return err_set(err, (enum err_kind)kind, "broken");
}

static int script_send(struct fastboot_link *link, const void *data, size_t size,
		       struct deadline deadline, struct err *err)
{
	struct script *script = container_of(link, struct script, link);
	const char *text;
	int rc = broken(script, err);

	(void)deadline;
	if (rc < 0)
		return rc;
	text = line(script, '>');
	assert_int_equal(size, strlen(text));
	assert_memory_equal(data, text, size);
	script->at++;
	return 0;
}

static int script_receive(struct fastboot_link *link, void *data, size_t size, size_t *got,
			  struct deadline deadline, struct err *err)
{
	struct script *script = container_of(link, struct script, link);
	const char *text;
	int rc = broken(script, err);

	(void)deadline;
	if (rc < 0)
		return rc;
	text = line(script, '<');
	*got = strlen(text);
	assert_true(*got <= size);
	memcpy(data, text, *got);
	script->at++;
	return 0;
}

static int script_send_data(struct fastboot_link *link, const void *data, size_t size,
			    struct deadline deadline, struct err *err)
{
	struct script *script = container_of(link, struct script, link);
	const char *text;
	int rc = broken(script, err);

	(void)deadline;
	if (rc < 0)
		return rc;
	text = line(script, '=');
	assert_true(size <= strlen(text) - script->data);
	assert_memory_equal(data, text + script->data, size);
	script->data += size;
	if (text[script->data])
		return 0;
	script->data = 0;
	script->at++;
	return 0;
}

static int script_receive_data(struct fastboot_link *link, void *data, size_t size, size_t *got,
			       struct deadline deadline, struct err *err)
{
	struct script *script = container_of(link, struct script, link);
	const char *text;
	int rc = broken(script, err);

	(void)deadline;
	if (rc < 0)
		return rc;
	text = line(script, '~') + script->data;
	*got = strlen(text) < size ? strlen(text) : size;
	*got = *got > 3 ? 3 : *got;
	memcpy(data, text, *got);
	script->data += *got;
	if (text[*got])
		return 0;
	script->data = 0;
	script->at++;
	return 0;
}

static int script_recover(struct fastboot_link *link, struct deadline deadline, struct err *err)
{
	(void)deadline;
	(void)err;
	container_of(link, struct script, link)->recovered++;
	return 0;
}

static void script_close(struct fastboot_link *link)
{
	container_of(link, struct script, link)->closed++;
}

static void take_info(void *context, const char *text)
{
	struct script *script = context;

	buf_addf(&script->said, "%s|", text);
}

static void take_moved(void *context, uint64_t bytes)
{
	struct script *script = context;

	assert_true(bytes > script->moved);
	script->moved = bytes;
}

static struct fastboot begin(struct script *script, const char *const *lines)
{
	static const struct fastboot_link_ops ops = {
		.send = script_send,
		.receive = script_receive,
		.send_data = script_send_data,
		.receive_data = script_receive_data,
		.recover = script_recover,
		.close = script_close,
	};

	*script = (struct script){.link = {&ops, FASTBOOT_COMMAND}, .lines = lines};
	return (struct fastboot){&script->link, take_info, script, take_moved, script};
}

static void end(struct script *script, struct fastboot *fastboot)
{
	if (script->lines[script->at])
		fail_msg("'%s' did not happen", script->lines[script->at]);
	fastboot_close(fastboot);
	fastboot_close(fastboot);
	assert_int_equal(script->closed, 1);
	buf_free(&script->said);
}

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})

static void answers(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum fastboot_kind kind;
		const char *text;
		uint32_t number;
	} rows[] = {
		{"OKAY", 4, FASTBOOT_OKAY, "", 0},
		{"OKAY0.4", 7, FASTBOOT_OKAY, "0.4", 0},
		{"OKAY0.4\0junk", 12, FASTBOOT_OKAY, "0.4", 0},
		{"FAILno \x1b[2J\n", 12, FASTBOOT_FAIL, "no ?[2J", 0},
		{"INFO  writing \r\n", 16, FASTBOOT_INFO, "  writing", 0},
		{"TEXT50%\n", 9, FASTBOOT_TEXT, "50%", 0},
		{"DATA0000a0Ff", 12, FASTBOOT_DATA, "0000a0Ff", 0xa0ff},
		{"DATA0000a0f", 11, FASTBOOT_UNKNOWN, "0000a0f", 0},
		{"DATA0000a0fff", 13, FASTBOOT_UNKNOWN, "0000a0fff", 0},
		{"DATA-0000001", 12, FASTBOOT_UNKNOWN, "-0000001", 0},
		{"DATA0x000001", 12, FASTBOOT_DATA, "0x000001", 1},
		{"okay", 4, FASTBOOT_UNKNOWN, "okay", 0},
		{"OKA", 3, FASTBOOT_UNKNOWN, "OKA", 0},
		{"", 0, FASTBOOT_UNKNOWN, "", 0},
		{"SSH-2.0-x\r\n", 11, FASTBOOT_UNKNOWN, "SSH-2.0-x", 0},
	};
	char longest[FASTBOOT_ANSWER + 100];
	struct fastboot_answer answer;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fastboot_parse(rows[i].bytes, rows[i].size, &answer);
		assert_int_equal(answer.kind, rows[i].kind);
		assert_string_equal(answer.text, rows[i].text);
		assert_int_equal(answer.size, rows[i].number);
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "INFO", 4);
	fastboot_parse(longest, sizeof(longest), &answer);
	assert_int_equal(strlen(answer.text), FASTBOOT_ANSWER - 1);
}

static void commands(void **state)
{
	struct script script;
	struct fastboot fastboot =
		begin(&script, SCRIPT("> getvar:version", "< OKAY0.4", "> erase:boot",
				      "< INFOerasing", "< TEXT...", "< OKAY", "> flash:boot",
				      "< FAILcannot find partition", "> set_active:a", "< OKAY"));
	char value[FASTBOOT_ANSWER];
	struct err err = {0};

	(void)state;
	assert_int_equal(fastboot_command(&fastboot, value, LATER, &err, "getvar:version"), 0);
	assert_string_equal(value, "0.4");
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "erase:%s", "boot"), 0);
	assert_string_equal(buf_text(&script.said), "erasing|...|");
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "flash:boot"), -ERR_BOARD);
	assert_string_equal(err.text, "'flash:boot': the device says: cannot find partition");
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "set_active:a"), 0);
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "flash:%0100d", 1),
			 -ERR_USAGE);
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "flash:%0900d", 1),
			 -ERR_USAGE);
	end(&script, &fastboot);
}

static void what_a_refusal_means(void **state)
{
	struct script script;
	struct fastboot fastboot =
		begin(&script, SCRIPT("> oem run:true", "< FAILunrecognized command",
				      "> oem run:true", "< FAILunsupported command", "> oem x",
				      "< FAIL", "> oem x", "< DATA00000010", "> oem x", "< hello"));
	struct err err = {0};

	(void)state;
	fastboot_command(&fastboot, NULL, LATER, &err, "oem run:true");
	assert_non_null(strstr(err.remedy, "version without"));
	fastboot_command(&fastboot, NULL, LATER, &err, "oem run:true");
	assert_non_null(strstr(err.remedy, "built without"));
	fastboot_command(&fastboot, NULL, LATER, &err, "oem x");
	assert_non_null(strstr(err.text, "without a reason"));
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "oem x"), -ERR_BOARD);
	assert_int_equal(fastboot_command(&fastboot, NULL, LATER, &err, "oem x"), -ERR_BOARD);
	assert_non_null(strstr(err.text, "'hello'"));
	end(&script, &fastboot);
}

static void variables(void **state)
{
	struct script script;
	struct fastboot fastboot =
		begin(&script,
		      SCRIPT("> getvar:a", "< OKAYone", "> getvar:a", "< OKAY", "> getvar:a",
			     "< FAILno", "> getvar:n", "< OKAY0x00000000FFFFFFFF", "> getvar:n",
			     "< OKAY4096", "> getvar:n", "< OKAYmany", "> getvar:a", "! timeout"));
	char value[FASTBOOT_ANSWER];
	uint64_t number = 0;
	struct err err = {0};
	bool known;

	(void)state;
	assert_int_equal(fastboot_getvar(&fastboot, "a", value, &known, LATER, &err), 0);
	assert_true(known);
	assert_string_equal(value, "one");
	assert_int_equal(fastboot_getvar(&fastboot, "a", value, &known, LATER, &err), 0);
	assert_false(known);
	assert_int_equal(fastboot_getvar(&fastboot, "a", value, &known, LATER, &err), 0);
	assert_false(known);
	assert_int_equal(fastboot_getvar_number(&fastboot, "n", &number, &known, LATER, &err), 0);
	assert_true(known && number == UINT32_MAX);
	assert_int_equal(fastboot_getvar_number(&fastboot, "n", &number, &known, LATER, &err), 0);
	assert_true(known && number == 4096);
	assert_int_equal(fastboot_getvar_number(&fastboot, "n", &number, &known, LATER, &err), 0);
	assert_false(known);
	assert_int_equal(fastboot_getvar(&fastboot, "a", value, &known, LATER, &err), -ERR_TIMEOUT);
	assert_false(known);
	end(&script, &fastboot);
}

static void downloads(void **state)
{
	struct script script;
	struct fastboot fastboot = begin(
		&script,
		SCRIPT("> download:0000000b", "< DATA0000000b", "= hello world", "< INFOgot it",
		       "< OKAY", "> download:0000000b", "< FAILdata too large",
		       "> download:0000000b", "< DATA0000000a", "> download:0000000b", "< OKAY",
		       "> download:0000000b", "< DATA0000000b", "! usb", "> download:0000000b",
		       "< DATA0000000b", "= hello world", "< FAILbroken"));
	struct err err = {0};
	int k;

	(void)state;
	assert_int_equal(fastboot_download_bytes(&fastboot, "hello world", 11, LATER, &err), 0);
	assert_int_equal(script.moved, 11);
	for (k = 0; k < 3; k++)
		assert_int_equal(fastboot_download_bytes(&fastboot, "hello world", 11, LATER, &err),
				 -ERR_BOARD);
	assert_int_equal(fastboot_download_bytes(&fastboot, "hello world", 11, LATER, &err),
			 -ERR_USB);
	assert_non_null(strstr(err.text, "after 0 bytes"));
	script.moved = 0;
	assert_int_equal(fastboot_download_bytes(&fastboot, "hello world", 11, LATER, &err),
			 -ERR_BOARD);
	end(&script, &fastboot);
}

struct taken {
	char bytes[16];
	size_t size;
};

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct taken *taken = context;

	(void)err;
	assert_true(size <= sizeof(taken->bytes) - taken->size);
	memcpy(taken->bytes + taken->size, data, size);
	taken->size += size;
	return 0;
}

static void fetches(void **state)
{
	struct script script;
	struct fastboot fastboot =
		begin(&script,
		      SCRIPT("> fetch:boot:0x00001000:0x0000000b", "< DATA0000000b",
			     "~ hello world", "< OKAY", "> fetch:boot:0x00000000:0x00000001",
			     "< FAILno", "> fetch:boot:0x00000000:0x00000001", "< DATA00000002"));
	struct taken taken = {0};
	struct fastboot_sink sink = {take, &taken};
	struct err err = {0};

	(void)state;
	assert_int_equal(fastboot_fetch(&fastboot, "boot", 0x1000, 11, &sink, LATER, &err), 0);
	assert_int_equal(taken.size, 11);
	assert_memory_equal(taken.bytes, "hello world", 11);
	assert_int_equal(fastboot_fetch(&fastboot, "boot", 0, 1, &sink, LATER, &err), -ERR_BOARD);
	assert_int_equal(fastboot_fetch(&fastboot, "boot", 0, 1, &sink, LATER, &err), -ERR_BOARD);
	end(&script, &fastboot);
}

static void hello(void **state)
{
	struct script script;
	struct fastboot fastboot =
		begin(&script, SCRIPT("> getvar:version", "< FAILno such thing", "> getvar:version",
				      "! timeout", "> getvar:version", "< OKAY0.4",
				      "> getvar:version", "< junk", "> getvar:version", "! usb"));
	struct err err = {0};

	(void)state;
	assert_int_equal(fastboot_hello(&fastboot, LATER, &err), 0);
	assert_int_equal(script.recovered, 0);
	assert_int_equal(fastboot_hello(&fastboot, LATER, &err), 0);
	assert_int_equal(script.recovered, 1);
	assert_int_equal(fastboot_hello(&fastboot, LATER, &err), -ERR_USB);
	assert_int_equal(script.recovered, 2);
	end(&script, &fastboot);
}

/* Whatever it says or gives meanwhile. */
static void the_deadline_holds(void **state)
{
	struct script script;
	struct fastboot fastboot = begin(&script, SCRIPT("> oem sleep", "< INFOstill asleep",
							 "> fetch:boot:0x00000000:0x00000009",
							 "< DATA00000009", "~ abc"));
	struct deadline passed = deadline_of_cancel(-1, 0);
	struct taken taken = {0};
	struct fastboot_sink sink = {take, &taken};
	struct err err = {0};

	(void)state;
	assert_int_equal(fastboot_command(&fastboot, NULL, passed, &err, "oem sleep"),
			 -ERR_TIMEOUT);
	assert_int_equal(fastboot_fetch(&fastboot, "boot", 0, 9, &sink, passed, &err),
			 -ERR_TIMEOUT);
	assert_int_equal(taken.size, 3);
	end(&script, &fastboot);
}

static void udp_packets(void **state)
{
	static const uint8_t bytes[] = {3, 1, 0xff, 0xfe, 'h', 'i'};
	struct fastboot_udp_packet packet;
	uint8_t again[sizeof(bytes)], wrong[] = {4, 0, 0, 0};

	(void)state;
	assert_true(fastboot_udp_parse(bytes, sizeof(bytes), &packet));
	assert_int_equal(packet.id, FASTBOOT_UDP_DATA);
	assert_true(packet.more);
	assert_int_equal(packet.sequence, 0xfffe);
	assert_int_equal(packet.size, 2);
	assert_int_equal(fastboot_udp_build(again, &packet), sizeof(bytes));
	assert_memory_equal(again, bytes, sizeof(bytes));
	assert_true(fastboot_udp_parse(bytes, 4, &packet));
	assert_int_equal(packet.size, 0);
	assert_false(fastboot_udp_parse(bytes, 3, &packet));
	assert_false(fastboot_udp_parse(wrong, sizeof(wrong), &packet));
}

static void addresses(void **state)
{
	static const char *const rows[][2] = {
		{"board", "board:5554"},
		{"board:99", "board:99"},
		{"[::1]", "[::1]:5554"},
		{"[::1]:99", "[::1]:99"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *address = fastboot_address(rows[i][0]);

		assert_string_equal(address, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(commands),
		cmocka_unit_test(what_a_refusal_means),
		cmocka_unit_test(variables),
		cmocka_unit_test(downloads),
		cmocka_unit_test(fetches),
		cmocka_unit_test(hello),
		cmocka_unit_test(the_deadline_holds),
		cmocka_unit_test(udp_packets),
		cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
