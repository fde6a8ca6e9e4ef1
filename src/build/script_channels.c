// SPDX-License-Identifier: MIT
/* Static event channels: pairs of ports of two guests that name each other by phandle. Binding:
   Xen docs/misc/arm/device-tree/booting.txt, "Static Event Channel". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/script_model.h"

/* The phandle of a port that was seen already; 0: not yet. */
static uint32_t known_phandle(const struct script *script, unsigned int guest, uint32_t port)
{
	const struct channel *channel;

	for (channel = script->channels; channel < script->channels + script->channel_count;
	     channel++) {
		if (channel->guest == guest && channel->port == port)
			return channel->phandle;
		if (channel->remote == guest && channel->remote_port == port)
			return channel->remote_phandle;
	}
	return 0;
}

static uint32_t port_phandle(struct script *script, const char *which, unsigned int guest,
			     uint32_t port)
{
	uint32_t phandle = known_phandle(script, guest, port);

	if (phandle)
		return phandle;
	phandle = script_phandle(script);
	notes_add(&script->result->notes, NOTE_NOTICE,
		  "%s endpoint '%u,%" PRIu32 "' is assigned phandle '0x%" PRIx32 "'", which, guest,
		  port, phandle);
	return phandle;
}

static int malformed(const struct script *script, unsigned int guest, const char *text,
		     struct err *err)
{
	return script_error(script, "DOMU_STATIC_EVTCHNS", guest, err,
			    "DOMU_STATIC_EVTCHNS[%u]: '%s' is not LOCAL-PORT GUEST REMOTE-PORT",
			    guest, text);
}

/* "10 1 11" */
static int add_channel(struct script *script, unsigned int guest, const char *text, struct err *err)
{
	uint64_t numbers[3];
	struct channel *channel;
	const char *at = text;
	size_t count = 0;
	char *word;
	bool good = true;

	while (script_word(&at, &word)) {
		good = good && count < 3 && text_u64(word, UINT32_MAX, &numbers[count]);
		count++;
		free(word);
	}
	if (!good || count != 3)
		return malformed(script, guest, text, err);
	if (numbers[1] == guest && numbers[0] == numbers[2])
		return script_error(script, "DOMU_STATIC_EVTCHNS", guest, err,
				    "DOMU_STATIC_EVTCHNS[%u]: port %" PRIu64 " is joined to itself",
				    guest, numbers[0]);
	if (numbers[1] >= script->guest_count)
		return script_error(script, "DOMU_STATIC_EVTCHNS", guest, err,
				    "DOMU_STATIC_EVTCHNS[%u]: there is no guest %" PRIu64, guest,
				    numbers[1]);
	script->channels =
		xrealloc(script->channels, script->channel_count + 1, sizeof(*script->channels));
	channel = &script->channels[script->channel_count];
	*channel = (struct channel){.guest = guest,
				    .port = (uint32_t)numbers[0],
				    .remote = (unsigned int)numbers[1],
				    .remote_port = (uint32_t)numbers[2]};
	channel->phandle = port_phandle(script, "Local", guest, channel->port);
	channel->remote_phandle =
		port_phandle(script, "Remote", channel->remote, channel->remote_port);
	script->channel_count++;
	return 0;
}

/* Every port that is named has to be defined by its own guest, too. */
static void check_ends(struct script *script)
{
	const struct channel *end = script->channels + script->channel_count, *one, *other;

	for (one = script->channels; one < end; one++) {
		for (other = script->channels; other < end; other++)
			if (other->guest == one->remote && other->port == one->remote_port)
				break;
		if (other == end)
			notes_add(&script->result->notes, NOTE_WARNING,
				  "DOMU_STATIC_EVTCHNS[%u]: guest %u does not define its port "
				  "%" PRIu32,
				  one->guest, one->remote, one->remote_port);
	}
}

int script_channels_read(struct script *script, struct err *err)
{
	const char *text;
	unsigned int i;
	char *rest, *word;
	int rc = 0;

	for (i = 0; rc == 0 && i < script->guest_count; i++) {
		_cleanup_(freep) char *copy = NULL;

		text = config_text_at(&script->config, "DOMU_STATIC_EVTCHNS", i);
		copy = text ? xstrdup(text) : NULL;
		for (rest = copy; rc == 0 && (word = strsep(&rest, ";"));) {
			word = text_trim(word);
			if (*word)
				rc = add_channel(script, i, word, err);
		}
	}
	check_ends(script);
	return rc;
}

void script_channels(struct script *script, const struct guest *guest, const char *path)
{
	const struct channel *channel;

	for (channel = script->channels; channel < script->channels + script->channel_count;
	     channel++) {
		_cleanup_(freep) char *node = xasprintf("evtchn@%" PRIu32, channel->port);
		_cleanup_(freep) char *own = xasprintf("%s/%s", path, node);
		const struct cell ends[] = {{channel->port, 'd'}, {channel->remote_phandle, 'x'}};

		if (channel->guest != guest->number)
			continue;
		ops_mknod(&script->ops, path, node);
		ops_set_cell(&script->ops, own, "phandle", channel->phandle, 'x');
		ops_set_string(&script->ops, own, "compatible", "xen,evtchn-v1");
		ops_set_cells(&script->ops, own, "xen,evtchn", ends, 2, false);
	}
}
