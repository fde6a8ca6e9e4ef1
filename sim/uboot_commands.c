// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/gpt.h"
#include "sim/uboot.h"

#define USAGE (-1)

static uint64_t hex(const char *text)
{
	return strtoull(text, NULL, 16);
}

/* Words from `from` on with blanks between; the caller's. */
static char *join(int argc, char **argv, int from)
{
	_cleanup_(buf_free) struct buf text = {0};
	int i;

	for (i = from; i < argc; i++)
		buf_addf(&text, "%s%s", i > from ? " " : "", argv[i]);
	buf_add_text(&text, "");
	return buf_steal(&text);
}

static int run_echo(struct uboot *uboot, int argc, char **argv)
{
	_cleanup_(freep) char *text = join(argc, argv, 1);

	uboot_print(uboot, "%s\n", text);
	return 0;
}

static int run_setenv(struct uboot *uboot, int argc, char **argv)
{
	_cleanup_(freep) char *value = NULL;

	if (argc < 2)
		return USAGE;
	value = argc > 2 ? join(argc, argv, 2) : NULL;
	env_set(uboot->env, argv[1], value);
	return 0;
}

static int run_env(struct uboot *uboot, int argc, char **argv)
{
	if (argc > 2 && text_equal(argv[1], "set"))
		return run_setenv(uboot, argc - 1, argv + 1);
	if (argc > 2 && text_equal(argv[1], "delete")) {
		env_set(uboot->env, argv[2], NULL);
		return 0;
	}
	return USAGE;
}

static int run_true(struct uboot *uboot, int argc, char **argv)
{
	(void)uboot;
	(void)argc;
	(void)argv;
	return 0;
}

static int run_false(struct uboot *uboot, int argc, char **argv)
{
	(void)uboot;
	(void)argc;
	(void)argv;
	return 1;
}

static int run_exit(struct uboot *uboot, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	uboot->stop = UBOOT_ENDED;
	return 0;
}

static int run_reset(struct uboot *uboot, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	uboot->stop = UBOOT_RESET;
	return 0;
}

/* The comparisons of `test`: texts, and decimal numbers. */
static int run_test(struct uboot *uboot, int argc, char **argv)
{
	long long a, b;

	(void)uboot;
	if (argc == 3 && text_equal(argv[1], "-n"))
		return !argv[2][0];
	if (argc == 3 && text_equal(argv[1], "-z"))
		return !!argv[2][0];
	if (argc != 4)
		return 1;
	if (text_equal(argv[2], "="))
		return !text_equal(argv[1], argv[3]);
	if (text_equal(argv[2], "!="))
		return text_equal(argv[1], argv[3]);
	a = strtoll(argv[1], NULL, 0);
	b = strtoll(argv[3], NULL, 0);
	if (text_equal(argv[2], "-eq"))
		return a != b;
	if (text_equal(argv[2], "-ne"))
		return a == b;
	if (text_equal(argv[2], "-lt"))
		return a >= b;
	return text_equal(argv[2], "-gt") ? a <= b : 1;
}

static int run_fastboot(struct uboot *uboot, int argc, char **argv)
{
	if (argc < 3 || !text_equal(argv[argc - 2], "usb"))
		return USAGE;
	uboot->stop = UBOOT_FASTBOOT;
	return 0;
}

/* "ums CONTROLLER [mmc] N[.hwpart]" */
static int run_ums(struct uboot *uboot, int argc, char **argv)
{
	const char *text = argc > 2 ? argv[argc - 1] : "";
	unsigned long number, hwpart = 0;
	struct media *media;
	char *end;

	if (argc < 3 || argc > 4 || (argc == 4 && !text_equal(argv[2], "mmc")))
		return USAGE;
	number = strtoul(text, &end, 16);
	if (*end == '.')
		hwpart = strtoul(end + 1, &end, 16);
	media = media_mmc(uboot->media, (unsigned int)number);
	uboot->disk = media && !*end ? media_part(media, (unsigned int)hwpart) : NULL;
	if (!uboot->disk)
		return 1;
	uboot->stop = UBOOT_UMS;
	return 0;
}

static int mmc_dev(struct uboot *uboot, int argc, char **argv)
{
	unsigned int number = argc > 0 ? (unsigned int)hex(argv[0]) : uboot->mmc;
	unsigned int hwpart = argc > 1 ? (unsigned int)hex(argv[1]) : 0;
	struct media *media = media_mmc(uboot->media, number);

	if (!media) {
		uboot_print(uboot, "MMC Device %u not found\nno mmc device at slot %x\n", number,
			    number);
		return 1;
	}
	if (!media_part(media, hwpart)) {
		uboot_print(uboot, "switch to partitions #%u, ERROR\n", hwpart);
		return 1;
	}
	uboot->mmc = number;
	uboot->hwpart = hwpart;
	uboot_print(uboot, "switch to partitions #%u, OK\nmmc%u is current device\n", hwpart,
		    number);
	return 0;
}

static struct medium *current(struct uboot *uboot)
{
	struct media *media = media_mmc(uboot->media, uboot->mmc);

	return media ? media_part(media, uboot->hwpart) : NULL;
}

static int mmc_move(struct uboot *uboot, char **argv, bool reads)
{
	uint64_t at = hex(argv[1]) * GPT_BLOCK, size = hex(argv[2]) * GPT_BLOCK;
	uint8_t *memory = uboot_memory(uboot, hex(argv[0]), size);
	struct medium *medium = current(uboot);
	bool good = memory && medium &&
		    (reads ? medium_read(medium, at, memory, (size_t)size)
			   : medium_write(medium, at, memory, (size_t)size));

	uboot_print(uboot,
		    "\nMMC %s: dev # %u, block # %" PRIu64 ", count %" PRIu64 " ... %" PRIu64
		    " blocks %s: %s\n",
		    reads ? "read" : "write", uboot->mmc, at / GPT_BLOCK, size / GPT_BLOCK,
		    good ? size / GPT_BLOCK : 0, reads ? "read" : "written", good ? "OK" : "ERROR");
	return !good;
}

static int mmc_read(struct uboot *uboot, int argc, char **argv)
{
	return argc == 3 ? mmc_move(uboot, argv, true) : USAGE;
}

static int mmc_write(struct uboot *uboot, int argc, char **argv)
{
	return argc == 3 ? mmc_move(uboot, argv, false) : USAGE;
}

/* Whole erase groups: U-Boot's driver takes the group of the first block to that of the last one,
   with a warning when more is erased than was asked for. */
static int mmc_erase(struct uboot *uboot, int argc, char **argv)
{
	struct media *media = media_mmc(uboot->media, uboot->mmc);
	struct medium *medium = current(uboot);
	uint64_t at, size, group;
	bool good;

	if (argc != 2)
		return USAGE;
	at = hex(argv[0]) * GPT_BLOCK;
	size = hex(argv[1]) * GPT_BLOCK;
	group = media && media->is_emmc ? media->erase_size : GPT_BLOCK;
	size = (at + size + group - 1) / group * group;
	at = at / group * group;
	good = medium && medium_erase(medium, at, size - at, 0);
	uboot_print(uboot, "\nMMC erase: dev # %u, block # %" PRIu64 " ... blocks erased: %s\n",
		    uboot->mmc, at / GPT_BLOCK, good ? "OK" : "ERROR");
	return !good;
}

static int mmc_partconf(struct uboot *uboot, int argc, char **argv)
{
	struct media *media =
		argc == 4 ? media_mmc(uboot->media, (unsigned int)hex(argv[0])) : NULL;

	if (!media || !media->is_emmc)
		return 1;
	media->boot_ack = hex(argv[1]) != 0;
	media->boot_part = (uint8_t)hex(argv[2]);
	return 0;
}

static int mmc_nothing(struct uboot *uboot, int argc, char **argv)
{
	(void)uboot;
	(void)argc;
	(void)argv;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct uboot *uboot, int argc, char **argv); /* argv[0]: behind the name */
} mmc_commands[] = {
	{"dev", mmc_dev},        {"read", mmc_read},         {"write", mmc_write},
	{"erase", mmc_erase},    {"partconf", mmc_partconf}, {"bootbus", mmc_nothing},
	{"rescan", mmc_nothing},
};

static int run_mmc(struct uboot *uboot, int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(mmc_commands); i++)
		if (text_equal(argv[1], mmc_commands[i].name))
			return mmc_commands[i].run(uboot, argc - 2, argv + 2);
	return USAGE;
}

/* A result goes to a variable, as text, or to memory: the digest's bytes. A U-Boot with one
   algorithm only (no hash command) stores the CRC-32 as a number of its own byte order instead. */
static int store(struct uboot *uboot, const char *where, const uint8_t *digest, size_t size,
		 bool may_be_variable)
{
	char text[2 * SHA256_SIZE + 1];
	uint8_t *memory;

	if (where[0] == '*' && may_be_variable) {
		text_of_bytes(digest, size, text);
		env_set(uboot->env, where + 1, text);
		return 0;
	}
	memory = uboot_memory(uboot, hex(where), size);
	if (!memory)
		return 1;
	memcpy(memory, digest, size);
	if (uboot->no_hash)
		put_le32(memory, be32(digest));
	return 0;
}

static int digest_of(struct uboot *uboot, const char *name, char **argv, bool may_be_variable)
{
	uint64_t address = hex(argv[0]), size = hex(argv[1]);
	const uint8_t *memory = uboot_memory(uboot, address, size);
	bool crc = text_equal(name, "crc32");
	uint8_t digest[SHA256_SIZE];
	char text[SHA256_TEXT];

	if (!memory)
		return 1;
	if (crc) {
		put_be32(digest, crc32_add(0, memory, (size_t)size));
	} else {
		sha256_text(memory, (size_t)size, text);
		text_bytes(text, digest, SHA256_SIZE);
	}
	text_of_bytes(digest, crc ? 4 : SHA256_SIZE, text);
	uboot_print(uboot, "%s for %08" PRIx64 " ... %08" PRIx64 " ==> %s\n", name, address,
		    address + size - 1, text);
	return argv[2] ? store(uboot, argv[2], digest, crc ? 4 : SHA256_SIZE, may_be_variable) : 0;
}

static int run_crc32(struct uboot *uboot, int argc, char **argv)
{
	return argc == 3 || argc == 4 ? digest_of(uboot, "crc32", argv + 1, false) : USAGE;
}

static int run_hash(struct uboot *uboot, int argc, char **argv)
{
	if (argc < 4 || argc > 5)
		return USAGE;
	if (!text_equal(argv[1], "crc32") && !text_equal(argv[1], "sha256")) {
		uboot_print(uboot, "Unknown hash algorithm '%s'\n", argv[1]);
		return USAGE;
	}
	return digest_of(uboot, argv[1], argv + 2, true);
}

/* A number, or with "*" the word of 32 bits in memory. */
static bool operand(struct uboot *uboot, const char *text, uint64_t *value)
{
	const uint8_t *memory;

	if (text[0] != '*') {
		*value = hex(text);
		return true;
	}
	memory = uboot_memory(uboot, hex(text + 1), 4);
	if (memory)
		*value = le32(memory);
	return memory != NULL;
}

static bool compute(char operation, uint64_t a, uint64_t b, uint64_t *out)
{
	if ((operation == '/' || operation == '%') && !b)
		return false;
	switch (operation) {
	case '+':
		*out = a + b;
		return true;
	case '-':
		*out = a - b;
		return true;
	case '*':
		*out = a * b;
		return true;
	case '/':
		*out = a / b;
		return true;
	case '%':
		*out = a % b;
		return true;
	case '&':
		*out = a & b;
		return true;
	case '|':
		*out = a | b;
		return true;
	case '^':
		*out = a ^ b;
		return true;
	default:
		return false;
	}
}

static int run_setexpr(struct uboot *uboot, int argc, char **argv)
{
	uint64_t a, b;
	char text[24];

	if ((argc != 3 && argc != 5) || !operand(uboot, argv[2], &a))
		return argc == 3 || argc == 5 ? 1 : USAGE;
	if (argc == 5 && (!operand(uboot, argv[4], &b) || !compute(argv[3][0], a, b, &a)))
		return 1;
	snprintf(text, sizeof(text), "%" PRIx64, a);
	env_set(uboot->env, argv[1], text);
	return 0;
}

/* Fills memory with words of 32 bits. */
static int run_mw(struct uboot *uboot, int argc, char **argv)
{
	uint64_t count = argc == 4 ? hex(argv[3]) : 1, i;
	uint8_t *memory;

	if (argc != 3 && argc != 4)
		return USAGE;
	if (count > UINT32_MAX)
		return 1;
	memory = uboot_memory(uboot, hex(argv[1]), 4 * count);
	for (i = 0; memory && i < count; i++)
		put_le32(memory + 4 * i, (uint32_t)hex(argv[2]));
	return !memory;
}

static int run_gpt(struct uboot *uboot, int argc, char **argv)
{
	struct media *media;
	bool good;

	if (argc != 5 || !text_equal(argv[1], "write") || !text_equal(argv[2], "mmc"))
		return USAGE;
	media = media_mmc(uboot->media, (unsigned int)hex(argv[3]));
	good = media && gpt_write_text(&media->user, argv[4]);
	uboot_print(uboot, "Writing GPT: %s\n", good ? "success!" : "error!");
	return !good;
}

/* part start|size mmc DEVICE NAME [VARIABLE]: in blocks. */
static int run_part(struct uboot *uboot, int argc, char **argv)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	struct media *media;
	char text[24];
	size_t count, i;

	if (argc < 5 || (!text_equal(argv[1], "start") && !text_equal(argv[1], "size")))
		return USAGE;
	media = text_equal(argv[2], "mmc") ? media_mmc(uboot->media, (unsigned int)hex(argv[3]))
					   : NULL;
	count = media ? gpt_read(&media->user, parts) : 0;
	for (i = 0; i < count; i++) {
		if (!parts[i].size || !text_equal(parts[i].name, argv[4]))
			continue;
		snprintf(text, sizeof(text), "%" PRIx64,
			 (text_equal(argv[1], "start") ? parts[i].start : parts[i].size) /
				 GPT_BLOCK);
		if (argc > 5)
			env_set(uboot->env, argv[5], text);
		uboot_print(uboot, "%s\n", text);
		return 0;
	}
	return 1;
}

static bool has_crc32(const struct uboot *uboot)
{
	return !uboot->no_crc32;
}

static bool has_hash(const struct uboot *uboot)
{
	return !uboot->no_hash;
}

static bool has_fastboot(const struct uboot *uboot)
{
	return !uboot->no_fastboot;
}

static bool has_ums(const struct uboot *uboot)
{
	return !uboot->no_ums;
}

static const struct uboot_command commands[] = {
	{"echo", run_echo, NULL},       {"setenv", run_setenv, NULL},
	{"env", run_env, NULL},         {"true", run_true, NULL},
	{"false", run_false, NULL},     {"exit", run_exit, NULL},
	{"reset", run_reset, NULL},     {"test", run_test, NULL},
	{"mmc", run_mmc, NULL},         {"gpt", run_gpt, NULL},
	{"mw", run_mw, NULL},           {"part", run_part, NULL},
	{"setexpr", run_setexpr, NULL}, {"crc32", run_crc32, has_crc32},
	{"hash", run_hash, has_hash},   {"fastboot", run_fastboot, has_fastboot},
	{"ums", run_ums, has_ums},
};

const struct uboot_command *uboot_find(const struct uboot *uboot, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (text_equal(commands[i].name, name))
			return commands[i].built && !commands[i].built(uboot) ? NULL : &commands[i];
	return NULL;
}
