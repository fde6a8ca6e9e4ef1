// SPDX-License-Identifier: MIT
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/json.h"
#include "bundle/oci_auth.h"

#define AUTH_FILE_MAX ((size_t)1 << 20)

void oci_login_free(struct oci_login *login)
{
	if (login->password)
		explicit_bzero(login->password, strlen(login->password));
	free(login->username);
	free(login->password);
	free(login->helper);
	*login = (struct oci_login){0};
}

static bool is_hub(const char *host, size_t length)
{
	static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == length && strncmp(names[i], host, length) == 0)
			return true;
	return false;
}

/* Docker's keys may be URLs ("https://index.docker.io/v1/"): their path says nothing. */
static const char *cut_scheme(const char *key, bool *had)
{
	*had = true;
	if (text_starts(key, "https://"))
		return key + strlen("https://");
	if (text_starts(key, "http://"))
		return key + strlen("http://");
	*had = false;
	return key;
}

/* Whether a key HOST[/PATH] is about this repository; *rank grows with the length of PATH. */
static bool key_fits(const char *key, const struct oci_ref *ref, size_t *rank)
{
	bool url, hub = strcmp(ref->registry, "docker.io") == 0;
	const char *host = cut_scheme(key, &url), *path;
	size_t length = strcspn(host, "/"), rest;

	if (hub ? !is_hub(host, length)
		: strlen(ref->registry) != length || strncmp(ref->registry, host, length) != 0)
		return false;
	path = host + length + (host[length] == '/');
	rest = strlen(path);
	while (rest && path[rest - 1] == '/')
		rest--;
	if (url || (hub && rest == 2 && path[0] == 'v'))
		rest = 0;
	*rank = rest + 1;
	return strncmp(ref->repository, path, rest) == 0 &&
	       (rest == 0 || ref->repository[rest] == '/' || ref->repository[rest] == '\0');
}

static const json_t *best_entry(const json_t *map, const struct oci_ref *ref)
{
	const json_t *best = NULL;
	size_t best_rank = 0, rank;
	const char *key;
	json_t *entry;

	json_object_foreach((json_t *)(uintptr_t)map, key, entry)
	{
		if (key_fits(key, ref, &rank) && rank > best_rank) {
			best = entry;
			best_rank = rank;
		}
	}
	return best;
}

static char *decode_base64(const char *text)
{
	size_t length = strlen(text), padding = 0;
	unsigned char *out;
	int size;

	if (length == 0 || length > AUTH_FILE_MAX || length % 4)
		return NULL;
	while (padding < 2 && text[length - 1 - padding] == '=')
		padding++;
	out = xmalloc(length);
	size = EVP_DecodeBlock(out, (const unsigned char *)text, (int)length);
	if (size < 0 || (size_t)size < padding) {
		free(out);
		return NULL;
	}
	out[(size_t)size - padding] = '\0';
	return (char *)out;
}

/* "user:password" in base64. */
static bool take_pair(struct oci_login *login, const char *auth)
{
	_cleanup_(freep) char *pair = decode_base64(auth);
	char *colon = pair ? strchr(pair, ':') : NULL;

	if (!colon)
		return false;
	login->username = xstrndup(pair, (size_t)(colon - pair));
	login->password = xstrdup(colon + 1);
	explicit_bzero(pair, strlen(pair));
	return true;
}

static void take_entry(struct oci_login *login, const json_t *entry, const char *name,
		       const struct oci_ref *ref, struct warnings *warnings)
{
	const char *auth = json_string_value(json_object_get(entry, "auth"));
	const char *username = json_string_value(json_object_get(entry, "username"));
	const char *password = json_string_value(json_object_get(entry, "password"));

	if (username && password) {
		login->username = xstrdup(username);
		login->password = xstrdup(password);
	} else if (auth && *auth && !take_pair(login, auth)) {
		warnings_add(warnings, "%s: the entry for %s is not base64 of USER:PASSWORD", name,
			     ref->registry);
	} else if (!auth && json_object_get(entry, "identitytoken")) {
		warnings_add(warnings,
			     "%s: the entry for %s is an identity token, which is not"
			     " supported",
			     name, ref->registry);
	}
}

static void note_helper(struct oci_login *login, const json_t *root, const char *name,
			const struct oci_ref *ref)
{
	const json_t *own = best_entry(json_object_get(root, "credHelpers"), ref);
	const json_t *any = json_object_get(root, "credsStore");
	const char *helper = json_string_value(own ? own : any);

	if (helper && !login->helper)
		login->helper = xasprintf("docker-credential-%.100s, named in %s", helper, name);
}

void oci_auth_file_find(struct oci_login *login, const void *data, size_t size, const char *name,
			const struct oci_ref *ref, struct warnings *warnings)
{
	json_error_t reason;
	_cleanup_(json_freep) json_t *root = json_loadb(data, size, 0, &reason);
	const json_t *entry;

	/* The parser's own text quotes the file: it could quote a password. */
	if (!json_is_object(root)) {
		warnings_add(warnings, "%s is passed over: not a JSON object (line %d, column %d)",
			     name, root ? 1 : reason.line, root ? 1 : reason.column);
		return;
	}
	entry = best_entry(json_object_get(root, "auths"), ref);
	if (entry)
		take_entry(login, entry, name, ref, warnings);
	if (!login->username)
		note_helper(login, root, name, ref);
}

/* The auth files, in the order they are asked. */
struct place {
	const char *variable; /* environment variable that holds a file or folder */
	const char *file;     /* below that folder; NULL: the variable holds the file */
	const char *fallback; /* below HOME, when the variable is not set; NULL: none */
};

static const struct place places[] = {
	{"REGISTRY_AUTH_FILE", NULL, NULL},
	{"XDG_RUNTIME_DIR", "containers/auth.json", NULL},
	{"XDG_CONFIG_HOME", "containers/auth.json", ".config/containers/auth.json"},
	{"DOCKER_CONFIG", "config.json", ".docker/config.json"},
};

static char *place_path(const struct place *place)
{
	const char *folder = getenv(place->variable), *home = getenv("HOME");

	if (folder && *folder)
		return place->file ? path_join(folder, place->file) : xstrdup(folder);
	return place->fallback && home && *home ? path_join(home, place->fallback) : NULL;
}

static void ask_place(struct oci_login *login, const struct place *place, const struct oci_ref *ref,
		      struct warnings *warnings)
{
	_cleanup_(freep) char *path = place_path(place);
	_cleanup_(buf_free) struct buf text = {0};
	struct err err;
	int rc;

	if (!path)
		return;
	rc = path_read(path, AUTH_FILE_MAX, &text, &err);
	if (rc == 0)
		oci_auth_file_find(login, buf_text(&text), text.size, path, ref, warnings);
	else if (rc != -ERR_NOT_FOUND)
		warnings_add(warnings, "%s", err.text);
	if (text.data)
		explicit_bzero(text.data, text.size);
}

static bool take_environment(struct oci_login *login, struct warnings *warnings)
{
	const char *username = getenv("OCI_USERNAME"), *password = getenv("OCI_PASSWORD");

	if (username && *username && password && *password) {
		login->username = xstrdup(username);
		login->password = xstrdup(password);
		return true;
	}
	if ((username && *username) || (password && *password))
		warnings_add(warnings,
			     "only one of OCI_USERNAME and OCI_PASSWORD is set: it is passed over");
	return false;
}

int oci_login_find(struct oci_login *login, const struct oci_ref *ref,
		   const struct http_options *given, struct warnings *warnings, struct err *err)
{
	size_t i;

	*login = (struct oci_login){0};
	if (given && (given->username || given->password)) {
		if (!given->username || !given->password)
			return err_set(
				err, ERR_USAGE,
				"a registry wants user name and password, only one is given");
		login->username = xstrdup(given->username);
		login->password = xstrdup(given->password);
		return 0;
	}
	if (take_environment(login, warnings))
		return 0;
	for (i = 0; i < ARRAY_SIZE(places) && !login->username; i++)
		ask_place(login, &places[i], ref, warnings);
	return 0;
}
