// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/args.h"

const struct verb *verb_find(const struct verb *const *verbs, const char *name)
{
	for (; verbs && *verbs; verbs++)
		if (text_equal((*verbs)->name, name))
			return *verbs;
	return NULL;
}

const struct option *option_find(const struct option *table, const char *name)
{
	for (; table && table->name; table++)
		if (text_equal(table->name, name) || text_equal(table->alias, name))
			return table;
	return NULL;
}

static const struct option *letter_find(const struct option *table, char letter)
{
	for (; table && table->name; table++)
		if (table->letter == letter)
			return table;
	return NULL;
}

static const struct option *own_options(const struct args *args)
{
	return args->verb ? args->verb->options : NULL;
}

static const struct option *long_option(const struct args *args, const char *name)
{
	const struct option *option = option_find(own_options(args), name);

	return option ? option : option_find(args->program->options, name);
}

static const struct option *short_option(const struct args *args, char letter)
{
	const struct option *option = letter_find(own_options(args), letter);

	return option ? option : letter_find(args->program->options, letter);
}

static void add_value(struct args *args, struct arg_value value)
{
	args->values = xrealloc(args->values, args->value_count + 1, sizeof(*args->values));
	args->values[args->value_count++] = value;
}

static void add_word(struct args *args, const char *word)
{
	args->words = xrealloc(args->words, args->word_count + 2, sizeof(*args->words));
	args->words[args->word_count++] = word;
	args->words[args->word_count] = NULL;
}

/* What is left of the command line while it is parsed. */
struct rest {
	int argc;
	char *const *argv;
	int next;
};

static const char *take(struct rest *rest)
{
	return rest->next < rest->argc ? rest->argv[rest->next++] : NULL;
}

static int give_value(struct args *args, const struct option *option, const char *text,
		      struct err *err)
{
	if (arg_choice_get(option->argument, 0, (char[64]){0}) &&
	    check_choice(option->argument, text, err) < 0)
		return err_prefix(err, "--%s", option->name);
	add_value(args, (struct arg_value){.option = option, .text = text, .on = true});
	return 0;
}

static int needs_value(const struct option *option, struct err *err)
{
	err_set(err, ERR_USAGE, "--%s needs an argument: %s", option->name, option->argument);
	return err_remedy(err, "%s", option->help);
}

/* --no-NAME: the option, when it is one that can be negated. */
static const struct option *negated(const struct args *args, const char *name)
{
	const struct option *option;

	if (!text_starts(name, "no-"))
		return NULL;
	option = long_option(args, name + 3);
	return option && option->negatable ? option : NULL;
}

static int parse_long(struct args *args, const char *word, struct rest *rest, struct err *err)
{
	const char *equals = strchr(word, '=');
	_cleanup_(freep) char *name =
		equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
	const struct option *option = long_option(args, name);
	bool on = option != NULL;
	const char *text;

	if (!option)
		option = negated(args, name);
	if (!option)
		return unknown_option(args, name, err);
	if (!option->argument && equals)
		return err_set(err, ERR_USAGE, "--%s takes no argument", name);
	if (!option->argument) {
		add_value(args, (struct arg_value){.option = option, .on = on});
		return 0;
	}
	text = equals ? equals + 1 : take(rest);
	return text ? give_value(args, option, text, err) : needs_value(option, err);
}

/* One letter or several; the first one with an argument takes what is left of the word. */
static int parse_letters(struct args *args, const char *letters, struct rest *rest, struct err *err)
{
	const struct option *option;
	const char *text;

	for (; *letters; letters++) {
		option = short_option(args, *letters);
		if (!option)
			return unknown_letter(args, *letters, err);
		if (option->argument) {
			text = letters[1] ? letters + 1 : take(rest);
			return text ? give_value(args, option, text, err)
				    : needs_value(option, err);
		}
		add_value(args, (struct arg_value){.option = option, .on = true});
	}
	return 0;
}

/* The first word is the verb, the second may be its sub-verb. */
static int parse_word(struct args *args, const char *word, struct err *err)
{
	const struct verb *sub;

	if (!args->verb) {
		args->verb = verb_find(args->program->verbs, word);
		return args->verb ? 0 : unknown_verb(args, word, err);
	}
	if (args->verb->subs && !args->parent && args->word_count == 0) {
		sub = verb_find(args->verb->subs, word);
		if (!sub && !args->verb->args)
			return unknown_verb(args, word, err);
		if (sub) {
			args->parent = args->verb;
			args->verb = sub;
			return 0;
		}
	}
	add_word(args, word);
	return 0;
}

int args_parse(struct args *args, const struct program *program, int argc, char *const *argv,
	       struct err *err)
{
	struct rest rest = {.argc = argc, .argv = argv, .next = 1};
	bool options = true;
	const char *word;
	int rc = 0;

	*args = (struct args){.program = program};
	while (rc == 0 && (word = take(&rest))) {
		if (options && text_equal(word, "--"))
			options = false;
		else if (options && text_starts(word, "--"))
			rc = parse_long(args, word + 2, &rest, err);
		else if (options && word[0] == '-' && word[1])
			rc = parse_letters(args, word + 1, &rest, err);
		else
			rc = parse_word(args, word, err);
	}
	return rc;
}

void args_free(struct args *args)
{
	freep(&args->values);
	freep(&args->words);
}

static const struct arg_value *last_value(const struct args *args, const char *name)
{
	const struct option *option = long_option(args, name);
	size_t i;

	for (i = args->value_count; option && i-- > 0;)
		if (args->values[i].option == option)
			return &args->values[i];
	return NULL;
}

const char *args_value(const struct args *args, const char *name, const char *fallback)
{
	const struct arg_value *value = last_value(args, name);

	return value ? value->text : fallback;
}

bool args_flag(const struct args *args, const char *name, bool fallback)
{
	const struct arg_value *value = last_value(args, name);

	return value ? value->on : fallback;
}

size_t args_count(const struct args *args, const char *name)
{
	const struct option *option = long_option(args, name);
	size_t i, count = 0;

	for (i = 0; option && i < args->value_count; i++)
		count += args->values[i].option == option;
	return count;
}

const char **args_values(const struct args *args, const char *name)
{
	const char **texts = xcalloc(args_count(args, name) + 1, sizeof(*texts));
	const struct option *option = long_option(args, name);
	size_t i, count = 0;

	for (i = 0; option && i < args->value_count; i++)
		if (args->values[i].option == option)
			texts[count++] = args->values[i].text;
	return texts;
}

int args_uint(const struct args *args, const char *name, unsigned int fallback, unsigned int max,
	      unsigned int *value, struct err *err)
{
	const char *text = args_value(args, name, NULL);
	uint64_t number = fallback;

	if (text && !text_u64(text, max, &number)) {
		err_set(err, ERR_USAGE, "--%s: '%s' is not a number", name, text);
		return err_remedy(err, "give a whole number from 0 to %u", max);
	}
	*value = (unsigned int)number;
	return 0;
}

const char *args_word(const struct args *args, size_t index)
{
	return index < args->word_count ? args->words[index] : NULL;
}
