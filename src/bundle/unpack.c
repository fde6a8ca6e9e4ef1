// SPDX-License-Identifier: MIT
#include "bundle/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/file.h"

#define PIECE ((size_t)128 << 10)

static void archive_freep(struct archive **archive)
{
	archive_read_free(*archive);
	*archive = NULL;
}

/* Only tar; compressed in the ways layers are. */
static struct archive *new_archive(void)
{
	struct archive *archive = archive_read_new();

	if (!archive)
		abort();
	archive_read_support_format_tar(archive);
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_bzip2(archive);
	return archive;
}

static int archive_err(struct archive *archive, struct err *err)
{
	const char *text = archive_error_string(archive);

	return err_set(err, ERR_IMAGE, "the tar archive is damaged: %s", text ? text : "no reason");
}

struct unpacking {
	struct archive *archive;
	const char *folder, *title;
	uint64_t bytes;
	size_t entries;
};

/* Where an entry belongs: names begin with the whole title, or only with its last part. */
static char *place_of(const struct unpacking *unpacking, const char *name)
{
	_cleanup_(freep) char *parent = path_folder(unpacking->title);
	_cleanup_(freep) char *placed = NULL;
	size_t length = strlen(unpacking->title);

	while (text_starts(name, "./"))
		name += 2;
	if (!path_is_confined(name))
		return NULL;
	if ((strncmp(name, unpacking->title, length) == 0 &&
	     (name[length] == '/' || name[length] == '\0')) ||
	    strcmp(parent, ".") == 0)
		placed = xstrdup(name);
	else
		placed = path_join(parent, name);
	return path_join(unpacking->folder, placed);
}

static int write_entry(struct unpacking *unpacking, const char *path, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	_cleanup_(closep) int fd = -1;
	ssize_t got;
	int rc = path_make_folder(folder, err);

	if (rc < 0)
		return rc;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_errno(err, errno == EEXIST ? ERR_REFUSED : ERR_HOST, "cannot make %s",
				 path);
	while ((got = archive_read_data(unpacking->archive, piece, PIECE)) > 0) {
		unpacking->bytes += (uint64_t)got;
		if (unpacking->bytes > UNPACK_MAX)
			return err_set(err, ERR_REFUSED, "the archive unpacks to more than 8 GiB");
		if (file_write(fd, piece, (size_t)got) < 0)
			return err_errno(err, ERR_HOST, "cannot write %s", path);
	}
	return got < 0 ? archive_err(unpacking->archive, err) : 0;
}

/* No link is ever made, so no name can lead through one. */
static int unpack_entry(struct unpacking *unpacking, struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);
	_cleanup_(freep) char *path = name ? place_of(unpacking, name) : NULL;

	if (++unpacking->entries > UNPACK_ENTRIES)
		return err_set(err, ERR_REFUSED, "the archive has more than %d entries",
			       UNPACK_ENTRIES);
	if (!path)
		return err_set(err, ERR_REFUSED,
			       "the archive has an entry '%.200s', which leads"
			       " out of the bundle's folder",
			       name ? name : "");
	if (archive_entry_hardlink(entry) || (archive_entry_filetype(entry) != AE_IFREG &&
					      archive_entry_filetype(entry) != AE_IFDIR))
		return err_set(err, ERR_REFUSED,
			       "the archive's entry '%.200s' is neither a file nor"
			       " a folder",
			       name);
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return path_make_folder(path, err);
	return write_entry(unpacking, path, err);
}

int unpack_layer(const char *blob, const char *folder, const char *title, struct err *err)
{
	_cleanup_(archive_freep) struct archive *archive = new_archive();
	struct unpacking unpacking = {.archive = archive, .folder = folder, .title = title};
	struct archive_entry *entry;
	int rc, status;

	if (archive_read_open_filename(archive, blob, PIECE) != ARCHIVE_OK)
		return archive_err(archive, err);
	while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		rc = unpack_entry(&unpacking, entry, err);
		if (rc < 0)
			return rc;
	}
	return status == ARCHIVE_EOF ? 0 : archive_err(archive, err);
}

/* A file inside an archive that is itself being read. */
struct member {
	struct reader reader;
	struct archive *archive;
	struct reader *source;
	char *piece;
	struct err source_err;
	bool source_failed, source_ended;
};

static la_ssize_t feed(struct archive *archive, void *context, const void **data)
{
	struct member *member = context;
	size_t got = 0;

	(void)archive;
	*data = member->piece;
	if (member->source_ended)
		return 0;
	if (member->source->read(member->source, member->piece, PIECE, &got, &member->source_err) <
	    0) {
		member->source_failed = true;
		archive_set_error(archive, EIO, "reading failed");
		return -1;
	}
	member->source_ended = got == 0;
	return (la_ssize_t)got;
}

/* The source's own error says more than libarchive's about it. */
static int member_err(struct member *member, struct err *err)
{
	if (!member->source_failed)
		return archive_err(member->archive, err);
	if (err)
		*err = member->source_err;
	return -(int)member->source_err.kind;
}

static int read_out(struct member *member, struct err *err)
{
	size_t got;
	int rc = 0;

	while (rc == 0 && !member->source_ended) {
		rc = member->source->read(member->source, member->piece, PIECE, &got, err);
		member->source_ended = rc == 0 && got == 0;
	}
	return rc;
}

static int member_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct member *member = container_of(reader, struct member, reader);
	la_ssize_t step = archive_read_data(member->archive, data, size);

	*got = step > 0 ? (size_t)step : 0;
	if (step < 0)
		return member_err(member, err);
	return step == 0 ? read_out(member, err) : 0;
}

static void member_close(struct reader *reader)
{
	struct member *member = container_of(reader, struct member, reader);

	archive_freep(&member->archive);
	reader_closep(&member->source);
	free(member->piece);
	free(member);
}

static bool looks_like_image(const char *name)
{
	static const char *const kinds[] = {".img", ".raw", ".wic", ".simg"};
	static const char *const codecs[] = {"", ".gz", ".xz", ".zst", ".bz2", ".lz4"};
	char end[16];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (j = 0; j < ARRAY_SIZE(codecs); j++) {
			memcpy(end, kinds[i], strlen(kinds[i]));
			memcpy(end + strlen(kinds[i]), codecs[j], strlen(codecs[j]) + 1);
			if (text_ends(name, end))
				return true;
		}
	}
	return false;
}

static int find_image(struct member *member, struct err *err)
{
	struct archive_entry *entry;
	const char *name;
	int status;

	while ((status = archive_read_next_header(member->archive, &entry)) == ARCHIVE_OK) {
		name = archive_entry_pathname(entry);
		if (name && archive_entry_filetype(entry) == AE_IFREG && looks_like_image(name))
			return 0;
	}
	if (status != ARCHIVE_EOF)
		return member_err(member, err);
	return err_set(err, ERR_IMAGE,
		       "the layer holds no file whose name looks like an image"
		       " (*.img, *.raw, *.wic, *.simg, compressed or not)");
}

int unpack_image(struct reader **reader, struct reader *archive, struct err *err)
{
	_cleanup_(reader_closep) struct reader *made = NULL;
	struct member *member = xcalloc(1, sizeof(*member));
	int rc;

	made = &member->reader;
	made->read = member_read;
	made->close = member_close;
	member->source = archive;
	member->piece = xmalloc(PIECE);
	member->archive = new_archive();
	if (archive_read_open(member->archive, member, NULL, feed, NULL) != ARCHIVE_OK)
		return member_err(member, err);
	rc = find_image(member, err);
	if (rc == 0)
		*reader = steal(made);
	return rc;
}
