// SPDX-License-Identifier: MIT
/* Boot chains: which file goes to which alternate setting, in which order. The numbers of settings
   change from one loader to the next and their USB ids do not, so only names tell where the board
   is. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "drivers/dfu/dfu.h"
#include "drivers/dfu/k3.h"

#define FILE_MAX     ((size_t)32 << 20)
#define LOADER_ALTS  3    /* loaders in memory have few settings; U-Boot itself has more */
#define SPL_AGAIN_MS 2000 /* some U-Boots run the SPL once more, and want the last file again */
#define LEAVES_MS    1000 /* within it a loader that goes by itself is gone */
#define SOC_ID       "SocId"

struct chain_row {
	const char *alt;  /* name of the alternate setting that asks for it */
	const char *file; /* key of the board file */
	int (*check)(const uint8_t *bytes, size_t size, struct err *err);
	unsigned int times; /* how often it may be asked for */
	bool optional;
	bool detach; /* the loader goes on when it is told to leave DFU */
};

struct chain {
	const char *name, *title;
	const struct chain_row *rows;
	const char *lost; /* what to do when nothing comes back after the first file */
	const char *same; /* what it means when the first one is asked for again and again */
};

static int check_tiboot3(const uint8_t *bytes, size_t size, struct err *err)
{
	struct k3_tiboot3 tiboot3;

	return k3_tiboot3_parse(bytes, size, &tiboot3, err);
}

/* U-Boot doc/board/ti/k3.rst. Some R5 loaders need tiboot3.bin twice. */
static const struct chain_row ti_k3_rows[] = {
	{"bootloader", "tiboot3", check_tiboot3, .times = 2},
	{"sysfw.itb", "sysfw", k3_fit_check, .times = 1, .optional = true, .detach = true},
	{"tispl.bin", "tispl", k3_fit_check, .times = 1},
	{"u-boot.img", "uboot", k3_fit_check, .times = 2, .detach = true},
	{0},
};

/* The second stage of its ROM asks with the same name as the first. */
static const struct chain_row ti_am62l_rows[] = {
	{"bootloader", "tiboot3", check_tiboot3, .times = 1},
	{"bootloader", "tispl", NULL, .times = 1},
	{"u-boot.img", "uboot", k3_fit_check, .times = 2, .detach = true},
	{0},
};

#define TI_LOST                                                                                 \
	"tiboot3.bin must be built with DFU (am62x_r5_usbdfu.config and the like), and be for " \
	"the security type of the part: gp, hs-fs or hs"
#define TI_SAME                                                                                   \
	"tiboot3.bin is not for this part: there is one for each of gp, hs-fs and hs; the wrong " \
	"one is taken without a word, and the ROM starts over"

static const struct chain chains[] = {
	{"ti-k3", "TI K3", ti_k3_rows, TI_LOST, TI_SAME},
	{"ti-am62l", "TI AM62L", ti_am62l_rows, TI_LOST, TI_SAME},
};

static const struct chain *find_chain(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chains); i++)
		if (strcmp(chains[i].name, name) == 0)
			return &chains[i];
	return NULL;
}

static int read_file(struct job *job, const struct chain_row *row, struct err *err)
{
	const char *name = yaml_text(job->board->own, row->file, NULL);
	struct dfu_work *work = work_of(job);
	struct chain_file *file = &work->files[work->file_count];
	_cleanup_(freep) char *path = NULL;
	char sha256[SHA256_TEXT];
	int rc;

	if (!name && row->optional)
		return 0;
	if (!name)
		return yaml_err(job->board->own, err, "'%s' is missing: the file for '%s'",
				row->file, row->alt);
	path = board_path(job->board, name);
	*file = (struct chain_file){.row = row};
	work->file_count++;
	rc = path_read(path, FILE_MAX, &file->bytes, err);
	if (rc == 0 && row->check)
		rc = row->check((const uint8_t *)buf_text(&file->bytes), file->bytes.size, err);
	if (rc == 0 && file->bytes.size == 0)
		rc = err_set(err, ERR_IMAGE, "it is empty");
	if (rc < 0)
		return err_prefix(err, "%s (%s)", path, row->file);
	sha256_text(file->bytes.data, file->bytes.size, sha256);
	plan_fact(job->plan, "boot chain", row->file, "%s, sha256 %s", path, sha256);
	return 0;
}

static int unused_files(struct job *job, struct err *err)
{
	static const char *const keys[] = {"tiboot3", "sysfw", "tispl", "uboot", "security"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (yaml_get(job->board->own, keys[i]))
			return yaml_err(yaml_get(job->board->own, keys[i]), err,
					"'%s' is of a boot chain, and 'chain' is missing", keys[i]);
	return 0;
}

static int check_security(struct job *job, struct err *err)
{
	static const char *const types[] = {"gp", "hs-fs", "hs-se"};
	const char *type = yaml_text(job->board->own, "security", NULL);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!type || strcmp(type, types[i]) == 0)
			return 0;
	return yaml_err(yaml_get(job->board->own, "security"), err,
			"'%s' is no security type: gp, hs-fs or hs-se", type);
}

int chain_resolve(struct job *job, struct err *err)
{
	const char *name = yaml_text(job->board->own, "chain", NULL);
	struct dfu_work *work = work_of(job);
	const struct chain_row *row;
	int rc;

	if (!name)
		return unused_files(job, err);
	work->chain = find_chain(name);
	if (!work->chain) {
		yaml_err(yaml_get(job->board->own, "chain"), err, "unknown boot chain '%s'", name);
		return err_remedy(err, "known: ti-k3, ti-am62l");
	}
	rc = check_security(job, err);
	for (row = work->chain->rows; rc == 0 && row->alt; row++)
		rc = read_file(job, row, err);
	if (rc == 0)
		plan_step(job->plan,
			  "send the files of the %s boot chain as the board asks for "
			  "them",
			  work->chain->title);
	return rc;
}

/* Where the board is: the file it asks for, the next ones first. NULL: it asks for none, so that
 * its loader is there. */
static struct chain_file *asked_for(struct dfu_work *work, size_t next)
{
	size_t i;

	if (work->dfu->alt_count > LOADER_ALTS)
		return NULL;
	for (i = 0; i < work->file_count; i++) {
		struct chain_file *file = &work->files[(next + i) % work->file_count];
		const struct dfu_alt *alt = dfu_find(work->dfu, file->row->alt);

		if (alt && text_starts(alt->name, file->row->alt))
			return file;
	}
	return NULL;
}

struct memory {
	struct reader reader;
	const struct buf *bytes;
	size_t done;
};

static int memory_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct memory *memory = container_of(reader, struct memory, reader);
	size_t left = memory->bytes->size - memory->done;

	(void)err;
	*got = left < size ? left : size;
	memcpy(data, memory->bytes->data + memory->done, *got);
	memory->done += *got;
	return 0;
}

static int keep(void *context, const void *data, size_t size, struct err *err)
{
	(void)err;
	buf_add(context, data, size);
	return 0;
}

/* "HSFS" of the ROM, "hs-fs" of people. */
static bool is_type(const char *rom, const char *type)
{
	_cleanup_(freep) char *plain = xasprintf("%.2s%s", type, type[2] ? type + 3 : "");

	return strcasecmp(rom, plain) == 0;
}

static int compare_security(struct job *job, const struct chain_file *file,
			    const struct k3_soc_id *id, struct err *err)
{
	const char *wanted = yaml_text(job->board->own, "security", NULL);
	struct k3_tiboot3 tiboot3;

	if (wanted && !is_type(id->security, wanted)) {
		err_set(err, ERR_BOARD, "the part is %s, the board file says %s", id->security,
			wanted);
		return err_remedy(err,
				  "nothing was sent; use the tiboot3.bin for %s and correct "
				  "'security'",
				  id->security);
	}
	if (k3_tiboot3_parse((const uint8_t *)file->bytes.data, file->bytes.size, &tiboot3, err) <
	    0)
		return -(int)err->kind;
	if (tiboot3.combined && tiboot3.secure == (strcmp(id->security, "GP") == 0))
		events_log(job->events, "warning",
			   "tiboot3.bin looks as if it were for %s parts, this one is %s",
			   tiboot3.secure ? "secure (hs)" : "general purpose (gp)", id->security);
	return 0;
}

/* The ROM tells what it is before it is sent anything. One that has no identity to tell, or does
 * not want to, is taken as it is. */
static int read_identity(struct job *job, const struct chain_file *file, struct deadline deadline,
			 struct err *err)
{
	struct dfu *dfu = work_of(job)->dfu;
	const struct dfu_alt *alt = dfu_find(dfu, SOC_ID);
	_cleanup_(buf_free) struct buf answer = {0};
	struct dfu_sink sink = {keep, &answer};
	struct k3_soc_id id;
	uint64_t got;
	int rc;

	if (!alt)
		return 0;
	rc = dfu_select(dfu, alt, deadline, err);
	if (rc == 0)
		rc = dfu_upload(dfu, K3_SOC_ID_MAX, &sink, &got, deadline, err);
	if (rc == 0)
		rc = k3_soc_id_parse((const uint8_t *)buf_text(&answer), answer.size, &id, err);
	if (rc == -ERR_BOARD) {
		events_log(job->events, "warning", "%s cannot be read: %s", SOC_ID, err->text);
		return 0;
	}
	if (rc < 0)
		return rc;
	events_log(job->events, "info", "the part is %s, %s, ROM %u.%u.%u.%u", id.device,
		   id.security, id.rom[0], id.rom[1], id.rom[2], id.rom[3]);
	job_result(job, "soc", json_text(id.device));
	job_result(job, "security", json_text(id.security));
	return compare_security(job, file, &id, err);
}

/* The loader starts what it was sent: by itself, or when it is told to leave DFU. Which of them do
 * has changed from version to version, so one that stays is told. */
static int go_on(struct job *job, const struct chain_row *row, enum dfu_end end,
		 struct deadline deadline, struct err *err)
{
	int rc = 0;

	if (end == DFU_END_GONE)
		return 0;
	if (end == DFU_END_RESET)
		rc = usb_reset(job->usb, deadline, err);
	else if (!row->detach)
		rc = usb_await_gone(job->usb, deadline_in(deadline, LEAVES_MS), err);
	if (end == DFU_END_IDLE && (row->detach || rc == -ERR_TIMEOUT))
		rc = dfu_detach(work_of(job)->dfu, deadline, err);
	return rc == -ERR_USB ? 0 : rc;
}

static int send_file(struct job *job, struct chain_file *file, struct deadline deadline,
		     struct err *err)
{
	struct dfu *dfu = work_of(job)->dfu;
	struct memory memory = {{.read = memory_read}, &file->bytes, 0};
	enum dfu_end end;
	int rc = 0;

	if (strcmp(file->row->file, "tiboot3") == 0)
		rc = read_identity(job, file, deadline, err);
	if (rc == 0)
		rc = dfu_select(dfu, dfu_find(dfu, file->row->alt), deadline, err);
	if (rc == 0)
		rc = dfu_download(dfu, &memory.reader, NULL, &end, deadline, err);
	if (rc < 0)
		return err_prefix(err, "%s", file->row->alt);
	file->sent++;
	events_log(job->events, "info", "%s is sent%s", file->row->file,
		   file->sent > 1 ? " once more" : "");
	return go_on(job, file->row, end, deadline, err);
}

static int came_too_often(struct job *job, const struct chain_file *file, struct err *err)
{
	const struct dfu_work *work = work_of(job);

	err_set(err, ERR_BOARD, "the board asks for '%s' again after %s was sent%s", file->row->alt,
		file->row->file, file->sent > 1 ? " twice" : "");
	if (file == &work->files[0])
		return err_remedy(err, "%s", work->chain->same);
	return err_remedy(err, "look at the board's console; is %s the right file?",
			  file->row->file);
}

static int explain_lost(struct job *job, const struct chain_file *file, struct err *err)
{
	const struct dfu_work *work = work_of(job);

	err_prefix(err, "after %s", file->row->file);
	if (file == &work->files[0])
		return err_remedy(err, "%s", work->chain->lost);
	if (file == &work->files[work->file_count - 1])
		return err_remedy(err, "U-Boot must offer DFU itself: its 'bootcmd' has to run "
				       "'dfu 0 ...'");
	return err_remedy(err, "look at the board's console");
}

/* The device after a file. After the last one there is nothing to wait for when U-Boot is all that
 * is wanted. */
static int next_loader(struct job *job, const struct chain_file *file, bool *over,
		       struct deadline deadline, struct err *err)
{
	const struct dfu_work *work = work_of(job);
	bool last = file == &work->files[work->file_count - 1] && work->item_count == 0;
	struct deadline wait =
		last ? deadline_in(deadline, SPL_AGAIN_MS) : job_deadline(job, deadline, "return");
	int rc = link_reopen(job, wait, err);

	*over = last && rc == -ERR_TIMEOUT;
	if (*over)
		return 0;
	return rc < 0 ? explain_lost(job, file, err) : 0;
}

int chain_run(struct job *job, struct deadline deadline, struct err *err)
{
	struct dfu_work *work = work_of(job);
	struct chain_file *file;
	bool over = false;
	size_t next = 0, i;
	int rc = link_open(job, deadline, err);

	for (i = 0; i < work->file_count; i++)
		work->files[i].sent = 0;
	while (rc == 0 && !over) {
		file = asked_for(work, next);
		if (!file)
			return 0;
		if (file->sent >= file->row->times)
			return came_too_often(job, file, err);
		rc = send_file(job, file, deadline, err);
		next = (size_t)(file - work->files) + 1;
		if (rc == 0)
			rc = next_loader(job, file, &over, deadline, err);
	}
	return rc;
}
