// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/mem.h"
#include "sim/fb_device.h"

static const uint8_t *bytes_of(const struct fb_device *fb)
{
	return (const uint8_t *)buf_text(&fb->buffer);
}

/* Rounded up to a block, as it lies in the buffer. */
static const char *write_raw(struct fb_device *fb, const struct fb_target *target)
{
	size_t size = (fb->buffer.size + GPT_BLOCK - 1) / GPT_BLOCK * GPT_BLOCK;
	_cleanup_(freep) uint8_t *block = xcalloc(1, size + 1);

	if (size > target->size)
		return "too large for partition";
	memcpy(block, bytes_of(fb), fb->buffer.size);
	return medium_write(target->medium, target->start, block, size)
		       ? NULL
		       : "failed writing to device";
}

static const char *write_table(struct fb_device *fb, const struct fb_target *target)
{
	if (target->kind == FB_GPT)
		return gpt_restore(target->medium, bytes_of(fb), fb->buffer.size)
			       ? NULL
			       : "invalid GPT partition";
	if (fb->buffer.size < GPT_BLOCK || bytes_of(fb)[510] != 0x55 || bytes_of(fb)[511] != 0xaa)
		return "invalid MBR partition";
	return medium_write(target->medium, 0, bytes_of(fb), GPT_BLOCK)
		       ? NULL
		       : "writing MBR partition failed";
}

static const char *write_target(struct fb_device *fb, const struct fb_target *target)
{
	if (target->kind == FB_GPT || target->kind == FB_MBR)
		return write_table(fb, target);
	if (target->kind == FB_PART && fb_is_sparse(bytes_of(fb), fb->buffer.size))
		return fb_write_sparse(target, bytes_of(fb), fb->buffer.size);
	return write_raw(fb, target);
}

void fb_flash(struct fb_device *fb, const char *name)
{
	struct fb_target target;
	const char *wrong;

	if (!fb->buffer.size) {
		fb_answer(fb, "FAIL", "no image downloaded");
		return;
	}
	if (!fb_resolve(fb, name, &target)) {
		fb_answer(fb, "FAIL", "cannot find partition");
		return;
	}
	wrong = write_target(fb, &target);
	medium_flush(target.medium);
	if (wrong)
		fb_answer(fb, "FAIL", "%s", wrong);
	else
		fb_answer(fb, "OKAY", "%s", "");
}

/* Inwards to whole erase groups: what is smaller than one is not erased, and no one is told. */
void fb_erase(struct fb_device *fb, const char *name)
{
	struct fb_target target;
	uint64_t unit, first, end;

	if (!fb_resolve(fb, name, &target)) {
		fb_answer(fb, "FAIL", "cannot find partition");
		return;
	}
	unit = target.media->erase_size;
	first = (target.start + unit - 1) / unit * unit;
	end = (target.start + target.size) / unit * unit;
	if (end > first)
		medium_erase(target.medium, first, end - first, target.media->erased);
	fb_answer(fb, "OKAY", "%s", "");
}
