// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "proto/dfu_suffix.h"

static void statuses(void **state)
{
	static const uint8_t busy[] = {0, 0x10, 0x27, 0x01, 4, 0};
	static const uint8_t bad[] = {0x0e, 0, 0, 0, 10, 7};
	struct dfu_status status;

	(void)state;
	dfu_status_parse(busy, &status);
	assert_int_equal(status.status, 0);
	assert_int_equal(status.poll_ms, 0x012710); /* 75.5 s: two bytes of it would be 10 s */
	assert_int_equal(status.state, DFU_DNBUSY);
	dfu_status_parse(bad, &status);
	assert_int_equal(status.state, DFU_ERROR);
	assert_int_equal(status.string, 7);
	assert_ptr_equal(strstr(dfu_status_name(status.status), "errUNKNOWN"),
			 dfu_status_name(status.status));
	assert_string_equal(dfu_status_name(0), "OK");
	assert_string_equal(dfu_state_name(8), "dfuMANIFEST-WAIT-RESET");
	assert_non_null(dfu_status_name(255));
	assert_non_null(dfu_state_name(255));
}

/* An AM62x ROM. */
static const uint8_t rom[] = {
	9, 2,    36,   0,    1, 1,    0, 0xc0, 50, /* configuration */
	9, 4,    0,    0,    0, 0xfe, 1, 2,    4,  /* alternate setting 0 */
	9, 4,    0,    1,    0, 0xfe, 1, 2,    5,  /* alternate setting 1 */
	9, 0x21, 0x0b, 0xff, 0, 0,    2, 0x10, 1   /* 512 bytes, DFU 1.1 */
};

static int parse(const void *bytes, size_t size, struct dfu *dfu, uint8_t *strings)
{
	struct err err;

	*dfu = (struct dfu){0};
	return dfu_parse(bytes, size, dfu, strings, &err);
}

static void descriptors(void **state)
{
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	uint8_t strings[DFU_ALTS_MAX];

	(void)state;
	assert_int_equal(parse(rom, sizeof(rom), dfu, strings), 0);
	assert_int_equal(dfu->interface, 0);
	assert_int_equal(dfu->alt_count, 2);
	assert_int_equal(dfu->alts[1].alt, 1);
	assert_int_equal(strings[1], 5);
	assert_int_equal(dfu->function.attributes,
			 DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_WILL_DETACH);
	assert_int_equal(dfu->function.transfer_size, 512);
	assert_int_equal(dfu->function.detach_ms, 255);
	assert_int_equal(dfu->function.version, 0x0110);
	/* Cut before its functional descriptor, and inside it. */
	assert_int_equal(parse(rom, 27, dfu, strings), 0);
	assert_int_equal(dfu->function.transfer_size, 0);
	assert_int_equal(parse(rom, 31, dfu, strings), 0);
	assert_int_equal(dfu->function.transfer_size, 0);
	/* Cut inside its only interface. */
	assert_int_equal(parse(rom, 15, dfu, strings), -ERR_BOARD);
	assert_int_equal(parse(rom, 0, dfu, strings), -ERR_BOARD);
}

/* A HID interface, whose class descriptor has the number of DFU's, a run-time DFU interface, and
 * the one in DFU mode. */
static void composite(void **state)
{
	static const uint8_t bytes[] = {
		9, 2,    73,   0, 3, 1,    0,    0xc0, 50, /* configuration */
		9, 4,    0,    0, 0, 3,    0,    0,    0,  /* HID */
		9, 0x21, 0x11, 1, 0, 1,    0x22, 63,   0,
		9, 4,    1,    0, 0, 0xfe, 1,    1,    0, /* DFU, run-time */
		9, 0x21, 1,    1, 0, 8,    0,    0x10, 1,
		9, 4,    2,    0, 0, 0xfe, 1,    2,    6, /* DFU mode */
		7, 0x21, 1,    0, 0, 0,    4              /* of DFU 1.0: no version */
	};
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	uint8_t strings[DFU_ALTS_MAX];

	(void)state;
	assert_int_equal(parse(bytes, sizeof(bytes), dfu, strings), 0);
	assert_int_equal(dfu->interface, 2);
	assert_int_equal(dfu->alt_count, 1);
	assert_int_equal(strings[0], 6);
	assert_int_equal(dfu->function.transfer_size, 1024);
	assert_int_equal(dfu->function.version, 0x0100);
}

static void names(void **state)
{
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));

	(void)state;
	dfu->alts[0] = (struct dfu_alt){0, "rootfs"};
	dfu->alts[1] = (struct dfu_alt){1, "boot part 0 1"};
	dfu->alts[2] = (struct dfu_alt){2, "boot"};
	dfu->alts[3] = (struct dfu_alt){3, "0"};
	dfu->alts[4] = (struct dfu_alt){7, ""};
	dfu->alts[5] = (struct dfu_alt){8, "u-boot.img raw 0x1400 0x2000"};
	dfu->alt_count = 6;
	assert_ptr_equal(dfu_find(dfu, "boot"), &dfu->alts[2]);
	assert_ptr_equal(dfu_find(dfu, "boot part 0 1"), &dfu->alts[1]);
	assert_ptr_equal(dfu_find(dfu, "u-boot.img"), &dfu->alts[5]);
	assert_ptr_equal(dfu_find(dfu, "0"), &dfu->alts[3]); /* a name goes before a number */
	assert_ptr_equal(dfu_find(dfu, "7"), &dfu->alts[4]);
	assert_null(dfu_find(dfu, "u-boot"));
	assert_null(dfu_find(dfu, ""));
	assert_null(dfu_find(dfu, "4"));
	assert_null(dfu_find(dfu, "300"));
}

static void suffixes(void **state)
{
	uint8_t last[] = {0xff, 0xff, 0x11, 0xdf, 0x83, 4, 0, 1, 'U', 'F', 'D', 16, 1, 2, 3, 4};
	struct dfu_suffix suffix;

	(void)state;
	assert_true(dfu_suffix_parse(last, &suffix));
	assert_int_equal(suffix.device, 0xffff);
	assert_int_equal(suffix.product, 0xdf11);
	assert_int_equal(suffix.vendor, 0x0483);
	assert_int_equal(suffix.version, 0x0100);
	assert_int_equal(suffix.length, 16);
	assert_int_equal(suffix.crc, 0x04030201);
	last[11] = 15;
	assert_false(dfu_suffix_parse(last, &suffix));
	last[11] = 16;
	last[8] = 'D';
	assert_false(dfu_suffix_parse(last, &suffix));
}

/* Gives memory in pieces of `step` bytes. */
struct memory {
	struct reader reader;
	const uint8_t *bytes;
	size_t size, step;
};

static int memory_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct memory *memory = container_of(reader, struct memory, reader);

	(void)err;
	*got = memory->size < memory->step ? memory->size : memory->step;
	*got = *got < size ? *got : size;
	memcpy(data, memory->bytes, *got);
	memory->bytes += *got;
	memory->size -= *got;
	return 0;
}

/* What comes through, and what was found at the end. */
static int strip(const uint8_t *bytes, size_t size, size_t step, struct buf *out, bool *found,
		 struct err *err)
{
	struct memory memory = {{.read = memory_read}, bytes, size, step};
	_cleanup_(reader_closep) struct reader *reader = NULL;
	struct dfu_suffix suffix = {0};
	uint8_t piece[1000];
	size_t got = 1;
	int rc = 0;

	buf_clear(out);
	reader = dfu_strip_new(&memory.reader, &suffix, found);
	while (rc == 0 && got > 0) {
		rc = reader->read(reader, piece, sizeof(piece), &got, err);
		if (rc == 0)
			buf_add(out, piece, got);
	}
	return rc;
}

/* Files of any length, with a suffix of any length: made as dfu-suffix makes it (its CRC is the one
 * of zlib, inverted). */
static void stripped(void **state)
{
	static const size_t sizes[] = {0, 1, 254, 255, 256, 65535, 65536, 200000};
	static const size_t steps[] = {1 << 20, 777};
	_cleanup_(freep) uint8_t *file = xcalloc(1, 200000 + 255);
	_cleanup_(buf_free) struct buf out = {0};
	struct err err;
	size_t i, length;
	uint32_t crc;
	bool found;

	(void)state;
	for (i = 0; i < 200000; i++)
		file[i] = (uint8_t)(i * 13);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (length = 16; length <= 255; length += 239) {
			size_t size = sizes[i] + length;
			_cleanup_(freep) uint8_t *whole = xcalloc(1, size);

			memcpy(whole, file, sizes[i]);
			memcpy(whole + size - 16, "\xff\xff\xff\xff\xff\xff\x00\x01UFD", 11);
			whole[size - 5] = (uint8_t)length;
			crc = ~crc32_add(0, whole, size - 4);
			put_le32(whole + size - 4, crc);
			assert_int_equal(strip(whole, size, steps[i % 2], &out, &found, &err), 0);
			assert_true(found);
			assert_int_equal(out.size, sizes[i]);
			assert_memory_equal(buf_text(&out), file, sizes[i]);
			whole[size - 1] ^= 1;
			assert_int_equal(strip(whole, size, steps[i % 2], &out, &found, &err),
					 -ERR_IMAGE);
			whole[size - 8] = 'u';
			assert_int_equal(strip(whole, size, steps[i % 2], &out, &found, &err), 0);
			assert_false(found);
			assert_int_equal(out.size, size);
			assert_memory_equal(out.data, whole, size);
		}
	}
}

static void suffix_checks(void **state)
{
	struct dfu_suffix suffix = {.vendor = 0x1234, .product = 0xffff, .version = 0x0100};
	struct err err;

	(void)state;
	assert_int_equal(dfu_suffix_check(&suffix, 0x1234, 1, &err), 0);
	assert_int_equal(dfu_suffix_check(&suffix, 0x1235, 1, &err), -ERR_IMAGE);
	suffix.product = 2;
	assert_int_equal(dfu_suffix_check(&suffix, 0x1234, 1, &err), -ERR_IMAGE);
	suffix.product = 1;
	suffix.version = DFU_VERSION_DFUSE;
	assert_int_equal(dfu_suffix_check(&suffix, 0x1234, 1, &err), -ERR_IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),      cmocka_unit_test(descriptors),
		cmocka_unit_test(composite),     cmocka_unit_test(names),
		cmocka_unit_test(suffixes),      cmocka_unit_test(stripped),
		cmocka_unit_test(suffix_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
