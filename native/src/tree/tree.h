/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in a directory, and a copy of it elsewhere: made, read, compared. */
#ifndef LS_TREE_H
#define LS_TREE_H

#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"

enum { LS_TREE_BLOCK_BYTES = 1 << 20 };

enum ls_tree_kind {
	LS_TREE_DIRECTORY,
	LS_TREE_FILE,
	LS_TREE_LINK,	/* symbolic */
	LS_TREE_NAME,	/* another one of a file that was listed before */
};

struct ls_tree_entry {
	enum ls_tree_kind kind;
	char *path;		/* below the directory */
	char *target;		/* of a symbolic link, NULL of others */
	uint64_t bytes;		/* of a file */
	mode_t mode;
	int is_sparse;
	uint64_t first;		/* of LS_TREE_NAME: the entry that has its file */
	dev_t device;
	ino_t inode;
	nlink_t names;
};

struct ls_tree {
	struct ls_tree_entry *entries;	/* a directory before what lies in it; by name */
	uint64_t count;
	uint64_t room;
	uint64_t left_out;	/* devices, FIFOs, sockets, and what is mounted there */
	dev_t device;
};

/* A directory of which fd and name are; the name is for errors. */
struct ls_tree_place {
	const char *name;
	int fd;
};

/* What the two directories are worked on with. */
struct ls_tree_work {
	struct ls_result *result;
	struct ls_tree_place source;
	struct ls_tree_place copy;
	struct ls_tree tree;	/* of the source */
	uint8_t *block;		/* two of LS_TREE_BLOCK_BYTES */
};

/* Returns code, once it is the result's error, of a path below a place. */
int ls_tree_fail(const struct ls_tree_work *work, int code, const char *step,
		 const struct ls_tree_place *place, const char *path, int64_t offset);

/* Lists the source; ls_tree_deinit is for whatever came of it. */
int ls_tree_list(struct ls_tree_work *work);
void ls_tree_deinit(struct ls_tree *tree);

/* One entry of the source: copied; read in the copy; compared in both. */
int ls_tree_copy_entry(const struct ls_tree_work *work, const struct ls_tree_entry *entry);
int ls_tree_read_entry(const struct ls_tree_work *work, const struct ls_tree_entry *entry);
int ls_tree_compare_entry(const struct ls_tree_work *work, const struct ls_tree_entry *entry);

#endif
