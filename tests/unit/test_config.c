// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "build/config.h"
#include "build/config_vars.h"

static const char *const environment[] = {"PWD=/w", "CI_DIR=/ci dir", "EMPTY=", NULL};

static int parse(struct config *config, const char *text, struct err *err)
{
	err_clear(err);
	return config_parse(config, "c", text, strlen(text), environment, err);
}

/* What X comes out as. */
static const struct {
	const char *text, *value;
} value_rows[] = {
	{"X=plain", "plain"},
	{"X=", NULL},
	{"X=''", NULL},
	{"X=\" \"", " "},
	{"X='$A `b` \\'", "$A `b` \\"},
	{"X=\"a b\"'c d'e", "a bc de"},
	{"X=a\\ b\\$c", "a b$c"},
	{"X=\"a\\\"b\\$c\\\\d\\e\"", "a\"b$c\\d\\e"},
	{"X=\"one \\\ntwo\"", "one two"},
	{"X=one\\\ntwo", "onetwo"},
	{"X='one \\\ntwo'", "one \\\ntwo"},
	{"X=a # comment", "a"},
	{"X=a#b", "a#b"},
	{"# X=1\n\n  X=2;", "2"},
	{"X=1;X=2", "2"},
	{"A=1 X=2", "2"},
	{"\tX=1\r\n", "1"},
	{"A=k\nX=\"$A/i\"", "k/i"},
	{"A=k\nX=$A.x${A}y", "k.xky"},
	{"X=$PWD/in", "/w/in"},
	{"X=\"$CI_DIR\"", "/ci dir"},
	{"X=$CI_DIR", "/ci dir"},
	{"X=${NOPE:-d}", "d"},
	{"X=${EMPTY:-d}", "d"},
	{"X=${EMPTY-d}", NULL},
	{"X=${NOPE-d}", "d"},
	{"A=v\nX=${A:-d}", "v"},
	{"X=\"${NOPE:-a b $PWD ${NOPE:-c}}\"", "a b /w c"},
	{"X=${NOPE:-\"q r\"}", "q r"},
	{"A=boot.source\nX=${A%.source}.fit", "boot.fit"},
	{"A=boot.scr\nX=${A%.source}", "boot.scr"},
	{"A=abc\nX=${#A}", "3"},
	{"X=a\nX+=b", "ab"},
	{"X+=\" b\"", " b"},
	{"X=\"cost $ 5\"", "cost $ 5"},
	{"A=(x y 'z w')\nX=${#A[@]}", "3"},
	{"A=(x y 'z w')\nX=${A[2]}", "z w"},
	{"A=(x [5]=y z)\nX=${A[6]}", "z"},
	{"A=(x)\nA+=(y\n  # note\n  z)\nX=\"${A[*]}\"", "x y z"},
	{"L='p  q'\nA=(a $L \"$L\")\nX=${#A[@]}:${A[2]}", "4:q"},
	{"A=(x y)\nA=(z)\nX=${#A[@]}", "1"},
	{"A[2]=q\ni=1\nX=${A[i+1]}", "q"},
	{"i=2\nA[$i]=q\nX=${A[2]}", "q"},
	{"A=k\nX=${A[0]}", "k"},
	{"A[0]=k\nX=$A", "k"},
	/* Elements may refer to what the array held before. */
	{"A=(x y)\nA=(\"${A[@]}\" ${#A[@]})\nX=${A[1]}:${A[2]}", "y:2"},
	{"A=(x 'y z')\nB=(a\"${A[@]}\"b)\nX=${#B[@]}:${B[1]}", "2:y zb"},
	{"A=(x 'y z')\nB=(\"${A[*]}\")\nX=${#B[@]}:${B[0]}", "1:x y z"},
	{"B=(\"${A[@]}\")\nX=${#B[@]}", "0"},
	{"A[1]=b\nA[0]=a\nX=\"${A[@]}\"", "a b"},
	/* What divides a word of an array, and what does not. */
	{"L='p q'\nA=([3]=$L r)\nX=${A[3]}:${A[4]}", "p q:r"},
	{"A=(${N:-\"q r\"} ${N:-s t})\nX=${#A[@]}:${A[0]}", "3:q r"},
	{"A=a.b\nX=\"${A%'.b'}\"", "a"},
	{"X=\"${N:-'q'}\"", "'q'"},
	{"CI_DIR+=/sub\nX=$CI_DIR", "/ci dir/sub"},
	{"X=$((1 + 2 * 3))", "7"},
	{"M=0x40000000\nX=$((M + 0x200000))", "1075838976"},
	{"X=$(( (1 + 2) * (3) ))", "9"},
	{"export X=1", "1"},
	{"X=1\nexport X Y=2", "1"},
	{"exportX=1\nX=2", "2"},
};

static void values(void **state)
{
	struct config config;
	struct err err;
	const char *value;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(value_rows); i++) {
		if (parse(&config, value_rows[i].text, &err) < 0)
			fail_msg("%s: %s", value_rows[i].text, err.text);
		value = config_text(&config, "X");
		if (value_rows[i].value)
			assert_string_equal(value ? value : "(not set)", value_rows[i].value);
		else
			assert_null(value);
		config_free(&config);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"X=$(date)", "c:1:3: $( would be run as a command"},
		{"A=1\nX=\"a`date`\"", "c:2:5: ` would run a command"},
		{"if [ 1 ]; then", "c:1:1: 'if' would be run as a condition"},
		{"source x", "c:1:1: 'source' would be run as another file"},
		{"X=a b c", "c:1:5: 'b' would be run as a command"},
		{"X= a", "c:1:4: 'a' would be run as a command"},
		{"X =a", "c:1:1: 'X' would be run as a command"},
		{"X=a | b", "c:1:5: '|' would be run as a command"},
		{"X=a>b", "c:1:4: '>' outside of quotes would run a command"},
		{"X=a && Y=b", "c:1:5: '&&' would be run as a command"},
		{"X=~/x", "c:1:3: '~' is not expanded: use $HOME"},
		{"X=(*.dtb)", "c:1:4: '*' outside of quotes is not expanded"},
		{"X=(a {b,c})", "c:1:6: '{' outside of quotes is not expanded"},
		{"X=\"open", "c:1:3: the quote is not closed"},
		{"X='open\n", "c:1:3: the quote is not closed"},
		{"X=${A", "c:1:3: ${ is not closed"},
		{"X=${A:-b", "c:1:3: ${ is not closed"},
		{"X=${A//b/c}",
		 "c:1:6: only ${NAME}, ${NAME:-text} and ${NAME%suffix} are understood"},
		{"X=${A%.*}", "c:1:3: a suffix with *, ?, [ or a backslash is not understood"},
		{"X=${!A}", "c:1:3: ${ needs the name of a variable"},
		{"X=$1", "c:1:3: $1 has no meaning in a config"},
		{"B='\\'\nX=${A%$B}",
		 "c:2:3: a suffix with *, ?, [ or a backslash is not understood"},
		{"X=$[1+2]", "c:1:3: $[ is not understood: use $(( ))"},
		{"X=$'a'", "c:1:3: $ before a quote is not understood"},
		{"X=$((1/0))", "c:1:3: division by zero"},
		{"X=$((1", "c:1:3: $(( is not closed"},
		{"X[-1]=a", "c:1:2: an index is 0 to 65535"},
		{"X[]=a", "c:1:2: the index is empty"},
		{"X[0]=(a)", "c:1:1: an array cannot be an element of an array"},
		{"X=(a", "c:1:1: the array X is not closed"},
		{"declare -A X", "c:1:1: 'declare' would be run as a declaration"},
		{"1X=a", "c:1:1: '1X=a' would be run as a command"},
		{"export 1", "c:1:8: export needs the name of a variable"},
	};
	struct config config;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (parse(&config, rows[i].text, &err) == 0)
			fail_msg("%s is accepted", rows[i].text);
		assert_string_equal(err.text, rows[i].error);
		config_free(&config);
	}
}

static void pairs(void **state)
{
	struct config config;
	struct err err;

	(void)state;
	assert_int_equal(parse(&config, "n=1\nA[0,1]=x\nA[n,n+1]=\"y\"\nA[0]=z\n", &err), 0);
	assert_string_equal(config_text_pair(&config, "A", 0, 1), "x");
	assert_string_equal(config_text_pair(&config, "A", 1, 2), "y");
	assert_string_equal(config_text_at(&config, "A", 0), "z");
	assert_null(config_text_pair(&config, "A", 1, 1));
	config_free(&config);
}

static const struct {
	const char *text;
	int64_t value;
	const char *error;
} arithmetic_rows[] = {
	{"", 0, NULL},
	{" 12 ", 12, NULL},
	{"0x1F", 31, NULL},
	{"010", 8, NULL},
	{"08", 0, "'8' is no digit of a number in base 8"},
	{"2#101", 5, NULL},
	{"16#fF", 255, NULL},
	{"64#_", 63, NULL},
	{"1#0", 0, "the base of a number is 2 to 64"},
	{"9223372036854775807 + 1", INT64_MIN, NULL},
	{"0xFFFFFFFFFFFFFFFF", -1, NULL},
	{"-9223372036854775808 / -1", INT64_MIN, NULL},
	{"-7 / 2", -3, NULL},
	{"-7 % 2", -1, NULL},
	{"2 ** 3 ** 2", 512, NULL},
	{"-2 ** 2", 4, NULL},
	{"2 ** -1", 0, "an exponent is negative"},
	{"1 << 2 + 1", 8, NULL},
	{"1 << 65", 2, NULL},
	{"-8 >> 1", -4, NULL},
	{"6 & 3 | 8 ^ 1", 11, NULL},
	{"~0", -1, NULL},
	{"!5 + 2", 2, NULL},
	{"1 < 2 == 1", 1, NULL},
	{"0 && 1 / 0", 0, NULL},
	{"1 || 1 / 0", 1, NULL},
	{"1 ? 2 : 1 / 0", 2, NULL},
	{"0 ? 1 : 0 ? 2 : 3", 3, NULL},
	{"1 / 0", 0, "division by zero"},
	{"1 ? 2", 0, "a ':' is missing after '?'"},
	{"A + B", 30, NULL},
	{"NOPE + 1", 1, NULL},
	{"LOOP", 0, NULL},
	{"(1", 0, "a parenthesis is not closed"},
	{"1 +", 0, "a value is missing at the end"},
	{"1 2", 0, "'2' is not understood"},
	{"a b", 0, "'b' is not understood"},
	{"A = 3", 0, "'= 3' is not understood"},
	{"A++", 0, "a value is missing at the end"},
	{"++A", 0, "++ and -- are not understood"},
	{"0x", 0, "a number has no digits"},
	{"12ab", 0, "'a' is no digit of a number in base 10"},
};

static void arithmetic(void **state)
{
	struct config config;
	struct err err;
	int64_t value;
	size_t i;
	int rc;

	(void)state;
	assert_int_equal(parse(&config, "A=10\nB='A * 2'\nLOOP=LOOP\n", &err), 0);
	for (i = 0; i < ARRAY_SIZE(arithmetic_rows); i++) {
		err_clear(&err);
		rc = config_arithmetic(&config, arithmetic_rows[i].text, &value, &err);
		if (arithmetic_rows[i].error) {
			assert_int_equal(rc, -ERR_CONFIG);
			assert_string_equal(err.text, arithmetic_rows[i].error);
		} else if (strcmp(arithmetic_rows[i].text, "LOOP") == 0) {
			assert_int_equal(rc, -ERR_CONFIG);
			assert_non_null(strstr(err.text, "names itself"));
		} else {
			if (rc < 0 || value != arithmetic_rows[i].value)
				fail_msg("%s is %lld (%s)", arithmetic_rows[i].text,
					 (long long)value, err.text);
		}
	}
	config_free(&config);
}

/* Costs that grow without bound end in an error, soon. */
static void bounds(void **state)
{
	_cleanup_(buf_free) struct buf text = {0};
	struct config config;
	struct err err;
	int64_t value;
	int i;

	(void)state;
	buf_add_text(&text, "A0=0123456789\nN0=1\n");
	for (i = 1; i < 40; i++)
		buf_addf(&text, "A%d=\"$A%d$A%d\"\n", i, i - 1, i - 1);
	assert_int_equal(parse(&config, buf_text(&text), &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "longer than"));
	config_free(&config);
	buf_clear(&text);
	buf_add_text(&text, "N0=1\n");
	for (i = 1; i < 40; i++)
		buf_addf(&text, "N%d=N%d+N%d\n", i, i - 1, i - 1);
	assert_int_equal(parse(&config, buf_text(&text), &err), 0);
	assert_int_equal(config_arithmetic(&config, "N39", &value, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "too long"));
	config_free(&config);
	/* Not cut in the middle of an array, either. */
	buf_clear(&text);
	buf_add_text(&text, "A=12345678\n");
	for (i = 0; i < 13; i++)
		buf_add_text(&text, "A=$A$A\n");
	buf_add_text(&text, "B=($A)\nC=(\"x${B[@]}\" y)\n");
	assert_int_equal(parse(&config, buf_text(&text), &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "a value is longer than"));
	config_free(&config);
	/* Little text that asks for much. */
	buf_clear(&text);
	for (i = 0; i < 13; i++)
		buf_add_text(&text, i ? "A=(\"${A[@]}\" \"${A[@]}\")\n" : "A=x\n");
	for (i = 0; i < 20000; i++)
		buf_add_text(&text, "B=\"${A[@]}\"\n");
	assert_int_equal(parse(&config, buf_text(&text), &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "too much work"));
	config_free(&config);
}

static void warnings(void **state)
{
	static const char text[] = "NUM_DOMUS=1\nDOMU_KERNL[0]=x\nKDIR=.\nXENN=$KDIR\n"
				   "DOMU_MEM[1]=5\nDOMU_MEM[0]=5\nHELPER=1\nX2=$HELPER\n"
				   "XEN[1]=y\nDOMU_VCPU_HARD_AFFINITY[0,0]=1\n";
	static const char *const expected[] = {
		"c:2:1: DOMU_KERNL has no meaning; did you mean DOMU_KERNEL",
		"c:4:1: XENN has no meaning; did you mean XEN",
		"c:5:1: DOMU_MEM has an index that is not below NUM_DOMUS",
		"c:9:1: XEN is no array: this element has no effect",
	};
	struct notes notes = {0};
	struct config config;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(parse(&config, text, &err), 0);
	config_check_names(&config, &notes);
	for (i = 0; i < notes.count && i < ARRAY_SIZE(expected); i++)
		assert_string_equal(notes.items[i].text, expected[i]);
	assert_int_equal(notes.count, ARRAY_SIZE(expected));
	notes_free(&notes);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(refusals),
		cmocka_unit_test(pairs),  cmocka_unit_test(arithmetic),
		cmocka_unit_test(bounds), cmocka_unit_test(warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
