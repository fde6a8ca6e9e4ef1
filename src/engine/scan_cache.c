// SPDX-License-Identifier: MIT
#include "engine/scan_cache.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

/* Of what is in the files, and of how a scan counts: another number makes the old ones unknown. */
#define SCAN_VERSION 1
#define FILE_MAX     ((size_t)4096)

static bool is_digest(const char *text)
{
	return strlen(text) == SHA256_TEXT - 1 &&
	       strspn(text, "0123456789abcdef") == SHA256_TEXT - 1;
}

static bool is_word(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) &&
		    text[i] != '-')
			return false;
	return i > 0 && i < SCAN_WORD;
}

static int scan_path(char **path, const char *given_sha256, struct err *err)
{
	_cleanup_(freep) char *cache = NULL, *folder = NULL;
	int rc = path_cache(&cache, err);

	if (rc < 0)
		return rc;
	folder = path_join(cache, "scans");
	rc = path_make_folder(folder, err);
	if (rc == 0)
		*path = xasprintf("%s/%s.json", folder, given_sha256);
	return rc;
}

static bool unpack(json_t *json, const char *given_sha256, struct scan *out)
{
	const char *codec, *layout, *given, *sha256;
	json_int_t given_size, size, data_bytes;
	int version;

	if (json_unpack(json, "{s:i,s:s,s:s,s:s,s:I,s:I,s:s,s:I !}", "version", &version,
			"given_sha256", &given, "codec", &codec, "layout", &layout, "given_size",
			&given_size, "size", &size, "sha256", &sha256, "data_bytes",
			&data_bytes) < 0)
		return false;
	if (version != SCAN_VERSION || !text_equal(given, given_sha256) || !is_word(codec) ||
	    !is_word(layout) || !is_digest(sha256) || given_size < 0 || size < 0 ||
	    data_bytes < 0 || data_bytes > size)
		return false;
	*out = (struct scan){.given_size = (uint64_t)given_size,
			     .size = (uint64_t)size,
			     .data_bytes = (uint64_t)data_bytes};
	memcpy(out->codec, codec, strlen(codec));
	memcpy(out->layout, layout, strlen(layout));
	memcpy(out->sha256, sha256, SHA256_TEXT);
	return true;
}

bool scan_cache_get(const char *given_sha256, struct scan *out)
{
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(freep) char *path = NULL;
	struct err ignored;
	json_t *json;
	bool found;

	if (!is_digest(given_sha256) || scan_path(&path, given_sha256, &ignored) < 0 ||
	    path_read(path, FILE_MAX, &text, &ignored) < 0)
		return false;
	json = json_loadb(buf_text(&text), text.size, JSON_REJECT_DUPLICATES, NULL);
	found = unpack(json, given_sha256, out);
	json_decref(json);
	return found;
}

int scan_cache_put(const char *given_sha256, const struct scan *scan, struct err *err)
{
	_cleanup_(freep) char *path = NULL, *text = NULL;
	json_t *json;
	int rc;

	if (!is_digest(given_sha256))
		return err_set(err, ERR_INTERNAL, "'%s' is no SHA-256", given_sha256);
	rc = scan_path(&path, given_sha256, err);
	if (rc < 0)
		return rc;
	json = json_pack("{s:i,s:s,s:s,s:s,s:I,s:I,s:s,s:I}", "version", SCAN_VERSION,
			 "given_sha256", given_sha256, "codec", scan->codec, "layout", scan->layout,
			 "given_size", (json_int_t)scan->given_size, "size", (json_int_t)scan->size,
			 "sha256", scan->sha256, "data_bytes", (json_int_t)scan->data_bytes);
	text = json_dumps(json, JSON_INDENT(1));
	json_decref(json);
	if (!text)
		return err_set(err, ERR_INTERNAL, "the scan of %s is not text", given_sha256);
	return path_write(path, text, strlen(text), 0600, err);
}
