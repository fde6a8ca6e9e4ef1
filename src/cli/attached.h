// SPDX-License-Identifier: MIT
/*
 * The USB devices that any driver knows, as they are attached now: here, and on the machines whose
 * USB/IP servers the board files name.
 */
#ifndef ABOARD_CLI_ATTACHED_H
#define ABOARD_CLI_ATTACHED_H

#include "cli/cli.h"

/* Lists them once. */
int attached_list(struct cli *cli, struct err *err);

/* Lists them, and tells of each that comes or goes, until it is ended by a signal (0). */
int attached_watch(struct cli *cli, struct err *err);

/* How many devices are attached, and how many of them this user may not open. `rule` receives the
   first such device's rule, owned by the caller; NULL: there is none. */
struct attached_access {
	size_t count, denied;
	char *rule;
};

int attached_access(const struct cli *cli, struct attached_access *access, struct err *err);

/* The udev rules of every device that a driver knows, as a rules file; owned by the caller. */
char *attached_rules(void);

#endif
