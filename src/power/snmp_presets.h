// SPDX-License-Identifier: MIT
/*
 * Power distribution units that are switched by SNMP, as data: which integer to set, to what, and
 * which one tells the state.
 */
#ifndef ABOARD_POWER_SNMP_PRESETS_H
#define ABOARD_POWER_SNMP_PRESETS_H

#define SNMP_STATES 4

struct snmp_preset {
	const char *name, *summary;
	/* Objects without the outlet, which is appended. */
	const char *on_oid, *off_oid, *state_oid;
	long on, off;                                 /* what is set */
	long is_on[SNMP_STATES], is_off[SNMP_STATES]; /* what is read; unused places repeat one */
	unsigned int parts;                           /* numbers that the outlet consists of */
};

/* Ended by an empty row. */
extern const struct snmp_preset snmp_presets[];

#endif
