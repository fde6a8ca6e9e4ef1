// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/order.h"

static int nothing(struct cli *cli, struct err *err)
{
	(void)cli;
	(void)err;
	return 0;
}

static const struct option write_options[] = {
	{.name = "target", .argument = "T", .help = "Where.", .alias = "partition"},
	{.name = "write", .letter = 't', .argument = "P:F", .help = "What.", .repeatable = true},
	{.name = "insecure-tls", .letter = 'k', .help = "Trust."},
	{.name = "power-off", .help = "Off.", .negatable = true},
	{.name = "at", .argument = "bootloader|linux|none", .help = "Where."},
	{.name = "retries", .argument = "N", .help = "How often."},
	{0},
};

static const struct option pull_options[] = {{.name = "offline", .help = "No."}, {0}};
static const struct verb pull = {
	.name = "pull", .args = "REF", .options = pull_options, .run = nothing};
static const struct verb *const subs[] = {&pull, NULL};

static const struct verb flash = {
	.name = "flash", .args = "BOARD [IMAGE]", .options = write_options, .run = nothing};
static const struct verb power = {.name = "power", .args = "BOARD on|off", .run = nothing};
static const struct verb bundle = {.name = "bundle", .subs = subs};
static const struct verb lists = {.name = "lists", .subs = subs, .run = nothing};
static const struct verb many = {.name = "many", .args = "FILE...", .run = nothing};
static const struct verb *const verbs[] = {&flash, &power, &bundle, &lists, &many, NULL};

static const struct option global_options[] = {
	{.name = "json", .help = "JSON."},
	{.name = "verbose", .letter = 'v', .help = "More.", .repeatable = true},
	{.name = "boards", .argument = "FILE", .help = "Boards."},
	{0},
};

static const struct program program = {
	.name = "prog", .version = "1", .summary = "s", .options = global_options, .verbs = verbs};

#define WORDS_MAX 12

/* Splits at spaces, parses, and checks the number of words. */
struct line {
	char text[200];
	char *argv[WORDS_MAX];
	int argc;
	struct args args;
	struct err err;
	int rc;
};

static void parse(struct line *line, const char *text)
{
	char *next;

	*line = (struct line){.argc = 1};
	line->argv[0] = line->text;
	snprintf(line->text, sizeof(line->text), "prog %s", text);
	for (next = line->text; (next = strchr(next, ' '));) {
		*next++ = '\0';
		line->argv[line->argc++] = next;
	}
	line->rc = args_parse(&line->args, &program, line->argc, line->argv, &line->err);
	if (line->rc == 0)
		line->rc = args_check(&line->args, &line->err);
}

static void free_line(struct line *line)
{
	args_free(&line->args);
}

static void good_lines(void **state)
{
	/* words, target, count of -t, -k, power-off, json, count of -v */
	static const struct {
		const char *text, *words, *target;
		size_t writes;
		bool insecure, power_off, json;
		size_t verbose;
	} rows[] = {
		{"flash lab a.img", "lab,a.img", NULL, 0, false, true, false, 0},
		{"--json flash lab a.img", "lab,a.img", NULL, 0, false, true, true, 0},
		{"flash lab a.img --json", "lab,a.img", NULL, 0, false, true, true, 0},
		{"flash lab --target usd a.img", "lab,a.img", "usd", 0, false, true, false, 0},
		{"flash lab --target=usd a.img", "lab,a.img", "usd", 0, false, true, false, 0},
		{"flash --partition=usd lab", "lab", "usd", 0, false, true, false, 0},
		{"flash --target= lab", "lab", "", 0, false, true, false, 0},
		{"flash --target a --target b lab", "lab", "b", 0, false, true, false, 0},
		{"flash lab -t a:b -tc:d --write=e:f", "lab", NULL, 3, false, true, false, 0},
		{"flash lab -kvv", "lab", NULL, 0, true, true, false, 2},
		{"flash lab -vkta:b", "lab", NULL, 1, true, true, false, 1},
		{"flash --no-power-off lab", "lab", NULL, 0, false, false, false, 0},
		{"flash --no-power-off --power-off lab", "lab", NULL, 0, false, true, false, 0},
		{"flash -- lab --json", "lab,--json", NULL, 0, false, true, false, 0},
		{"flash lab -", "lab,-", NULL, 0, false, true, false, 0},
		{"power lab off", "lab,off", NULL, 0, false, true, false, 0},
		{"many a b c d", "a,b,c,d", NULL, 0, false, true, false, 0},
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf words = {0};
		_cleanup_(free_line) struct line line;
		const char *target;

		parse(&line, rows[i].text);
		assert_int_equal(line.rc, 0);
		for (j = 0; j < line.args.word_count; j++)
			buf_addf(&words, "%s%s", j ? "," : "", line.args.words[j]);
		assert_string_equal(buf_text(&words), rows[i].words);
		target = args_value(&line.args, "target", NULL);
		assert_true(rows[i].target ? text_equal(target, rows[i].target) : !target);
		assert_int_equal(args_count(&line.args, "write"), rows[i].writes);
		assert_int_equal(args_flag(&line.args, "insecure-tls", false), rows[i].insecure);
		assert_int_equal(args_flag(&line.args, "power-off", true), rows[i].power_off);
		assert_int_equal(args_flag(&line.args, "json", false), rows[i].json);
		assert_int_equal(args_count(&line.args, "verbose"), rows[i].verbose);
	}
}

static void bad_lines(void **state)
{
	static const struct {
		const char *text, *error, *remedy;
	} rows[] = {
		{"flsh", "unknown command 'flsh'", "'prog flash'"},
		{"--json", "the command is missing", "usage: prog"},
		{"bundle", "the command is missing", "usage: prog bundle COMMAND"},
		{"bundle pul x", "bundle: unknown command 'pul'", "'prog bundle pull'"},
		{"bundle pull", "bundle pull: REF is missing", "usage: prog bundle pull"},
		{"bundle pull x --ofline", "bundle pull: unknown option --ofline", "--offline"},
		{"lists x", "lists: unknown command 'x'", "--help"},
		{"flash", "flash: BOARD is missing", "usage: prog flash [OPTION]... BOARD [IMAGE]"},
		{"flash a b c", "flash: one argument too many: 'c'", "usage"},
		{"flash --tagret x a", "flash: unknown option --tagret", "--target?"},
		{"flash --partitoin x a", "flash: unknown option --partitoin", "--partition?"},
		{"flash --no-powr-off a", "unknown option --no-powr-off", "--no-power-off?"},
		{"flash --no-target a", "unknown option --no-target", "--target?"},
		{"flash --jsn a", "unknown option --jsn", "--json?"},
		{"flash --zzzzzz a", "unknown option --zzzzzz", "'prog flash --help'"},
		{"flash -z a", "flash: unknown option -z", "'prog flash --help'"},
		{"flash a --target", "--target needs an argument", "Where."},
		{"flash a -t", "--write needs an argument", "What."},
		{"flash a --json=yes", "--json takes no argument", NULL},
		{"flash a --at linx", "'linx' is none of bootloader|linux|none", "'linux'?"},
		{"power a onn", "power: 'onn' is none of on|off", "'on'?"},
		{"power a", "power: on|off is missing", "usage"},
		{"--offline bundle", "unknown option --offline", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(free_line) struct line line;

		parse(&line, rows[i].text);
		assert_int_equal(line.rc, -ERR_USAGE);
		assert_int_equal(line.err.kind, ERR_USAGE);
		if (!strstr(line.err.text, rows[i].error))
			fail_msg("%s: %s", rows[i].text, line.err.text);
		if (rows[i].remedy && !strstr(line.err.remedy, rows[i].remedy))
			fail_msg("%s: %s", rows[i].text, line.err.remedy);
	}
}

static void sub_verbs(void **state)
{
	_cleanup_(free_line) struct line line;
	struct line bare;

	(void)state;
	parse(&line, "bundle --json pull --offline ref");
	assert_int_equal(line.rc, 0);
	assert_ptr_equal(line.args.verb, &pull);
	assert_ptr_equal(line.args.parent, &bundle);
	assert_string_equal(args_word(&line.args, 0), "ref");
	assert_null(args_word(&line.args, 1));
	assert_true(args_flag(&line.args, "offline", false));
	parse(&bare, "lists");
	assert_int_equal(bare.rc, 0);
	assert_ptr_equal(bare.args.verb, &lists);
	free_line(&bare);
}

static void repeated_values(void **state)
{
	_cleanup_(free_line) struct line line;
	_cleanup_(freep) const char **values = NULL;

	(void)state;
	parse(&line, "flash lab -t a:1 -t b:2");
	values = args_values(&line.args, "write");
	assert_string_equal(values[0], "a:1");
	assert_string_equal(values[1], "b:2");
	assert_null(values[2]);
}

static void numbers(void **state)
{
	_cleanup_(free_line) struct line line;
	unsigned int number;
	struct line wrong;

	(void)state;
	parse(&line, "flash lab --retries 7");
	assert_int_equal(args_uint(&line.args, "retries", 3, 10, &number, NULL), 0);
	assert_int_equal(number, 7);
	parse(&wrong, "flash lab --retries 11");
	assert_int_equal(args_uint(&wrong.args, "retries", 3, 10, &number, &wrong.err), -ERR_USAGE);
	assert_non_null(strstr(wrong.err.remedy, "from 0 to 10"));
	free_line(&wrong);
}

static void specs(void **state)
{
	struct arg_spec spec;
	char choice[64];

	(void)state;
	assert_true(arg_spec_get("BOARD [IMAGE]", 1, &spec));
	assert_string_equal(spec.name, "IMAGE");
	assert_true(spec.optional);
	assert_false(spec.repeats);
	assert_true(arg_spec_get("FILE...", 0, &spec));
	assert_string_equal(spec.name, "FILE");
	assert_true(spec.repeats);
	assert_false(arg_spec_get("BOARD", 1, &spec));
	assert_false(arg_spec_get(NULL, 0, &spec));
	assert_true(arg_choice_get("on|off", 1, choice));
	assert_string_equal(choice, "off");
	assert_false(arg_choice_get("on|off", 2, choice));
	assert_false(arg_choice_get("BOARD", 0, choice));
	assert_false(arg_choice_get(NULL, 0, choice));
}

static void items(void **state)
{
	static const char *const wrong[] = {"rootfs", ":a.img", "rootfs:", ":", ""};
	char *partition, *file;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(split_item("rootfs:https://h/a", &partition, &file, &err), 0);
	assert_string_equal(partition, "rootfs");
	assert_string_equal(file, "https://h/a");
	freep(&partition);
	freep(&file);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(split_item(wrong[i], &partition, &file, &err), -ERR_USAGE);
}

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BIG "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static void checksums(void **state)
{
	static const struct {
		const char *list, *image, *hex;
	} rows[] = {
		{A32 A32, "x.img", A32 A32},
		{"sha256:" A32 A32 "\n", "x.img", A32 A32},
		{A32 A32 "  x.img\n" B32 B32 "  y.img\n", "/srv/y.img", B32 B32},
		{A32 A32 "  x.img\n" BIG BIG " *y.img\n", "https://h/y.img", B32 B32},
		{"\n\n" A32 A32 "  x.img\n" B32 B32 "  y.img\n", "z.img", A32 A32},
		{A32 A32 "  x.img\n", NULL, A32 A32},
		{A32 "  x.img\n", "x.img", NULL},
		{"", "x.img", NULL},
		{"not a digest", "x.img", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *list = xstrdup(rows[i].list);
		_cleanup_(freep) char *hex = NULL;
		int rc = find_sha256(list, rows[i].image, &hex, NULL);

		assert_int_equal(rc, rows[i].hex ? 0 : -ERR_USAGE);
		if (rows[i].hex)
			assert_string_equal(hex, rows[i].hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines), cmocka_unit_test(bad_lines),
		cmocka_unit_test(sub_verbs),  cmocka_unit_test(repeated_values),
		cmocka_unit_test(numbers),    cmocka_unit_test(specs),
		cmocka_unit_test(items),      cmocka_unit_test(checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
