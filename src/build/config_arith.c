// SPDX-License-Identifier: MIT
/* Arithmetic as bash has it: 64 bits signed that wrap round, C's operators and precedence, **,
   base#digits. Assignments, ++, -- and the comma are left out: a config has no use for them. */
#include "build/config.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX  64
#define BUDGET_MAX 2000

struct arith {
	const struct config *config;
	const char *at;
	unsigned int depth;   /* of parentheses and of variables that name variables */
	unsigned int *budget; /* operands still allowed, over all nested variables */
	unsigned int skip;    /* > 0: this side of &&, || or ?: does not count */
	struct err *err;
};

static int conditional(struct arith *arith, int64_t *value);

static int fail(struct arith *arith, const char *what)
{
	return err_set(arith->err, ERR_CONFIG, "%s", what);
}

static void skip_blanks(struct arith *arith)
{
	while (isspace((unsigned char)*arith->at))
		arith->at++;
}

static int64_t wrap(uint64_t value)
{
	int64_t out;

	memcpy(&out, &value, sizeof(out));
	return out;
}

/* The value of a digit in bases up to 64, as bash counts: 0-9, a-z, A-Z, @, _. */
static unsigned int digit_value(char c, unsigned int base)
{
	if (isdigit((unsigned char)c))
		return (unsigned int)(c - '0');
	if (islower((unsigned char)c))
		return (unsigned int)(c - 'a') + 10;
	if (isupper((unsigned char)c))
		return (unsigned int)(c - 'A') + (base <= 36 ? 10U : 36U);
	return c == '@' ? 62 : c == '_' ? 63 : 99;
}

static int digits(struct arith *arith, unsigned int base, int64_t *value)
{
	const char *start = arith->at;
	uint64_t sum = 0;

	for (; isalnum((unsigned char)*arith->at) || *arith->at == '_' || *arith->at == '@';
	     arith->at++) {
		if (digit_value(*arith->at, base) >= base)
			return err_set(arith->err, ERR_CONFIG,
				       "'%c' is no digit of a number in base %u", *arith->at, base);
		sum = sum * base + digit_value(*arith->at, base);
	}
	*value = wrap(sum);
	return arith->at == start ? fail(arith, "a number has no digits") : 0;
}

/* 12, 0x1f, 017, 2#1010. */
static int number(struct arith *arith, int64_t *value)
{
	size_t length = strspn(arith->at, "0123456789"), i;
	unsigned int base = 0;

	if (arith->at[0] == '0' && (arith->at[1] == 'x' || arith->at[1] == 'X')) {
		arith->at += 2;
		return digits(arith, 16, value);
	}
	if (arith->at[length] != '#')
		return digits(arith, arith->at[0] == '0' ? 8 : 10, value);
	for (i = 0; i < length && base <= 64; i++)
		base = base * 10 + (unsigned int)(arith->at[i] - '0');
	if (base < 2 || base > 64)
		return fail(arith, "the base of a number is 2 to 64");
	arith->at += length + 1;
	return digits(arith, base, value);
}

static int whole(struct arith *arith, int64_t *value)
{
	int rc = conditional(arith, value);

	skip_blanks(arith);
	if (rc < 0 || !*arith->at)
		return rc;
	return err_set(arith->err, ERR_CONFIG, "'%.20s' is not understood", arith->at);
}

/* A variable; its text is an expression again. */
static int variable(struct arith *arith, int64_t *value)
{
	size_t length = 1;
	_cleanup_(freep) char *name = NULL;
	struct arith inner = *arith;
	int rc;

	while (isalnum((unsigned char)arith->at[length]) || arith->at[length] == '_')
		length++;
	name = xstrndup(arith->at, length);
	arith->at += length;
	inner.at = config_lookup(arith->config, name, 0, -1);
	*value = 0;
	if (!inner.at)
		return 0;
	skip_blanks(&inner);
	if (!*inner.at)
		return 0;
	if (++inner.depth > DEPTH_MAX)
		return err_set(arith->err, ERR_CONFIG, "%s names itself", name);
	rc = whole(&inner, value);
	return rc < 0 ? err_prefix(arith->err, "%s", name) : 0;
}

static int parenthesis(struct arith *arith, int64_t *value)
{
	int rc;

	arith->at++;
	if (++arith->depth > DEPTH_MAX)
		return fail(arith, "too deep");
	rc = conditional(arith, value);
	arith->depth--;
	skip_blanks(arith);
	if (rc < 0)
		return rc;
	if (*arith->at != ')')
		return fail(arith, "a parenthesis is not closed");
	arith->at++;
	return 0;
}

static int operand(struct arith *arith, int64_t *value)
{
	if ((*arith->budget)-- == 0)
		return fail(arith, "the expression is too long");
	skip_blanks(arith);
	if (*arith->at == '(')
		return parenthesis(arith, value);
	if (isdigit((unsigned char)*arith->at))
		return number(arith, value);
	if (isalpha((unsigned char)*arith->at) || *arith->at == '_')
		return variable(arith, value);
	if (!*arith->at)
		return fail(arith, "a value is missing at the end");
	return err_set(arith->err, ERR_CONFIG, "'%.20s' is not understood", arith->at);
}

static int unary(struct arith *arith, int64_t *value)
{
	char sign;
	int rc;

	skip_blanks(arith);
	sign = *arith->at;
	if (!sign || !strchr("+-!~", sign))
		return operand(arith, value);
	if ((sign == '+' || sign == '-') && arith->at[1] == sign)
		return fail(arith, "++ and -- are not understood");
	arith->at++;
	if (++arith->depth > DEPTH_MAX)
		return fail(arith, "too deep");
	rc = unary(arith, value);
	arith->depth--;
	if (rc < 0)
		return rc;
	if (sign == '-')
		*value = wrap(0 - (uint64_t)*value);
	else if (sign == '!')
		*value = !*value;
	else if (sign == '~')
		*value = ~*value;
	return 0;
}

enum operation {
	POWER,
	TIMES,
	DIVIDE,
	REST,
	PLUS,
	MINUS,
	LEFT,
	RIGHT,
	LESS_EQUAL,
	GREATER_EQUAL,
	LESS,
	GREATER,
	EQUAL,
	UNEQUAL,
	BIT_AND,
	BIT_XOR,
	BIT_OR,
	AND,
	OR,
};

struct arith_op {
	const char *text;
	unsigned int level; /* higher binds closer */
	enum operation operation;
};

/* Longer ones first, so that << is not taken for <. */
static const struct arith_op arith_ops[] = {
	{"**", 12, POWER},     {"<<", 9, LEFT},          {">>", 9, RIGHT},
	{"<=", 8, LESS_EQUAL}, {">=", 8, GREATER_EQUAL}, {"==", 7, EQUAL},
	{"!=", 7, UNEQUAL},    {"&&", 3, AND},           {"||", 2, OR},
	{"*", 11, TIMES},      {"/", 11, DIVIDE},        {"%", 11, REST},
	{"+", 10, PLUS},       {"-", 10, MINUS},         {"<", 8, LESS},
	{">", 8, GREATER},     {"&", 6, BIT_AND},        {"^", 5, BIT_XOR},
	{"|", 4, BIT_OR},
};

#define LEVEL_LOWEST 2

static const struct arith_op *find_op(const char *at)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(arith_ops); i++)
		if (strncmp(at, arith_ops[i].text, strlen(arith_ops[i].text)) == 0)
			return &arith_ops[i];
	return NULL;
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
	uint64_t result = 1;

	for (; exponent; exponent >>= 1, base *= base)
		if (exponent & 1)
			result *= base;
	return result;
}

static int divide(struct arith *arith, enum operation operation, int64_t a, int64_t b,
		  int64_t *value)
{
	*value = 0;
	if (b == 0)
		return arith->skip ? 0 : fail(arith, "division by zero");
	if (b == -1)
		*value = operation == DIVIDE ? wrap(0 - (uint64_t)a) : 0;
	else
		*value = operation == DIVIDE ? a / b : a % b;
	return 0;
}

static int apply(struct arith *arith, enum operation operation, int64_t a, int64_t b,
		 int64_t *value)
{
	uint64_t x = (uint64_t)a, y = (uint64_t)b;

	if (operation == DIVIDE || operation == REST)
		return divide(arith, operation, a, b, value);
	if (operation == POWER && b < 0 && !arith->skip)
		return fail(arith, "an exponent is negative");
	/* clang-format off */
	switch (operation) {
	case POWER: *value = wrap(power(x, b < 0 ? 0 : y)); break;
	case TIMES: *value = wrap(x * y); break;
	case PLUS: *value = wrap(x + y); break;
	case MINUS: *value = wrap(x - y); break;
	case LEFT: *value = wrap(x << (y & 63)); break;
	case RIGHT: *value = a >> (y & 63); break;
	case LESS_EQUAL: *value = a <= b; break;
	case GREATER_EQUAL: *value = a >= b; break;
	case LESS: *value = a < b; break;
	case GREATER: *value = a > b; break;
	case EQUAL: *value = a == b; break;
	case UNEQUAL: *value = a != b; break;
	case BIT_AND: *value = a & b; break;
	case BIT_XOR: *value = a ^ b; break;
	case BIT_OR: *value = a | b; break;
	case AND: *value = a && b; break;
	case OR: *value = a || b; break;
	case DIVIDE: case REST: break;
	}
	/* clang-format on */
	return 0;
}

/* Operators of at least `level`, by climbing precedence. */
static int binary(struct arith *arith, unsigned int level, int64_t *value)
{
	const struct arith_op *op;
	unsigned int skip = arith->skip;
	int64_t right;
	int rc = unary(arith, value);

	while (rc == 0) {
		skip_blanks(arith);
		op = find_op(arith->at);
		if (!op || op->level < level)
			return 0;
		arith->at += strlen(op->text);
		if ((op->operation == AND && !*value) || (op->operation == OR && *value))
			arith->skip++;
		if (++arith->depth > DEPTH_MAX)
			return fail(arith, "too deep");
		/* ** binds to the right, the others to the left. */
		rc = binary(arith, op->level + (op->operation != POWER), &right);
		arith->depth--;
		if (rc == 0)
			rc = apply(arith, op->operation, *value, right, value);
		arith->skip = skip;
	}
	return rc;
}

/* One side of ?: ; it counts only when `counts`. */
static int side(struct arith *arith, bool counts, int64_t *value)
{
	int rc;

	arith->skip += !counts;
	rc = conditional(arith, value);
	arith->skip -= !counts;
	return rc;
}

static int conditional(struct arith *arith, int64_t *value)
{
	int64_t yes, no;
	int rc = binary(arith, LEVEL_LOWEST, value);

	skip_blanks(arith);
	if (rc < 0 || *arith->at != '?')
		return rc;
	arith->at++;
	if (++arith->depth > DEPTH_MAX)
		return fail(arith, "too deep");
	rc = side(arith, *value != 0, &yes);
	skip_blanks(arith);
	if (rc == 0 && *arith->at != ':')
		rc = fail(arith, "a ':' is missing after '?'");
	if (rc == 0) {
		arith->at++;
		rc = side(arith, *value == 0, &no);
	}
	arith->depth--;
	if (rc == 0)
		*value = *value ? yes : no;
	return rc;
}

int config_arithmetic(const struct config *config, const char *text, int64_t *value,
		      struct err *err)
{
	unsigned int budget = BUDGET_MAX;
	struct arith arith = {.config = config, .at = text, .budget = &budget, .err = err};

	*value = 0;
	skip_blanks(&arith);
	return *arith.at ? whole(&arith, value) : 0;
}
