// SPDX-License-Identifier: MIT
/*
 * The command line. Verbs and options are constant tables; parsing, --help, the man pages and the
 * completions all read the same ones. A verb is one file with one `struct verb`; a new verb is that
 * and a line in verbs.c. This is the only layer that prints or exits.
 */
#ifndef ABOARD_CLI_CLI_H
#define ABOARD_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* A table of options ends with an empty row. */
struct option {
	const char *name;     /* long, without dashes: "target" */
	char letter;          /* 't'; 0: none */
	const char *argument; /* what it takes, for people: "HEX"; "a|b|c" allows only these; FILE
				 and BOARD are completed as such; NULL: a flag */
	const char *help;     /* one or two sentences; may name the default */
	const char *alias;    /* another long name; NULL: none */
	bool negatable;       /* a flag with a --no-NAME */
	bool repeatable;      /* every one counts; otherwise the last one does */
};

/* A table of examples ends with an empty row. */
struct example {
	const char *command; /* "aboard flash lab3 debian.img.xz" */
	const char *text;    /* what it does */
};

struct cli;

/* One verb, or one sub-verb ("pull" of "bundle"). */
struct verb {
	const char *name;
	const char *summary; /* one line, no full stop */
	/* The words it takes: "BOARD [IMAGE]", "BOARD on|off", "FILE..."; a word in brackets may be
	   missing, "..." repeats the last one, a word with | allows only these. NULL: none. */
	const char *args;
	const char *description;        /* paragraphs with an empty line between; for the manual */
	const struct option *options;   /* its own; NULL: none */
	const struct example *examples; /* NULL: none */
	const struct verb *const *subs; /* NULL-terminated; NULL: none */
	/* Does it: results on stdout, everything else on stderr. An error is printed by main().
	   NULL: only with a sub-verb. */
	int (*run)(struct cli *cli, struct err *err);
};

/* A whole command line program; ours is `aboard_program`. */
struct program {
	const char *name, *version, *summary;
	const char *description; /* paragraphs with an empty line between; for the manual */
	bool has_boards; /* it reads board files and keeps records: the manual tells which */
	const struct option *options; /* global ones, good with every verb */
	const struct verb *const *verbs;
};

extern const struct program aboard_program;

/* A parsed command line. */
struct arg_value {
	const struct option *option;
	const char *text; /* NULL: a flag */
	bool on;          /* a flag: false for --no-NAME */
};

struct args {
	const struct program *program;
	const struct verb *verb;   /* what is to be done; NULL: none was named */
	const struct verb *parent; /* the verb whose sub-verb it is; NULL: none */
	struct arg_value *values;
	size_t value_count;
	const char **words; /* after the verb; NULL-terminated */
	size_t word_count;
};

/* Parses argv[1..]: --x=y, --x y, -x y, -xy, -abc, --, options anywhere. ERR_USAGE with a remedy.
   How many words there are is judged by args_check(), so that --help needs none. Everything is
   borrowed but the arrays; args_free() also after an error. */
int args_parse(struct args *args, const struct program *program, int argc, char *const *argv,
	       struct err *err);
int args_check(const struct args *args, struct err *err);
void args_free(struct args *args);

/* The last value of an option; the fallback when it was not given. */
const char *args_value(const struct args *args, const char *name, const char *fallback);
/* Every value of it: an array ended by NULL, the caller's to free (the array only). */
const char **args_values(const struct args *args, const char *name);
size_t args_count(const struct args *args, const char *name);
bool args_flag(const struct args *args, const char *name, bool fallback);
/* A number 0..max; ERR_USAGE with the option's name. */
int args_uint(const struct args *args, const char *name, unsigned int fallback, unsigned int max,
	      unsigned int *value, struct err *err);
/* NULL when there are fewer words. */
const char *args_word(const struct args *args, size_t index);

/* "aboard bundle pull [OPTION]... REF"; owned by the caller. */
char *args_usage(const struct program *program, const struct verb *parent, const struct verb *verb);

/* NULL when there is none of that name. */
const struct verb *verb_find(const struct verb *const *verbs, const char *name);
const struct option *option_find(const struct option *table, const char *name);

/* The word between two `|`, or between brackets and dots, number `index` of a text of arguments;
   for tables walked by help, manual and completions. */
struct arg_spec {
	char name[64]; /* "BOARD", "on|off" */
	bool optional, repeats;
};

bool arg_spec_get(const char *args, size_t index, struct arg_spec *spec);
/* Choice number `index` of "a|b|c"; false when there are fewer, or when it is no choice. */
bool arg_choice_get(const char *name, size_t index, char out[64]);

/* What a verb's run() works with. */
struct cli {
	const struct args *args;
	const char *boards_file; /* --boards; NULL: the search path */
	bool json, quiet, yes;
	unsigned int verbose; /* number of -v */
	int cancel_fd;        /* readable, and never read, once a signal wants us to end */
	bool reported;        /* a job ran: its result event told how it ended */
	int exit_status;      /* instead of 0, on success (shell --exec) */
};

#endif
