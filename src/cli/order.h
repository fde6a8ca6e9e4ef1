// SPDX-License-Identifier: MIT
/*
 * What the verbs that do a job on a board have in common: the board by its name, the options that
 * make up the request, and running it with the right readers of its events.
 */
#ifndef ABOARD_CLI_ORDER_H
#define ABOARD_CLI_ORDER_H

#include <stdio.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/confirm.h"
#include "cli/term.h"
#include "engine/board.h"
#include "engine/job.h"

/* Everything a request points at; zeroed before order_open(), order_free() also after an error. */
struct order {
	struct boards boards;
	struct board *board; /* borrowed from boards */
	struct request request;
	struct request_item *items;
	char *sha256;
	char **texts; /* owned: headers of a file, halves of PARTITION:FILE */
	size_t text_count;
	const char **headers; /* NULL-terminated, borrowed */
	struct asker asker;   /* the person at the terminal, if there is one */
	/* Readers. */
	struct term *term; /* NULL with --json */
	FILE *plan_out;    /* stderr unless the plan is what was asked for */
	bool always_plan;
	bool ended_well; /* the result event said so */
	bool ended;
};

/* Finds the board (word 0) and reads every option of the request that the verb has. Items are the
   verb's to add. */
int order_open(struct order *order, const struct cli *cli, const char *verb, struct err *err);
void order_free(struct order *order);

void order_add(struct order *order, struct request_item item);

/* Copies a text for as long as the order lives. */
const char *order_keep(struct order *order, char *text);

/* Settings with readers as the options say; asks as `confirm` says (none: yes in advance). */
struct job_settings order_settings(struct order *order, struct cli *cli,
				   struct job_confirm confirm);

/* After job_run() or job_end(): whether the person knows how it ended. */
void order_report(const struct order *order, struct cli *cli, int rc);

/* job_run() with all of this. */
int order_run(struct order *order, struct cli *cli, struct job_confirm confirm, struct err *err);

/* The pure parts. "PARTITION:FILE" or ERR_USAGE; out owned by the caller. */
int split_item(const char *text, char **partition, char **file, struct err *err);

/* 64 hexadecimal digits, in lower case; "sha256:" before them is fine. Owned by the caller. */
int read_sha256(const char *text, char **hex, struct err *err);

/* The digest of a file as sha256sum writes it: the line that names `image` (its last part), else
   the first word. */
int find_sha256(char *list, const char *image, char **hex, struct err *err);

/* Rows of options that several verbs have. */
#define OPTION_TARGET                                                                   \
	{                                                                               \
		.name = "target", .argument = "T", .alias = "partition",                \
		.help = "What to use on the board, by its name in the bundle or board " \
			"file. Default: the board file's, else the bundle's."           \
	}
#define OPTION_BUNDLE                                            \
	{                                                        \
		.name = "force-flash-bundle", .argument = "REF", \
		.help = "Use this bundle, for this job only."    \
	}
#define OPTION_HOST_ADDRESS                                                             \
	{                                                                               \
		.name = "host-address", .argument = "ADDRESS",                          \
		.help = "The address of this machine that the board is told. Default: " \
			"found by the route to the board."                              \
	}
#define OPTION_CONSOLE_DEBUG                                                            \
	{                                                                               \
		.name = "console-debug", .help = "Show what the console says, line by " \
						 "line."                                \
	}
#define OPTION_RETRIES                                                                   \
	{                                                                                \
		.name = "retries", .argument = "N",                                      \
		.help = "How often the job may go back to an earlier stage when trying " \
			"again can help. Default: 3."                                    \
	}
#define OPTION_POWER_OFF                                                        \
	{                                                                       \
		.name = "power-off", .negatable = true,                         \
		.help = "Switch the board off at the end. This is the default." \
	}
#define OPTION_CACERT                                                             \
	{                                                                         \
		.name = "cacert", .argument = "FILE",                             \
		.help = "Trust the certificates of this PEM file instead of the " \
			"system's."                                               \
	}
#define OPTION_INSECURE                                                         \
	{                                                                       \
		.name = "insecure-tls", .letter = 'k',                          \
		.help = "Do not check certificates. Digests are still checked." \
	}

#endif
