// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/getphase.h"

static void reads_answers(void **state)
{
	static const struct {
		const char *bytes; /* hexadecimal */
		uint8_t phase;
		uint32_t address, offset;
		bool detach;
		const char *text;
	} rows[] = {
		/* TF-A waits for a FIP; has it; U-Boot waits for a layout, has read it. */
		{"03000000c700000000", 3, 0xc7000000, 0, false, ""},
		{"00ffffffff0000000001", 0, 0xffffffff, 0, true, ""},
		{"00000000c20000000000", 0, 0xc2000000, 0, false, ""},
		{"00000000c200000000", 0, 0xc2000000, 0, false, ""},
		{"10ffffffff00100000", 0x10, 0xffffffff, 0x1000, false, ""},
		/* "no" and a byte that is not for terminals, not ended by NUL */
		{"ffffffffff000000006e6f1b21", 0xff, 0xffffffff, 0, false, "no !"},
		{"ffffffffff00000000", 0xff, 0xffffffff, 0, false, ""},
		{"fe0000000000000000", 0xfe, 0, 0, false, ""},
	};
	struct getphase getphase;
	uint8_t bytes[32];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size = strlen(rows[i].bytes) / 2;

		assert_true(text_bytes(rows[i].bytes, bytes, size));
		assert_int_equal(getphase_parse(bytes, size, &getphase, &err), 0);
		assert_int_equal(getphase.phase, rows[i].phase);
		assert_int_equal(getphase.address, rows[i].address);
		assert_int_equal(getphase.offset, rows[i].offset);
		assert_int_equal(getphase.detach, rows[i].detach);
		assert_string_equal(getphase.text, rows[i].text);
	}
	assert_int_equal(getphase_parse(bytes, 8, &getphase, &err), -ERR_BOARD);
	assert_int_equal(getphase_parse(bytes, 0, &getphase, &err), -ERR_BOARD);
}

static void makes_setphase(void **state)
{
	uint8_t out[SETPHASE_SIZE];
	static const uint8_t wanted[] = {0x10, 0x12, 0x34, 0x56, 0x78};

	(void)state;
	setphase_make(0x10, 0x12345678, out);
	assert_memory_equal(out, wanted, sizeof(wanted));
}

static void reads_alternates(void **state)
{
	static const struct {
		const char *text, *name;
		uint8_t phase;
		uint64_t size;
		bool writable;
	} rows[] = {
		{"@Partition0 /0x00/1*256Ke", "Partition0", 0, 256 << 10, true},
		{"@FSBL /0x01/1*1Me", "FSBL", 1, 1 << 20, true},
		{"@virtual /0xF1/1*512Ba", "virtual", 0xf1, 512, false},
		{"@virtual/0xf1/1*512Be", "virtual", 0xf1, 512, true},
		{"@DDR FIP /0x02/1*32Ke", "DDR FIP", 2, 32 << 10, true},
		{"@PMIC /0xF4/1*08Be", "PMIC", 0xf4, 8, true},
		{"@rootfs/0x11/1*1Ge", "rootfs", 0x11, 1 << 30, true},
		{"@a/b/0x12/1*1024Ka", "a/b", 0x12, 1 << 20, false},
	};
	static const char *const others[] = {
		"",
		"USB download gadget",
		"@Internal Flash  /0x08000000/04*016Kg",
		"@x/0x100/1*1Me",
		"@x/0x10/1*1M",
		"@x/0x10/1*1Mg",
		"@x/0x10/2*1Me",
		"@x/0x10/1*Me",
		"@x/0x10/1*1Me ",
		"@/",
		"@x/0x/1*1Me",
		"x/0x10/1*1Me",
	};
	struct phase_alt alt;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(phase_alt_parse(rows[i].text, &alt));
		assert_string_equal(alt.name, rows[i].name);
		assert_int_equal(alt.phase, rows[i].phase);
		assert_int_equal(alt.size, rows[i].size);
		assert_int_equal(alt.writable, rows[i].writable);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (phase_alt_parse(others[i], &alt))
			fail_msg("'%s' is taken for an alternate", others[i]);
}

static void reads_products(void **state)
{
	static const struct {
		const char *text;
		uint16_t device, revision;
		const char *name;
	} rows[] = {
		{"DFU in HS Mode @Device ID /0x500, @Revision ID /0x0000", 0x500, 0, ""},
		{"DFU @Device ID /0x501, @Revision ID /0x1003, @Name /STM32MP135FAF Rev.Y,", 0x501,
		 0x1003, "STM32MP135FAF Rev.Y"},
		{"USB download gadget@Device ID /0x500, @Revision ID /0x2000, @Name /STM32MP157CAA "
		 "Rev.B,",
		 0x500, 0x2000, "STM32MP157CAA Rev.B"},
		{"DFU @Device ID /0x505, @Revision ID /0x0011, @Name /half", 0x505, 0x11, "half"},
	};
	struct phase_product product;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(phase_product_parse(rows[i].text, &product));
		assert_int_equal(product.device, rows[i].device);
		assert_int_equal(product.revision, rows[i].revision);
		assert_string_equal(product.name, rows[i].name);
	}
	assert_false(phase_product_parse("STM32  BOOTLOADER", &product));
	assert_false(phase_product_parse("@Device ID /500", &product));
	assert_false(phase_product_parse("@Device ID /0x", &product));
	assert_false(phase_product_parse("@Device ID /0x50000,", &product));
	assert_string_equal(stm32mp_chip_of(0x500)->name, "mp15");
	assert_null(stm32mp_chip_of(0x450));
	assert_null(stm32mp_chip_of(0));
	assert_string_equal(stm32mp_chip_find("mp25")->header, "2.2");
	assert_string_equal(stm32mp_chip_of_header("2.3")->name, "mp21");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_answers),
		cmocka_unit_test(makes_setphase),
		cmocka_unit_test(reads_alternates),
		cmocka_unit_test(reads_products),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
