// SPDX-License-Identifier: MIT
#include "engine/board.h"

static const struct key serial_keys[] = {
	{"url", KEY_TEXT, true, NULL,
	 "address of the console: /dev/ttyUSB0, socket://HOST:PORT, ...", NULL},
	{"baud", KEY_UINT, false, "115200", "speed of a serial port", NULL},
	{0},
};

static const struct key network_keys[] = {
	{"mode", KEY_TEXT, false, "dhcp", "how the board gets its address: dhcp or static", NULL},
	{"address", KEY_TEXT, false, NULL, "IPv4 address of the board, with static", NULL},
	{"netmask", KEY_TEXT, false, NULL, "its netmask, with static", NULL},
	{"gateway", KEY_TEXT, false, NULL, "its gateway, with static", NULL},
	{"host_address", KEY_TEXT, false, NULL,
	 "IPv4 address under which the board reaches this machine; worked out when missing", NULL},
	{"interface", KEY_TEXT, false, NULL,
	 "network interface of this machine that the board is on; worked out when missing", NULL},
	{"tftp_port", KEY_UINT, false, "69", "port of the TFTP server; 0: a free one", NULL},
	{"http_port", KEY_UINT, false, "0", "port of the HTTP server; 0: a free one", NULL},
	{"linux_interface", KEY_TEXT, false, NULL,
	 "the board's own interface in the flasher's Linux; the one with a link when missing",
	 NULL},
	{0},
};

static const struct key usb_keys[] = {
	{"path", KEY_TEXT, false, NULL,
	 "the port it is plugged into: usb:1-2.3, or usbip://HOST[:PORT]/BUSID of another machine",
	 NULL},
	{"serial", KEY_TEXT, false, NULL, "its serial number, wherever it is plugged in", NULL},
	{"id", KEY_TEXT, false, NULL, "vendor and product: VID:PID in hexadecimal", NULL},
	{"trace", KEY_TEXT, false, NULL, "file for a log of every transfer", NULL},
	{0},
};

static const struct key bundle_keys[] = {
	{"ref", KEY_TEXT, true, NULL, "a folder, or an OCI reference", NULL},
	{"manifest", KEY_TEXT, false, "manifest.yaml", "name of the manifest in the bundle", NULL},
	{"variant", KEY_TEXT, false, NULL, "DTB variant of the manifest", NULL},
	{0},
};

const struct key board_keys[] = {
	{"name", KEY_TEXT, true, NULL, "name of the board: a-z, 0-9, '.', '_', '-'", NULL},
	{"description", KEY_TEXT, false, NULL, "one line for people", NULL},
	{"labels", KEY_TEXT_MAP, false, NULL, "free names and texts, to choose boards by", NULL},
	{"driver", KEY_TEXT, true, NULL, "way into the board", NULL},
	{"serial", KEY_MAP, false, NULL, "its console; a text is the same as {url: TEXT}",
	 serial_keys},
	{"usb", KEY_MAP, false, NULL, "its USB device; a text is the same as {path: TEXT}",
	 usb_keys},
	{"power", KEY_MAP, false, NULL, "how its power is switched; 'type' chooses the way", NULL},
	{"network", KEY_MAP, false, NULL, "how it is reached over the network", network_keys},
	{"bundle", KEY_MAP, false, NULL,
	 "what is loaded to take control of it; a text is the same as {ref: TEXT}", bundle_keys},
	{"default_target", KEY_TEXT, false, NULL, "target that is written when none is named",
	 NULL},
	{"targets", KEY_TEXT_MAP, false, NULL, "targets and their selectors, over the bundle's",
	 NULL},
	{"timeouts", KEY_MAP, false, NULL, "deadlines and waits by name, over the driver's", NULL},
	{"secrets", KEY_MAP, false, NULL,
	 "names of secrets and where they are: {env: VARIABLE} or {file: PATH}", NULL},
	{0},
};
