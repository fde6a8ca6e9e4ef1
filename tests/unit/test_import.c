// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engine/board.h"
#include "engine/driver.h"
#include "engine/import_jumpstarter.h"
#include "power/power.h"

/* What stands in for the driver: the import writes none of its own keys. */
static const struct key no_keys[] = {{0}};
static const struct driver uboot = {.name = "uboot", .summary = "U-Boot", .keys = no_keys};
static const struct driver *const drivers[] = {&uboot, NULL};

struct exporter {
	const char *name, *text;
	const char *board;     /* exactly */
	const char *notes[12]; /* exactly, in this order; without "e.yaml:" */
};

static const struct exporter exporters[] = {
	{
		"TI, as in the field",
		"apiVersion: jumpstarter.dev/v1alpha1\n"
		"kind: ExporterConfig\n"
		"metadata: {namespace: default, name: TI_03, labels: {board: j784s4xevm}}\n"
		"description: \"rack 4: upper\"\n"
		"endpoint: grpc.example.com:443\n"
		"token: controller-token\n"
		"export:\n"
		"  storage:\n"
		"    type: \"jumpstarter_driver_flashers.driver.TIJ784S4Flasher\"\n"
		"    config:\n"
		"      # cacert: /etc/x\n"
		"    children:\n"
		"      serial:\n"
		"        ref: \"serial\"\n"
		"      power:\n"
		"        ref: \"power\"\n"
		"  serial:\n"
		"    type: \"jumpstarter_driver_pyserial.driver.PySerial\"\n"
		"    config:\n"
		"      url: \"/dev/serial/by-id/usb-FTDI_USB__-__A-if00-port0\"\n"
		"      baudrate: 115200\n"
		"      check_present: false\n"
		"  power:\n"
		"    type: jumpstarter_driver_yepkit.driver.Ykush\n"
		"    config: {serial: YK112233, port: \"1\"}\n",
		"# From the Jumpstarter exporter e.yaml.\n"
		"name: ti_03\n"
		"description: \"rack 4: upper\"\n"
		"labels:\n"
		"  board: j784s4xevm\n"
		"driver: uboot\n"
		"serial:\n"
		"  url: /dev/serial/by-id/usb-FTDI_USB__-__A-if00-port0\n"
		"  baud: 115200\n"
		"power:\n"
		"  type: manual\n"
		"bundle:\n"
		"  ref: quay.io/jumpstarter-dev/jumpstarter-flasher-ti-j784s4:latest\n",
		{"5: 'endpoint' was left out: no controller is needed here",
		 "6: 'token' was left out: no controller is needed here",
		 "9: the bundle is the default of TIJ784S4Flasher: "
		 "quay.io/jumpstarter-dev/jumpstarter-flasher-ti-j784s4:latest",
		 "24: the power driver jumpstarter_driver_yepkit.driver.Ykush has no counterpart "
		 "here; 'manual' stands in: see if 'command' can do it"},
	},
	{
		"R-Car by SNMP v3, in a group, all fields",
		"metadata: {name: rcar}\n"
		"export:\n"
		"  dut:\n"
		"    children:\n"
		"      flash:\n"
		"        type: jumpstarter_driver_flashers.driver.RCarS4Flasher\n"
		"        config:\n"
		"          flasher_bundle: registry.lab/flasher:1\n"
		"          manifest: s4.yaml\n"
		"          variant: spider\n"
		"          default_target: emmc\n"
		"          cache_dir: /srv/a\n"
		"          tftp_dir: /srv/b\n"
		"          http_dir: /srv/c\n"
		"          cacert: /srv/d\n"
		"        children:\n"
		"          serial: {ref: dut.console}\n"
		"          power: {ref: dut.pdu}\n"
		"          tftp: {type: jumpstarter_driver_tftp.driver.Tftp, config: {host: "
		"10.0.0.1, port: 6969}}\n"
		"          http: {type: jumpstarter_driver_http.driver.HttpServer, config: {port: "
		"8081}}\n"
		"      console:\n"
		"        type: jumpstarter_driver_pyserial.driver.PySerial\n"
		"        config: {url: 'rfc2217://h:2217?ign_set_control', cps: 10}\n"
		"      pdu:\n"
		"        type: jumpstarter_driver_snmp.driver.SNMPServer\n"
		"        config: {host: pdu, user: lab, plug: 32, auth_protocol: SHA,\n"
		"          auth_key: hunter22-auth,\n"
		"          priv_protocol: AES, priv_key: hunter22-priv}\n",
		"# From the Jumpstarter exporter e.yaml.\n"
		"name: rcar\n"
		"driver: uboot\n"
		"serial:\n"
		"  url: rfc2217://h:2217\n"
		"power:\n"
		"  type: snmp\n"
		"  host: pdu\n"
		"  user: lab\n"
		"  preset: raritan-px2\n"
		"  outlet: 32\n"
		"  auth_protocol: SHA\n"
		"  auth_key: power_auth_key\n"
		"  priv_protocol: AES\n"
		"  priv_key: power_priv_key\n"
		"network:\n"
		"  host_address: 10.0.0.1\n"
		"  tftp_port: 6969\n"
		"  http_port: 8081\n"
		"bundle:\n"
		"  ref: registry.lab/flasher:1\n"
		"  manifest: s4.yaml\n"
		"  variant: spider\n"
		"default_target: emmc\n"
		"secrets:\n"
		"  power_auth_key: {env: RCAR_POWER_AUTH_KEY}\n"
		"  power_priv_key: {env: RCAR_POWER_PRIV_KEY}\n",
		{"12: 'cache_dir' was left out", "13: 'tftp_dir' was left out",
		 "14: 'http_dir' was left out",
		 "15: 'cacert' was left out: give it when flashing: --cacert FILE",
		 "23: '?ign_set_control' of the address was left out", "23: 'cps' was left out",
		 "27: a secret is not copied: give it in the environment variable "
		 "RCAR_POWER_AUTH_KEY",
		 "28: a secret is not copied: give it in the environment variable "
		 "RCAR_POWER_PRIV_KEY"},
	},
	{
		"an HTTP plug with passwords everywhere",
		"metadata: {name: 7segment}\n"
		"export:\n"
		"  storage:\n"
		"    type: jumpstarter_driver_flashers.driver.BaseFlasher\n"
		"    config: {flasher_bundle: ./bundle, variannt: x}\n"
		"    children:\n"
		"      serial: {type: jumpstarter_driver_pyserial.nvdemux.driver.NVDemuxSerial}\n"
		"      power:\n"
		"        type: jumpstarter_driver_http_power.driver.HttpPower\n"
		"        config:\n"
		"          power_on:\n"
		"            url: "
		"\"http://boss:hunter22@plug/cm?cmnd=On&user=a&password=hunter22\"\n"
		"          power_off:\n"
		"            url: http://plug/off?token=other-secret#x\n"
		"            method: POST\n"
		"            data: action=off&pw=third-secret\n"
		"          power_read: {url: http://plug/}\n"
		"          auth: {basic: {user: admin, password: hunter22}}\n",
		"# From the Jumpstarter exporter e.yaml.\n"
		"name: 7segment\n"
		"driver: uboot\n"
		"power:\n"
		"  type: http\n"
		"  on:\n"
		"    url: \"http://plug/cm?cmnd=On&user=a&password={password}\"\n"
		"  off:\n"
		"    url: \"http://plug/off?token=\"\n"
		"    method: POST\n"
		"  username: admin\n"
		"  password: power_password\n"
		"bundle:\n"
		"  ref: ./bundle\n"
		"secrets:\n"
		"  power_password: {env: BOARD_7SEGMENT_POWER_PASSWORD}\n",
		{"5: 'variannt' is not known here and was left out",
		 "7: the serial driver jumpstarter_driver_pyserial.nvdemux.driver.NVDemuxSerial "
		 "has no counterpart here; add 'serial: {url: ...}'",
		 "14: 'token' in this URL is a second secret and was left out",
		 "16: 'data' seems to hold a secret, and was left out",
		 "17: 'power_read' was left out: it measures",
		 "18: a secret is not copied: give it in the environment variable "
		 "BOARD_7SEGMENT_POWER_PASSWORD"},
	},
	{
		"no flasher, a relay, and other things",
		"metadata: {name: pi}\n"
		"export:\n"
		"  relay: {type: jumpstarter_driver_gpiod.driver.PowerSwitch, config: {line: 18, "
		"bias: pull_up, initial_value: inactive}}\n"
		"  video: {type: jumpstarter_driver_ustreamer.driver.UStreamer}\n"
		"hooks: {beforeLease: {script: x}}\n",
		"# From the Jumpstarter exporter e.yaml.\n"
		"name: pi\n"
		"driver: uboot\n"
		"power:\n"
		"  type: gpio\n"
		"  chip: /dev/gpiochip0\n"
		"  line: 18\n"
		"  bias: pull_up\n",
		{"3: 'initial_value' was left out", "3: there is no flasher: add 'bundle'",
		 "4: the driver 'video' (jumpstarter_driver_ustreamer.driver.UStreamer) was left "
		 "out",
		 "5: 'hooks' was left out"},
	},
	{
		"two flashers that share a plug of an unknown kind, and broken references",
		"metadata: {name: rack}\n"
		"export:\n"
		"  left: &one\n"
		"    type: jumpstarter_driver_flashers.driver.BaseFlasher\n"
		"    config: {flasher_bundle: b}\n"
		"    children: {serial: {ref: nowhere}, power: {ref: loop}}\n"
		"  right: *one\n"
		"  loop: {ref: loop}\n",
		"# From the Jumpstarter exporter e.yaml.\n"
		"name: rack-left\n"
		"driver: uboot\n"
		"power:\n"
		"  type: manual\n"
		"bundle:\n"
		"  ref: b\n"
		"---\n"
		"name: rack-right\n"
		"driver: uboot\n"
		"power:\n"
		"  type: manual\n"
		"bundle:\n"
		"  ref: b\n",
		{"6: 'ref: nowhere' leads to no driver", "6: 'ref' leads to no driver"},
	},
	{
		"a PDU with an object of its own, and a setting that the way refuses",
		"metadata: {name: a}\n"
		"export:\n"
		"  f:\n"
		"    type: jumpstarter_driver_flashers.driver.BaseFlasher\n"
		"    config: {flasher_bundle: b}\n"
		"    children:\n"
		"      serial: {type: jumpstarter_driver_pyserial.driver.PySerial, config: {url: "
		"socket://h:1}}\n"
		"      power:\n"
		"        type: jumpstarter_driver_snmp.driver.SNMPServer\n"
		"        config: {host: 'h:x y', user: u, plug: 1, auth_key: unused-secret,\n"
		"          oid: 1.3.6.1.4.1.318.1.1.12.3.3.1.1.4}\n",
		"# From the Jumpstarter exporter e.yaml.\n"
		"name: a\n"
		"driver: uboot\n"
		"serial:\n"
		"  url: socket://h:1\n"
		"power:\n"
		"  type: manual\n"
		"bundle:\n"
		"  ref: b\n",
		{"9: power cannot be carried over ('h:x y' is not the address of a host); "
		 "'manual' stands in",
		 "11: which object tells the state is not known"},
	},
};

static const char *const secret_values[] = {"controller-token", "hunter22", "other-secret",
					    "third-secret", "unused-secret"};

static void check_notes(const struct exporter *exporter, const char *notes)
{
	const char *line = notes, *const *wanted = exporter->notes;

	for (; *line; line = strchr(line, '\n') + 1) {
		if (!*wanted)
			fail_msg("%s: too many notes: %s", exporter->name, line);
		assert_int_equal(strncmp(line, "e.yaml:", 7), 0);
		if (strncmp(line + 7, *wanted, strlen(*wanted)) != 0)
			fail_msg("%s: wanted '%s', is %s", exporter->name, *wanted, line);
		wanted++;
	}
	if (*wanted)
		fail_msg("%s: missing: %s", exporter->name, *wanted);
}

/* What was made is a board file that loads, with power that opens. */
static void check_loads(const struct buf *text)
{
	struct boards boards;
	struct power *power;
	struct err err;
	size_t i;

	if (boards_load_text(&boards, "new.yaml", buf_text(text), text->size, drivers, &err) < 0)
		fail_msg("%s", err.text);
	for (i = 0; i < boards.count; i++) {
		assert_int_equal(power_open(&power, boards.items[i].name, boards.items[i].power,
					    boards.items[i].secrets, &err),
				 0);
		power_close(power);
	}
	boards_free(&boards);
}

static void exporters_become_boards(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(exporters); i++) {
		_cleanup_(buf_free) struct buf board = {0};
		_cleanup_(buf_free) struct buf notes = {0};
		const char *text = exporters[i].text;
		struct err err;

		assert_int_equal(
			import_jumpstarter_text("e.yaml", text, strlen(text), &board, &notes, &err),
			0);
		assert_string_equal(buf_text(&board), exporters[i].board);
		check_notes(&exporters[i], buf_text(&notes));
		check_loads(&board);
		for (j = 0; j < ARRAY_SIZE(secret_values); j++) {
			assert_null(strstr(buf_text(&board), secret_values[j]));
			assert_null(strstr(buf_text(&notes), secret_values[j]));
		}
	}
}

static void what_is_no_exporter(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "e.yaml: the file is empty"},
		{"- a\n", "e.yaml:1:1: there is no 'export:' with drivers"},
		{"export: {}\n", "e.yaml:1:9: there is no 'export:' with drivers"},
		{"export: x\n", "e.yaml:1:9: there is no 'export:' with drivers"},
		{"kind: ClientConfig\nexport: {a: {type: x}}\n",
		 "e.yaml:1:1: this is 'ClientConfig', not an exporter's configuration"},
		{"export: {cam: {type: x.y.Z}}\n", "e.yaml:1:9: no driver here is of use"},
		{"export: {a: {type: jumpstarter_driver_pyserial.driver.PySerial}}\n---\nb: c\n",
		 "e.yaml:3:1: an exporter's configuration is one document"},
		{"export: {a: {", "e.yaml:"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf board = {0};
		_cleanup_(buf_free) struct buf notes = {0};
		struct err err;

		assert_int_equal(import_jumpstarter_text("e.yaml", rows[i].text,
							 strlen(rows[i].text), &board, &notes,
							 &err),
				 -ERR_CONFIG);
		if (strncmp(err.text, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("wanted '%s', is '%s'", rows[i].error, err.text);
		assert_int_equal(board.size, 0);
	}
}

static void a_missing_file(void **state)
{
	struct buf board = {0}, notes = {0};
	struct err err;

	(void)state;
	assert_int_not_equal(import_jumpstarter("/nonexistent/e.yaml", &board, &notes, &err), 0);
	assert_non_null(strstr(err.text, "/nonexistent/e.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exporters_become_boards),
		cmocka_unit_test(what_is_no_exporter),
		cmocka_unit_test(a_missing_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
