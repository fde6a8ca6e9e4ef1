// SPDX-License-Identifier: MIT
/*
 * Puts a tree of files into an ext file system that is formatted and empty.
 */
#ifndef ABOARD_BUILD_FS_EXT_TREE_H
#define ABOARD_BUILD_FS_EXT_TREE_H

#include "base/deadline.h"
#include "base/err.h"
#include "build/fs_ext_blocks.h"
#include "build/rootfs.h"

/* The tree must have /lost+found. All inodes get numbers, in the order of the walk. */
int ext_put_tree(struct ext_maker *maker, struct rootfs *rootfs, struct deadline deadline,
		 struct err *err);

#endif
