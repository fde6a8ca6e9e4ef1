// SPDX-License-Identifier: MIT
/* The chips, and the descriptors of each stage. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim/stm32mp.h"

static const char *const mp15_alts[] = {
	"@Partition0 /0x00/1*256Ke",
	"@FSBL /0x01/1*1Me",
	"@Partition2 /0x02/1*1Me",
	"@Partition3 /0x03/1*16Me",
	"@Partition4 /0x04/1*16Me",
	"@virtual /0xF1/1*512Ba",
	NULL,
};

static const char *const mp13_rom_alts[] = {"@FSBL /0x01/1*128Ke", "@virtual /0xF1/1*512Ba", NULL};
static const char *const mp13_tfa_alts[] = {"@SSBL /0x03/1*16Me", "@virtual /0xF1/1*512Ba", NULL};
static const char *const mp2_rom_alts[] = {"@FSBL /0x01/1*256Ke", "@virtual /0xF1/1*512Ba", NULL};
static const char *const mp2_tfa_alts[] = {"@DDR FIP /0x02/1*32Ke", "@FIP /0x03/1*16Me",
					   "@virtual /0xF1/1*512Ba", NULL};

/* Device id of MP23 and revisions of MP21 and MP23 are not published: those of MP25. */
static const struct stm_chip chips[] = {
	{"mp13", 0x501, 0x1003, 0x1003, 0x1003, "STM32MP135F Rev.Y", 0x00020000, mp13_rom_alts,
	 mp13_tfa_alts, false, false, true, 0xc7000000, 0xc2000000, 128 << 10, 96, 0, 0xc0000000,
	 0xc0000000},
	{"mp15", 0x500, 0x0000, 0x2000, 0x2000, "STM32MP157CAA Rev.B", 0x00010000, mp15_alts,
	 mp15_alts, true, false, true, 0xc7000000, 0xc2000000, 247 << 10, 96, 1, 0xc0000000,
	 0xc0000000},
	{"mp21", 0x503, 0x2000, 0x0011, 0x2000, "STM32MP215FAN Rev.Z", 0x00020300, mp2_rom_alts,
	 mp2_tfa_alts, false, true, false, 0x87000000, 0x84000000, 256 << 10, 368, 1, 0x80000000,
	 0x84000000},
	{"mp23", 0x505, 0x2000, 0x0011, 0x2000, "STM32MP235FAK Rev.B", 0x00020200, mp2_rom_alts,
	 mp2_tfa_alts, false, true, false, 0x87000000, 0x84000000, 256 << 10, 368, 1, 0x80000000,
	 0x84000000},
	{"mp25", 0x505, 0x2000, 0x0011, 0x2000, "STM32MP257FAI Rev.B", 0x00020200, mp2_rom_alts,
	 mp2_tfa_alts, false, true, false, 0x87000000, 0x84000000, 256 << 10, 368, 1, 0x80000000,
	 0x84000000},
};

const struct stm_chip *stm_chip_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		if (text_equal(chips[i].name, name))
			return &chips[i];
	return NULL;
}

static void add_alt(struct stm32mp *model, uint8_t phase, const struct stm_line *line,
		    const char *name)
{
	struct stm_alt *alt = &model->alts[model->alt_count];

	if (model->alt_count == STM_ALTS_MAX)
		return;
	model->alt_count++;
	*alt = (struct stm_alt){.phase = phase, .line = line};
	snprintf(alt->name, sizeof(alt->name), "%s", name);
}

/* The phase stands in the name, behind the slash. */
static void add_fixed(struct stm32mp *model, const char *const *names)
{
	uint64_t phase;

	for (; *names; names++) {
		_cleanup_(freep) char *number = xstrndup(strchr(*names, '/') + 1, 4);

		if (text_hex(number, &phase))
			add_alt(model, (uint8_t)phase, NULL, *names);
	}
}

/* The first unit that the size is larger than; the quotient is cut. */
static void add_line(struct stm32mp *model, const struct stm_line *line)
{
	static const struct {
		char letter;
		unsigned int shift;
	} units[] = {{'G', 30}, {'M', 20}, {'K', 10}, {'B', 0}};
	bool writable = line->option & STM_SELECT && !(line->option & STM_EMPTY);
	char name[64];
	size_t i = 0;

	while (units[i].shift && line->size <= (uint64_t)1 << units[i].shift)
		i++;
	snprintf(name, sizeof(name), "@%s/0x%02x/1*%" PRIu64 "%c%c", line->name, line->id,
		 line->size >> units[i].shift, units[i].letter, writable ? 'e' : 'a');
	add_alt(model, line->id, line, name);
}

static void add_lines(struct stm32mp *model)
{
	unsigned int id;
	size_t i;

	for (id = 1; id <= STM_ID_MAX; id++)
		for (i = 0; i < model->layout.count; i++)
			if (model->layout.lines[i].id == id &&
			    stm_line_is_real(&model->layout.lines[i])) {
				add_line(model, &model->layout.lines[i]);
				break;
			}
}

static void add_uboot(struct stm32mp *model)
{
	char name[64];

	if (model->second)
		add_lines(model);
	else
		add_alt(model, PHASE_LAYOUT, NULL, "@FlashLayout/0x00/1*256Ke");
	add_alt(model, PHASE_VIRTUAL, NULL, "@virtual/0xf1/1*512Be");
	snprintf(name, sizeof(name), "@OTP/0xf2/1*%zuBe", 8 + 8 * model->chip->otp_words);
	if (!model->settings.closed)
		add_alt(model, PHASE_OTP, NULL, name);
	add_alt(model, PHASE_PMIC, NULL, "@PMIC/0xf4/1*8Be");
}

static void product_name(const struct stm32mp *model, char *out, size_t size)
{
	const struct stm_chip *chip = model->chip;

	if (model->stage == STM_SPL)
		snprintf(out, size, "USB download gadget");
	else if (model->stage == STM_ROM || (model->stage == STM_TFA && chip->keeps_session))
		snprintf(out, size, "DFU in HS Mode @Device ID /0x%03X, @Revision ID /0x%04X",
			 chip->device_id, chip->rom_revision);
	else if (model->stage == STM_TFA)
		snprintf(out, size, "DFU @Device ID /0x%03X, @Revision ID /0x%04X, @Name /%s,",
			 chip->device_id, chip->tfa_revision, chip->soc);
	else
		snprintf(out, size,
			 "USB download gadget@Device ID /0x%03X, @Revision ID /0x%04X, @Name /%s,",
			 chip->device_id, chip->uboot_revision, chip->soc);
}

void stm_make_face(struct stm32mp *model)
{
	bool uboot = model->stage == STM_UBOOT || model->stage == STM_SPL;
	_cleanup_(freep) const char **names = NULL;
	char product[160];
	struct face_ids ids = {
		.vid = 0x0483,
		.pid = 0xdf11,
		.release = 0x0200,
		.manufacturer = "STMicroelectronics",
		.product = product,
		.serial = model->stage == STM_SPL ? NULL : model->device.serial,
		.speed = USB_SPEED_HIGH,
		.attributes = 0xc0,
		.power = uboot ? 1 : 0x32,
	};
	size_t i;

	model->alt_count = 0;
	if (model->stage == STM_SPL)
		add_alt(model, PHASE_SSBL, NULL, "u-boot.itb");
	else if (uboot)
		add_uboot(model);
	else
		add_fixed(model,
			  model->stage == STM_ROM ? model->chip->rom_alts : model->chip->tfa_alts);
	product_name(model, product, sizeof(product));
	model->dfu.function =
		(struct dfu_function){0x0f, uboot ? 0 : 255, uboot ? 4096 : 1024, 0x0110};
	names = xcalloc(model->alt_count + 1, sizeof(*names));
	for (i = 0; i < model->alt_count; i++)
		names[i] = model->alts[i].name;
	face_begin(&model->face, &ids);
	dfu_face(&model->face, &model->dfu.function, names);
}
