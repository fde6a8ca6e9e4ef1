// SPDX-License-Identifier: MIT
/* U-Boot's part: stop autoboot, load kernel, initramfs and device tree, prove them in memory, boot
 * them. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"
#include "proto/uboot.h"

/* A name nobody can guess, with the file's own behind it, for the console log. */
static void name_load(struct load *load, const char *file)
{
	const char *base = strrchr(file, '/');
	char token[17];

	random_token(8, token);
	snprintf(load->name, sizeof(load->name), "%s/%.40s", token, base ? base + 1 : file);
}

static int digest_file(struct load *load, struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	_cleanup_(closep) int fd = open(load->path, O_RDONLY | O_CLOEXEC);
	char piece[65536], text[129];
	ssize_t got = -1;

	load->size = 0;
	load->crc = 0;
	while (fd >= 0 && (got = read(fd, piece, sizeof(piece))) > 0) {
		digest_add(digest, piece, (size_t)got);
		load->crc = crc32_add(load->crc, piece, (size_t)got);
		load->size += (uint64_t)got;
	}
	if (got < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", load->path);
	if (load->size == 0)
		return err_set(err, ERR_CONFIG, "%s is empty", load->path);
	digest_text(digest, text);
	memcpy(load->sha256, text, sizeof(load->sha256));
	return 0;
}

static int stage_load(struct uboot *uboot, const char *what, const char *file, const char *address,
		      struct err *err)
{
	struct load *load = &uboot->loads[uboot->load_count];
	int rc;

	if (!file)
		return 0;
	load->what = what;
	load->address = address;
	rc = bundle_path(uboot->bundle, file, &load->path, err);
	if (rc < 0)
		return rc;
	uboot->load_count++;
	name_load(load, file);
	return digest_file(load, err);
}

/* In the order in which U-Boot loads them: a boot command may use ${filesize} of the last one. */
int uboot_stage_files(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	const struct manifest *manifest = uboot->manifest;
	const char *dtb = uboot->variant ? uboot->variant->file : NULL;
	int rc;

	(void)deadline;
	rc = stage_load(uboot, "kernel", manifest->kernel.file, manifest->kernel.address, err);
	if (rc == 0)
		rc = stage_load(uboot, "initramfs", manifest->initram.file,
				manifest->initram.address, err);
	if (rc == 0)
		rc = stage_load(uboot, "device tree", dtb, manifest->dtb_address, err);
	return rc;
}

struct key_name {
	const char *word, *bytes;
};

static const struct key_name key_names[] = {
	{"space", " "},
	{"enter", "\r"},
	{"ctrl-c", "\x03"},
	{"esc", "\x1b"},
};

static const char *key_bytes(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(key_names); i++)
		if (strcmp(key_names[i].word, word) == 0)
			return key_names[i].bytes;
	return word;
}

static const char *prompt_of(struct job *job)
{
	return yaml_text(job->board->own, "prompt", "^=> ?$");
}

static int run_commands(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) const char **commands = yaml_texts(job->board->own, "commands");
	size_t i;
	int rc;

	for (i = 0; commands && commands[i]; i++) {
		rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err, "%s", commands[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int uboot_interrupt(struct job *job, struct deadline deadline, struct err *err)
{
	static const char *const space[] = {" ", NULL};
	_cleanup_(freep) const char **keys = yaml_texts(job->board->own, "interrupt");
	struct console_interrupt how = {
		.prompt = prompt_of(job),
		.keys = keys ? keys : space,
		.every_ms = yaml_duration_ms(job->board->own, "interrupt_every", 100),
	};
	size_t i;
	int rc;

	for (i = 0; keys && keys[i]; i++)
		keys[i] = key_bytes(keys[i]);
	rc = console_interrupt(job->console, &how, deadline, err);
	return rc < 0 ? rc : run_commands(job, deadline, err);
}

/* What U-Boot has in memory against what we have on disk: by crc32, else by hash; a U-Boot with
   neither is trusted with the size alone, and the log says so. */
static int check_memory(struct job *job, const struct load *load, struct deadline deadline,
			struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	char sha256[SHA256_TEXT];
	int status, rc;
	uint32_t crc;

	rc = board_try(job, SHELL_UBOOT, deadline, &output, &status, err, "crc32 %s %" PRIx64,
		       load->address, load->size);
	if (rc < 0)
		return rc;
	if (status == 0 && uboot_crc32(buf_text(&output), &crc))
		return crc == load->crc ? 0
					: err_set(err, ERR_BOARD,
						  "the %s in memory has CRC-32 %08x, the file %08x",
						  load->what, crc, load->crc);
	buf_clear(&output);
	rc = board_try(job, SHELL_UBOOT, deadline, &output, &status, err, "hash sha256 %s %" PRIx64,
		       load->address, load->size);
	if (rc < 0)
		return rc;
	if (status == 0 && uboot_sha256(buf_text(&output), sha256))
		return text_equal(sha256, load->sha256)
			       ? 0
			       : err_set(err, ERR_BOARD,
					 "the %s in memory has SHA-256 %s, the file %s", load->what,
					 sha256, load->sha256);
	events_log(job->events, "warning",
		   "this U-Boot has neither crc32 nor hash: of the %s only the size was checked",
		   load->what);
	return 0;
}

/* What our side saw of a transfer that failed on theirs. */
static int load_err(struct job *job, const struct load *load, struct buf *output, struct err *err)
{
	struct tftp_progress progress = {0};

	tftp_server_progress(uboot_of(job)->tftp, load->name, &progress);
	err_set(err, ERR_BOARD, "U-Boot could not load the %s by TFTP: %s", load->what,
		board_last_line(output));
	if (!progress.begun)
		return err_remedy(
			err,
			"no request for it reached this host: look for a firewall on UDP port %u, "
			"or another TFTP server on the board's network",
			tftp_server_port(uboot_of(job)->tftp));
	return err_remedy(err,
			  "%" PRIu64 " of %" PRIu64 " bytes were acknowledged; see the console log",
			  progress.sent, progress.size);
}

static int load_one(struct job *job, const struct load *load, struct deadline deadline,
		    struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	char host[INET_ADDRSTRLEN];
	uint64_t bytes;
	int status, rc;

	/* The server is named in the command: `serverip` may be something else's (U-Boot's lwIP
	 * prefers tftpserverip). */
	_cleanup_(freep) char *command =
		xasprintf("tftpboot %s %s:%s", load->address, uboot_host_text(uboot_of(job), host),
			  load->name);
	rc = console_run(job->console, SHELL_UBOOT, command, &output, &status, deadline, err);
	if (rc < 0)
		return err_prefix(err, "loading the %s", load->what);
	if (status != 0)
		return load_err(job, load, &output, err);
	if (!uboot_bytes_transferred(buf_text(&output), &bytes) || bytes != load->size)
		return err_set(err, ERR_BOARD, "the %s has %" PRIu64 " bytes, U-Boot says: %s",
			       load->what, load->size, board_last_line(&output));
	return check_memory(job, load, deadline, err);
}

static int set_tftp(struct job *job, struct deadline deadline, struct err *err)
{
	const struct yaml *own = job->board->own;
	uint16_t port = tftp_server_port(uboot_of(job)->tftp);
	int rc;

	rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err,
		       "setenv tftpblocksize %" PRIu64 "; setenv tftpwindowsize %" PRIu64,
		       yaml_uint(own, "tftp_blksize", 1468), yaml_uint(own, "tftp_window", 8));
	if (rc == 0 && port != 69)
		rc = board_cmd(job, SHELL_UBOOT, deadline, NULL, err, "setenv tftpdstp %u", port);
	return rc;
}

int uboot_load(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	uint64_t done = 0, total = 0;
	size_t i;
	int rc;

	for (i = 0; i < uboot->load_count; i++)
		total += uboot->loads[i].size;
	rc = set_tftp(job, deadline, err);
	for (i = 0; rc == 0 && i < uboot->load_count; i++) {
		rc = load_one(job, &uboot->loads[i], deadline, err);
		done += uboot->loads[i].size;
		job_progress(job, done, total);
	}
	return rc;
}

/* Sends the boot command and waits for a sign that it has left U-Boot. When it comes back instead,
   its return code is printed behind a marker. */
static int leave_uboot(struct job *job, const char *bootcmd, struct deadline deadline,
		       struct err *err)
{
	char token[17];
	_cleanup_(freep) char *line = NULL;
	_cleanup_(freep) char *returned = NULL;
	_cleanup_(buf_free) struct buf before = {0};
	size_t which = 0;
	int rc;

	random_token(8, token);
	line = xasprintf("%s; echo \"%.8s\"\"%s\" $?", bootcmd, token, token + 8);
	returned = xasprintf("^%s ", token);
	const char *const patterns[] = {
		returned,     "Starting kernel", "Linux version ",
		"EFI stub: ", "Booting Linux",   uboot_of(job)->manifest->login_prompt};

	rc = console_start(job->console, SHELL_UBOOT, line, deadline, err);
	if (rc == 0)
		rc = console_expect(job->console, patterns, ARRAY_SIZE(patterns), &which, &before,
				    deadline, err);
	if (rc < 0)
		return rc;
	if (which == 0)
		return err_set(err, ERR_BOARD, "the boot command '%.80s' came back: %s", bootcmd,
			       board_last_line(&before));
	return 0;
}

int uboot_boot(struct job *job, struct deadline deadline, struct err *err)
{
	const struct uboot *uboot = uboot_of(job);
	const struct manifest *manifest = uboot->manifest;
	struct console_login login = {
		.login_prompt = manifest->login_prompt,
		.prompt = manifest->prompt,
		.username = manifest->username,
		.password = manifest->password,
	};
	const char *bootcmd = manifest->bootcmd;
	int rc;

	if (uboot->variant && uboot->variant->bootcmd)
		bootcmd = uboot->variant->bootcmd;
	rc = leave_uboot(job, bootcmd, deadline, err);
	return rc < 0 ? rc : console_login(job->console, &login, deadline, err);
}
