// SPDX-License-Identifier: MIT
/* What files are, by their content: headers made here by the book, then damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/fip.h"
#include "build/fit_hash.h"
#include "build/inspect.h"
#include "build/stm32.h"

#define LOAD  0x2ffc2500
#define ENTRY 0x2ffea000

static void add_le(struct buf *buf, uint64_t value, size_t size)
{
	for (; size; size--, value >>= 8)
		buf_add_char(buf, (char)value);
}

static void add_zeros(struct buf *buf, size_t size)
{
	for (; size; size--)
		buf_add_char(buf, 0);
}

static void set_le32(uint8_t *at, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static struct finding look(const void *data, size_t size)
{
	_cleanup_(freep) void *copy = xmemdup(data, size); /* so that a read past the end is seen */
	struct input input;
	struct finding finding;

	input_of_memory(&input, copy, size);
	inspect_input(&input, &finding);
	return finding;
}

static void assert_is(const struct buf *file, const char *kind, enum finding_state state)
{
	_cleanup_(finding_free) struct finding finding = look(file->data, file->size);
	_cleanup_(freep) char *checks = json_dumps(finding.checks, 0);

	assert_string_equal(finding.kind, kind);
	if (finding.state != state)
		fail_msg("%s is %s: %s", kind, finding_state_names[finding.state], checks);
}

/* The file is good; with the byte at `place` changed it is damaged. */
static void assert_guards(const struct buf *file, const char *kind, size_t place)
{
	assert_is(file, kind, FINDING_KNOWN);
	file->data[place] ^= 0x01;
	assert_is(file, kind, FINDING_DAMAGED);
	file->data[place] ^= 0x01;
}

static const char *fact(const struct finding *finding, const char *name)
{
	return json_string_value(json_object_get(finding->facts, name));
}

static void make_stm32(const char *version, struct buf *out)
{
	struct stm32_header header = {.layout = stm32_layout_find(version),
				      .length = 256,
				      .load = LOAD,
				      .entry = ENTRY,
				      .type = 0x10};
	uint8_t payload[256], bytes[STM32_HEADER_MAX];
	size_t i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	header.checksum = stm32_checksum(0, payload, sizeof(payload));
	stm32_make(&header, bytes);
	buf_add(out, bytes, header.layout->size);
	buf_add(out, payload, sizeof(payload));
}

/* Headers that TF-A's stm32image made of the same payload; what is not listed is zero. */
static const struct {
	const char *version;
	size_t size;
	struct {
		size_t place;
		const char *bytes;
	} rows[12];
} headers[] = {
	{"1.0",
	 0x100,
	 {{0x00, "53544d32"},
	  {0x44, "807f0000"},
	  {0x48, "00000100"},
	  {0x4c, "00010000"},
	  {0x50, "00a0fe2f"},
	  {0x58, "0025fc2f"},
	  {0x64, "01000000"},
	  {0x68, "01000000"},
	  {0xfc, "00000010"}}},
	{"2.0",
	 0x200,
	 {{0x00, "53544d32"},
	  {0x44, "807f0000"},
	  {0x48, "00000200"},
	  {0x4c, "00010000"},
	  {0x50, "00a0fe2f"},
	  {0x58, "0025fc2f"},
	  {0x64, "00000080"},
	  {0x68, "80010000"},
	  {0x6c, "10000000"},
	  {0x80, "5354ffff"},
	  {0x84, "80010000"}}},
	{"2.2",
	 0x200,
	 {{0x00, "53544d32"},
	  {0x44, "807f0000"},
	  {0x48, "00020200"},
	  {0x4c, "00010000"},
	  {0x50, "00a0fe2f"},
	  {0x58, "0025fc2f"},
	  {0x64, "00000080"},
	  {0x68, "80010000"},
	  {0x6c, "10000000"},
	  {0x80, "5354ffff"},
	  {0x84, "80010000"}}},
	{"2.3",
	 0x240,
	 {{0x00, "53544d32"},
	  {0x64, "807f0000"},
	  {0x68, "00030200"},
	  {0x6c, "00010000"},
	  {0x70, "00a0fe2f"},
	  {0x78, "0025fc2f"},
	  {0x84, "00000080"},
	  {0x88, "a0010000"},
	  {0x8c, "10000000"},
	  {0xa0, "5354ffff"},
	  {0xa4, "a0010000"}}},
};

static void test_stm32_bytes(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		uint8_t wanted[STM32_HEADER_MAX] = {0};
		_cleanup_(buf_free) struct buf file = {0};

		for (k = 0; headers[i].rows[k].bytes; k++)
			assert_true(text_bytes(headers[i].rows[k].bytes,
					       wanted + headers[i].rows[k].place, 4));
		make_stm32(headers[i].version, &file);
		assert_int_equal(file.size, headers[i].size + 256);
		assert_memory_equal(file.data, wanted, headers[i].size);
	}
}

static void test_stm32_is_read(void **state)
{
	static const char *const versions[] = {"1.0", "2.0", "2.2", "2.3"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		_cleanup_(buf_free) struct buf file = {0};
		struct stm32_header header;
		struct err err;

		make_stm32(versions[i], &file);
		assert_int_equal(stm32_parse((uint8_t *)file.data, file.size, &header, &err), 0);
		assert_string_equal(header.layout->name, versions[i]);
		assert_int_equal(header.load, LOAD);
		assert_int_equal(header.entry, ENTRY);
		assert_int_equal(header.type, 0x10);
		assert_false(header.is_signed);
		assert_guards(&file, "stm32", file.size - 1);
		assert_guards(&file, "stm32", header.layout->fields + 16); /* reserved */
		file.size--;
		assert_is(&file, "stm32", FINDING_DAMAGED);
		file.size = 0x60;
		assert_is(&file, "stm32", FINDING_DAMAGED);
	}
	assert_null(stm32_layout_find("3.0"));
}

static void make_fip(struct buf *file)
{
	static const char *const uuids[] = {"d6d0eea7fcead54b97829934f234b6e4",
					    "08b8f1d9c9cf9349a9626fbc6b7265cc"};
	uint8_t uuid[16];

	add_le(file, 0xaa640001, 4);
	add_le(file, 0x12345678, 4);
	add_le(file, 0, 8);
	text_bytes(uuids[0], uuid, sizeof(uuid));
	buf_add(file, uuid, sizeof(uuid));
	add_le(file, 0x88, 8);
	add_le(file, 5, 8);
	add_le(file, 0, 8);
	text_bytes(uuids[1], uuid, sizeof(uuid));
	buf_add(file, uuid, sizeof(uuid));
	add_le(file, 0x8d, 8);
	add_le(file, 6, 8);
	add_le(file, 0, 8);
	add_zeros(file, 16);
	add_le(file, 0x93, 8);
	add_zeros(file, 16);
	buf_add_text(file, "helloworld!");
}

static void test_fip(void **state)
{
	_cleanup_(buf_free) struct buf file = {0};
	struct fip fip;
	struct err err;

	(void)state;
	make_fip(&file);
	assert_int_equal(fip_parse((uint8_t *)file.data, file.size, file.size, &fip, &err), 0);
	assert_int_equal(fip.count, 2);
	assert_string_equal(fip.entries[0].name, "nt-fw");
	assert_string_equal(fip.entries[1].name, "hw-config");
	assert_string_equal(fip.entries[0].uuid, "d6d0eea7-fcea-d54b-9782-9934f234b6e4");
	assert_int_equal(fip.end, 0x93);
	assert_is(&file, "fip", FINDING_KNOWN);
	file.data[0x20] = 0x7f; /* the first payload would begin in the table */
	assert_is(&file, "fip", FINDING_DAMAGED);
	file.data[0x20] = (char)0x89; /* and now it reaches into the second */
	assert_is(&file, "fip", FINDING_DAMAGED);
	file.data[0x20] = (char)0x88;
	file.size--;
	assert_is(&file, "fip", FINDING_DAMAGED);
	file.size = 0x50; /* no end of the table */
	assert_is(&file, "fip", FINDING_DAMAGED);
}

static void make_esp(struct buf *file, bool with_chip)
{
	uint8_t checksum = 0xef, hash[FIT_HASH_MAX];
	size_t i;

	buf_add(file, "\xe9\x01\x02\x40", 4);
	add_le(file, 0x40100004, 4);
	if (with_chip) {
		buf_add(file, "\xee\0\0\0\x05\0\0", 7); /* ESP32-C3 */
		add_le(file, 3, 2);
		add_le(file, 199, 2);
		add_zeros(file, 4);
		buf_add_char(file, 1);
	}
	add_le(file, 0x40100000, 4);
	add_le(file, 20, 4);
	for (i = 0; i < 20; i++) {
		checksum ^= (uint8_t)i;
		buf_add_char(file, (char)i);
	}
	while (file->size % 16 != 15)
		buf_add_char(file, 0);
	buf_add_char(file, (char)checksum);
	if (with_chip)
		buf_add(file, hash, fit_hash("sha256", file->data, file->size, hash));
}

static void test_esp(void **state)
{
	_cleanup_(buf_free) struct buf old = {0}, new = {0};
	_cleanup_(finding_free) struct finding finding = {0};

	(void)state;
	make_esp(&old, false);
	assert_guards(&old, "esp", 20);
	make_esp(&new, true);
	assert_guards(&new, "esp", new.size - 1);
	assert_guards(&new, "esp", 35);
	finding = look(new.data, new.size);
	assert_string_equal(fact(&finding, "chip"), "ESP32-C3");
	assert_int_equal(finding.size, new.size);
}

static void make_ahab(struct buf *file, size_t hash_kind)
{
	static const char *const algos[] = {"sha256", "sha384", "sha512"};
	uint8_t hash[FIT_HASH_MAX] = {0};
	char image[64];

	memset(image, 'x', sizeof(image));
	fit_hash(algos[hash_kind], image, sizeof(image), hash);
	add_le(file, 0x87009000, 4); /* tag, length 144, version 0 */
	add_le(file, 0, 4);
	add_le(file, 0x01000000, 4); /* one image */
	add_le(file, 144, 4);
	add_le(file, 0x400, 4);
	add_le(file, sizeof(image), 4);
	add_le(file, 0x80000000, 8);
	add_le(file, 0x80000000, 8);
	add_le(file, hash_kind << 8 | 0x43, 4);
	add_le(file, 0, 4);
	buf_add(file, hash, sizeof(hash));
	add_zeros(file, 0x400 - file->size);
	buf_add(file, image, sizeof(image));
}

static void test_ahab(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		_cleanup_(buf_free) struct buf file = {0};

		make_ahab(&file, i);
		assert_guards(&file, "ahab", 0x410);
		file.size--;
		assert_is(&file, "ahab", FINDING_DAMAGED);
	}
}

static uint32_t rockchip_crc(const char *data, size_t size)
{
	uint32_t crc = 0;
	size_t i;
	int bit;

	for (i = 0; i < size; i++) {
		crc ^= (uint32_t)(uint8_t)data[i] << 24;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 0x80000000u ? crc << 1 ^ 0x04c10db7u : crc << 1;
	}
	return crc;
}

static void test_rockchip_loader(void **state)
{
	_cleanup_(buf_free) struct buf file = {0};
	_cleanup_(finding_free) struct finding finding = {0};
	const char *name;

	(void)state;
	assert_int_equal(rockchip_crc("123456789", 9), 0x889a9615); /* the known check value */
	buf_add_text(&file, "LDR ");
	add_le(&file, 102, 2);
	add_le(&file, 0x0102, 4);
	add_le(&file, 0x01030000, 4);
	buf_add(&file, "\xe8\x07\x01\x02\x03\x04\x05", 7);
	buf_add_text(&file, "8853");
	buf_add(&file, "\x01\x66\0\0\0\x39\0\x9f\0\0\0\x39\0\x9f\0\0\0\x39\0\x01", 20);
	add_zeros(&file, 57);
	assert_int_equal(file.size, 102);
	buf_add_char(&file, 57);
	add_le(&file, 1, 4);
	for (name = "FlashData"; *name; name++)
		add_le(&file, (uint8_t)*name, 2);
	add_zeros(&file, 40 - 2 * strlen("FlashData"));
	add_le(&file, 159, 4);
	add_le(&file, 2048, 4);
	add_le(&file, 0, 4);
	add_zeros(&file, 2048);
	add_le(&file, rockchip_crc(file.data, file.size), 4);
	finding = look(file.data, file.size);
	assert_string_equal(fact(&finding, "chip"), "3588");
	assert_string_equal(fact(&finding, "version"), "1.02");
	assert_guards(&file, "rockchip-loader", 300);
}

static void test_egon(void **state)
{
	_cleanup_(buf_free) struct buf file = {0};
	uint32_t sum = 0x5f0a6c39;
	size_t i;

	(void)state;
	add_le(&file, 0xea000016, 4);
	buf_add_text(&file, "eGON.BT0");
	add_le(&file, 0, 4);
	add_le(&file, 512, 4);
	while (file.size < 512)
		buf_add_char(&file, (char)file.size);
	for (i = 0; i < 512; i += 4)
		sum += le32_at((uint8_t *)file.data + i);
	set_le32((uint8_t *)file.data + 12, sum);
	assert_guards(&file, "egon", 100);
	file.size--;
	assert_is(&file, "egon", FINDING_DAMAGED);
}

static void test_kernels(void **state)
{
	_cleanup_(buf_free) struct buf arm64 = {0}, zimage = {0};

	(void)state;
	add_zeros(&arm64, 16);
	add_le(&arm64, 4096, 8);
	add_le(&arm64, 10, 8);
	add_zeros(&arm64, 24);
	buf_add(&arm64, "ARM\x64", 4);
	add_zeros(&arm64, 1000);
	assert_is(&arm64, "arm64-image", FINDING_KNOWN);
	add_zeros(&zimage, 36);
	add_le(&zimage, 0x016f2818, 4);
	add_le(&zimage, 0, 4);
	add_le(&zimage, 200, 4);
	add_zeros(&zimage, 152);
	assert_is(&zimage, "zimage", FINDING_KNOWN);
	zimage.size--;
	assert_is(&zimage, "zimage", FINDING_DAMAGED);
}

static void test_nothing(void **state)
{
	struct buf empty = {0}, text = {0};

	(void)state;
	assert_is(&empty, "unknown", FINDING_UNKNOWN);
	buf_add_text(&text, "setenv a b\n");
	assert_is(&text, "unknown", FINDING_UNKNOWN);
	buf_free(&text);
}

/* One byte of magic is not enough: the start of a boot sector may jump with 0xe9 too. */
static void test_not_an_esp_image(void **state)
{
	_cleanup_(buf_free) struct buf file = {0};

	(void)state;
	buf_add(&file, "\xe9\x05\x02\x40", 4);
	add_zeros(&file, 20);
	add_le(&file, 0xffffffff, 4);
	add_zeros(&file, 400);
	file.data[12] = 5;
	set_le32((uint8_t *)file.data + 12, 0x7fffffff);
	assert_is(&file, "unknown", FINDING_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stm32_bytes), cmocka_unit_test(test_stm32_is_read),
		cmocka_unit_test(test_fip),         cmocka_unit_test(test_esp),
		cmocka_unit_test(test_ahab),        cmocka_unit_test(test_rockchip_loader),
		cmocka_unit_test(test_egon),        cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_nothing),     cmocka_unit_test(test_not_an_esp_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
