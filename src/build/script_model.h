// SPDX-License-Identifier: MIT
/*
 * The model a boot script is made from: what the config asks for, checked. The steps of
 * script_build() fill it one after the other. Only the script_*.c files use it.
 */
#ifndef ABOARD_BUILD_SCRIPT_MODEL_H
#define ABOARD_BUILD_SCRIPT_MODEL_H

#include "build/config.h"
#include "build/fit.h"
#include "build/module.h"
#include "build/ops.h"
#include "build/outputs.h"
#include "build/script.h"
#include "build/script_form.h"
#include "build/tree.h"

enum boot_cmd {
	BOOT_BOOTI,
	BOOT_BOOTM,
	BOOT_BOOTEFI,
	BOOT_BOOTZ,
	BOOT_NONE,
};

struct guest {
	unsigned int number;
	bool started;   /* by Xen: neither NOBOOT nor with a root file system of its own */
	char *dtb;      /* name of its partial tree; NULL: none */
	char *dtb_path; /* where to read it, if not at its name */
};

/* Both ends of a static event channel. */
struct channel {
	unsigned int guest, remote;
	uint32_t port, remote_port;
	uint32_t phandle, remote_phandle;
};

struct script {
	const struct script_options *options;
	const struct script_form *form;
	struct script_result *result;
	struct deadline deadline;

	struct config config;
	char *root; /* absolute */
	bool xen, fit, dynamic;
	bool edits; /* an edited tree is written: FDTEDIT, or for the FIT */
	enum boot_cmd boot_cmd;
	uint64_t memory_start, memory_end;
	const char *load_cmd; /* NULL: only the components' own ones */
	char *source, *image; /* outputs: text and legacy image */
	char *fit_name, *its_name, *edited_name;
	char *xen_cmd, *host_cmd; /* host_cmd: of dom0 or of Linux; NULL: no dom0 */
	struct guest *guests;
	unsigned int guest_count;
	struct channel *channels;
	size_t channel_count;

	struct buf tree; /* the board's, as loaded; in a FIT with overlays merged */
	struct ranges memory, reserved;
	uint32_t next_phandle;
	struct placement placement;
	struct modules modules;
	struct ops ops;
	struct outputs outputs;
	size_t extra_size; /* bytes of the extra commands */
	uint64_t resize;   /* bytes for `fdt resize` */
};

/* Reads the config and checks what needs no file. */
int script_read(struct script *script, struct err *err);
/* Command lines of Xen, dom0 and Linux. */
int script_command_lines(struct script *script, struct err *err);
/* Makes partial trees for guests when the config asks for it. */
int script_partial_trees(struct script *script, struct err *err);
/* The board's tree, its memory and reserved memory. */
int script_read_tree(struct script *script, struct err *err);
/* Every file: checked and placed. */
int script_place(struct script *script, struct err *err);
/* The operations. */
int script_operations(struct script *script, struct err *err);
int script_xen(struct script *script, struct err *err);
int script_guest(struct script *script, const struct guest *guest, struct err *err);
int script_guest_extras(struct script *script, const struct guest *guest, const char *path,
			struct err *err);
int script_guest_spis(struct script *script, const struct guest *guest, const char *path,
		      struct err *err);
int script_guest_vcpus(struct script *script, const struct guest *guest, const char *path,
		       struct err *err);
int script_cpupools(struct script *script, struct err *err);
int script_channels_read(struct script *script, struct err *err);
void script_channels(struct script *script, const struct guest *guest, const char *path);
/* Whether everything fits; fills result->map. */
int script_check_map(struct script *script, struct err *err);
/* SOURCE_DATE_EPOCH, or now. */
int script_time(const struct script *script, uint32_t *time, struct err *err);
/* What the FIT holds: the script's text and the edited tree, and the files. */
void script_fit(const struct script *script, const struct buf *text, const struct buf *tree,
		struct fit *fit);

/* Merges the overlays into a tree. */
int script_merge_overlays(struct script *script, struct buf *tree, struct err *err);

/* A path of the config: relative to the root folder. Owned by the caller. */
char *script_path(const struct script *script, const char *name);
/* Its name for U-Boot: relative to the root folder, if it is in it. Owned by the caller. */
char *script_file(const struct script *script, const char *name);
/* A phandle that is not taken; they count down from 0xfffffffe. */
uint32_t script_phandle(struct script *script);

/* A list of numbers in one text; *numbers is the caller's to free. A count that is no multiple of
   `unit` is an error. */
int script_numbers(const struct script *script, const char *name, int64_t index, size_t unit,
		   uint64_t **numbers, size_t *count, struct err *err);
/* A number 0..max; `fallback` when not set. */
int script_number(const struct script *script, const char *name, int64_t index, int64_t fallback,
		  uint64_t max, uint64_t *value, struct err *err);
/* An error about NAME[index], with its place in the config. */
int script_error(const struct script *script, const char *name, int64_t index, struct err *err,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The next blank-separated word of *at into *word (owned by the caller); false at the end. */
bool script_word(const char **at, char **word);

#endif
