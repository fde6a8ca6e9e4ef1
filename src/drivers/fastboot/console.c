// SPDX-License-Identifier: MIT
/* U-Boot's own commands, run by fastboot where it was built with them: it reads the medium into its
   memory and counts a CRC-32 there. What a command has to tell comes back as a variable: getvar
   looks for fastboot.NAME in the environment first (drivers/fastboot/fb_getvar.c). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "drivers/fastboot/board.h"

#define VARIABLE   "x" /* getvar:x, fastboot.x */
#define BLOCK_SIZE 512
#define DATA_AT    0x1000 /* behind the place of the CRC */
#define GPT_NAME   36

static const char *prefix_of(enum fb_way way)
{
	return way == FB_WAY_UCMD ? "UCmd:" : "oem run:";
}

static int run(struct job *job, enum fb_way way, struct deadline deadline, struct err *err,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

static int run(struct job *job, enum fb_way way, struct deadline deadline, struct err *err,
	       const char *format, ...)
{
	char line[2 * FASTBOOT_COMMAND];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return fastboot_command(&fb_of(job)->device, NULL, job_deadline(job, deadline, "command"),
				err, "%s%s", prefix_of(way), line);
}

/* What is in the variable now. */
static int read_variable(struct job *job, char value[FASTBOOT_ANSWER], struct deadline deadline,
			 struct err *err)
{
	bool known;
	int rc = fastboot_getvar(&fb_of(job)->device, VARIABLE, value, &known,
				 job_deadline(job, deadline, "command"), err);

	if (rc == 0 && !known)
		rc = err_set(err, ERR_BOARD,
			     "the loader does not show variables of its "
			     "environment");
	return rc;
}

static int read_hex(struct job *job, uint64_t *value, struct deadline deadline, struct err *err)
{
	char text[FASTBOOT_ANSWER];
	int rc = read_variable(job, text, deadline, err);

	if (rc == 0 && !text_hex(text, value))
		rc = err_set(err, ERR_BOARD, "the loader answers '%s', which is no number", text);
	return rc;
}

int fb_console_probe(struct job *job, enum fb_way way, bool *works, struct deadline deadline,
		     struct err *err)
{
	const char *memory = yaml_text(job->board->own, "memory", "$loadaddr");
	struct fb *fb = fb_of(job);
	int rc = run(job, way, deadline, err, "setenv fastboot." VARIABLE " %s", memory);

	if (rc == 0)
		rc = read_hex(job, &fb->memory, deadline, err);
	if (rc == 0 && (fb->memory == 0 || fb->memory % BLOCK_SIZE))
		rc = err_set(err, ERR_BOARD, "'memory: %s' is no address to read to", memory);
	*works = rc == 0;
	if (rc != -ERR_BOARD)
		return rc;
	snprintf(fb->why_not, sizeof(fb->why_not), "%.200s", err->text);
	return 0;
}

/* Names that mean a place whatever is on the medium (drivers/fastboot/fb_mmc.c): a device, its
   hardware boot partitions, and the partition tables at its start. */
static bool is_hardware(const char *name, unsigned int *mmc, unsigned int *hwpart)
{
	if (strcmp(name, "gpt") == 0 || strcmp(name, "mbr") == 0)
		return true;
	if (!text_starts(name, "mmc") || name[3] < '0' || name[3] > '9')
		return false;
	*mmc = (unsigned int)(name[3] - '0');
	if (name[4] == '\0')
		return true;
	if (!text_starts(name + 4, "boot") || (name[8] != '0' && name[8] != '1'))
		return false;
	*hwpart = (unsigned int)(name[8] - '0') + 1;
	return name[9] == '\0';
}

/* "1", "1.2" at the start of U-Boot's own form of a partition; returns what is behind it. */
static const char *device_part(const char *name, unsigned int *mmc, unsigned int *hwpart)
{
	if (name[0] < '0' || name[0] > '9')
		return NULL;
	*mmc = (unsigned int)(name[0] - '0');
	*hwpart = 0;
	name++;
	if (name[0] == '.' && name[1] >= '0' && name[1] <= '7') {
		*hwpart = (unsigned int)(name[1] - '0');
		name += 2;
	}
	return name[0] == ':' || name[0] == '#' ? name : NULL;
}

static int start_of_partition(struct job *job, struct fb_item *item, const char *part,
			      struct deadline deadline, struct err *err)
{
	int rc = run(job, fb_of(job)->way, deadline, err,
		     "part start mmc %u %.*s fastboot." VARIABLE, item->mmc, GPT_NAME, part);

	return rc == 0 ? read_hex(job, &item->start, deadline, err) : rc;
}

int fb_console_find(struct job *job, struct fb_item *item, struct deadline deadline,
		    struct err *err)
{
	const char *name = item->partition, *part;
	int rc;

	item->start = 0;
	item->hwpart = 0;
	item->mmc = (unsigned int)yaml_uint(job->board->own, "mmc", 0);
	if (is_hardware(name, &item->mmc, &item->hwpart))
		part = NULL;
	else if ((part = device_part(name, &item->mmc, &item->hwpart)))
		part = strcmp(part, ":0") == 0 ? NULL : part + 1;
	else
		part = name;
	rc = run(job, fb_of(job)->way, deadline, err, "mmc dev %u %u", item->mmc, item->hwpart);
	if (rc == 0 && part)
		rc = start_of_partition(job, item, part, deadline, err);
	return rc < 0 ? err_prefix(err, "finding '%s'", name) : 0;
}

static uint32_t swapped(uint32_t value)
{
	uint8_t bytes[4];

	put_le32(bytes, value);
	return be32(bytes);
}

/* U-Boot stores the CRC big-endian, older versions in the processor's own order; it is read as a
   number. So both orders are looked for, of which only one can be meant. */
int fb_console_crc(struct job *job, const struct fb_item *item, const struct sparse_range *range,
		   uint32_t *crc, struct deadline deadline, struct err *err)
{
	const struct fb *fb = fb_of(job);
	uint64_t blocks = (range->length + BLOCK_SIZE - 1) / BLOCK_SIZE, value = 0;
	uint64_t data = fb->memory + DATA_AT;
	int rc;

	rc = run(job, fb->way, deadline, err, "mmc read %" PRIx64 " %" PRIx64 " %" PRIx64, data,
		 item->start + range->offset / BLOCK_SIZE, blocks);
	if (rc == 0)
		rc = run(job, fb->way, deadline, err, "crc32 %" PRIx64 " %" PRIx64 " %" PRIx64,
			 data, range->length, fb->memory);
	if (rc == 0)
		rc = run(job, fb->way, deadline, err, "setexpr fastboot." VARIABLE " *%" PRIx64,
			 fb->memory);
	if (rc == 0)
		rc = read_hex(job, &value, deadline, err);
	if (rc < 0)
		return rc;
	*crc = (uint32_t)value == swapped(range->crc) ? range->crc : (uint32_t)value;
	return 0;
}

int fb_console_end(struct job *job, const struct fb_item *item, struct deadline deadline,
		   struct err *err)
{
	enum fb_way way = fb_of(job)->way;
	int rc = 0;

	if (item->hwpart)
		rc = run(job, way, deadline, err, "mmc dev %u", item->mmc);
	return rc == 0 ? run(job, way, deadline, err, "setenv fastboot." VARIABLE) : rc;
}
