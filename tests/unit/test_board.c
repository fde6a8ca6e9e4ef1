// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/board.h"
#include "engine/driver.h"

static const struct key login_keys[] = {
	{"user", KEY_TEXT, false, "root", "user name", NULL},
	{"password", KEY_SECRET, false, NULL, "secret with the password", NULL},
	{0},
};

static const struct key rom_keys[] = {
	{"prompt", KEY_TEXT, false, "=>", "what the loader says", NULL},
	{"login", KEY_MAP, false, NULL, "how to log in", login_keys},
	{0},
};

static const struct key rom_timeouts[] = {
	{"boot", KEY_DURATION, false, "90s", "until Linux is up", NULL},
	{"interrupt", KEY_DURATION, false, "1.5s", "until the loader answers", NULL},
	{0},
};

static const struct key wire_keys[] = {
	{"port", KEY_TEXT, true, NULL, "USB port path", NULL},
	{0},
};

static const struct driver rom = {
	.name = "rom", .summary = "a boot ROM", .keys = rom_keys, .timeouts = rom_timeouts};
static const struct driver wire = {.name = "wire", .summary = "a wire", .keys = wire_keys};
static const struct driver *const drivers[] = {&rom, &wire, NULL};

static int load(struct boards *boards, const char *text, struct err *err)
{
	err_clear(err);
	return boards_load_text(boards, "lab/b.yaml", text, strlen(text), drivers, err);
}

struct bad {
	const char *text, *error, *remedy;
};

static void check_bad(const struct bad *rows, size_t count)
{
	struct boards boards;
	struct err err;
	size_t i;

	for (i = 0; i < count; i++) {
		assert_int_equal(load(&boards, rows[i].text, &err), -ERR_CONFIG);
		assert_string_equal(err.text, rows[i].error);
		assert_string_equal(err.remedy, rows[i].remedy);
	}
}

#define B "name: a\ndriver: rom\n"

static void bad_keys(void **state)
{
	static const struct bad rows[] = {
		{"", "lab/b.yaml: the file is empty", ""},
		{"name: [a\n", "lab/b.yaml:2:1: did not find expected ',' or ']'", ""},
		{"just text\n", "lab/b.yaml:1:1: a board is a mapping of keys to values",
		 "several boards are documents with '---' between them, or a list under "
		 "'boards:'"},
		{"- name: a\n", "lab/b.yaml:1:1: a board is a mapping of keys to values",
		 "several boards are documents with '---' between them, or a list under "
		 "'boards:'"},
		{B "serail: x\n", "lab/b.yaml:3:9: unknown key 'serail'", "did you mean 'serial'?"},
		{"driverr: rom\nname: a\n", "lab/b.yaml:1:10: unknown key 'driverr'",
		 "did you mean 'driver'?"},
		{B B, "lab/b.yaml:3:1: 'name' is given twice", ""},
		{"driver: rom\n",
		 "lab/b.yaml:1:1: 'name' is missing (name of the board: a-z, "
		 "0-9, '.', '_', '-')",
		 ""},
		{"name: a\n", "lab/b.yaml:1:1: 'driver' is missing (way into the board)", ""},
		{"name: a\ndriver: romm\n", "lab/b.yaml:2:9: unknown driver 'romm'",
		 "did you mean 'rom'? known: rom, wire"},
		{"name: a\ndriver: magic\n", "lab/b.yaml:2:9: unknown driver 'magic'",
		 "known: rom, wire"},
		{"name: a\ndriver: {x: y}\n", "lab/b.yaml:2:9: 'driver' must be a text", ""},
		{"name: My Board\ndriver: rom\n",
		 "lab/b.yaml:1:7: 'My Board' cannot be the name of a board",
		 "use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"},
		{"name: ../x\ndriver: rom\n",
		 "lab/b.yaml:1:7: '../x' cannot be the name of a board",
		 "use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"},
		{"name: ''\ndriver: rom\n", "lab/b.yaml:1:7: '' cannot be the name of a board",
		 "use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"},
		{B "labels: [x]\n", "lab/b.yaml:3:9: 'labels' must be names with texts", ""},
		{B "labels: {x: {y: z}}\n", "lab/b.yaml:3:9: 'labels' must be names with texts",
		 ""},
		{B "targets: {emmc: }\n", "lab/b.yaml:3:17: the target 'emmc' has no selector", ""},
		{B "boards: []\n", "lab/b.yaml:1:7: unknown key 'name'", ""},
		{"boards:\n", "lab/b.yaml:1:8: 'boards' has no value", ""},
		{"boards: {a: b}\n", "lab/b.yaml:1:9: 'boards' must be a list", ""},
		{"boards: [x]\n", "lab/b.yaml:1:10: a mapping of keys to values is wanted here",
		 ""},
		{"boards:\n- {name: a, driver: rom}\n- {name: b, driver: rom, powr: {}}\n",
		 "lab/b.yaml:3:32: unknown key 'powr'", "did you mean 'power'?"},
		{B "---\n" B, "lab/b.yaml:4:7: the board 'a' is already given in lab/b.yaml:1:7",
		 "give one of the two another name"},
	};

	(void)state;
	check_bad(rows, ARRAY_SIZE(rows));
}

static void bad_parts(void **state)
{
	static const struct bad rows[] = {
		{B "serial: {baud: 9600}\n",
		 "lab/b.yaml:3:9: 'url' is missing (address of the console: /dev/ttyUSB0, "
		 "socket://HOST:PORT, ...)",
		 ""},
		{B "serial: {url: x, boud: 9600}\n", "lab/b.yaml:3:24: unknown key 'boud'",
		 "did you mean 'baud'?"},
		{B "serial: {url: x, baud: fast}\n", "lab/b.yaml:3:24: 'baud' must be a number",
		 ""},
		{B "serial: {url: x, baud: 0}\n", "lab/b.yaml:3:24: 0 is not a speed", ""},
		{B "serial: {url: x, baud: 4294967296}\n",
		 "lab/b.yaml:3:24: 4294967296 is not a speed", ""},
		{B "serial: ''\n", "lab/b.yaml:3:9: the address of the console is empty", ""},
		{B "serial: [x]\n", "lab/b.yaml:3:9: 'serial' must be a mapping of keys to values",
		 ""},
		{B "power: relay\n", "lab/b.yaml:3:8: 'power' must be a mapping of keys to values",
		 ""},
		{B "power: {on: x}\n",
		 "lab/b.yaml:3:8: 'type' is missing (the way to switch power)", ""},
		{B "power: {type: [x]}\n", "lab/b.yaml:3:15: 'type' must be a text", ""},
		{B "bundle: {manifest: m.yaml}\n",
		 "lab/b.yaml:3:9: 'ref' is missing (a folder, or an OCI reference)", ""},
		{B "bundle: ''\n", "lab/b.yaml:3:9: the reference of the bundle is empty", ""},
		{B "timeouts: {boott: 3}\n", "lab/b.yaml:3:19: unknown key 'boott'",
		 "did you mean 'boot'?"},
		{B "timeouts: {boot: soon}\n",
		 "lab/b.yaml:3:18: 'boot' must be a time (30, 1.5s, 250ms, 5m)", ""},
		{"name: a\ndriver: wire\nwire: {port: 1-1}\ntimeouts: {boot: 3}\n",
		 "lab/b.yaml:4:18: unknown key 'boot'", ""},
		{B "rom: {prompx: x}\n", "lab/b.yaml:3:15: unknown key 'prompx'",
		 "did you mean 'prompt'?"},
		{B "wire: {port: 1-1}\n", "lab/b.yaml:3:7: 'wire' is for boards of that driver",
		 "this board's driver is 'rom'"},
		{"name: a\ndriver: wire\n",
		 "lab/b.yaml:1:1: 'wire: {port: ...}' is missing (USB port path)", ""},
		{"name: a\ndriver: wire\nwire: {}\n",
		 "lab/b.yaml:3:7: 'port' is missing (USB port path)", ""},
		{B "secrets: {pw: hunter2}\n",
		 "lab/b.yaml:3:15: a mapping of keys to values is wanted here",
		 "write NAME: {env: VARIABLE} or NAME: {file: PATH}; a secret itself is never "
		 "written in a board file"},
		{B "secrets: {pw: {envv: X}}\n", "lab/b.yaml:3:22: unknown key 'envv'",
		 "did you mean 'env'?"},
		{B "secrets: {pw: {env: X, file: y}}\n",
		 "lab/b.yaml:3:15: give either 'env' or 'file'",
		 "write NAME: {env: VARIABLE} or NAME: {file: PATH}; a secret itself is never "
		 "written in a board file"},
		{B "rom: {login: {password: pw}}\n", "lab/b.yaml:3:25: 'secrets' has no 'pw'",
		 "add 'secrets: {pw: {env: VARIABLE}}', or {file: PATH} with the file that holds "
		 "it"},
		{B "rom: {login: {password: rot}}\nsecrets: {root: {env: X}}\n",
		 "lab/b.yaml:3:25: 'secrets' has no 'rot'", "did you mean 'root'? known: root"},
	};

	(void)state;
	check_bad(rows, ARRAY_SIZE(rows));
}

#define STATIC B "network:\n  mode: static\n  address: 10.0.0.2\n"

static void bad_networks(void **state)
{
	static const struct bad rows[] = {
		{B "network: {mode: statc}\n", "lab/b.yaml:3:17: unknown mode 'statc'",
		 "did you mean 'static'? known: dhcp, static"},
		{B "network: {mode: static}\n", "lab/b.yaml:3:10: 'mode: static' needs 'address'",
		 ""},
		{STATIC, "lab/b.yaml:4:3: 'mode: static' needs 'netmask'", ""},
		{STATIC "  netmask: 255.0.255.0\n",
		 "lab/b.yaml:6:12: '255.0.255.0' is not a netmask", ""},
		{STATIC "  netmask: 255.255.255.0\n  gateway: 10.0.1.1\n",
		 "lab/b.yaml:7:12: the gateway 10.0.1.1 is not in the network of "
		 "10.0.0.2/255.255.255.0",
		 ""},
		{STATIC "  netmask: 255.255.255.0\n  host_address: 10.0.0.2\n",
		 "lab/b.yaml:7:17: the board and this machine cannot both be 10.0.0.2", ""},
		{STATIC "  netmask: 24\n",
		 "lab/b.yaml:6:12: 'netmask' must be an IPv4 address, not '24'", ""},
		{B "network: {address: 10.0.0.2}\n",
		 "lab/b.yaml:3:20: 'address' is only for 'mode: static'",
		 "add 'mode: static', or leave 'address' out"},
		{B "network: {host_address: lab.example}\n",
		 "lab/b.yaml:3:25: 'host_address' must be an IPv4 address, not 'lab.example'", ""},
		{B "network: {host_address: 0.0.0.0}\n",
		 "lab/b.yaml:3:25: 'host_address' must not be 0.0.0.0", ""},
		{B "network: {tftp_port: 65536}\n",
		 "lab/b.yaml:3:22: 'tftp_port' must be a port, 0 to 65535, not 65536", ""},
		{B "network: {http_port: -1}\n", "lab/b.yaml:3:22: 'http_port' must be a number",
		 ""},
		{B "network: {addresx: x}\n", "lab/b.yaml:3:20: unknown key 'addresx'",
		 "did you mean 'address'?"},
	};

	(void)state;
	check_bad(rows, ARRAY_SIZE(rows));
}

#define WHOLE                                                                               \
	"name: rack3.slot-4_b\ndescription: the left one\nlabels: {soc: j784s4, rack: 3}\n" \
	"driver: rom\nserial: {url: /dev/ttyUSB2, baud: 1500000}\n"                         \
	"power: {type: command, 'on': [relay, '1']}\n"                                      \
	"network:\n  mode: static\n  address: 10.0.0.2\n  netmask: 255.255.255.252\n"       \
	"  gateway: 10.0.0.1\n  host_address: 10.0.0.1\n  interface: eth1\n"                \
	"  tftp_port: 6969\n  http_port: 0\n  linux_interface: end0\n"                      \
	"bundle: {ref: registry.example.org/x/y:1, manifest: m2.yaml, variant: v}\n"        \
	"default_target: emmc\ntargets: {emmc: /dev/mmcblk0}\n"                             \
	"timeouts: {boot: 5m}\nsecrets: {pw: {env: ABOARD_TEST_PW}}\n"                      \
	"rom: {prompt: 'U-Boot>', login: {password: pw}}\n"

static void a_whole_board(void **state)
{
	struct boards boards;
	struct board *board;
	const char *secret;
	struct err err;

	(void)state;
	assert_int_equal(load(&boards, WHOLE, &err), 0);
	assert_int_equal(boards.count, 1);
	assert_int_equal(boards_find(&boards, "rack3.slot-4_b", &board, &err), 0);
	assert_ptr_equal(board->driver, &rom);
	assert_string_equal(yaml_text(board->labels, "rack", ""), "3");
	assert_string_equal(board->serial, "/dev/ttyUSB2");
	assert_int_equal(board->baud, 1500000);
	assert_string_equal(yaml_text(board->power, "type", ""), "command");
	assert_string_equal(yaml_text(board->network, "gateway", ""), "10.0.0.1");
	assert_int_equal(yaml_uint(board->network, "tftp_port", 69), 6969);
	assert_string_equal(yaml_text(board->bundle, "manifest", ""), "m2.yaml");
	assert_string_equal(board->default_target, "emmc");
	assert_string_equal(yaml_text(board->targets, "emmc", ""), "/dev/mmcblk0");
	assert_string_equal(yaml_text(board->own, "prompt", ""), "U-Boot>");
	assert_int_equal(board_timeout_ms(board, "boot"), 300000);
	assert_int_equal(board_timeout_ms(board, "interrupt"), 1500);
	assert_int_equal(board_timeout_ms(board, "unknown"), 0);
	setenv("ABOARD_TEST_PW", "hunter22", 1);
	assert_int_equal(secrets_get(board->secrets, "pw", &secret, &err), 0);
	assert_string_equal(secret, "hunter22");
	boards_free(&boards);
}

static void short_forms(void **state)
{
	struct boards boards;
	struct err err;

	(void)state;
	assert_int_equal(load(&boards, B "serial: socket://h:1\nbundle: ./kit\n", &err), 0);
	assert_string_equal(boards.items[0].serial, "socket://h:1");
	assert_int_equal(boards.items[0].baud, 0);
	assert_string_equal(yaml_text(boards.items[0].bundle, "ref", ""), "./kit");
	boards_free(&boards);
	assert_int_equal(load(&boards, B "serial: ~\nbundle:\npower: ~\nnetwork:\n", &err), 0);
	assert_null(boards.items[0].serial);
	assert_null(boards.items[0].bundle);
	assert_null(boards.items[0].power);
	assert_null(boards.items[0].network);
	assert_null(boards.items[0].own);
	boards_free(&boards);
}

static void shapes_of_files(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {
		{B, 1},
		{B "---\nname: b\ndriver: rom\n", 2},
		{"---\n" B "---\n# nothing here\n", 1},
		{"boards:\n- {name: a, driver: rom}\n- {name: b, driver: wire, wire: {port: "
		 "1-1}}\n",
		 2},
		{"boards: []\n", 0},
		{"boards:\n- {name: a, driver: rom}\n---\nname: b\ndriver: rom\n", 2},
		{"{\"name\": \"a\", \"driver\": \"rom\"}", 1},
		{"boards:\n- &one\n  name: a\n  driver: rom\n  power: &p {type: manual}\n"
		 "- {name: b, driver: rom, power: *p}\n",
		 2},
	};
	struct boards boards;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(load(&boards, rows[i].text, &err), 0);
		assert_int_equal(boards.count, rows[i].count);
		boards_free(&boards);
	}
}

/* A folder of its own with ABOARD_HOME and the working folder in it. */
struct place {
	char *root, *old;
};

static void put(const struct place *place, const char *name, const char *text)
{
	_cleanup_(freep) char *path = path_join(place->root, name);
	_cleanup_(freep) char *folder = path_folder(path);
	struct err err;

	assert_int_equal(path_make_folder(folder, &err), 0);
	assert_int_equal(path_write(path, text, strlen(text), 0600, &err), 0);
}

static int set_up(void **state)
{
	struct place *place = xcalloc(1, sizeof(*place));

	place->root = xstrdup("/tmp/aboard-board.XXXXXX");
	place->old = getcwd(NULL, 0);
	*state = place;
	if (!mkdtemp(place->root) || chdir(place->root) < 0)
		return -1;
	return setenv("ABOARD_HOME", place->root, 1);
}

static int tear_down(void **state)
{
	struct place *place = *state;
	struct err err;
	int rc = chdir(place->old);

	unsetenv("ABOARD_HOME");
	path_remove_tree(place->root, &err);
	free(place->root);
	free(place->old);
	free(place);
	return rc;
}

static void search_path(void **state)
{
	static const char *const names[] = {"mine", "a1", "a2", "b"};
	struct boards boards;
	struct board *board;
	struct err err;
	size_t i;

	put(*state, "config/boards/20.yaml", "name: b\ndriver: rom\n");
	put(*state, "config/boards/10.yaml",
	    "boards: [{name: a1, driver: rom}, {name: a2, driver: rom}]\n");
	put(*state, "config/boards/.10.yaml", "not: [read\n");
	put(*state, "config/boards/notes.txt", "not: [read\n");
	put(*state, "aboard.yaml", "name: mine\ndriver: rom\n");
	assert_int_equal(boards_load(&boards, NULL, drivers, &err), 0);
	assert_int_equal(boards.count, ARRAY_SIZE(names));
	for (i = 0; i < boards.count; i++)
		assert_string_equal(boards.items[i].name, names[i]);
	assert_int_equal(boards_find(&boards, "mien", &board, &err), -ERR_NOT_FOUND);
	assert_string_equal(err.text, "no board 'mien'");
	assert_non_null(strstr(err.remedy, "did you mean 'mine'? board files that were read: "
					   "aboard.yaml, /tmp/"));
	boards_free(&boards);
}

static void one_bad_file_is_an_error_unless_one_is_named(void **state)
{
	struct boards boards;
	struct err err;

	put(*state, "config/boards/bad.yaml", "name: b\ndriver: rom\nserail: x\n");
	put(*state, "good.yaml", B);
	assert_int_equal(boards_load(&boards, NULL, drivers, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "/config/boards/bad.yaml:3:9: unknown key 'serail'"));
	assert_int_equal(boards_load(&boards, "good.yaml", drivers, &err), 0);
	boards_free(&boards);
	assert_int_equal(boards_load(&boards, "none.yaml", drivers, &err), -ERR_NOT_FOUND);
	assert_string_equal(err.text, "cannot open none.yaml: No such file or directory");
}

static void two_files_with_one_name(void **state)
{
	struct boards boards;
	struct err err;

	put(*state, "config/boards/x.yaml", B);
	put(*state, "aboard.yaml", "driver: rom\nname: a\n");
	assert_int_equal(boards_load(&boards, NULL, drivers, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "/config/boards/x.yaml:1:7: the board 'a' is already "
					 "given in aboard.yaml:2:7"));
}

static void no_file_at_all(void **state)
{
	struct place *place = *state;
	_cleanup_(freep) char *wanted = NULL;
	struct boards boards;
	struct board *board;
	struct err err;

	assert_int_equal(boards_load(&boards, NULL, drivers, &err), 0);
	assert_int_equal(boards.count, 0);
	assert_int_equal(boards_find(&boards, "x", &board, &err), -ERR_NOT_FOUND);
	assert_string_equal(err.text, "no board 'x': there is no board file");
	wanted = xasprintf("write ./aboard.yaml or a file in %s/config/boards/*.yaml, or name one "
			   "with --boards FILE",
			   place->root);
	assert_string_equal(err.remedy, wanted);
	boards_free(&boards);
}

static void expect_bundle(const char *file, const char *ref, const char *wanted)
{
	_cleanup_(freep) char *text = xasprintf(B "bundle: %s\n", ref), *got = NULL;
	struct boards boards;
	struct err err;

	assert_int_equal(boards_load_text(&boards, file, text, strlen(text), drivers, &err), 0);
	got = board_bundle(&boards.items[0]);
	assert_string_equal(got, wanted);
	boards_free(&boards);
}

static void paths_are_beside_the_board_file(void **state)
{
	struct boards boards;
	struct err err;
	char *path;

	put(*state, "lab/kit/manifest.yaml", "x");
	expect_bundle("lab/b.yaml", "kit", "lab/kit");
	expect_bundle("lab/b.yaml", "./not-there", "lab/./not-there");
	expect_bundle("b.yaml", "./kit", "./kit");
	expect_bundle("lab/b.yaml", "/srv/kit", "/srv/kit");
	expect_bundle("lab/b.yaml", "registry.example.org/x/kit:1", "registry.example.org/x/kit:1");
	expect_bundle("lab/b.yaml", "oci://registry.example.org/x/kit:1",
		      "oci://registry.example.org/x/kit:1");

	assert_int_equal(load(&boards, B, &err), 0);
	assert_null(board_bundle(&boards.items[0]));
	path = board_path(&boards.items[0], "log.txt");
	assert_string_equal(path, "lab/log.txt");
	free(path);
	boards_free(&boards);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_keys),
		cmocka_unit_test(bad_parts),
		cmocka_unit_test(bad_networks),
		cmocka_unit_test(a_whole_board),
		cmocka_unit_test(short_forms),
		cmocka_unit_test(shapes_of_files),
		IN_PLACE(search_path),
		IN_PLACE(one_bad_file_is_an_error_unless_one_is_named),
		IN_PLACE(two_files_with_one_name),
		IN_PLACE(no_file_at_all),
		IN_PLACE(paths_are_beside_the_board_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
