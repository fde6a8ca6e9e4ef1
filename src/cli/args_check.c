// SPDX-License-Identifier: MIT
#include "cli/args.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* Words for "did you mean", ended by NULL. */
struct words {
	const char **items;
	size_t count;
};

static void words_add(struct words *words, const char *word)
{
	if (!word)
		return;
	words->items = xrealloc(words->items, words->count + 2, sizeof(*words->items));
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
}

static void words_free(struct words *words)
{
	freep(&words->items);
}

static const char *words_nearest(const struct words *words, const char *text)
{
	return words->count ? text_nearest(text, words->items) : NULL;
}

static void words_add_options(struct words *words, const struct option *table)
{
	for (; table && table->name; table++) {
		words_add(words, table->name);
		words_add(words, table->alias);
	}
}

/* "aboard bundle pull": the command as far as it is known. */
static char *command(const struct args *args)
{
	struct buf text = {0};

	buf_add_text(&text, args->program->name);
	if (args->parent)
		buf_addf(&text, " %s", args->parent->name);
	if (args->verb)
		buf_addf(&text, " %s", args->verb->name);
	return buf_steal(&text);
}

/* Puts the verb before an error: "bundle pull: ...". */
static void in_verb(const struct args *args, struct err *err)
{
	if (args->parent)
		err_prefix(err, "%s %s", args->parent->name, args->verb->name);
	else if (args->verb)
		err_prefix(err, "%s", args->verb->name);
}

static const struct option *any_option(const struct args *args, const char *name)
{
	const struct option *own = args->verb ? option_find(args->verb->options, name) : NULL;

	return own ? own : option_find(args->program->options, name);
}

int unknown_option(const struct args *args, const char *name, struct err *err)
{
	const char *plain = text_starts(name, "no-") ? name + 3 : name, *nearest;
	_cleanup_(words_free) struct words words = {0};
	_cleanup_(freep) char *called = command(args);
	bool no;

	words_add_options(&words, args->verb ? args->verb->options : NULL);
	words_add_options(&words, args->program->options);
	nearest = words_nearest(&words, plain);
	err_set(err, ERR_USAGE, "unknown option --%s", name);
	in_verb(args, err);
	if (!nearest)
		return err_remedy(err, "'%s --help' lists the options", called);
	no = plain != name && any_option(args, nearest)->negatable;
	return err_remedy(err, "did you mean --%s%s?", no ? "no-" : "", nearest);
}

int unknown_letter(const struct args *args, char letter, struct err *err)
{
	_cleanup_(freep) char *called = command(args);

	if (isgraph((unsigned char)letter))
		err_set(err, ERR_USAGE, "unknown option -%c", letter);
	else
		err_set(err, ERR_USAGE, "an option is no printable character");
	in_verb(args, err);
	return err_remedy(err, "'%s --help' lists the options", called);
}

int unknown_verb(const struct args *args, const char *word, struct err *err)
{
	const struct verb *const *verbs = args->verb ? args->verb->subs : args->program->verbs;
	_cleanup_(words_free) struct words words = {0};
	_cleanup_(freep) char *called = command(args);
	const char *nearest;

	for (; verbs && *verbs; verbs++)
		words_add(&words, (*verbs)->name);
	nearest = words_nearest(&words, word);
	err_set(err, ERR_USAGE, "unknown command '%s'", word);
	in_verb(args, err);
	if (nearest)
		return err_remedy(err, "did you mean '%s %s'?", called, nearest);
	return err_remedy(err, "'%s --help' lists the commands", called);
}

static bool word_at(const char *text, const char *separators, size_t index, char *out, size_t size)
{
	size_t length;

	for (;; text += length) {
		text += strspn(text, separators);
		length = strcspn(text, separators);
		if (length == 0 || length >= size)
			return false;
		if (index-- == 0)
			break;
	}
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

bool arg_spec_get(const char *args, size_t index, struct arg_spec *spec)
{
	char word[64];
	size_t length;

	*spec = (struct arg_spec){0};
	if (!args || !word_at(args, " ", index, word, sizeof(word)))
		return false;
	spec->optional = word[0] == '[';
	spec->repeats = strstr(word, "...") != NULL;
	length = strcspn(word + spec->optional, "].");
	memcpy(spec->name, word + spec->optional, length);
	return true;
}

bool arg_choice_get(const char *name, size_t index, char out[64])
{
	return name && strchr(name, '|') && word_at(name, "|", index, out, 64);
}

int check_choice(const char *choices, const char *text, struct err *err)
{
	_cleanup_(words_free) struct words words = {0};
	char names[8][64];
	const char *nearest;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && arg_choice_get(choices, i, names[i]); i++) {
		if (text_equal(text, names[i]))
			return 0;
		words_add(&words, names[i]);
	}
	nearest = words_nearest(&words, text);
	err_set(err, ERR_USAGE, "'%s' is none of %s", text, choices);
	return nearest ? err_remedy(err, "did you mean '%s'?", nearest) : -(int)ERR_USAGE;
}

char *args_usage(const struct program *program, const struct verb *parent, const struct verb *verb)
{
	struct buf text = {0};

	buf_addf(&text, "%s ", program->name);
	if (parent)
		buf_addf(&text, "%s ", parent->name);
	if (!verb)
		buf_add_text(&text, "[OPTION]... COMMAND [ARGUMENT]...");
	else
		buf_addf(&text, "%s%s [OPTION]...%s%s", verb->name, verb->run ? "" : " COMMAND",
			 verb->args ? " " : "", verb->args ? verb->args : "");
	return buf_steal(&text);
}

static int usage_remedy(const struct args *args, struct err *err)
{
	_cleanup_(freep) char *usage = args_usage(args->program, args->parent, args->verb);

	return err_remedy(err, "usage: %s", usage);
}

static int too_many(const struct args *args, size_t fits, struct err *err)
{
	err_set(err, ERR_USAGE, "one argument too many: '%s'", args->words[fits]);
	in_verb(args, err);
	return usage_remedy(args, err);
}

static int too_few(const struct args *args, const char *missing, struct err *err)
{
	err_set(err, ERR_USAGE, "%s is missing", missing);
	in_verb(args, err);
	return usage_remedy(args, err);
}

static int wrong_choice(const struct args *args, const char *choices, const char *word,
			struct err *err)
{
	check_choice(choices, word, err);
	in_verb(args, err);
	return err && err->remedy[0] ? -(int)ERR_USAGE : usage_remedy(args, err);
}

static bool is_choice(const char *choices, const char *word)
{
	return !strchr(choices, '|') || check_choice(choices, word, NULL) == 0;
}

int args_check(const struct args *args, struct err *err)
{
	struct arg_spec spec;
	size_t i;

	if (!args->verb || !args->verb->run)
		return too_few(args, "the command", err);
	for (i = 0; arg_spec_get(args->verb->args, i, &spec); i++) {
		if (i >= args->word_count && !spec.optional)
			return too_few(args, spec.name, err);
		if (i < args->word_count && !is_choice(spec.name, args->words[i]))
			return wrong_choice(args, spec.name, args->words[i], err);
		if (spec.repeats)
			return 0;
	}
	return args->word_count > i ? too_many(args, i, err) : 0;
}
