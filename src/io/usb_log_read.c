// SPDX-License-Identifier: MIT
/* Reading a log of USB transfers, which may have been edited by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/usb_log.h"

void usb_log_free(struct usb_log *log)
{
	size_t i;

	for (i = 0; i < log->count; i++) {
		free(log->entries[i].request);
		free(log->entries[i].data);
	}
	free(log->entries);
	*log = (struct usb_log){0};
}

/* The words that are written, for what they stand for. */
static bool status_of(const char *word, int *status)
{
	static const enum err_kind kinds[] = {
		ERR_USB, ERR_BOARD, ERR_CANCELLED, ERR_TIMEOUT, ERR_HOST, ERR_BUSY, ERR_INTERNAL,
	};
	size_t i;

	*status = 0;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(word, err_kind_name(kinds[i])) == 0)
			*status = -(int)kinds[i];
	return *status || strcmp(word, "ok") == 0;
}

static bool take_data(struct usb_log_entry *entry, const char *hex)
{
	size_t digits = strlen(hex);

	if (strcmp(hex, "-") == 0)
		return true;
	if (!digits || digits % 2)
		return false;
	entry->size = digits / 2;
	entry->data = xmalloc(entry->size);
	return text_bytes(hex, entry->data, entry->size);
}

/* "ok 18 1201...", or "ok" for what is no transfer. */
static bool take_outcome(struct usb_log_entry *entry, char *outcome)
{
	char *rest = outcome, *word = strsep(&rest, " "), *got = strsep(&rest, " ");
	uint64_t value = 0;

	if (!status_of(word, &entry->status))
		return false;
	if (!got)
		return true;
	entry->ended = true;
	if (!rest || !text_u64(got, SIZE_MAX, &value) || !take_data(entry, rest))
		return false;
	entry->got = (size_t)value;
	return !entry->data || entry->got == entry->size;
}

/* "0.012 REQUEST = OUTCOME" */
static bool take_entry(struct usb_log *log, char *line)
{
	struct usb_log_entry entry = {0};
	char *equals = strstr(line, " = "), *request = strchr(line, ' ');
	bool good;

	if (!equals || !request || request >= equals)
		return false;
	*equals = '\0';
	good = take_outcome(&entry, equals + 3);
	entry.request = xstrdup(request + 1);
	log->entries = xrealloc(log->entries, log->count + 1, sizeof(entry));
	log->entries[log->count++] = entry;
	return good;
}

static bool take_hex(const char **at, size_t digits, char after, uint64_t *value)
{
	char word[9] = {0};

	if (strlen(*at) < digits)
		return false;
	memcpy(word, *at, digits);
	*at += digits;
	if (strspn(word, "0123456789abcdef") != digits || !text_hex(word, value))
		return false;
	if (**at != after)
		return false;
	*at += after != '\0';
	return true;
}

static bool take_class(const char *text, struct usb_class *class)
{
	uint64_t parts[3];

	if (!take_hex(&text, 2, '/', &parts[0]) || !take_hex(&text, 2, '/', &parts[1]) ||
	    !take_hex(&text, 2, '\0', &parts[2]))
		return false;
	*class = (struct usb_class){(uint8_t)parts[0], (uint8_t)parts[1], (uint8_t)parts[2]};
	return true;
}

static bool take_text(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size;
}

static bool take_path(struct usb_info *info, char *text)
{
	return take_text(info->path, sizeof(info->path), text);
}

static bool take_id(struct usb_info *info, char *text)
{
	const char *at = text;
	uint64_t vid, pid, release;

	if (!take_hex(&at, 4, ':', &vid) || !take_hex(&at, 4, ' ', &pid) ||
	    !take_hex(&at, 4, '\0', &release))
		return false;
	info->vid = (uint16_t)vid;
	info->pid = (uint16_t)pid;
	info->release = (uint16_t)release;
	return true;
}

static bool take_bus(struct usb_info *info, char *text)
{
	char *rest = text, *address = strsep(&rest, " "), *speed = strsep(&rest, " ");
	uint64_t values[2];

	if (!rest || !text_u64(address, UINT32_MAX, &values[0]) ||
	    !text_u64(speed, USB_SPEED_SUPER_PLUS, &values[1]))
		return false;
	info->address = (unsigned int)values[0];
	info->speed = (enum usb_speed)values[1];
	return take_class(rest, &info->device);
}

static bool take_interface(struct usb_info *info, char *text)
{
	return info->interface_count < USB_INTERFACES_MAX &&
	       take_class(text, &info->interfaces[info->interface_count++]);
}

static bool take_manufacturer(struct usb_info *info, char *text)
{
	return take_text(info->manufacturer, sizeof(info->manufacturer), text);
}

static bool take_product(struct usb_info *info, char *text)
{
	return take_text(info->product, sizeof(info->product), text);
}

static bool take_serial(struct usb_info *info, char *text)
{
	return take_text(info->serial, sizeof(info->serial), text);
}

static const struct {
	const char *word;
	bool (*take)(struct usb_info *info, char *text);
} heads[] = {
	{"path ", take_path},
	{"id ", take_id},
	{"bus ", take_bus},
	{"interface ", take_interface},
	{"manufacturer ", take_manufacturer},
	{"product ", take_product},
	{"serial ", take_serial},
};

static bool take_line(struct usb_log *log, char *line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(heads); i++)
		if (text_starts(line, heads[i].word))
			return heads[i].take(&log->info, line + strlen(heads[i].word));
	return !*line || text_ends(line, " close") || take_entry(log, line);
}

int usb_log_read(struct usb_log *log, const char *text, size_t session, struct err *err)
{
	_cleanup_(freep) char *copy = xstrdup(text);
	char *rest = copy, *line;
	size_t number = 0, sessions = 0;

	*log = (struct usb_log){.info.described = true};
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (strcmp(line, "session") == 0)
			sessions++;
		else if (sessions == session + 1 && !take_line(log, line))
			return err_set(err, ERR_CONFIG, "line %zu of the log makes no sense",
				       number);
	}
	if (sessions <= session)
		return err_set(err, ERR_CONFIG, "the log has %zu sessions, not %zu", sessions,
			       session + 1);
	return 0;
}
