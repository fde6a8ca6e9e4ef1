// SPDX-License-Identifier: MIT
#include "bundle/oci_ref.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define REPOSITORY_MAX 255
#define TAG_MAX        128
#define LOWER          "abcdefghijklmnopqrstuvwxyz0123456789"

struct digest_kind {
	const char *prefix;
	size_t digits;
};

static const struct digest_kind digest_kinds[] = {
	{"sha256:", 64},
	{"sha512:", 128},
};

bool oci_digest_is_valid(const char *digest)
{
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(digest_kinds); i++) {
		length = strlen(digest_kinds[i].prefix);
		if (strncmp(digest, digest_kinds[i].prefix, length) == 0)
			return strlen(digest + length) == digest_kinds[i].digits &&
			       strspn(digest + length, "0123456789abcdef") ==
				       digest_kinds[i].digits;
	}
	return false;
}

bool oci_host_is_local(const char *host)
{
	size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	return (length == 9 && strncmp(host, "localhost", 9) == 0) ||
	       (length == 5 && strncmp(host, "[::1]", 5) == 0) ||
	       (text_starts(host, "127.") && strspn(host, "0123456789.") == length);
}

/* One component of a repository's name: letters and digits, between them a dot, one or two
   underscores, or hyphens. Returns its length, 0 when it is none. */
static size_t component_length(const char *text)
{
	size_t at = strspn(text, LOWER), dashes;

	if (at == 0)
		return 0;
	while (text[at] == '.' || text[at] == '_' || text[at] == '-') {
		dashes = strspn(text + at, "-");
		if (dashes == 0)
			dashes = text[at] == '_' && text[at + 1] == '_' ? 2 : 1;
		if (!strspn(text + at + dashes, LOWER))
			return 0;
		at += dashes + strspn(text + at + dashes, LOWER);
	}
	return at;
}

static bool is_repository(const char *text)
{
	size_t length;

	if (strlen(text) > REPOSITORY_MAX)
		return false;
	for (;; text += length + 1) {
		length = component_length(text);
		if (length == 0)
			return false;
		if (text[length] == '\0')
			return true;
		if (text[length] != '/')
			return false;
	}
}

static bool is_tag(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' &&
		    (i == 0 || (text[i] != '.' && text[i] != '-')))
			return false;
	return i > 0 && i <= TAG_MAX;
}

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits >= 1 && digits <= 5 && text[digits] == '\0';
}

/* NAME, NAME:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static bool is_host(const char *text)
{
	size_t length;

	if (text[0] == '[') {
		length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
		if (length == 1 || text[length++] != ']')
			return false;
	} else {
		for (length = 0; isalnum((unsigned char)text[length]) || text[length] == '.' ||
				 text[length] == '-';)
			length++;
		if (length == 0 || text[0] == '-' || text[0] == '.')
			return false;
	}
	return text[length] == '\0' || (text[length] == ':' && is_port(text + length + 1));
}

static bool names_registry(const char *text, size_t length)
{
	return memchr(text, '.', length) || memchr(text, ':', length) ||
	       (length == 9 && strncmp(text, "localhost", 9) == 0);
}

struct alias {
	const char *name;
	const char *means;
};

static const struct alias hub_aliases[] = {
	{"docker.io", "docker.io"},
	{"index.docker.io", "docker.io"},
	{"registry-1.docker.io", "docker.io"},
};

static const char *fold_registry(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hub_aliases); i++)
		if (strcmp(name, hub_aliases[i].name) == 0)
			return hub_aliases[i].means;
	return name;
}

/* Splits REGISTRY/REPOSITORY; short names get docker.io and library/. */
static void take_name(struct oci_ref *ref, const char *name)
{
	size_t length = strcspn(name, "/");
	_cleanup_(freep) char *registry = NULL;

	if (name[length] == '/' && names_registry(name, length)) {
		registry = xstrndup(name, length);
		name += length + 1;
	} else {
		registry = xstrdup("docker.io");
	}
	ref->registry = xstrdup(fold_registry(registry));
	if (strcmp(ref->registry, "docker.io") == 0) {
		ref->host = xstrdup("registry-1.docker.io");
		ref->repository = strchr(name, '/') ? xstrdup(name) : xasprintf("library/%s", name);
	} else {
		ref->host = xstrdup(ref->registry);
		ref->repository = xstrdup(name);
	}
}

/* Cuts "@DIGEST" and then ":TAG" (a colon behind the last slash) off the end of the text. */
static void take_ends(struct oci_ref *ref, char *text)
{
	char *at = strchr(text, '@'), *slash, *colon;

	if (at) {
		ref->digest = xstrdup(at + 1);
		*at = '\0';
	}
	slash = strrchr(text, '/');
	colon = strchr(slash ? slash : text, ':');
	if (colon) {
		ref->tag = xstrdup(colon + 1);
		*colon = '\0';
	}
	if (!ref->tag && !ref->digest)
		ref->tag = xstrdup("latest");
}

static int check(const struct oci_ref *ref, const char *text, struct err *err)
{
	if (ref->digest && !oci_digest_is_valid(ref->digest))
		return err_set(err, ERR_USAGE,
			       "'%s' is no reference: behind @ must be sha256: with 64, or sha512:"
			       " with 128 lower-case hexadecimal digits",
			       text);
	if (ref->tag && !is_tag(ref->tag))
		return err_set(err, ERR_USAGE, "'%s' is no reference: the tag '%s' is not allowed",
			       text, ref->tag);
	if (!is_host(ref->registry))
		return err_set(err, ERR_USAGE, "'%s' is no reference: '%s' is no host", text,
			       ref->registry);
	if (!is_repository(ref->repository))
		return err_set(err, ERR_USAGE,
			       "'%s' is no reference: '%s' is no name of a repository (lower-case"
			       " letters, digits, and . _ - / between them)",
			       text, ref->repository);
	return 0;
}

int oci_ref_parse(struct oci_ref **ref, const char *text, struct err *err)
{
	_cleanup_(oci_ref_freep) struct oci_ref *made = xcalloc(1, sizeof(*made));
	_cleanup_(freep) char *copy = NULL;
	int rc;

	if (text_starts(text, "oci://"))
		text += strlen("oci://");
	copy = xstrdup(text);
	take_ends(made, copy);
	take_name(made, copy);
	rc = check(made, text, err);
	if (rc == 0)
		*ref = steal(made);
	return rc;
}

void oci_ref_free(struct oci_ref *ref)
{
	if (!ref)
		return;
	free(ref->registry);
	free(ref->host);
	free(ref->repository);
	free(ref->tag);
	free(ref->digest);
	free(ref);
}

void oci_ref_freep(struct oci_ref **ref)
{
	oci_ref_free(*ref);
	*ref = NULL;
}

char *oci_ref_text(const struct oci_ref *ref)
{
	return xasprintf("%s/%s%s%s%s%s", ref->registry, ref->repository, ref->tag ? ":" : "",
			 ref->tag ? ref->tag : "", ref->digest ? "@" : "",
			 ref->digest ? ref->digest : "");
}

const char *oci_ref_wanted(const struct oci_ref *ref)
{
	return ref->digest ? ref->digest : ref->tag;
}
