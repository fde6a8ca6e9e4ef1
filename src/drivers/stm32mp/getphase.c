// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/getphase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define HEAD_SIZE 9 /* phase, address, offset */

static uint32_t number_at(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* The board's text goes to terminals and records. */
static void copy_text(char *to, size_t space, const uint8_t *from, size_t size)
{
	size_t i;

	for (i = 0; i < size && i + 1 < space && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? (char)from[i] : ' ';
	to[i] = '\0';
	while (i > 0 && to[i - 1] == ' ')
		to[--i] = '\0';
}

int getphase_parse(const uint8_t *answer, size_t size, struct getphase *getphase, struct err *err)
{
	*getphase = (struct getphase){0};
	if (size < HEAD_SIZE)
		return err_set(err, ERR_BOARD,
			       "the answer to GETPHASE has %zu bytes, fewer than %d", size,
			       HEAD_SIZE);
	getphase->phase = answer[0];
	getphase->address = number_at(answer + 1);
	getphase->offset = number_at(answer + 5);
	if (getphase->phase == PHASE_LAYOUT)
		getphase->detach = size > HEAD_SIZE && answer[HEAD_SIZE] == 1;
	if (getphase->phase == PHASE_ERROR)
		copy_text(getphase->text, sizeof(getphase->text), answer + HEAD_SIZE,
			  size - HEAD_SIZE);
	return 0;
}

void setphase_make(uint8_t phase, uint32_t offset, uint8_t out[SETPHASE_SIZE])
{
	out[0] = phase;
	out[1] = (uint8_t)(offset >> 24);
	out[2] = (uint8_t)(offset >> 16);
	out[3] = (uint8_t)(offset >> 8);
	out[4] = (uint8_t)offset;
}

static bool parse_size(const char *text, struct phase_alt *alt)
{
	static const char units[] = "BKMG";
	const char *unit;
	char *end;
	unsigned long count;

	if (!text_starts(text, "1*") || text[2] < '0' || text[2] > '9')
		return false;
	count = strtoul(text + 2, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (!unit || count > UINT32_MAX || (end[1] != 'a' && end[1] != 'e') || end[2])
		return false;
	alt->size = (uint64_t)count << (10 * (unit - units));
	alt->writable = end[1] == 'e';
	return true;
}

/* From its end: a partition's name may hold anything. */
bool phase_alt_parse(const char *text, struct phase_alt *alt)
{
	const char *size = strrchr(text, '/'), *phase;
	char number[8];
	uint64_t value;

	*alt = (struct phase_alt){0};
	if (*text != '@' || !size || size - text < 6)
		return false;
	for (phase = size - 1; phase > text && *phase != '/'; phase--)
		;
	if (*phase != '/' || size - phase > (ptrdiff_t)sizeof(number) || phase[1] != '0' ||
	    phase[2] != 'x')
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)(size - phase) - 1, phase + 1);
	if (!text_u64(number, 0xff, &value) || !parse_size(size + 1, alt))
		return false;
	alt->phase = (uint8_t)value;
	copy_text(alt->name, sizeof(alt->name), (const uint8_t *)text + 1,
		  (size_t)(phase - text) - 1);
	return true;
}

/* The hexadecimal number behind "MARK/", up to the comma. */
static bool parse_id(const char *text, const char *mark, uint16_t *value)
{
	const char *at = strstr(text, mark);
	char *end;
	unsigned long number;

	if (!at)
		return false;
	at += strlen(mark);
	if (!text_starts(at, "0x"))
		return false;
	number = strtoul(at, &end, 16);
	if (end == at + 2 || number > UINT16_MAX || (*end && *end != ','))
		return false;
	*value = (uint16_t)number;
	return true;
}

bool phase_product_parse(const char *text, struct phase_product *product)
{
	const char *name = strstr(text, "@Name /"), *end;

	*product = (struct phase_product){0};
	if (!parse_id(text, "@Device ID /", &product->device))
		return false;
	parse_id(text, "@Revision ID /", &product->revision);
	if (!name)
		return true;
	name += strlen("@Name /");
	end = strrchr(name, ',');
	copy_text(product->name, sizeof(product->name), (const uint8_t *)name,
		  end ? (size_t)(end - name) : strlen(name));
	return true;
}

/* Device ids as in the product strings. Memory: where ST's U-Boot has the buffer of its fastboot
   (CONFIG_FASTBOOT_BUF_ADDR of stm32mp*_defconfig). What MP23's ROM calls itself is not known: it
   is found by what the board file says. */
static const struct stm32mp_chip chips[] = {
	{0x500, "mp15", "STM32MP15", "1.0", 247u << 10, false, false, 0xc0000000},
	{0x501, "mp13", "STM32MP13", "2.0", 128u << 10, false, false, 0xc0000000},
	{0x503, "mp21", "STM32MP21", "2.3", 0, true, true, 0x84000000},
	{0x505, "mp25", "STM32MP25", "2.2", 0, true, true, 0x84000000},
	{0, "mp23", "STM32MP23", "2.2", 0, true, true, 0x84000000},
};

const struct stm32mp_chip *stm32mp_chip_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		if (text_equal(chips[i].name, name))
			return &chips[i];
	return NULL;
}

const struct stm32mp_chip *stm32mp_chip_of(uint16_t device)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		if (device && chips[i].device == device)
			return &chips[i];
	return NULL;
}

const struct stm32mp_chip *stm32mp_chip_of_header(const char *header)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		if (text_equal(chips[i].header, header))
			return &chips[i];
	return NULL;
}

struct phase_name {
	uint8_t phase;
	const char *name;
};

static const struct phase_name names[] = {
	{PHASE_LAYOUT, "the flash layout"},
	{PHASE_FSBL, "the first-stage loader"},
	{PHASE_FIP_DDR, "the DDR firmware"},
	{PHASE_SSBL, "the second-stage loader"},
	{PHASE_COMMAND, "the command area"},
	{PHASE_OTP, "the OTP words"},
	{PHASE_PMIC, "the PMIC's registers"},
	{PHASE_END, "the end"},
	{PHASE_ERROR, "an error"},
};

const char *phase_text(uint8_t phase, char out[32])
{
	size_t i;

	snprintf(out, 32, "partition 0x%02x", phase);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].phase == phase)
			snprintf(out, 32, "%s", names[i].name);
	return out;
}
