// SPDX-License-Identifier: MIT
#include "build/legacy.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "sim/stm32mp.h"

bool stm_script_is(const uint8_t *data, size_t size)
{
	struct legacy legacy;

	if (legacy_parse(data, size, &legacy, NULL) < 0 || legacy.type != LEGACY_SCRIPT)
		return false;
	return legacy.size >= 8 && legacy.size <= size - LEGACY_HEADER &&
	       crc32_add(0, data + LEGACY_HEADER, legacy.size) == legacy.data_crc;
}

void stm_script_run(struct stm32mp *model)
{
	stm_leave(model, STM_PROMPT, 0);
}
