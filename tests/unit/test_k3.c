// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "drivers/dfu/k3.h"

/* What the ROM of a J721E answered (TI forum). */
static const uint8_t j721e[] = {1,    0,    0, 0, 1, 0x1a, 0, 0, 0x6a, 0x37, 0x65,
				0x73, 0,    0, 0, 0, 0,    0, 0, 0,    0x47, 0x50,
				0x20, 0x20, 1, 1, 1, 0,    1, 2, 3,    0};

static void soc_id(void **state)
{
	uint8_t bytes[sizeof(j721e)];
	struct k3_soc_id id;
	struct err err;

	(void)state;
	assert_int_equal(k3_soc_id_parse(j721e, sizeof(j721e), &id, &err), 0);
	assert_string_equal(id.device, "j7es");
	assert_string_equal(id.security, "GP");
	assert_int_equal(id.rom[0], 0);
	assert_int_equal(id.rom[1], 3);
	assert_int_equal(id.rom[3], 1);
	assert_int_equal(k3_soc_id_parse(j721e, 31, &id, &err), -ERR_BOARD);
	memcpy(bytes, j721e, sizeof(bytes));
	memcpy(bytes + 8, "am62x\x1b[2Jabcd", 12);
	memcpy(bytes + 20, "HSFS", 4);
	assert_int_equal(k3_soc_id_parse(bytes, sizeof(bytes), &id, &err), 0);
	assert_string_equal(id.device, "am62x?[2Jabc");
	assert_string_equal(id.security, "HSFS");
	bytes[4] = 2;
	assert_int_equal(k3_soc_id_parse(bytes, sizeof(bytes), &id, &err), -ERR_BOARD);
}

/* Made with openssl from the configuration that U-Boot's binman writes. */
static void read_sample(const char *name, struct buf *out)
{
	_cleanup_(freep) char *path = path_join(TEST_CORPUS "/k3", name);
	struct err err;

	if (path_read(path, 1 << 20, out, &err) < 0)
		fail_msg("%s", err.text);
}

static int parse(const struct buf *file, size_t size, struct k3_tiboot3 *tiboot3)
{
	struct err err;

	return k3_tiboot3_parse((const uint8_t *)file->data, size, tiboot3, &err);
}

static void tiboot3_files(void **state)
{
	static const struct {
		const char *name;
		uint64_t payload;
		bool combined, secure;
	} samples[] = {
		{"combined-gp", 70, true, false},
		{"combined-hs", 78, true, true},
		{"single", 30, false, false},
	};
	struct k3_tiboot3 tiboot3;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		_cleanup_(buf_free) struct buf file = {0};

		read_sample(samples[i].name, &file);
		assert_int_equal(parse(&file, file.size, &tiboot3), 0);
		assert_int_equal(tiboot3.payload, samples[i].payload);
		assert_int_equal(tiboot3.certificate, file.size - samples[i].payload);
		assert_int_equal(tiboot3.combined, samples[i].combined);
		assert_int_equal(tiboot3.secure, samples[i].secure);
		assert_int_equal(parse(&file, file.size - 1, &tiboot3), -ERR_IMAGE);
		assert_int_equal(parse(&file, 100, &tiboot3), -ERR_IMAGE);
		file.data[0] = 0;
		assert_int_equal(parse(&file, file.size, &tiboot3), -ERR_IMAGE);
	}
}

static void fits(void **state)
{
	static const uint8_t fit[] = {0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 12, 1, 2, 3, 4};
	struct err err;

	(void)state;
	assert_int_equal(k3_fit_check(fit, sizeof(fit), &err), 0);
	assert_int_equal(k3_fit_check(fit, sizeof(fit) - 1, &err), -ERR_IMAGE);
	assert_int_equal(k3_fit_check(fit + 1, sizeof(fit) - 1, &err), -ERR_IMAGE);
	assert_int_equal(k3_fit_check(fit, 4, &err), -ERR_IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(soc_id),
		cmocka_unit_test(tiboot3_files),
		cmocka_unit_test(fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
