// SPDX-License-Identifier: MIT
/* The server's input, and the models behind it. The first byte chooses the model; with its high bit
   set the rest is what a client sends, otherwise it is requests to an imported device: endpoint, 8
   bytes of setup, a length, data. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/usbip_wire.h"
#include "sim/models.h"
#include "sim/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim_device *make(unsigned int kind)
{
	static const char *const media[] = {"mmc0=:1M", "mmc1=:1M", "nor0=:1M", NULL};
	static const char *const emmc[] = {"mmc1=:1M", NULL};
	const struct sim_settings common = {.number = 1};
	const struct dfu_settings dfu = {.transfer_size = 64, .uboot = kind % 2};
	const struct stm_settings stm = {.chip = kind % 2 ? "mp15" : "mp25",
					 .media = media,
					 .dfu_buffer = 4096,
					 .fastboot_buffer = 65536};
	const struct fastboot_settings fastboot = {.media = media, .mmc = 1, .buffer = 65536};
	const struct k3_settings k3 = {.soc = "am62x", .type = "gp", .media = emmc};
	const struct ums_settings ums = {.media = media};
	struct sim_device *device = NULL;
	struct err err;
	int rc;

	if (kind < 2)
		rc = dfu_model_new(&device, &common, &dfu, &err);
	else if (kind < 4)
		rc = stm_model_new(&device, &common, &stm, &err);
	else if (kind < 6)
		rc = fastboot_model_new(&device, &common, &fastboot, &err);
	else if (kind < 7)
		rc = k3_model_new(&device, &common, &k3, &err);
	else
		rc = ums_model_new(&device, &common, &ums, &err);
	if (rc < 0)
		abort();
	return device;
}

static void import(struct session *session)
{
	uint8_t request[USBIP_OP_SIZE + USBIP_BUSID] = {0};

	usbip_put_op(request, &(struct usbip_op){USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0});
	memcpy(request + USBIP_OP_SIZE, "1-1", 3);
	session_take(session, request, sizeof(request), 0);
}

/* One request from the input; bytes taken. */
static size_t submit(struct session *session, const uint8_t *data, size_t size, uint32_t sequence,
		     int64_t now_us)
{
	struct usbip_header header = {
		.command = USBIP_CMD_SUBMIT,
		.sequence = sequence,
		.devid = (uint32_t)1 << 16 | session->address,
		.endpoint = data[0] & 0x0f,
		.in = data[0] & USB_IN,
		.length = data[9],
	};
	uint8_t bytes[USBIP_HEADER_SIZE + 256];
	size_t length = size - 10 < data[9] ? size - 10 : data[9];

	memcpy(header.setup, data + 1, 8);
	put_le16(header.setup + 6, data[9]);
	usbip_put_header(bytes, &header);
	memset(bytes + USBIP_HEADER_SIZE, 0, 256);
	memcpy(bytes + USBIP_HEADER_SIZE, data + 10, length);
	session_take(session, bytes, USBIP_HEADER_SIZE + (header.in ? 0 : header.length), now_us);
	return 10 + (header.in ? 0 : length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_bus bus = {0};
	struct session session;
	uint32_t sequence = 1;
	int64_t now_us = 0;

	if (!size)
		return 0;
	sim_bus_add(&bus, make(data[0] & 7), now_us);
	session_begin(&session, &bus);
	if (data[0] & 0x80)
		session_take(&session, data + 1, size - 1, now_us);
	else
		import(&session);
	for (data++, size--; session.port && size > 10; now_us += 1000000) {
		size_t step = submit(&session, data, size, sequence++, now_us);

		data += step;
		size -= step;
		buf_clear(&session.out);
		sim_port_tick(&bus.ports[0], now_us);
		if (!session.port && bus.ports[0].present) {
			session_end(&session, now_us);
			session_begin(&session, &bus);
			import(&session);
		}
	}
	session_end(&session, now_us);
	sim_bus_free(&bus);
	return 0;
}
