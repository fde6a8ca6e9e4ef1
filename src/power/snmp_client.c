// SPDX-License-Identifier: MIT
#include "power/snmp_client.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "base/mem.h"
#include "base/text.h"

#define TRY_US      1000000 /* until a request is sent again */
#define RETRIES     3
#define LOOK_MS     100  /* between two looks at what the library wants to send again */
#define DISCOVER_MS 1500 /* for an agent to show that it is there at all */
#define ENGINE_MAX  32   /* RFC 3411: SnmpEngineID has 5 to 32 bytes */

/* What came of a request; filled in by the library's callback. */
struct answer {
	bool done, timed_out;
	bool report; /* v3: the agent did not take the message */
	long error;  /* error-status */
	oid name[MAX_OID_LEN];
	size_t name_size;
	u_char type;
	long value;
	u_char engine[ENGINE_MAX];
	size_t engine_size;
};

static void session_close(void **session)
{
	if (*session)
		snmp_sess_close(*session);
	*session = NULL;
}

/* The library keeps its settings to itself, once a process. It must not read its own configuration
   nor MIBs, nor write to standard error. */
static void start_library(void)
{
	if (netsnmp_ds_get_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_APPTYPE))
		return;
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_set_mib_directory("");
	netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
	init_snmp("aboard");
}

static void take_value(struct answer *answer, const netsnmp_variable_list *variable)
{
	if (!variable)
		return;
	answer->type = variable->type;
	answer->name_size = variable->name_length < MAX_OID_LEN ? variable->name_length : 0;
	memcpy(answer->name, variable->name, answer->name_size * sizeof(oid));
	if (variable->type == ASN_INTEGER || variable->type == ASN_GAUGE ||
	    variable->type == ASN_COUNTER)
		answer->value = *variable->val.integer;
}

static void take_reply(struct answer *answer, const netsnmp_pdu *pdu)
{
	answer->report = pdu->command == SNMP_MSG_REPORT;
	answer->error = pdu->errstat;
	take_value(answer, pdu->variables);
	if (pdu->securityEngineID && pdu->securityEngineIDLen <= ENGINE_MAX) {
		memcpy(answer->engine, pdu->securityEngineID, pdu->securityEngineIDLen);
		answer->engine_size = pdu->securityEngineIDLen;
	}
}

static int on_answer(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu,
		     void *context)
{
	struct answer *answer = context;

	(void)session;
	(void)id;
	switch (operation) {
	case NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE:
	case NETSNMP_CALLBACK_OP_SEC_ERROR:
		if (pdu)
			take_reply(answer, pdu);
		answer->done = true;
		break;
	case NETSNMP_CALLBACK_OP_TIMED_OUT:
	case NETSNMP_CALLBACK_OP_SEND_FAILED:
		answer->timed_out = answer->done = true;
		break;
	default:
		break;
	}
	return 1;
}

static int library_err(void *session, const struct snmp_peer *peer, struct err *err)
{
	char *text = NULL;
	int system, library;

	snmp_sess_error(session, &library, &system, &text);
	err_set(err, ERR_NETWORK, "%s: %s", peer->address, text ? text : "cannot be sent to");
	free(text);
	return -ERR_NETWORK;
}

static void receive(void *session, int fd)
{
	netsnmp_large_fd_set set;

	netsnmp_large_fd_set_init(&set, FD_SETSIZE);
	NETSNMP_LARGE_FD_ZERO(&set);
	NETSNMP_LARGE_FD_SET(fd, &set);
	snmp_sess_read2(session, &set);
	netsnmp_large_fd_set_cleanup(&set);
}

/* Sends (the PDU is given away) and waits until there is an answer, or the library has given up. */
static int ask(void *session, const struct snmp_peer *peer, netsnmp_pdu *pdu, struct answer *answer,
	       struct deadline deadline, struct err *err)
{
	struct pollfd socket = {.fd = snmp_sess_transport(session)->sock, .events = POLLIN};
	int rc;

	if (!snmp_sess_async_send(session, pdu, on_answer, answer)) {
		snmp_free_pdu(pdu);
		return library_err(session, peer, err);
	}
	while (!answer->done) {
		rc = deadline_poll(&socket, 1, deadline_in(deadline, LOOK_MS), err);
		if (rc > 0)
			receive(session, socket.fd);
		else if (rc == -ERR_TIMEOUT && deadline_left_ms(deadline) > 0)
			snmp_sess_timeout(session);
		else
			return rc;
	}
	return 0;
}

/* The library's own discovery would block; its sending of everything else does not. */
static void prepare(netsnmp_session *wanted, const struct snmp_peer *peer)
{
	start_library();
	snmp_sess_init(wanted);
	wanted->peername = (char *)(uintptr_t)peer->address;
	wanted->timeout = TRY_US;
	wanted->retries = RETRIES;
	wanted->flags |= SNMP_FLAGS_DONT_PROBE;
}

static int open_session(netsnmp_session *wanted, const struct snmp_peer *peer, void **session,
			struct err *err)
{
	char *text = NULL;
	int system, library;

	*session = snmp_sess_open(wanted);
	if (*session)
		return 0;
	snmp_error(wanted, &library, &system, &text);
	err_set(err, ERR_NETWORK, "%s cannot be reached: %s", peer->address, text ? text : "");
	free(text);
	return err_remedy(err, "see if the host of the board's power is the right one");
}

/* RFC 3414 section 4: an empty request without security is answered by a report that names the
   engine. Every agent that knows v3 answers it, whatever its users are. */
static int discover(const struct snmp_peer *peer, struct answer *answer, struct deadline deadline,
		    struct err *err)
{
	_cleanup_(session_close) void *session = NULL;
	netsnmp_session wanted;
	netsnmp_pdu *pdu;
	int rc;

	prepare(&wanted, peer);
	wanted.version = SNMP_VERSION_3;
	wanted.securityModel = SNMP_SEC_MODEL_USM;
	wanted.securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	wanted.securityName = (char[]){""};
	wanted.securityNameLen = 0;
	rc = open_session(&wanted, peer, &session, err);
	if (rc < 0)
		return rc;
	/* Opening takes the flag away, and sending would then discover, blocking. */
	snmp_sess_session(session)->flags |= SNMP_FLAGS_DONT_PROBE;
	pdu = snmp_pdu_create(SNMP_MSG_GET);
	pdu->version = SNMP_VERSION_3;
	pdu->securityName = xstrdup(""); /* freed with the PDU */
	pdu->securityModel = SNMP_SEC_MODEL_USM;
	pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	return ask(session, peer, pdu, answer, deadline, err);
}

struct protocol {
	const char *name;
	const oid *oid;
	size_t size;
};

static const struct protocol *find_protocol(const struct protocol *all, const char *name)
{
	while (all->name && strcasecmp(all->name, name) != 0)
		all++;
	return all->name ? all : NULL;
}

/* RFC 3414 section 2.6: a passphrase becomes a key by the hash of the authentication protocol. */
static int make_key(const struct protocol *hash, const char *phrase, u_char *key, size_t *size,
		    const char *what, struct err *err)
{
	if (strlen(phrase) < USM_LENGTH_P_MIN)
		return err_set(err, ERR_CONFIG, "%s must have at least %d characters", what,
			       USM_LENGTH_P_MIN);
	*size = USM_AUTH_KU_LEN;
	if (generate_Ku(hash->oid, (u_int)hash->size, (const u_char *)phrase, strlen(phrase), key,
			size) != SNMPERR_SUCCESS)
		return err_set(err, ERR_INTERNAL, "no key can be made from %s", what);
	return 0;
}

static int set_keys(netsnmp_session *wanted, const struct snmp_peer *peer, struct err *err)
{
	const struct protocol hashes[] = {
		{"md5", usmHMACMD5AuthProtocol, USM_AUTH_PROTO_MD5_LEN},
		{"sha", usmHMACSHA1AuthProtocol, USM_AUTH_PROTO_SHA_LEN},
		{0},
	};
	const struct protocol ciphers[] = {
		{"des", usmDESPrivProtocol, USM_PRIV_PROTO_DES_LEN},
		{"aes", usmAESPrivProtocol, USM_PRIV_PROTO_AES_LEN},
		{0},
	};
	const struct protocol *hash, *cipher;
	int rc;

	wanted->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	hash = peer->auth_protocol ? find_protocol(hashes, peer->auth_protocol) : NULL;
	if (!hash)
		return 0;
	wanted->securityLevel = SNMP_SEC_LEVEL_AUTHNOPRIV;
	wanted->securityAuthProto = (oid *)(uintptr_t)hash->oid;
	wanted->securityAuthProtoLen = hash->size;
	rc = make_key(hash, peer->auth_key, wanted->securityAuthKey, &wanted->securityAuthKeyLen,
		      "'auth_key'", err);
	cipher = peer->priv_protocol ? find_protocol(ciphers, peer->priv_protocol) : NULL;
	if (rc < 0 || !cipher)
		return rc;
	wanted->securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
	wanted->securityPrivProto = (oid *)(uintptr_t)cipher->oid;
	wanted->securityPrivProtoLen = cipher->size;
	return make_key(hash, peer->priv_key, wanted->securityPrivKey, &wanted->securityPrivKeyLen,
			"'priv_key'", err);
}

static int silent(const struct snmp_peer *peer, struct err *err)
{
	err_set(err, ERR_NETWORK, "%s does not answer", peer->address);
	return err_remedy(err, "see if the host and port are right and SNMP is enabled there");
}

static int open_v3(const struct snmp_peer *peer, void **session, struct deadline deadline,
		   struct err *err)
{
	struct answer found = {0};
	netsnmp_session wanted;
	int rc = discover(peer, &found, deadline, err);

	if (rc < 0)
		return rc;
	if (found.timed_out || !found.engine_size)
		return silent(peer, err);
	prepare(&wanted, peer);
	wanted.version = SNMP_VERSION_3;
	wanted.securityModel = SNMP_SEC_MODEL_USM;
	wanted.securityName = (char *)(uintptr_t)peer->user;
	wanted.securityNameLen = strlen(peer->user);
	wanted.securityEngineID = wanted.contextEngineID = found.engine;
	wanted.securityEngineIDLen = wanted.contextEngineIDLen = found.engine_size;
	rc = set_keys(&wanted, peer, err);
	if (rc == 0)
		rc = open_session(&wanted, peer, session, err);
	explicit_bzero(&wanted, sizeof(wanted));
	return rc;
}

static int open_peer(const struct snmp_peer *peer, void **session, struct deadline deadline,
		     struct err *err)
{
	netsnmp_session wanted;

	if (peer->version == 3)
		return open_v3(peer, session, deadline, err);
	prepare(&wanted, peer);
	wanted.version = peer->version == 1 ? SNMP_VERSION_1 : SNMP_VERSION_2c;
	wanted.community = (u_char *)(uintptr_t)peer->community;
	wanted.community_len = strlen(peer->community);
	return open_session(&wanted, peer, session, err);
}

/* An agent says nothing to a wrong community, nor to what it cannot decrypt. That it answers a
   discovery tells that it is there. */
static int no_answer(const struct snmp_peer *peer, struct deadline deadline, struct err *err)
{
	struct answer found = {0};
	int rc;

	if (peer->version == 3) {
		err_set(err, ERR_AUTH, "%s knows SNMP v3, but does not answer to this user",
			peer->address);
		return err_remedy(err, "see if 'priv_protocol' and 'priv_key' are right");
	}
	rc = discover(peer, &found, deadline_in(deadline, DISCOVER_MS), err);
	if (rc == -ERR_CANCELLED)
		return rc;
	if (rc == 0 && found.engine_size) {
		err_set(err, ERR_AUTH, "%s is there, but does not answer to this community",
			peer->address);
		return err_remedy(err,
				  "see if 'community' is right and may be used from this host");
	}
	silent(peer, err);
	return err_remedy(err,
			  "see if the host and port are right, SNMP v%s is enabled there, and "
			  "'community' is right: many devices say nothing to a wrong one",
			  peer->version == 1 ? "1" : "2c");
}

struct trouble {
	long code;
	enum err_kind kind;
	const char *words, *remedy;
};

static int say_trouble(const struct trouble *rows, long code, const char *where, struct err *err)
{
	for (; rows->words; rows++)
		if (rows->code == code)
			break;
	if (!rows->words)
		return err_set(err, ERR_POWER, "%s: refused with error %ld", where, code);
	err_set(err, rows->kind, "%s: %s", where, rows->words);
	return rows->remedy ? err_remedy(err, "%s", rows->remedy) : -(int)rows->kind;
}

/* usmStats, 1.3.6.1.6.3.15.1.1.CODE.0 (RFC 3414). */
static const struct trouble report_rows[] = {
	{1, ERR_AUTH, "the agent does not take this level of security from this user",
	 "see if 'auth_protocol' and 'priv_protocol' are as on the device"},
	{2, ERR_AUTH, "the agent's clock does not agree with ours (notInTimeWindows)", NULL},
	{3, ERR_AUTH, "the agent does not know this user", "see if 'user' is right"},
	{5, ERR_AUTH, "the agent does not take this password (wrongDigests)",
	 "see if 'auth_protocol' and 'auth_key' are right"},
	{6, ERR_AUTH, "the agent cannot decrypt (decryptionErrors)",
	 "see if 'priv_protocol' and 'priv_key' are right"},
	{0},
};

#define MAY_NOT "the community or user may read, but not write"
#define NONE    "there is no such outlet or object"

/* error-status of RFC 1157 and RFC 3416. */
static const struct trouble error_rows[] = {
	{SNMP_ERR_NOSUCHNAME, ERR_NOT_FOUND, NONE,
	 "see if the outlet and preset are right; with SNMP v1 it may also be that the community "
	 "may "
	 "not write"},
	{SNMP_ERR_BADVALUE, ERR_POWER, "the value is refused", NULL},
	{SNMP_ERR_READONLY, ERR_AUTH, MAY_NOT, NULL},
	{SNMP_ERR_GENERR, ERR_POWER, "the device could not do it (genErr)", NULL},
	{SNMP_ERR_NOACCESS, ERR_AUTH, MAY_NOT, "give one that may write"},
	{SNMP_ERR_WRONGTYPE, ERR_POWER, "it is not switched by a number", NULL},
	{SNMP_ERR_WRONGVALUE, ERR_POWER, "the value is refused", NULL},
	{SNMP_ERR_NOCREATION, ERR_NOT_FOUND, NONE, "see if the outlet and preset are right"},
	{SNMP_ERR_INCONSISTENTVALUE, ERR_POWER, "the value is refused just now", NULL},
	{SNMP_ERR_COMMITFAILED, ERR_POWER, "the device could not do it (commitFailed)", NULL},
	{SNMP_ERR_AUTHORIZATIONERROR, ERR_AUTH, MAY_NOT, "give one that may write"},
	{SNMP_ERR_NOTWRITABLE, ERR_AUTH, MAY_NOT, "give one that may write"},
	{SNMP_ERR_INCONSISTENTNAME, ERR_NOT_FOUND, NONE, "see if the outlet and preset are right"},
	{0},
};

static bool is_missing(u_char type)
{
	return type == SNMP_NOSUCHOBJECT || type == SNMP_NOSUCHINSTANCE ||
	       type == SNMP_ENDOFMIBVIEW;
}

static int judge(const struct answer *answer, const char *where, long *value, struct err *err)
{
	if (answer->report)
		return say_trouble(
			report_rows,
			answer->name_size >= 2 ? (long)answer->name[answer->name_size - 2] : 0,
			where, err);
	if (answer->error != SNMP_ERR_NOERROR)
		return say_trouble(error_rows, answer->error, where, err);
	if (is_missing(answer->type))
		return say_trouble(error_rows, SNMP_ERR_NOCREATION, where, err);
	if (answer->type != ASN_INTEGER && answer->type != ASN_GAUGE && answer->type != ASN_COUNTER)
		return err_set(err, ERR_POWER, "%s is not a number", where);
	*value = answer->value;
	return 0;
}

static int parse_oid(const char *text, oid *name, size_t *size, struct err *err)
{
	const char *part = text + (*text == '.');
	uint64_t number;

	for (*size = 0; *size < MAX_OID_LEN; part++) {
		_cleanup_(freep) char *digits = xstrndup(part, strcspn(part, "."));

		if (!text_u64(digits, UINT32_MAX, &number))
			break;
		name[(*size)++] = (oid)number;
		part += strlen(digits);
		if (!*part)
			return *size > 1 ? 0 : err_set(err, ERR_CONFIG, "'%s' is no OID", text);
	}
	return err_set(err, ERR_CONFIG, "'%s' is no OID", text);
}

static int exchange(const struct snmp_peer *peer, int command, const char *text, long *value,
		    struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *where = xasprintf("%s %s", peer->address, text);
	_cleanup_(session_close) void *session = NULL;
	struct answer answer = {0};
	oid name[MAX_OID_LEN];
	netsnmp_pdu *pdu;
	size_t size;
	int rc;

	rc = parse_oid(text, name, &size, err);
	if (rc == 0)
		rc = open_peer(peer, &session, deadline, err);
	if (rc < 0)
		return rc;
	pdu = snmp_pdu_create(command);
	if (command == SNMP_MSG_SET)
		snmp_pdu_add_variable(pdu, name, size, ASN_INTEGER, value, sizeof(*value));
	else
		snmp_add_null_var(pdu, name, size);
	rc = ask(session, peer, pdu, &answer, deadline, err);
	if (rc < 0)
		return rc;
	return answer.timed_out ? no_answer(peer, deadline, err)
				: judge(&answer, where, value, err);
}

int snmp_get_number(const struct snmp_peer *peer, const char *oid, long *value,
		    struct deadline deadline, struct err *err)
{
	return exchange(peer, SNMP_MSG_GET, oid, value, deadline, err);
}

int snmp_set_number(const struct snmp_peer *peer, const char *oid, long value,
		    struct deadline deadline, struct err *err)
{
	return exchange(peer, SNMP_MSG_SET, oid, &value, deadline, err);
}
