// SPDX-License-Identifier: MIT
/*
 * The files a boot script loads: what each is for, where it is, what it must be, and where in
 * memory it goes.
 */
#ifndef ABOARD_BUILD_MODULE_H
#define ABOARD_BUILD_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "build/filetype.h"

enum role {
	ROLE_XEN,
	ROLE_POLICY,
	ROLE_DOM0_KERNEL,
	ROLE_DOM0_RAMDISK,
	ROLE_GUEST_KERNEL,
	ROLE_GUEST_RAMDISK,
	ROLE_GUEST_DTB,
	ROLE_LINUX,
	ROLE_LINUX_RAMDISK,
	ROLE_OVERLAY,
	ROLE_DTB,
	ROLE_BITSTREAM,
	ROLE_COUNT,
};

struct module {
	enum role role;
	unsigned int number;  /* of the guest or the overlay */
	char *name;           /* "dom0_linux", "domU1_kernel": in a FIT and in U-Boot variables */
	char *path;           /* the file to read */
	char *said;           /* its name as the config has it */
	char *file;           /* its name for U-Boot, relative to the root folder */
	const char *load_cmd; /* borrowed */
	bool present;         /* false: not there yet (addresses worked out by U-Boot) */
	struct file_facts facts;
	uint64_t file_size; /* bytes that are loaded */
	uint64_t size;      /* bytes it needs in memory */
	uint64_t address;
};

struct modules {
	struct module *items;
	size_t count;
};

/* What a role means, as data. */
struct role_facts {
	const char *name;        /* of the module; # is its number, in all texts here */
	const char *what;        /* for people */
	const char *fit_type;    /* type in a FIT */
	const char *fit_os;      /* NULL: none */
	const char *description; /* in a FIT */
	enum file_wanted wanted;
	bool entry; /* has an entry point in a FIT */
};

const struct role_facts *role_facts(enum role role);

/* One of its texts with the number in it. Owned by the caller. */
char *role_text(const char *pattern, unsigned int number);

/* Adds a module; borrowed, valid until the next add. */
struct module *modules_add(struct modules *modules, enum role role, unsigned int number);
/* The index of the module with this role and number; modules->count when there is none. */
size_t modules_find(const struct modules *modules, enum role role, unsigned int number);
void modules_free(struct modules *modules);

#endif
