// SPDX-License-Identifier: MIT
#include "sim/fault.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static const struct {
	const char *name, *help;
	uint64_t n; /* when it is not given */
	bool always;
} kinds[SIM_FAULT_COUNT] = {
	[SIM_FAULT_STALL] = {"stall", "the Nth transfer is stalled", 1},
	[SIM_FAULT_HANG] = {"hang", "the Nth transfer is never answered", 1},
	[SIM_FAULT_SHORT] = {"short", "the Nth transfer moves half of its bytes", 1},
	[SIM_FAULT_CUT] = {"cut", "unplugged for a moment, with its power, when byte N moves", 1},
	[SIM_FAULT_GONE] = {"gone", "the Nth time it leaves the bus it does not come back", 1},
	[SIM_FAULT_OTHER_SERIAL] = {"other-serial",
				    "the Nth time it comes back it has another serial number", 1},
	[SIM_FAULT_OTHER_ID] = {"other-id", "the Nth time it comes back it has another product id",
				1},
	[SIM_FAULT_NO_STRINGS] = {"no-strings",
				  "no string descriptors for the first N ms after it appears", 500},
	[SIM_FAULT_BUSY] = {"busy", "from the Nth block on it stays in dfuDNBUSY (DFU)", 1, true},
	[SIM_FAULT_PHASE] = {"phase", "the Nth GETPHASE tells a wrong phase (stm32mp)", 1},
	[SIM_FAULT_WRITE_ERROR] = {"write-error",
				   "writing the Nth block of 512 bytes to a medium fails", 1},
	[SIM_FAULT_SLOW_FLUSH] = {"slow-flush", "each flush of a medium takes N ms", 6000},
	[SIM_FAULT_SWALLOW] = {"swallow", "from the Nth block on, media keep nothing", 1, true},
	[SIM_FAULT_ROUND] = {"round", "the Nth file that is sent is asked for once more (k3)", 1},
};

struct fault {
	enum sim_fault_kind kind;
	char *stage; /* NULL: any */
	uint64_t n, seen;
	bool always;
};

struct sim_faults {
	struct fault *list;
	size_t count;
};

struct sim_faults *sim_faults_new(void)
{
	return xcalloc(1, sizeof(struct sim_faults));
}

void sim_faults_free(struct sim_faults *faults)
{
	size_t i;

	if (!faults)
		return;
	for (i = 0; i < faults->count; i++)
		free(faults->list[i].stage);
	free(faults->list);
	free(faults);
}

const char *sim_fault_name(enum sim_fault_kind kind)
{
	return kinds[kind].name;
}

const char *sim_fault_help(enum sim_fault_kind kind)
{
	return kinds[kind].help;
}

static int unknown_kind(const char *text, struct err *err)
{
	_cleanup_(buf_free) struct buf names = {0};
	size_t i;

	for (i = 0; i < SIM_FAULT_COUNT; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", kinds[i].name);
	err_set(err, ERR_USAGE, "there is no fault \"%s\"", text);
	return err_remedy(err, "it is [STAGE:]KIND[@N][+] with one of the kinds %s",
			  buf_text(&names));
}

static bool find_kind(const char *name, enum sim_fault_kind *kind)
{
	size_t i;

	for (i = 0; i < SIM_FAULT_COUNT; i++)
		if (text_equal(name, kinds[i].name)) {
			*kind = (enum sim_fault_kind)i;
			return true;
		}
	return false;
}

/* Cuts `text` at the separator; what follows it, or NULL. */
static char *cut(char *text, char separator)
{
	char *at = strchr(text, separator);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

int sim_faults_add(struct sim_faults *faults, const char *text, struct err *err)
{
	_cleanup_(freep) char *copy = xstrdup(text);
	struct fault fault = {0};
	char *kind = copy, *after = cut(copy, ':'), *number;
	size_t length;

	if (after)
		kind = after;
	length = strlen(kind);
	fault.always = length && kind[length - 1] == '+';
	if (fault.always)
		kind[length - 1] = '\0';
	number = cut(kind, '@');
	if (!find_kind(kind, &fault.kind))
		return unknown_kind(text, err);
	fault.n = kinds[fault.kind].n;
	fault.always |= kinds[fault.kind].always;
	if (number && (!text_u64(number, UINT64_MAX / 2, &fault.n) || !fault.n))
		return err_set(err, ERR_USAGE,
			       "\"%s\" of the fault \"%s\" is not a number from 1 on", number,
			       text);
	fault.stage = after ? xstrdup(copy) : NULL;
	faults->list = xrealloc(faults->list, faults->count + 1, sizeof(*faults->list));
	faults->list[faults->count++] = fault;
	return 0;
}

static bool applies(const struct fault *fault, enum sim_fault_kind kind, const char *stage)
{
	return fault->kind == kind && (!fault->stage || text_equal(fault->stage, stage));
}

bool sim_fault(struct sim_faults *faults, enum sim_fault_kind kind, const char *stage,
	       uint64_t step)
{
	bool now = false;
	struct fault *fault;
	size_t i;

	for (i = 0; faults && i < faults->count; i++) {
		fault = &faults->list[i];
		if (!applies(fault, kind, stage))
			continue;
		fault->seen += step;
		now |= fault->seen >= fault->n && (fault->always || fault->seen - step < fault->n);
	}
	return now;
}

uint64_t sim_fault_time(const struct sim_faults *faults, enum sim_fault_kind kind,
			const char *stage)
{
	size_t i;

	for (i = 0; faults && i < faults->count; i++)
		if (applies(&faults->list[i], kind, stage))
			return faults->list[i].n;
	return 0;
}
