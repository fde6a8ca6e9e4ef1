// SPDX-License-Identifier: MIT
/*
 * A tree of files as it is to be in a file system: read from an archive (tar, cpio; gzip, xz, zstd,
 * bzip2 or lz4) or from a folder, with owners, modes, times, device nodes, hard links and extended
 * attributes. Nothing is unpacked anywhere and no root is needed: the tree holds only what files
 * are called and are like; what is in them is read a second time, when it is written.
 *
 * Archives are hostile: names are confined to the tree, and sizes and counts have ceilings.
 */
#ifndef ABOARD_BUILD_ROOTFS_H
#define ABOARD_BUILD_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"

#define ROOTFS_ENTRIES_MAX ((size_t)8 << 20)   /* files and names */
#define ROOTFS_BYTES_MAX   ((uint64_t)1 << 42) /* of all files together */
#define ROOTFS_NAME_MAX    255
#define ROOTFS_DEPTH_MAX   512

enum rootfs_source {
	ROOTFS_EMPTY, /* no data */
	ROOTFS_ENTRY, /* an entry of the archive */
	ROOTFS_HOST,  /* a file of this machine */
	ROOTFS_BYTES, /* in memory */
};

struct rootfs_time {
	int64_t sec; /* since 1970 */
	uint32_t nsec;
};

struct rootfs_xattr {
	char *name; /* with its namespace: "security.capability" */
	void *value;
	size_t size;
};

struct rootfs_inode;

struct rootfs_name {
	char *name;
	struct rootfs_inode *inode;
};

struct rootfs_inode {
	uint32_t mode; /* type and permissions, as in struct stat */
	uint32_t uid, gid;
	uint32_t major, minor; /* of a device node */
	struct rootfs_time atime, mtime, ctime;
	uint64_t size; /* of a regular file, in bytes */
	char *target;  /* of a symbolic link */
	struct rootfs_xattr *xattrs;
	size_t xattr_count;

	enum rootfs_source source;
	uint64_t entry; /* ROOTFS_ENTRY: its number in the archive, from 0 */
	char *host;     /* ROOTFS_HOST */
	void *bytes;    /* ROOTFS_BYTES */

	struct rootfs_name *names; /* of a folder; sorted by bytes */
	size_t count, space;
	bool implied; /* a folder that no entry describes */

	uint32_t links;  /* names it has (a folder: 1); 0: it is not in the tree any more */
	uint64_t number; /* for whoever writes the tree */
};

struct rootfs {
	char *path;                   /* of the archive or folder, for messages */
	bool archive;                 /* ROOTFS_ENTRY data is to be read from `path` */
	struct rootfs_inode **inodes; /* inodes[0] is the root */
	size_t count, space;
	uint64_t bytes;   /* of all regular files */
	char digest[129]; /* of all that was read, SHA-256 in hexadecimal */
};

/* Reads an archive, whole. ERR_NOT_FOUND, ERR_IMAGE (damaged, or hostile). Owned by the caller. */
int rootfs_read_archive(struct rootfs **rootfs, const char *path, struct deadline deadline,
			struct err *err);

/* Reads a folder; links are not followed. Names sorted, so the order on disk does not matter. Other
   file systems mounted in it are part of it. */
int rootfs_read_folder(struct rootfs **rootfs, const char *path, struct deadline deadline,
		       struct err *err);

/* An empty tree: a root folder of mode 0755 with this time. */
struct rootfs *rootfs_new(int64_t time);
void rootfs_free(struct rootfs *rootfs);
void rootfs_freep(struct rootfs **rootfs);

/* The inode at a path inside ("etc/xen"; "" and "." are the root); NULL when there is none.
   Symbolic links are not followed. */
struct rootfs_inode *rootfs_find(const struct rootfs *rootfs, const char *path);

/* Puts a file in, replacing one that is there; folders are made as needed (mode 0755). The bytes
   are copied. ERR_IMAGE when the path is not a good one or leads through something that is no
   folder. */
int rootfs_put_bytes(struct rootfs *rootfs, const char *path, const void *data, size_t size,
		     uint32_t mode, int64_t time, struct err *err);
int rootfs_put_host(struct rootfs *rootfs, const char *path, const char *host, uint32_t mode,
		    int64_t time, struct err *err);
int rootfs_put_folder(struct rootfs *rootfs, const char *path, uint32_t mode, int64_t time,
		      struct err *err);

/* Removes all that is in a folder; the folder stays. False when there is no such folder. */
bool rootfs_empty_folder(struct rootfs *rootfs, const char *path);

/* Gives everything to one owner. */
void rootfs_own(struct rootfs *rootfs, uint32_t uid, uint32_t gid);

/* What `du -sb` counts of the unpacked tree: apparent sizes, each inode once, 4096 for a folder. */
uint64_t rootfs_apparent_size(const struct rootfs *rootfs);

/* Counts the names of each inode: after the last change, before anybody reads `links`. */
void rootfs_count_links(struct rootfs *rootfs);

/* Calls `visit` for every name, folders before what is in them, sorted; `path` without a leading
   slash. Stops when it returns other than 0, and returns that. */
typedef int rootfs_visit(void *user, const char *path, struct rootfs_inode *inode, struct err *err);
int rootfs_walk(const struct rootfs *rootfs, rootfs_visit *visit, void *user, struct err *err);

/* Reads the data of every regular file in the tree that is not empty, one file after the other, in
   the order the inodes were made and then in the archive's: `data` in
   rising order, without the holes, inside the file's size. ERR_IMAGE when the source is not any
   more what it was. */
struct rootfs_sink {
	void *user;
	int (*begin)(void *user, struct rootfs_inode *inode, struct err *err);
	int (*data)(void *user, struct rootfs_inode *inode, uint64_t offset, const void *data,
		    size_t size, struct err *err);
	int (*end)(void *user, struct rootfs_inode *inode, struct err *err);
};
int rootfs_read_data(const struct rootfs *rootfs, const struct rootfs_sink *sink,
		     struct deadline deadline, struct err *err);

/* For the readers: a new inode, owned by the tree. NULL: too many. */
struct rootfs_inode *rootfs_inode(struct rootfs *rootfs, uint32_t mode);

/* For the readers: gives `inode` this name. A name that is there is replaced: a file by anything, a
   folder only by a folder (whose data it then takes) or when it is empty. `made` is then what is
   there: `inode`, or the folder that was. */
int rootfs_place(struct rootfs *rootfs, const char *path, struct rootfs_inode *inode,
		 struct rootfs_inode **made, struct err *err);
void rootfs_add_xattr(struct rootfs_inode *inode, const char *name, const void *value, size_t size);

#endif
