// SPDX-License-Identifier: MIT
#include "image/bmap.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define TEXT_MAX 256 /* of an element; longer is no number and no digest */

enum field {
	IMAGE_SIZE,
	BLOCK_SIZE,
	BLOCKS_COUNT,
	MAPPED_COUNT,
	CHECKSUM_TYPE,
	FILE_CHECKSUM,
	FILE_SHA1,
	RANGE,
	FIELD_COUNT,
	NO_FIELD = FIELD_COUNT,
};

static const char *const elements[FIELD_COUNT] = {
	[IMAGE_SIZE] = "ImageSize",       [BLOCK_SIZE] = "BlockSize",
	[BLOCKS_COUNT] = "BlocksCount",   [MAPPED_COUNT] = "MappedBlocksCount",
	[CHECKSUM_TYPE] = "ChecksumType", [FILE_CHECKSUM] = "BmapFileChecksum",
	[FILE_SHA1] = "BmapFileSHA1",     [RANGE] = "Range",
};

/* The digests by their names, and the length of their hexadecimal form. */
static const struct {
	const char *name;
	size_t bytes;
} checksums[] = {{"sha1", 20}, {"sha256", 32}, {"sha512", 64}};

struct parser {
	XML_Parser xml;
	struct bmap *bmap;
	char version[8];
	char fields[RANGE][TEXT_MAX];
	enum field field; /* whose text is being collected */
	char text[TEXT_MAX];
	size_t text_size;
	char sum[TEXT_MAX]; /* of the range being read; empty: none */
	size_t space;       /* of bmap->ranges */
	const char *trouble;
};

static void give_up(struct parser *parser, const char *trouble)
{
	if (!parser->trouble)
		parser->trouble = trouble;
	XML_StopParser(parser->xml, XML_FALSE);
}

static enum field field_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < FIELD_COUNT; i++)
		if (text_equal(elements[i], name))
			return (enum field)i;
	return NO_FIELD;
}

static bool keep(char *out, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size)
		return false;
	memcpy(out, text, length + 1);
	return true;
}

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct parser *parser = context;

	parser->field = field_of(name);
	parser->text_size = 0;
	parser->sum[0] = '\0';
	for (; attributes[0]; attributes += 2) {
		if (text_equal(name, "bmap") && text_equal(attributes[0], "version") &&
		    !keep(parser->version, sizeof(parser->version), attributes[1]))
			give_up(parser, "a strange version");
		if (parser->field == RANGE &&
		    (text_equal(attributes[0], "chksum") || text_equal(attributes[0], "sha1")) &&
		    !keep(parser->sum, sizeof(parser->sum), attributes[1]))
			give_up(parser, "a digest that is too long");
	}
}

static void XMLCALL on_text(void *context, const XML_Char *text, int length)
{
	struct parser *parser = context;

	if (parser->field == NO_FIELD)
		return;
	if ((size_t)length >= TEXT_MAX - parser->text_size) {
		give_up(parser, "an element that is too long");
		return;
	}
	memcpy(parser->text + parser->text_size, text, (size_t)length);
	parser->text_size += (size_t)length;
}

static size_t checksum_bytes(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(checksums); i++)
		if (text_equal(checksums[i].name, name))
			return checksums[i].bytes;
	return 0;
}

struct digest *bmap_digest(const struct bmap *bmap)
{
	return text_equal(bmap->checksum, "sha1") ? digest_new_sha1()
						  : digest_new_named(bmap->checksum);
}

/* "N" or "A-B". */
static bool parse_range(char *text, struct bmap_range *range)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	if (!text_u64(text_trim(text), UINT64_MAX, &range->first))
		return false;
	if (!dash)
		range->last = range->first;
	else if (!text_u64(text_trim(dash + 1), UINT64_MAX, &range->last))
		return false;
	return range->first <= range->last;
}

static void add_range(struct parser *parser, char *text)
{
	struct bmap *bmap = parser->bmap;
	struct bmap_range range = {0};
	const char *sum = text_trim(parser->sum);

	if (!parse_range(text, &range)) {
		give_up(parser, "a range that is none");
		return;
	}
	if (bmap->count == BMAP_RANGES_MAX) {
		give_up(parser, "too many ranges");
		return;
	}
	/* Whether that is the length of the digests of this map shows at the end only. */
	range.sum_size = strlen(sum) / 2;
	if (range.sum_size > sizeof(range.sum) || !text_bytes(sum, range.sum, range.sum_size)) {
		give_up(parser, "a range with a digest that is none");
		return;
	}
	if (bmap->count == parser->space) {
		parser->space = parser->space ? 2 * parser->space : 64;
		bmap->ranges = xrealloc(bmap->ranges, parser->space, sizeof(*bmap->ranges));
	}
	bmap->ranges[bmap->count++] = range;
}

static void XMLCALL on_end(void *context, const XML_Char *name)
{
	struct parser *parser = context;
	char *text;

	if (parser->field == NO_FIELD || field_of(name) != parser->field)
		return;
	parser->text[parser->text_size] = '\0';
	text = text_trim(parser->text);
	if (parser->field == RANGE)
		add_range(parser, text);
	else
		keep(parser->fields[parser->field], TEXT_MAX, text);
	parser->field = NO_FIELD;
}

/* A map has no use for entities; a bomb has. */
static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
			       const XML_Char *public_id, int has_internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	give_up(context, "a document type");
}

static int parse_xml(struct parser *parser, const void *data, size_t size, struct err *err)
{
	enum XML_Status status;

	parser->xml = XML_ParserCreate("UTF-8");
	if (!parser->xml)
		abort();
	XML_SetUserData(parser->xml, parser);
	XML_SetElementHandler(parser->xml, on_start, on_end);
	XML_SetCharacterDataHandler(parser->xml, on_text);
	XML_SetStartDoctypeDeclHandler(parser->xml, on_doctype);
	status = XML_Parse(parser->xml, data, (int)size, XML_TRUE);
	if (status != XML_STATUS_OK)
		err_set(err, ERR_IMAGE, "line %lu: %s", XML_GetCurrentLineNumber(parser->xml),
			parser->trouble ? parser->trouble
					: XML_ErrorString(XML_GetErrorCode(parser->xml)));
	XML_ParserFree(parser->xml);
	return status == XML_STATUS_OK ? 0 : -ERR_IMAGE;
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_IMAGE, "%s", what);
}

/* The digest of the file with the digest in it replaced by ASCII zeros. */
static int check_file(const struct parser *parser, enum field field, const void *data, size_t size,
		      struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = NULL;
	const char *stated = parser->fields[field], *rest;
	size_t length = strlen(stated), before;
	char zeros[128], found[129];
	const char *at;

	if (length == 0 || length != 2 * checksum_bytes(parser->bmap->checksum))
		return bad(err, "its own digest is missing or has a wrong length");
	at = memmem(data, size, stated, length);
	if (!at)
		return bad(err, "its own digest is written in a strange way");
	digest = bmap_digest(parser->bmap);
	memset(zeros, '0', sizeof(zeros));
	before = (size_t)(at - (const char *)data);
	rest = at + length;
	digest_add(digest, data, before);
	digest_add(digest, zeros, length);
	digest_add(digest, rest, size - before - length);
	digest_text(digest, found);
	if (strcasecmp(found, stated) != 0)
		return err_set(err, ERR_DIGEST, "the digest of the map is %s, in it stands %s",
			       found, stated);
	return 0;
}

/* What the version says about digests. */
static int check_version(struct parser *parser, enum field *file_digest, struct err *err)
{
	const char *version = parser->version;

	*file_digest = FILE_CHECKSUM;
	if (text_equal(version, "1.3")) {
		*file_digest = FILE_SHA1;
		keep(parser->bmap->checksum, sizeof(parser->bmap->checksum), "sha1");
		return 0;
	}
	if (!text_equal(version, "1.4") && !text_starts(version, "2.")) {
		err_set(err, ERR_IMAGE, "version \"%s\" of the format is not known", version);
		return err_remedy(err, "make the map again with bmaptool create, or move it away");
	}
	if (checksum_bytes(parser->fields[CHECKSUM_TYPE]) == 0 ||
	    !keep(parser->bmap->checksum, sizeof(parser->bmap->checksum),
		  parser->fields[CHECKSUM_TYPE]))
		return err_set(err, ERR_IMAGE, "digests of kind \"%s\" are not known",
			       parser->fields[CHECKSUM_TYPE]);
	return 0;
}

static int check_numbers(struct parser *parser, struct err *err)
{
	struct bmap *bmap = parser->bmap;
	uint64_t mapped, blocks;

	if (!text_u64(parser->fields[IMAGE_SIZE], INT64_MAX, &bmap->image_size) ||
	    !text_u64(parser->fields[BLOCK_SIZE], BMAP_BLOCK_MAX, &bmap->block_size) ||
	    !text_u64(parser->fields[BLOCKS_COUNT], INT64_MAX, &bmap->blocks) ||
	    !text_u64(parser->fields[MAPPED_COUNT], INT64_MAX, &mapped))
		return bad(err, "a size or count is missing or impossible");
	if (bmap->block_size < 512)
		return bad(err, "an impossible block size");
	blocks = bmap->image_size / bmap->block_size + (bmap->image_size % bmap->block_size != 0);
	if (blocks != bmap->blocks || mapped > blocks)
		return bad(err, "its sizes and counts contradict each other");
	return 0;
}

static int check_ranges(struct parser *parser, struct err *err)
{
	const struct bmap *bmap = parser->bmap;
	uint64_t next = 0, mapped = 0, stated = 0;
	size_t sum_size = checksum_bytes(bmap->checksum), i;

	for (i = 0; i < bmap->count; i++) {
		if (bmap->ranges[i].first < next || bmap->ranges[i].last >= bmap->blocks)
			return bad(err,
				   "its ranges overlap, are out of order or outside the image");
		if (bmap->ranges[i].sum_size && bmap->ranges[i].sum_size != sum_size)
			return bad(err, "a digest of a range has a wrong length");
		next = bmap->ranges[i].last + 1;
		mapped += next - bmap->ranges[i].first;
	}
	if (!text_u64(parser->fields[MAPPED_COUNT], INT64_MAX, &stated) || mapped != stated)
		return bad(err, "its ranges are not as many blocks as it says");
	return 0;
}

static int read_map(struct parser *parser, const void *data, size_t size, struct err *err)
{
	enum field file_digest;
	int rc = parse_xml(parser, data, size, err);

	if (rc == 0)
		rc = check_version(parser, &file_digest, err);
	if (rc == 0)
		rc = check_file(parser, file_digest, data, size, err);
	if (rc == 0)
		rc = check_numbers(parser, err);
	return rc < 0 ? rc : check_ranges(parser, err);
}

int bmap_parse(struct bmap **bmap, const char *name, const void *data, size_t size, struct err *err)
{
	_cleanup_(bmap_freep) struct bmap *owned = xcalloc(1, sizeof(*owned));
	_cleanup_(freep) struct parser *parser = xcalloc(1, sizeof(*parser));

	parser->bmap = owned;
	parser->field = NO_FIELD;
	if (size > BMAP_FILE_MAX)
		return err_set(err, ERR_IMAGE, "%s: too big for a block map", name);
	if (read_map(parser, data, size, err) < 0)
		return err_prefix(err, "%s", name);
	*bmap = steal(owned);
	return 0;
}

int bmap_load(struct bmap **bmap, const char *path, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {.max = BMAP_FILE_MAX};
	int rc = path_read(path, BMAP_FILE_MAX, &text, err);

	return rc < 0 ? rc : bmap_parse(bmap, path, buf_text(&text), text.size, err);
}

void bmap_free(struct bmap *bmap)
{
	if (bmap)
		free(bmap->ranges);
	free(bmap);
}

void bmap_freep(struct bmap **bmap)
{
	bmap_free(*bmap);
	*bmap = NULL;
}
