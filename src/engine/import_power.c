// SPDX-License-Identifier: MIT
#include "engine/import_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "power/power.h"
#include "power/snmp_presets.h"

#define SNMP_DEFAULT_OID "1.3.6.1.4.1.13742.6.4.1.2.1.2.1"
#define GPIO_DEFAULT     "/dev/gpiochip0"
#define PASSWORD         "power_password"

/* What a plug's requests have in common: there is place for one user and one password. */
struct plug {
	struct import *import;
	const char *password; /* that was seen; borrowed or in `owned`; never written */
	char *username;       /* owned */
	char *owned;          /* owned */
};

static void plug_free(struct plug *plug)
{
	free(plug->username);
	free(plug->owned);
}

/* Whether this is the password that the plug's `password` stands for. */
static bool take_password(struct plug *plug, const struct yaml *at, const char *value,
			  size_t length)
{
	if (plug->password)
		return strlen(plug->password) == length &&
		       strncmp(plug->password, value, length) == 0;
	plug->password = plug->owned = xstrndup(value, length);
	import_secret(plug->import, at, PASSWORD);
	return true;
}

static bool is_secret_name(const char *name, size_t length)
{
	static const char *const words[] = {"pass", "pw", "token", "secret", "key", "auth"};
	_cleanup_(freep) char *lower = xstrndup(name, length);
	size_t i;
	char *c;

	for (c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

/* Adds the "NAME=VALUE&..." of a query, with secrets as {password}. */
static void add_query(struct plug *plug, const struct yaml *at, const char *query, struct buf *out)
{
	size_t length, name;

	for (;; query += length + 1) {
		length = strcspn(query, "&#");
		name = strcspn(query, "=&#");
		if (name < length && length > name + 1 && is_secret_name(query, name)) {
			buf_add(out, query, name + 1);
			if (take_password(plug, at, query + name + 1, length - name - 1))
				buf_add_text(out, "{password}");
			else
				import_note(plug->import, at,
					    "'%.*s' in this URL is a second secret and was left "
					    "out",
					    (int)name, query);
		} else {
			buf_add(out, query, length);
		}
		if (query[length] != '&')
			return;
		buf_add_char(out, '&');
	}
}

/* Adds "USER:PASSWORD@HOST/PATH" without the user and password, which become the plug's. */
static void add_authority(struct plug *plug, const struct yaml *at, const char *rest,
			  struct buf *out)
{
	size_t length = strcspn(rest, "/?#");
	const char *host = memrchr(rest, '@', length), *colon;

	if (host) {
		colon = memchr(rest, ':', (size_t)(host - rest));
		if (!plug->username)
			plug->username = xstrndup(rest, (size_t)((colon ? colon : host) - rest));
		if (colon && !take_password(plug, at, colon + 1, (size_t)(host - colon - 1)))
			import_note(plug->import, at,
				    "this URL has a second password, which was left out");
		length -= (size_t)(host + 1 - rest);
		rest = host + 1;
	}
	buf_add(out, rest, length);
	rest += length;
	length = strcspn(rest, "?#");
	buf_add(out, rest, length);
	if (rest[length] == '?') {
		buf_add_char(out, '?');
		add_query(plug, at, rest + length + 1, out);
	}
}

static char *clean_url(struct plug *plug, const struct yaml *at)
{
	const char *start = strstr(at->text, "://");
	struct buf out = {0};

	if (!start)
		return xstrdup(at->text);
	buf_add(&out, at->text, (size_t)(start + 3 - at->text));
	add_authority(plug, at, start + 3, &out);
	return buf_steal(&out);
}

static bool has_body(const char *method)
{
	return strcasecmp(method, "POST") == 0 || strcasecmp(method, "PUT") == 0 ||
	       strcasecmp(method, "PATCH") == 0;
}

static void add_body(struct plug *plug, const struct yaml *data, struct buf *out)
{
	const char *c;

	for (c = data->text; *c; c++)
		if ((c == data->text || !isalnum((unsigned char)c[-1])) &&
		    is_secret_name(c, strcspn(c, "=:&,}")) && c[strcspn(c, "=:&,}")]) {
			import_note(plug->import, data,
				    "'data' seems to hold a secret, and was left out: write the "
				    "request by hand");
			return;
		}
	import_add(out, 4, "body", data->text);
}

static void add_call(struct plug *plug, const struct yaml *config, const char *name,
		     const char *key, struct buf *out)
{
	static const struct import_field fields[] = {
		{"url", NULL, NULL},
		{"method", NULL, NULL},
		{"data", NULL, NULL},
		{"voltage_path", NULL, "voltage is not read here"},
		{"current_path", NULL, "current is not read here"},
		{0},
	};
	const struct yaml *call = yaml_get(config, name), *url = yaml_get(call, "url");
	const struct yaml *data = yaml_get(call, "data");
	const char *method = yaml_text(call, "method", "GET");
	_cleanup_(freep) char *clean = NULL;

	import_fields(plug->import, call, fields, out, 0);
	if (!url || url->kind != YAML_SCALAR)
		return;
	clean = clean_url(plug, url);
	buf_addf(out, "  %s:\n", key);
	import_add(out, 4, "url", clean);
	if (strcasecmp(method, "GET") != 0)
		import_add(out, 4, "method", method);
	if (data && data->kind == YAML_SCALAR && has_body(method))
		add_body(plug, data, out);
}

static void add_http(struct import *import, const struct yaml *config, struct buf *out)
{
	static const struct import_field fields[] = {
		{"name", NULL, NULL},
		{"power_on", NULL, NULL},
		{"power_off", NULL, NULL},
		{"power_read", NULL,
		 "it measures, and does not tell on from off; add 'status' by hand, or use a "
		 "'preset' if the plug has one (tasmota, shelly-gen1, shelly-gen2, ...)"},
		{"auth", NULL, NULL},
		{0},
	};
	const struct yaml *basic = yaml_get(yaml_get(config, "auth"), "basic");
	const struct yaml *password = yaml_get(basic, "password");
	_cleanup_(plug_free) struct plug plug = {.import = import};

	import_fields(import, config, fields, out, 0);
	if (password && password->kind == YAML_SCALAR)
		take_password(&plug, password, password->text, strlen(password->text));
	if (yaml_text(basic, "user", NULL))
		plug.username = xstrdup(yaml_text(basic, "user", ""));
	add_call(&plug, config, "power_on", "on", out);
	add_call(&plug, config, "power_off", "off", out);
	if (plug.password && !plug.username)
		plug.username = xstrdup("admin");
	if (plug.username)
		import_add(out, 2, "username", plug.username);
	if (plug.password)
		import_add(out, 2, "password", PASSWORD);
}

/* The preset of this object, which then also reads the state. */
static const struct snmp_preset *preset_of(const char *oid)
{
	const struct snmp_preset *preset;

	for (preset = snmp_presets; preset->name; preset++)
		if (preset->parts == 1 && strcmp(preset->on_oid, oid) == 0 && preset->on == 1 &&
		    preset->off == 0)
			return preset;
	return NULL;
}

static void add_outlet(struct import *import, const struct yaml *config, struct buf *out)
{
	const char *oid = yaml_text(config, "oid", SNMP_DEFAULT_OID);
	const char *plug = yaml_text(config, "plug", "");
	const struct snmp_preset *preset = preset_of(oid);
	_cleanup_(freep) char *full = xasprintf("%s.%s", oid, plug);

	if (preset) {
		import_add(out, 2, "preset", preset->name);
		import_add(out, 2, "outlet", plug);
		return;
	}
	import_add(out, 2, "oid", full);
	import_add(out, 2, "on", "1");
	import_add(out, 2, "off", "0");
	import_add(out, 2, "state_oid", "none");
	import_note(import, yaml_get(config, "oid"),
		    "which object tells the state is not known: see if 'preset' or 'state_oid' "
		    "fits the device");
}

/* `protocol` is used, and has a key. */
static void add_key(struct import *import, const struct yaml *config, const char *protocol,
		    const char *key, struct buf *out)
{
	const char *name = yaml_text(config, protocol, "NONE");
	const struct yaml *value = yaml_get(config, key);
	_cleanup_(freep) char *secret = xasprintf("power_%s", key);

	if (strcasecmp(name, "NONE") == 0 || !value)
		return;
	import_add(out, 2, protocol, name);
	import_add(out, 2, key, secret);
	import_secret(import, value, secret);
}

static void add_snmp(struct import *import, const struct yaml *config, struct buf *out)
{
	static const struct import_field fields[] = {
		{"host", "host", NULL},
		{"port", "port", NULL},
		{"user", "user", NULL},
		{"plug", NULL, NULL},
		{"oid", NULL, NULL},
		{"auth_protocol", NULL, NULL},
		{"auth_key", NULL, NULL},
		{"priv_protocol", NULL, NULL},
		{"priv_key", NULL, NULL},
		{"timeout", NULL,
		 "it is of one request; 'timeout' here is of a whole switch (30s)"},
		{0},
	};

	import_fields(import, config, fields, out, 2);
	add_outlet(import, config, out);
	add_key(import, config, "auth_protocol", "auth_key", out);
	if (strcasecmp(yaml_text(config, "auth_protocol", "NONE"), "NONE") != 0)
		add_key(import, config, "priv_protocol", "priv_key", out);
}

static void add_gpio(struct import *import, const struct yaml *config, struct buf *out)
{
	static const struct import_field fields[] = {
		{"device", "chip", NULL},
		{"line", "line", NULL},
		{"drive", "drive", NULL},
		{"mode", NULL, NULL}, /* which nothing there reads */
		{"active_low", "active_low", NULL},
		{"bias", "bias", NULL},
		{"initial_value", NULL, "the line is not touched before the first switch here"},
		{0},
	};

	if (!yaml_get(config, "device"))
		import_add(out, 2, "chip", GPIO_DEFAULT);
	import_fields(import, config, fields, out, 2);
}

struct counterpart {
	const char *module, *class, *type;
	void (*add)(struct import *import, const struct yaml *config, struct buf *out);
};

static const struct counterpart counterparts[] = {
	{"jumpstarter_driver_http_power.", "HttpPower", "http", add_http},
	{"jumpstarter_driver_snmp.", "SNMPServer", "snmp", add_snmp},
	{"jumpstarter_driver_gpiod.", "PowerSwitch", "gpio", add_gpio},
	{0},
};

static const struct counterpart *find_counterpart(const struct yaml *node)
{
	const char *type = yaml_text(node, "type", ""), *class = import_class(node);
	const struct counterpart *row;

	for (row = counterparts; row->module; row++)
		if (text_starts(type, row->module) && text_equal(class, row->class))
			return row;
	return NULL;
}

/* Whether the way itself takes what was written; secrets are not looked up for that. */
static bool is_good(const struct import *import, const struct buf *power, struct err *err)
{
	struct power *opened = NULL;
	struct yaml **roots;
	size_t count;
	int rc = yaml_parse("power", buf_text(power), power->size, &roots, &count, err);

	if (rc < 0)
		return false;
	rc = power_open(&opened, import->board, yaml_get(roots[0], "power"), NULL, err);
	power_close(opened);
	yaml_free_all(roots, count);
	return rc == 0;
}

/* "power:1:2: " is a place in text that nobody has seen. */
static const char *without_place(const char *text)
{
	const char *space = strchr(text, ' ');

	return text_starts(text, "power:") && space ? space + 1 : text;
}

static void stand_in(struct buf *out)
{
	buf_add_text(out, "power:\n  type: manual\n");
}

void import_power(struct import *import, const struct yaml *node, struct buf *out)
{
	const struct counterpart *row = node ? find_counterpart(node) : NULL;
	_cleanup_(buf_free) struct buf power = {0};
	struct err err;

	if (!row) {
		if (node)
			import_note(import, node,
				    "the power driver %s has no counterpart here; 'manual' stands "
				    "in: see if 'command' can do it",
				    yaml_text(node, "type", "without a type"));
		stand_in(out);
		return;
	}
	buf_addf(&power, "power:\n  type: %s\n", row->type);
	row->add(import, yaml_get(node, "config"), &power);
	if (is_good(import, &power, &err)) {
		buf_add(out, buf_text(&power), power.size);
		return;
	}
	import_note(import, node, "power cannot be carried over (%s); 'manual' stands in",
		    without_place(err.text));
	buf_free(&import->secrets);
	stand_in(out);
}
