/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/size.h"
#include "tree/tree.h"

enum { DIRENTS_BYTES = 32 << 10 };

static const char reserve[] = "reserve tree", list[] = "list";

int ls_tree_fail(const struct ls_tree_work *work, int code, const char *step,
		 const struct ls_tree_place *place, const char *path, int64_t offset)
{
	char whole[LS_PATH_BYTES];

	snprintf(whole, sizeof(whole), "%s/%s", place->name, path);
	return ls_result_fail(work->result, code, step, whole, offset);
}

static int fail(const struct ls_tree_work *work, int code, const char *step, const char *path)
{
	return ls_tree_fail(work, code, step, &work->source, path, -1);
}

static int grow(struct ls_tree *tree)
{
	uint64_t room = tree->room ? 2 * tree->room : 256;
	void *entries;

	if (tree->count < tree->room)
		return 0;
	entries = realloc(tree->entries, ls_size(room * sizeof(*tree->entries)));
	if (!entries)
		return -ENOMEM;
	tree->entries = entries;
	tree->room = room;
	return 0;
}

/* The target of a symbolic link, whose size lstat tells. */
static int read_target(struct ls_tree_work *work, struct ls_tree_entry *entry, off_t bytes)
{
	size_t room = (size_t)bytes + 1;
	ssize_t got;

	entry->target = calloc(room, 1);
	if (!entry->target)
		return fail(work, -ENOMEM, reserve, entry->path);
	got = readlinkat(work->source.fd, entry->path, entry->target, room);
	if (got < 0)
		return fail(work, -errno, list, entry->path);
	/* It became longer. */
	return got == (ssize_t)room ? fail(work, -ESTALE, list, entry->path) : 0;
}

static int look(struct ls_tree_work *work, struct ls_tree_entry *entry, int *is_left_out)
{
	struct stat stat;

	if (fstatat(work->source.fd, entry->path, &stat, AT_SYMLINK_NOFOLLOW))
		return fail(work, -errno, list, entry->path);
	entry->mode = stat.st_mode & 07777;
	entry->device = stat.st_dev;
	entry->inode = stat.st_ino;
	entry->names = stat.st_nlink;
	*is_left_out = 0;
	switch (stat.st_mode & S_IFMT) {
	case S_IFDIR:
		entry->kind = LS_TREE_DIRECTORY;
		*is_left_out = stat.st_dev != work->tree.device;
		return 0;
	case S_IFREG:
		entry->kind = LS_TREE_FILE;
		entry->bytes = (uint64_t)stat.st_size;
		entry->is_sparse = stat.st_blocks * 512 < stat.st_size;
		return 0;
	case S_IFLNK:
		entry->kind = LS_TREE_LINK;
		return read_target(work, entry, stat.st_size);
	default:
		*is_left_out = 1;
		return 0;
	}
}

static void release_entry(struct ls_tree_entry *entry)
{
	free(entry->path);
	free(entry->target);
}

/* Adds what has a name in a directory; parent is its path, empty for the first. */
static int add(struct ls_tree_work *work, const char *parent, const char *name)
{
	struct ls_tree_entry entry = { .path = NULL };
	int is_left_out = 0, err = grow(&work->tree);

	if (!err && asprintf(&entry.path, "%s%s%s", parent, *parent ? "/" : "", name) < 0) {
		entry.path = NULL;
		err = -ENOMEM;
	}
	if (err)
		fail(work, err, reserve, parent);
	else
		err = look(work, &entry, &is_left_out);
	if (err || is_left_out)
		release_entry(&entry);
	else
		work->tree.entries[work->tree.count++] = entry;
	work->tree.left_out += !err && is_left_out;
	return err;
}

static int by_path(const void *one, const void *other)
{
	return strcmp(((const struct ls_tree_entry *)one)->path,
		      ((const struct ls_tree_entry *)other)->path);
}

static int add_entries(struct ls_tree_work *work, const char *path, const char *entries,
		       size_t bytes)
{
	int err = 0;

	for (size_t at = 0; !err && at < bytes;) {
		const struct dirent64 *entry = (const void *)(entries + at);

		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			err = add(work, path, entry->d_name);
		at += entry->d_reclen;
	}
	return err;
}

/* By its system call: readdir(3) takes a directory that was removed meanwhile for an empty one. */
static int list_directory(struct ls_tree_work *work, const char *path)
{
	_Alignas(struct dirent64) char entries[DIRENTS_BYTES];
	LS_CLOSE int fd = openat(work->source.fd, *path ? path : ".",
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t first = work->tree.count;
	ssize_t got = 0;
	int err = fd < 0 ? -errno : 0;

	if (err)
		return fail(work, err, list, path);
	do {
		got = getdents64(fd, entries, sizeof(entries));
		if (got > 0)
			err = add_entries(work, path, entries, (size_t)got);
	} while (!err && got > 0);
	if (got < 0)
		return fail(work, -errno, list, path);
	if (!err && work->tree.count > first)
		qsort(work->tree.entries + first, ls_size(work->tree.count - first),
		      sizeof(*work->tree.entries), by_path);
	return err;
}

/* Files by their inodes, and of several names of one the first that was listed. */
static int by_inode(const void *one, const void *other)
{
	const struct ls_tree_entry *a = *(struct ls_tree_entry *const *)one;
	const struct ls_tree_entry *b = *(struct ls_tree_entry *const *)other;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int find_names(struct ls_tree_work *work)
{
	struct ls_tree *tree = &work->tree;
	LS_FREE struct ls_tree_entry **several = NULL;
	uint64_t count = 0, first = 0;

	for (uint64_t i = 0; i < tree->count; i++)
		count += tree->entries[i].kind == LS_TREE_FILE && tree->entries[i].names > 1;
	if (!count)
		return 0;
	several = calloc(ls_size(count), sizeof(*several));
	if (!several)
		return fail(work, -ENOMEM, reserve, "");
	count = 0;
	for (uint64_t i = 0; i < tree->count; i++)
		if (tree->entries[i].kind == LS_TREE_FILE && tree->entries[i].names > 1)
			several[count++] = &tree->entries[i];
	qsort(several, ls_size(count), sizeof(struct ls_tree_entry *), by_inode);
	for (uint64_t i = 1; i < count; i++) {
		if (several[i]->device != several[first]->device ||
		    several[i]->inode != several[first]->inode) {
			first = i;
			continue;
		}
		several[i]->kind = LS_TREE_NAME;
		several[i]->first = (uint64_t)(several[first] - tree->entries);
	}
	return 0;
}

int ls_tree_list(struct ls_tree_work *work)
{
	struct stat stat;
	int err = fstat(work->source.fd, &stat) ? fail(work, -errno, list, "") : 0;

	if (err)
		return err;
	work->tree.device = stat.st_dev;
	err = list_directory(work, "");
	/* What is added lies behind, and the array may move; a path stays where it is. */
	for (uint64_t i = 0; !err && i < work->tree.count; i++)
		if (work->tree.entries[i].kind == LS_TREE_DIRECTORY)
			err = list_directory(work, work->tree.entries[i].path);
	return err ? err : find_names(work);
}

void ls_tree_deinit(struct ls_tree *tree)
{
	for (uint64_t i = 0; i < tree->count; i++)
		release_entry(&tree->entries[i]);
	free(tree->entries);
}
