// SPDX-License-Identifier: MIT
/* OTP words and the PMIC's registers: areas that U-Boot offers before it has a layout. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"

int stm32mp_resolve_words(struct job *job, struct err *err)
{
	const struct request_item *item = &job->request->items[0];
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(buf_free) struct buf list = {.max = 4000};
	int rc = path_read(item->file, 65536, &text, err);

	stm32mp->area = PHASE_OTP;
	if (rc == 0 && job->request->item_count > 1)
		rc = err_set(err, ERR_USAGE, "OTP words are written alone");
	if (rc == 0)
		rc = otp_words_parse(&stm32mp->words, item->file, text.data, text.size, err);
	if (rc == 0)
		rc = stm32mp_read_files(job, err);
	if (rc < 0)
		return rc;
	otp_words_text(&stm32mp->words, &list);
	plan_fact(job->plan, "otp", "file", "%s", item->file);
	plan_fact(job->plan, "otp", "words", "%s", buf_text(&list));
	plan_step(job->plan, "write %zu OTP words for good, and read them back",
		  stm32mp->words.count);
	plan_irreversible(job->plan, "write OTP %s", buf_text(&list));
	return 0;
}

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct buf *out = context;

	if (buf_add(out, data, size))
		return 0;
	return err_set(err, ERR_BOARD, "the board sends more than %zu bytes", out->max);
}

static int no_area(struct job *job, struct err *err)
{
	if (stm32mp_of(job)->area == PHASE_PMIC)
		return err_set(err, ERR_BOARD, "this board's U-Boot offers no PMIC registers");
	err_set(err, ERR_BOARD, "this board's U-Boot offers no OTP words");
	return err_remedy(err, "it does so when it was built for it, on a chip that is not closed");
}

/* All of the area. One byte more is allowed for, so that its end is seen. */
static int read_area(struct job *job, struct buf *out, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	const struct dfu_alt *alt = stm32mp_alt(stm32mp, stm32mp->area);
	struct dfu_sink sink = {take, out};
	uint64_t got;
	char text[32];
	int rc;

	buf_clear(out);
	if (!alt)
		return no_area(job, err);
	rc = dfu_select(stm32mp->dfu, alt, deadline, err);
	if (rc == 0)
		rc = dfu_upload(stm32mp->dfu, OTP_SIZE_MAX + 1, &sink, &got, deadline, err);
	return rc < 0 ? err_prefix(err, "reading %s", phase_text(stm32mp->area, text)) : 0;
}

int stm32mp_dump_words(struct job *job, struct deadline deadline, struct err *err)
{
	const char *file = job->request->items[0].file;
	_cleanup_(buf_free) struct buf area = {.max = OTP_SIZE_MAX};
	char sha256[SHA256_TEXT];
	int rc = read_area(job, &area, deadline, err);

	if (rc == 0)
		rc = path_write(file, area.data, area.size, 0644, err);
	if (rc < 0)
		return rc;
	sha256_text(area.data, area.size, sha256);
	job_result(job, "file", json_text(file));
	job_result(job, "bytes", json_integer((json_int_t)area.size));
	job_result(job, "sha256", json_string(sha256));
	return 0;
}

static const uint8_t *bytes_of(const struct buf *area)
{
	return (const uint8_t *)area->data;
}

int stm32mp_write_words(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(buf_free) struct buf area = {.max = OTP_SIZE_MAX};
	struct bytes_reader memory;
	struct getphase getphase;
	int rc = read_area(job, &area, deadline, err);

	if (rc == 0)
		rc = otp_apply((uint8_t *)area.data, area.size, &stm32mp->words, err);
	if (rc < 0)
		return rc;
	reader_of_bytes(&memory, bytes_of(&area), area.size);
	rc = stm32mp_send(job, PHASE_OTP, &memory.reader, UINT64_MAX, 0, deadline, err);
	if (rc == 0)
		rc = stm32mp_getphase(job, &getphase, deadline, err);
	if (rc == 0 && getphase.phase == PHASE_ERROR)
		return stm32mp_board_error(job, &getphase, err);
	return rc;
}

int stm32mp_verify_words(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(buf_free) struct buf area = {.max = OTP_SIZE_MAX};
	_cleanup_(buf_free) struct buf list = {.max = 4000};
	char sha256[SHA256_TEXT];
	int rc = read_area(job, &area, deadline, err);

	if (rc == 0)
		rc = otp_compare(bytes_of(&area), area.size, &stm32mp->words, err);
	if (rc < 0)
		return rc;
	otp_words_text(&stm32mp->words, &list);
	sha256_text(list.data, list.size, sha256);
	job_wrote(job, "otp", NULL, 4 * stm32mp->words.count, sha256, true);
	job->proven = true;
	return 0;
}
