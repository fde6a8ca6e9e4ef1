// SPDX-License-Identifier: MIT
/*
 * Faults that a model shows on purpose: "[STAGE:]KIND[@N][+]". They are counted per device from its
 * first transfer on; N counts from 1 and what it counts depends on the kind. With "+" it happens
 * from then on each time.
 */
#ifndef ABOARD_SIM_FAULT_H
#define ABOARD_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum sim_fault_kind {
	SIM_FAULT_STALL,        /* the Nth transfer is stalled */
	SIM_FAULT_HANG,         /* the Nth transfer is never answered */
	SIM_FAULT_SHORT,        /* the Nth transfer moves half of its bytes */
	SIM_FAULT_CUT,          /* unplugged for a moment when the Nth byte moves, power and all */
	SIM_FAULT_GONE,         /* the Nth time it leaves the bus it does not come back */
	SIM_FAULT_OTHER_SERIAL, /* the Nth time it comes back it has another serial number */
	SIM_FAULT_OTHER_ID,     /* the same with another product id */
	SIM_FAULT_NO_STRINGS,   /* no string descriptor for the first N ms of each enumeration */
	SIM_FAULT_BUSY,         /* from the Nth block on a DFU device stays in dfuDNBUSY */
	SIM_FAULT_PHASE,        /* the Nth GETPHASE tells a wrong phase */
	SIM_FAULT_WRITE_ERROR,  /* the write of the Nth block of 512 bytes fails */
	SIM_FAULT_SLOW_FLUSH,   /* each flush of a medium takes N ms */
	SIM_FAULT_SWALLOW,      /* from the Nth block written on, media keep nothing */
	SIM_FAULT_ROUND,        /* the Nth stage that is sent is asked for once more */
	SIM_FAULT_COUNT
};

struct sim_faults;

struct sim_faults *sim_faults_new(void);
void sim_faults_free(struct sim_faults *faults);

/* ERR_USAGE with the list of kinds. */
int sim_faults_add(struct sim_faults *faults, const char *text, struct err *err);

/* Counts `step` more of what the kind counts in this stage (NULL: no stage), and tells whether the
   fault is now. NULL faults have none. */
bool sim_fault(struct sim_faults *faults, enum sim_fault_kind kind, const char *stage,
	       uint64_t step);

/* The N of a fault that is a time and is always there; 0: there is none. */
uint64_t sim_fault_time(const struct sim_faults *faults, enum sim_fault_kind kind,
			const char *stage);

/* "stall: the Nth transfer is stalled" and so on, a line each; for the manual. */
const char *sim_fault_name(enum sim_fault_kind kind);
const char *sim_fault_help(enum sim_fault_kind kind);

#endif
