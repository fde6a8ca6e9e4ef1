// SPDX-License-Identifier: MIT
/* Power by a distribution unit, or a switch, that speaks SNMP. */
#include "power/ways.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "power/snmp_client.h"
#include "power/snmp_presets.h"

static const struct key snmp_keys[] = {
	{"host", KEY_TEXT, true, NULL, "address of the device", NULL},
	{"port", KEY_UINT, false, "161", "its UDP port", NULL},
	{"preset", KEY_TEXT, false, NULL, "kind of device: apc-rpdu, raritan-px2, ...", NULL},
	{"outlet", KEY_TEXT, false, NULL, "which outlet; its form depends on the preset", NULL},
	{"version", KEY_TEXT, false, "2c, or 3 with 'user'", "of SNMP: 1, 2c or 3", NULL},
	{"community", KEY_SECRET, false, "\"private\"",
	 "name of the secret that is the community (1, 2c)", NULL},
	{"user", KEY_TEXT, false, NULL, "user (3)", NULL},
	{"auth_protocol", KEY_TEXT, false, "sha with auth_key, else none",
	 "how the user proves itself (3): none, md5 or sha", NULL},
	{"auth_key", KEY_SECRET, false, NULL,
	 "name of the secret that is the password for authentication (3)", NULL},
	{"priv_protocol", KEY_TEXT, false, "aes with priv_key, else none",
	 "how messages are encrypted (3): none, des or aes", NULL},
	{"priv_key", KEY_SECRET, false, NULL,
	 "name of the secret that is the password for encryption (3)", NULL},
	{"oid", KEY_TEXT, false, NULL, "object that switches, without a preset", NULL},
	{"off_oid", KEY_TEXT, false, "that of 'oid'", "object that switches off", NULL},
	{"on", KEY_UINT, false, "1", "number to set 'oid' to for on", NULL},
	{"off", KEY_UINT, false, "0", "number to set 'off_oid' to for off", NULL},
	{"state_oid", KEY_TEXT, false, "that of 'oid'",
	 "object that tells the state; 'none' where nothing does", NULL},
	{"state_on", KEY_UINT, false, "that of 'on'", "number that means on", NULL},
	{"state_off", KEY_UINT, false, "that of 'off'", "number that means off", NULL},
	{0},
};

struct pdu {
	struct snmp_preset outlet;          /* its texts are borrowed */
	char *on_oid, *off_oid, *state_oid; /* owned; state_oid NULL: none */
	char *address;                      /* owned */
	struct snmp_peer peer;              /* secrets are read when first needed */
};

static int unknown_preset(const struct yaml *at, struct err *err)
{
	const char *names[32];
	size_t count;

	for (count = 0; snmp_presets[count].name && count + 1 < ARRAY_SIZE(names); count++)
		names[count] = snmp_presets[count].name;
	names[count] = NULL;
	return power_unknown_preset(at, names, "'oid'", err);
}

/* Digits joined by dots; returns how many numbers, 0 when it is something else. */
static unsigned int count_numbers(const char *text)
{
	unsigned int count = 1;
	bool digit = false;

	for (; *text; text++) {
		if (*text == '.' && digit)
			count++;
		else if (!isdigit((unsigned char)*text))
			return 0;
		digit = *text != '.';
	}
	return digit ? count : 0;
}

static int use_preset(struct pdu *pdu, const struct yaml *settings,
		      const struct snmp_preset *preset, struct err *err)
{
	static const char *const own[] = {"oid",       "off_oid",  "on",       "off",
					  "state_oid", "state_on", "state_off"};
	const struct yaml *outlet = yaml_get(settings, "outlet");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (yaml_get(settings, own[i]))
			return yaml_err(yaml_get(settings, own[i]), err,
					"the preset '%s' has its own '%s'", preset->name, own[i]);
	if (!outlet)
		return yaml_err(settings, err, "'outlet' is missing (%s)", preset->summary);
	if (count_numbers(outlet->text) != preset->parts)
		return yaml_err(outlet, err, "'%s' is not an outlet (%s)", outlet->text,
				preset->summary);
	pdu->outlet = *preset;
	pdu->on_oid = xasprintf("%s.%s", preset->on_oid, outlet->text);
	pdu->off_oid = xasprintf("%s.%s", preset->off_oid, outlet->text);
	pdu->state_oid = xasprintf("%s.%s", preset->state_oid, outlet->text);
	return 0;
}

static int check_oid(const struct yaml *settings, const char *key, struct err *err)
{
	const struct yaml *at = yaml_get(settings, key);
	const char *text = at ? at->text + (at->text[0] == '.') : "1.3";

	if (strcmp(key, "state_oid") == 0 && strcmp(text, "none") == 0)
		return 0;
	if (count_numbers(text) > 1)
		return 0;
	yaml_err(at, err, "'%s' must be an OID in numbers", key);
	return err_remedy(err, "as 1.3.6.1.4.1...; `snmptranslate -On NAME` tells it");
}

static void set_all(long all[SNMP_STATES], long value)
{
	size_t i;

	for (i = 0; i < SNMP_STATES; i++)
		all[i] = value;
}

static int use_own(struct pdu *pdu, const struct yaml *settings, struct err *err)
{
	static const char *const oids[] = {"oid", "off_oid", "state_oid"};
	struct snmp_preset *outlet = &pdu->outlet;
	const char *oid = yaml_text(settings, "oid", NULL), *state;
	size_t i;
	int rc = 0;

	if (!oid) {
		yaml_err(settings, err, "'preset' or 'oid' is missing");
		return err_remedy(err,
				  "give 'preset: apc-rpdu' or another, or the OID that switches");
	}
	if (yaml_get(settings, "outlet"))
		return yaml_err(yaml_get(settings, "outlet"), err, "'outlet' needs a 'preset'");
	for (i = 0; rc == 0 && i < ARRAY_SIZE(oids); i++)
		rc = check_oid(settings, oids[i], err);
	if (rc < 0)
		return rc;
	state = yaml_text(settings, "state_oid", oid);
	pdu->on_oid = xstrdup(oid);
	pdu->off_oid = xstrdup(yaml_text(settings, "off_oid", oid));
	pdu->state_oid = strcmp(state, "none") == 0 ? NULL : xstrdup(state);
	outlet->on = (long)yaml_uint(settings, "on", 1);
	outlet->off = (long)yaml_uint(settings, "off", 0);
	set_all(outlet->is_on, (long)yaml_uint(settings, "state_on", (uint64_t)outlet->on));
	set_all(outlet->is_off, (long)yaml_uint(settings, "state_off", (uint64_t)outlet->off));
	return 0;
}

static int read_outlet(struct pdu *pdu, const struct yaml *settings, struct err *err)
{
	const struct yaml *name = yaml_get(settings, "preset");
	const struct snmp_preset *preset = snmp_presets;

	if (!name)
		return use_own(pdu, settings, err);
	while (preset->name && strcmp(preset->name, name->text) != 0)
		preset++;
	return preset->name ? use_preset(pdu, settings, preset, err) : unknown_preset(name, err);
}

/* One of the words, or "none" as NULL; what holds without the key depends on its secret. */
static int read_protocol(const struct yaml *settings, const char *key, const char *key_key,
			 const char *const words[2], const char **protocol, struct err *err)
{
	const struct yaml *at = yaml_get(settings, key);
	bool has_key = yaml_get(settings, key_key) != NULL;
	const char *text = yaml_text(settings, key, has_key ? words[1] : "none");
	bool known = strcasecmp(text, words[0]) == 0 || strcasecmp(text, words[1]) == 0;

	if (!known && strcasecmp(text, "none") != 0)
		return yaml_err(at, err, "'%s' must be none, %s or %s", key, words[0], words[1]);
	if (known != has_key)
		return yaml_err(settings, err, "'%s' and '%s' need each other", key, key_key);
	*protocol = known ? text : NULL;
	return 0;
}

static int read_user(struct snmp_peer *peer, const struct yaml *settings, struct err *err)
{
	static const char *const hashes[] = {"md5", "sha"}, *const ciphers[] = {"des", "aes"};
	int rc;

	if (!peer->user || !*peer->user)
		return yaml_err(settings, err, "'user' is missing (SNMP v3 needs one)");
	if (yaml_get(settings, "community"))
		return yaml_err(yaml_get(settings, "community"), err,
				"SNMP v3 has a user, not a community");
	rc = read_protocol(settings, "auth_protocol", "auth_key", hashes, &peer->auth_protocol,
			   err);
	if (rc == 0)
		rc = read_protocol(settings, "priv_protocol", "priv_key", ciphers,
				   &peer->priv_protocol, err);
	if (rc == 0 && peer->priv_protocol && !peer->auth_protocol)
		return yaml_err(settings, err, "encryption needs authentication: 'auth_key'");
	return rc;
}

static int read_version(struct snmp_peer *peer, const struct yaml *settings, struct err *err)
{
	static const char *const user_keys[] = {"user", "auth_protocol", "auth_key",
						"priv_protocol", "priv_key"};
	const char *version;
	size_t i;

	peer->user = yaml_text(settings, "user", NULL);
	version = yaml_text(settings, "version", peer->user ? "3" : "2c");
	peer->version = strcmp(version, "1") == 0    ? 1
			: strcmp(version, "2c") == 0 ? 2
			: strcmp(version, "3") == 0  ? 3
						     : 0;
	if (!peer->version)
		return yaml_err(yaml_get(settings, "version"), err, "'version' must be 1, 2c or 3");
	if (peer->version == 3)
		return read_user(peer, settings, err);
	for (i = 0; i < ARRAY_SIZE(user_keys); i++)
		if (yaml_get(settings, user_keys[i]))
			return yaml_err(yaml_get(settings, user_keys[i]), err,
					"'%s' needs 'version: 3'", user_keys[i]);
	return 0;
}

static int read_address(struct pdu *pdu, const struct yaml *settings, struct err *err)
{
	const char *host = yaml_text(settings, "host", "");
	uint64_t port = yaml_uint(settings, "port", 161);
	const struct yaml *at = yaml_get(settings, "host");

	if (!*host || host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789.-_:%")])
		return yaml_err(at, err, "'%s' is not the address of a host", host);
	if (strchr(host, ':') && !strchr(strchr(host, ':') + 1, ':'))
		return yaml_err(at, err, "'host' is without a port; that goes to 'port'");
	if (port < 1 || port > UINT16_MAX)
		return yaml_err(yaml_get(settings, "port"), err, "'port' must be 1 to 65535");
	pdu->address = xasprintf(strchr(host, ':') ? "udp6:[%s]:%u" : "udp:%s:%u", host,
				 (unsigned int)port);
	pdu->peer.address = pdu->address;
	return 0;
}

static int snmp_open_power(struct power *power, struct err *err)
{
	struct pdu *pdu = power->own = xcalloc(1, sizeof(*pdu));
	int rc = read_address(pdu, power->settings, err);

	if (rc == 0)
		rc = read_version(&pdu->peer, power->settings, err);
	if (rc == 0)
		rc = read_outlet(pdu, power->settings, err);
	return rc;
}

static void snmp_close_power(struct power *power)
{
	struct pdu *pdu = power->own;

	if (pdu) {
		free(pdu->on_oid);
		free(pdu->off_oid);
		free(pdu->state_oid);
		free(pdu->address);
	}
	free(pdu);
}

static int read_secret(struct power *power, const char *key, const char **value, struct err *err)
{
	const char *name = yaml_text(power->settings, key, NULL);

	return name && !*value ? secrets_get(power->secrets, name, value, err) : 0;
}

static int read_secrets(struct power *power, struct err *err)
{
	struct pdu *pdu = power->own;
	int rc = read_secret(power, "community", &pdu->peer.community, err);

	if (rc == 0)
		rc = read_secret(power, "auth_key", &pdu->peer.auth_key, err);
	if (rc == 0)
		rc = read_secret(power, "priv_key", &pdu->peer.priv_key, err);
	if (!pdu->peer.community)
		pdu->peer.community = "private";
	return rc;
}

static int snmp_set_power(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	const struct pdu *pdu = power->own;
	int rc = read_secrets(power, err);

	if (rc < 0)
		return rc;
	return snmp_set_number(&pdu->peer, on ? pdu->on_oid : pdu->off_oid,
			       on ? pdu->outlet.on : pdu->outlet.off, deadline, err);
}

static bool is_one_of(const long all[SNMP_STATES], long value)
{
	size_t i;

	for (i = 0; i < SNMP_STATES; i++)
		if (all[i] == value)
			return true;
	return false;
}

static int snmp_get_power(struct power *power, enum power_state *state, struct deadline deadline,
			  struct err *err)
{
	const struct pdu *pdu = power->own;
	long value = 0;
	int rc;

	*state = POWER_UNKNOWN;
	if (!pdu->state_oid)
		return 0;
	rc = read_secrets(power, err);
	if (rc == 0)
		rc = snmp_get_number(&pdu->peer, pdu->state_oid, &value, deadline, err);
	if (rc < 0)
		return rc;
	if (is_one_of(pdu->outlet.is_on, value))
		*state = POWER_ON;
	else if (is_one_of(pdu->outlet.is_off, value))
		*state = POWER_OFF;
	else
		return err_set(err, ERR_POWER, "%s %s: the state %ld is neither on nor off",
			       pdu->address, pdu->state_oid, value);
	return 0;
}

const struct power_way power_snmp = {
	.name = "snmp",
	.summary = "a power distribution unit or switch that speaks SNMP",
	.keys = snmp_keys,
	.open = snmp_open_power,
	.set = snmp_set_power,
	.get = snmp_get_power,
	.close = snmp_close_power,
};
