// SPDX-License-Identifier: MIT
/*
 * aboard-sim's command line: the models are its verbs, and several follow each other, each with its
 * own options.
 */
#ifndef ABOARD_SIM_PROGRAM_H
#define ABOARD_SIM_PROGRAM_H

#include "cli/cli.h"
#include "sim/loop.h"
#include "sim/models.h"
#include "sim/session.h"

extern const struct program sim_program;

/* What a model's verb works with: it puts its devices on the bus. */
struct sim_cli {
	struct cli cli;
	struct sim_bus *bus;
	struct loop *loop;
	struct buf lines; /* to be printed once it listens */
};

/* The settings that every model takes, for its device `number` of the bus. */
int sim_common_settings(const struct args *args, unsigned int number, struct sim_settings *settings,
			struct err *err);

/* Makes as many devices as --count says, with this function, and puts them on the bus. */
int sim_make_devices(struct cli *cli,
		     int (*make)(struct cli *cli, struct sim_device **device,
				 const struct sim_settings *settings, struct err *err),
		     struct err *err);

/* A number option in a range; ERR_USAGE. */
int sim_number(const struct args *args, const char *name, uint64_t fallback, uint64_t max,
	       uint64_t *value, struct err *err);
/* A size in bytes; ERR_USAGE. */
int sim_size(const struct args *args, const char *name, uint64_t fallback, uint64_t *value,
	     struct err *err);
/* "VID:PID" in hexadecimal. */
int sim_id(const struct args *args, const char *name, uint16_t *vid, uint16_t *pid,
	   struct err *err);

#endif
