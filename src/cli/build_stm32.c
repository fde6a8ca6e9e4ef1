// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build/stm32.h"
#include "cli/build.h"
#include "cli/output.h"

#define PAYLOAD_MAX ((size_t)64 << 20)

static int number(const struct cli *cli, const char *name, uint64_t fallback, uint64_t max,
		  uint64_t *value, struct err *err)
{
	const char *text = args_value(cli->args, name, NULL);

	*value = fallback;
	if (!text || text_u64(text, max, value))
		return 0;
	return err_set(err, ERR_USAGE, "--%s '%s' is no number from 0 to 0x%" PRIx64, name, text,
		       max);
}

static int read_options(const struct cli *cli, struct stm32_header *header, struct err *err)
{
	const char *version = args_value(cli->args, "header", "1.0");
	uint64_t load, entry, type, number_of_version;
	int rc = number(cli, "load", 0, UINT32_MAX, &load, err);

	header->layout = stm32_layout_find(version);
	if (!header->layout) {
		err_set(err, ERR_USAGE, "there is no STM32 header of version '%s'", version);
		return err_remedy(err, "it is 1.0, 2.0, 2.2 or 2.3");
	}
	if (rc == 0)
		rc = number(cli, "entry", load, UINT32_MAX, &entry, err);
	if (rc == 0)
		rc = number(cli, "type", 0, UINT8_MAX, &type, err);
	if (rc == 0)
		rc = number(cli, "version-number", 0, UINT32_MAX, &number_of_version, err);
	if (rc < 0)
		return rc;
	header->load = (uint32_t)load;
	header->entry = (uint32_t)entry;
	header->type = (uint8_t)type;
	header->version_number = (uint32_t)number_of_version;
	return 0;
}

static int check_payload(const struct buf *payload, const char *path, const char *output,
			 struct err *err)
{
	if (path_same(path, output))
		return err_set(err, ERR_USAGE, "%s is the input and the output", path);
	if (!payload->size)
		return err_set(err, ERR_IMAGE, "%s is empty", path);
	if (!stm32_is((const uint8_t *)payload->data, payload->size))
		return 0;
	err_set(err, ERR_IMAGE, "%s has an STM32 header already", path);
	return err_remedy(err, "look at it with: aboard inspect %s", path);
}

static void tell(const struct cli *cli, const char *path, const struct stm32_header *header)
{
	if (cli->json)
		json_print(stdout,
			   json_pack("{s:s,s:s,s:i,s:i}", "path", path, "version",
				     header->layout->name, "header", (int)header->layout->size,
				     "payload", (int)header->length));
	else if (!cli->quiet)
		printf("%s: STM32 header %s for %s, %" PRIu32 " bytes of %s, load 0x%" PRIx32
		       ", entry 0x%" PRIx32 "\n",
		       path, header->layout->name, header->layout->chips, header->length,
		       stm32_type_name(header->type), header->load, header->entry);
}

static void warn(const struct cli *cli, const struct stm32_header *header)
{
	uint32_t most = header->layout->payload_max;

	if (!cli->quiet && most && header->length > most)
		fprintf(stderr,
			"warning: the ROM of %s loads at most %" PRIu32 " bytes as its first "
			"loader\n",
			header->layout->chips, most);
	if (!cli->quiet &&
	    (header->entry < header->load || header->entry - header->load >= header->length))
		fprintf(stderr, "warning: the entry point is not inside the payload\n");
}

static int run(struct cli *cli, struct err *err)
{
	const char *in = args_word(cli->args, 0), *out = args_word(cli->args, 1);
	_cleanup_(buf_free) struct buf payload = {0}, image = {.max = PAYLOAD_MAX + 4096};
	struct stm32_header header = {0};
	uint8_t bytes[STM32_HEADER_MAX];
	int rc = read_options(cli, &header, err);

	if (rc == 0)
		rc = path_read(in, PAYLOAD_MAX, &payload, err);
	if (rc == 0)
		rc = check_payload(&payload, in, out, err);
	if (rc < 0)
		return rc;
	header.length = (uint32_t)payload.size;
	header.checksum = stm32_checksum(0, (const uint8_t *)payload.data, payload.size);
	stm32_make(&header, bytes);
	buf_add(&image, bytes, header.layout->size);
	buf_add(&image, payload.data, payload.size);
	rc = path_write(out, image.data, image.size, 0644, err);
	if (rc < 0)
		return rc;
	warn(cli, &header);
	tell(cli, out, &header);
	return 0;
}

static const struct option options[] = {
	{.name = "header",
	 .argument = "VERSION",
	 .alias = "version",
	 .help = "Version of the header: 1.0 for STM32MP15 (the default), 2.0 for MP13, 2.2 for "
		 "MP23 and MP25, 2.3 for MP21."},
	{.name = "load", .argument = "ADDRESS", .help = "Where the ROM loads the payload."},
	{.name = "entry",
	 .argument = "ADDRESS",
	 .help = "Where it starts; the load address by default."},
	{.name = "type",
	 .argument = "NUMBER",
	 .help = "What it is: 0x00 U-Boot (the default), 0x10 TF-A, 0x20 OP-TEE, 0x30 Cortex-M33."},
	{.name = "version-number",
	 .argument = "NUMBER",
	 .help = "Number against going back to older images; 0 by default."},
	{0},
};

static const struct example examples[] = {
	{"aboard build stm32 --type 0x10 --load 0x2ffc2500 --entry 0x2ffea000 tf-a.bin tf-a.stm32",
	 "Makes the first loader of an STM32MP15."},
	{0},
};

const struct verb verb_build_stm32 = {
	.name = "stm32",
	.summary = "put an STM32 header before a loader",
	.args = "IN OUT",
	.description = "The image is not signed; a signing tool can sign it afterwards. Numbers "
		       "are decimal, or hexadecimal with 0x.",
	.options = options,
	.examples = examples,
	.run = run,
};
