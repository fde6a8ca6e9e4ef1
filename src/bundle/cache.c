// SPDX-License-Identifier: MIT
#include "bundle/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/file.h"
#include "bundle/oci_ref.h"

#define PIECE        ((size_t)128 << 10)
#define REF_NAME_MAX 200
#define REF_FILE_MAX 1024

static int make_folders(const char *root, struct err *err)
{
	static const char *const names[] = {"blobs/sha256", "blobs/sha512", "partial", "refs",
					    "bundles"};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < ARRAY_SIZE(names); i++) {
		_cleanup_(freep) char *path = path_join(root, names[i]);

		rc = path_make_folder(path, err);
	}
	return rc;
}

static int take_lock(struct cache *cache, int how, struct err *err)
{
	_cleanup_(freep) char *path = path_join(cache->root, "lock");

	cache->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (cache->lock < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", path);
	if (flock(cache->lock, how) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY, "the cache %s is %s by another process", cache->root,
			       how & LOCK_EX ? "in use" : "being pruned");
	return err_errno(err, ERR_HOST, "cannot lock %s", path);
}

/* `how` is LOCK_SH or LOCK_EX, never waiting. */
static int open_locked(struct cache **cache, const char *root, int how, struct err *err)
{
	_cleanup_(cache_closep) struct cache *made = xcalloc(1, sizeof(*made));
	int rc = 0;

	made->lock = -1;
	if (root)
		made->root = xstrdup(root);
	else
		rc = path_cache(&made->root, err);
	if (rc == 0)
		rc = make_folders(made->root, err);
	if (rc == 0)
		rc = take_lock(made, how | LOCK_NB, err);
	if (rc == 0)
		*cache = steal(made);
	return rc;
}

int cache_open(struct cache **cache, const char *root, struct err *err)
{
	return open_locked(cache, root, LOCK_SH, err);
}

int cache_open_alone(struct cache **cache, const char *root, struct err *err)
{
	return open_locked(cache, root, LOCK_EX, err);
}

void cache_close(struct cache *cache)
{
	if (!cache)
		return;
	closep(&cache->lock);
	free(cache->root);
	free(cache);
}

void cache_closep(struct cache **cache)
{
	cache_close(*cache);
	*cache = NULL;
}

char *cache_blob_path(const struct cache *cache, const char *digest)
{
	return xasprintf("%s/blobs/%.6s/%s", cache->root, digest, digest + 7);
}

bool cache_has(const struct cache *cache, const char *digest, uint64_t size)
{
	_cleanup_(freep) char *path = cache_blob_path(cache, digest);
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) char *algorithm = xstrndup(digest, 6);
	char found[OCI_DIGEST_TEXT];
	uint64_t found_size;

	if (fd < 0 || file_digest(fd, algorithm, &found_size, found, NULL) < 0)
		return false;
	if (strcmp(found, digest) == 0)
		return size == UINT64_MAX || size == found_size;
	unlink(path);
	return false;
}

static int missing(const char *digest, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "the cache does not have %s", digest);
}

int cache_read(const struct cache *cache, const char *digest, size_t max, struct buf *out,
	       struct err *err)
{
	_cleanup_(freep) char *path = cache_blob_path(cache, digest);

	if (!cache_has(cache, digest, UINT64_MAX) || path_read(path, max, out, NULL) < 0)
		return missing(digest, err);
	return 0;
}

int cache_put(const struct cache *cache, const char *digest, const void *data, size_t size,
	      struct err *err)
{
	_cleanup_(freep) char *path = cache_blob_path(cache, digest);
	_cleanup_(freep) char *algorithm = xstrndup(digest, 6);
	_cleanup_(digest_freep) struct digest *running = digest_new_named(algorithm);
	char hex[129];

	digest_add(running, data, size);
	digest_text(running, hex);
	if (strcmp(hex, digest + 7) != 0)
		return err_set(err, ERR_DIGEST, "what came for %s has the digest %s:%s", digest,
			       algorithm, hex);
	return path_write(path, data, size, 0444, err);
}

/* A download into the cache. */
struct fetch {
	const struct cache *cache;
	const char *digest;
	uint64_t size;
	char *path; /* of the file under way */
	bool own;   /* nobody can take it up: it goes away with us */
	int fd;
	struct digest *running;
	uint64_t done;
};

static void fetch_end(struct fetch *fetch)
{
	if (fetch->own && fetch->path)
		unlink(fetch->path);
	closep(&fetch->fd);
	digest_freep(&fetch->running);
	free(fetch->path);
}

/* Whether the name still leads to the file we have locked: its former owner may have moved it to
   its place in between. */
static bool still_there(const struct fetch *fetch)
{
	struct stat named, open_one;

	return stat(fetch->path, &named) == 0 && fstat(fetch->fd, &open_one) == 0 &&
	       named.st_ino == open_one.st_ino && named.st_dev == open_one.st_dev;
}

/* The file of a broken download, or a new one; when another process is at it, one of our own. */
static int open_partial(struct fetch *fetch, struct err *err)
{
	const char *root = fetch->cache->root;

	fetch->path = xasprintf("%s/partial/%.6s-%s", root, fetch->digest, fetch->digest + 7);
	fetch->fd = open(fetch->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fetch->fd >= 0 && flock(fetch->fd, LOCK_EX | LOCK_NB) == 0 && still_there(fetch))
		return 0;
	closep(&fetch->fd);
	free(fetch->path);
	fetch->path = xasprintf("%s/partial/own-XXXXXX", root);
	fetch->fd = mkostemp(fetch->path, O_CLOEXEC);
	if (fetch->fd < 0)
		return err_errno(err, ERR_HOST, "cannot make a file in %s/partial", root);
	fetch->own = true;
	return 0;
}

static int start_over(struct fetch *fetch, struct err *err)
{
	_cleanup_(freep) char *algorithm = xstrndup(fetch->digest, 6);

	digest_freep(&fetch->running);
	fetch->running = digest_new_named(algorithm);
	fetch->done = 0;
	if (ftruncate(fetch->fd, 0) < 0 || lseek(fetch->fd, 0, SEEK_SET) < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", fetch->path);
	return 0;
}

/* Counts in what an earlier try has left. */
static int take_up(struct fetch *fetch, struct err *err)
{
	_cleanup_(freep) char *algorithm = xstrndup(fetch->digest, 6);
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	ssize_t got;

	fetch->running = digest_new_named(algorithm);
	while ((got = read(fetch->fd, piece, PIECE)) > 0) {
		digest_add(fetch->running, piece, (size_t)got);
		fetch->done += (uint64_t)got;
	}
	return got < 0 || fetch->done > fetch->size ? start_over(fetch, err) : 0;
}

static int check_room(const struct fetch *fetch, struct err *err)
{
	unsigned long long room;
	char need[TEXT_SIZE], have[TEXT_SIZE];
	int rc = path_free_space(fetch->cache->root, &room, err);

	if (rc < 0 || room > fetch->size - fetch->done)
		return rc;
	err_set(err, ERR_HOST, "the cache %s has no room: %s wanted, %s free", fetch->cache->root,
		text_of_size(fetch->size - fetch->done, need), text_of_size(room, have));
	return err_remedy(err, "make room with 'aboard bundle prune'");
}

static int wrong_size(const struct fetch *fetch, struct err *err)
{
	return err_set(err, ERR_DIGEST,
		       "%s: %s bytes came than the %" PRIu64 " that were announced", fetch->digest,
		       fetch->done < fetch->size ? "fewer" : "more", fetch->size);
}

static int copy_rest(struct fetch *fetch, const struct cache_source *source,
		     struct deadline deadline, struct err *err)
{
	_cleanup_(reader_closep) struct reader *reader = NULL;
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	size_t got = 1;
	int rc = source->open(source->context, &reader, fetch->digest, fetch->done, deadline, err);

	while (rc == 0 && got) {
		rc = reader->read(reader, piece, PIECE, &got, err);
		if (rc < 0)
			break;
		fetch->done += got;
		if (fetch->done > fetch->size)
			return wrong_size(fetch, err);
		digest_add(fetch->running, piece, got);
		if (file_write(fetch->fd, piece, got) < 0)
			return err_errno(err, ERR_HOST, "cannot write %s", fetch->path);
	}
	return rc;
}

static int check_digest(const struct fetch *fetch, struct err *err)
{
	char hex[129];

	if (fetch->done != fetch->size)
		return wrong_size(fetch, err);
	digest_text(fetch->running, hex);
	if (strcmp(hex, fetch->digest + 7) == 0)
		return 0;
	return err_set(err, ERR_DIGEST, "what came for %s has the digest %.6s:%s", fetch->digest,
		       fetch->digest, hex);
}

static int put_in_place(struct fetch *fetch, struct err *err)
{
	_cleanup_(freep) char *path = cache_blob_path(fetch->cache, fetch->digest);

	if (fchmod(fetch->fd, 0444) < 0 || fsync(fetch->fd) < 0 || rename(fetch->path, path) < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	fetch->own = false;
	return 0;
}

/* One try from where the file stands. Bytes that turn out wrong do not stay. */
static int fetch_once(struct fetch *fetch, const struct cache_source *source,
		      struct deadline deadline, struct err *err)
{
	int rc = check_room(fetch, err);

	if (rc == 0 && fetch->done < fetch->size)
		rc = copy_rest(fetch, source, deadline, err);
	if (rc == 0)
		rc = check_digest(fetch, err);
	if (rc == -ERR_DIGEST)
		start_over(fetch, NULL);
	return rc;
}

int cache_fetch(const struct cache *cache, const char *digest, uint64_t size,
		const struct cache_source *source, struct deadline deadline, struct err *err)
{
	_cleanup_(fetch_end) struct fetch fetch = {
		.cache = cache, .digest = digest, .size = size, .fd = -1};
	bool taken_up;
	int rc;

	if (cache_has(cache, digest, size))
		return 0;
	rc = open_partial(&fetch, err);
	if (rc == 0)
		rc = take_up(&fetch, err);
	if (rc < 0)
		return rc;
	taken_up = fetch.done > 0;
	rc = fetch_once(&fetch, source, deadline, err);
	if (rc == -ERR_DIGEST && taken_up)
		rc = fetch_once(&fetch, source, deadline, err);
	if (rc < 0)
		return rc;
	return put_in_place(&fetch, err);
}

/* References as file names: "/" and whatever else is no plain character as %XX; long ones by their
   digest. */
static char *ref_path(const struct cache *cache, const char *ref)
{
	_cleanup_(buf_free) struct buf name = {0};
	char hex[SHA256_TEXT];
	const char *c;

	for (c = ref; *c; c++) {
		if (strchr("%/\\", *c) || (unsigned char)*c <= 32 || (unsigned char)*c >= 127 ||
		    (c == ref && *c == '.'))
			buf_addf(&name, "%%%02X", (unsigned char)*c);
		else
			buf_add_char(&name, *c);
	}
	if (name.size <= REF_NAME_MAX)
		return xasprintf("%s/refs/%s", cache->root, buf_text(&name));
	sha256_text(ref, strlen(ref), hex);
	return xasprintf("%s/refs/%s", cache->root, hex);
}

int cache_ref_set(const struct cache *cache, const char *ref, const char *digest, struct err *err)
{
	_cleanup_(freep) char *path = ref_path(cache, ref);
	_cleanup_(freep) char *text = xasprintf("%s\n%s\n", digest, ref);

	return path_write(path, text, strlen(text), 0600, err);
}

int cache_ref_get(const struct cache *cache, const char *ref, char **digest, struct err *err)
{
	_cleanup_(freep) char *path = ref_path(cache, ref);
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(freep) char *found = NULL;

	if (path_read(path, REF_FILE_MAX, &text, NULL) < 0)
		return err_set(err, ERR_NOT_FOUND, "the cache does not have %s", ref);
	found = xstrndup(buf_text(&text), strcspn(buf_text(&text), "\n"));
	if (!oci_digest_is_valid(found))
		return err_set(err, ERR_NOT_FOUND, "the cache does not have %s", ref);
	utimensat(AT_FDCWD, path, NULL, 0);
	*digest = steal(found);
	return 0;
}
