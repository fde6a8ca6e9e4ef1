// SPDX-License-Identifier: MIT
/*
 * Reads and sets one integer by SNMP v1, v2c (RFC 3416) or v3 with the user-based security model
 * (RFC 3414), over Net-SNMP's single-session calls. Nothing is read from the library's
 * configuration files or MIBs, and every wait can be cancelled: also the discovery of a v3 engine,
 * which the library itself does blocking.
 */
#ifndef ABOARD_POWER_SNMP_CLIENT_H
#define ABOARD_POWER_SNMP_CLIENT_H

#include "base/deadline.h"
#include "base/err.h"

struct snmp_peer {
	const char *address;             /* Net-SNMP's form: "udp:HOST:PORT", "udp6:[HOST]:PORT" */
	int version;                     /* 1, 2 (v2c), 3 */
	const char *community;           /* v1, v2c */
	const char *user;                /* v3 */
	const char *auth_protocol;       /* "md5", "sha"; NULL: none */
	const char *priv_protocol;       /* "des", "aes"; NULL: none */
	const char *auth_key, *priv_key; /* passphrases, at least 8 characters */
};

/* `oid` is dotted decimal. No answer is ERR_NETWORK, other credentials wanted (as far as an agent
   tells) ERR_AUTH, no such object ERR_NOT_FOUND, a refused value ERR_POWER. */
int snmp_get_number(const struct snmp_peer *peer, const char *oid, long *value,
		    struct deadline deadline, struct err *err);
int snmp_set_number(const struct snmp_peer *peer, const char *oid, long value,
		    struct deadline deadline, struct err *err);

#endif
