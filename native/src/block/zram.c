/* SPDX-License-Identifier: Apache-2.0 */
#include "block/zram.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "block/swap.h"
#include "core/guard.h"
#include "core/own_name.h"
#include "system/clock.h"

#define HOT_ADD "/sys/class/zram-control/hot_add"
#define HOT_REMOVE "/sys/class/zram-control/hot_remove"
#define DISK "/sys/block/zram%u"
#define OWN_NODE "/dev/" LS_OWN_PREFIX "zram%u"

enum {
	TEXT_BYTES = 64,
	NODE_TRIES = 100,
	REMOVE_TRIES = 500,
	PAUSE_NS = 10000000,
};

static int fail(struct ls_zram_failure *failure, int err, const char *step, const char *path)
{
	failure->step = step;
	if (path != failure->path)
		snprintf(failure->path, sizeof(failure->path), "%s", path);
	return err;
}

/* Of an attribute, by one read: another one of hot_add would be another device. */
static int read_attribute(const char *path, char text[TEXT_BYTES])
{
	LS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, TEXT_BYTES - 1);

	if (got < 0)
		return -errno;
	text[got] = '\0';
	return 0;
}

static int read_number(const char *path, uint64_t *ret)
{
	char text[TEXT_BYTES];
	int err = read_attribute(path, text);

	if (err)
		return err;
	return sscanf(text, "%" SCNu64, ret) == 1 ? 0 : -EPROTO;
}

static int write_attribute(const char *path, const char *text)
{
	LS_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t put;

	if (fd < 0)
		return -errno;
	do
		put = write(fd, text, strlen(text));
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : 0;
}

/* A descriptor, or -errno: who may not remove a device makes none. */
static int open_remover(struct ls_zram_failure *failure)
{
	int fd = open(HOT_REMOVE, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? fail(failure, -errno, "open zram control", HOT_REMOVE) : fd;
}

/* Resets it, too; all at once, so that nobody else can take it for a free one in between. */
static int hot_remove(int remover, uint32_t number, struct ls_zram_failure *failure)
{
	char text[TEXT_BYTES];
	int err = -EBUSY;

	snprintf(text, sizeof(text), "%u", number);
	for (int tries = 0; err == -EBUSY && tries < REMOVE_TRIES; tries++) {
		if (tries)
			ls_clock_pause(PAUSE_NS);
		err = write(remover, text, strlen(text)) < 0 ? -errno : 0;
		/* Nothing came of it before the signal. */
		if (err == -EINTR)
			err = -EBUSY;
	}
	snprintf(failure->path, sizeof(failure->path), DISK, number);
	return err && err != -ENODEV ? fail(failure, err, "remove zram", failure->path) : 0;
}

static int write_setting(uint32_t number, const char *name, const char *text, const char *step,
			 struct ls_zram_failure *failure)
{
	int err;

	snprintf(failure->path, sizeof(failure->path), DISK "/%s", number, name);
	err = write_attribute(failure->path, text);
	return err ? fail(failure, err, step, failure->path) : 0;
}

static int set_algorithm(const struct ls_zram_request *request, struct ls_zram_failure *failure)
{
	char text[2 * TEXT_BYTES];
	int err;

	if (!*request->algorithm)
		return 0;
	err = write_setting(request->number, "comp_algorithm", request->algorithm,
			    "set algorithm", failure);
	if (err || !request->level)
		return err;
	snprintf(text, sizeof(text), "algo=%s level=%" PRIu64, request->algorithm, request->level);
	return write_setting(request->number, "algorithm_params", text, "set level", failure);
}

static int set_size(const struct ls_zram_request *request, struct ls_zram_failure *failure)
{
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "%" PRIu64, request->token);
	return write_setting(request->number, "disksize", text, "set size", failure);
}

static int read_device(uint32_t number, dev_t *ret, struct ls_zram_failure *failure)
{
	char text[TEXT_BYTES];
	unsigned int major_, minor_;
	int err;

	snprintf(failure->path, sizeof(failure->path), DISK "/dev", number);
	err = read_attribute(failure->path, text);
	if (!err && sscanf(text, "%u:%u", &major_, &minor_) != 2)
		err = -EPROTO;
	if (err)
		return fail(failure, err, "read device number", failure->path);
	*ret = makedev(major_, minor_);
	return 0;
}

/* 0 or 1, or -errno. Android has its block devices in a directory of their own. */
static int has_node(uint32_t number, dev_t device, char *path)
{
	static const char *const places[] = { "/dev/zram%u", "/dev/block/zram%u", OWN_NODE };

	for (uint32_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct stat st = { 0 };

		snprintf(path, LS_ZRAM_PATH_BYTES, places[i], number);
		if (stat(path, &st) && errno != ENOENT && errno != ENOTDIR)
			return -errno;
		if (S_ISBLK(st.st_mode) && st.st_rdev == device)
			return 1;
	}
	return 0;
}

/* Where a daemon makes the nodes, that may take a moment; where nobody does, we do. */
static int take_node(uint32_t number, char *path, struct ls_zram_failure *failure)
{
	dev_t device;
	int err = read_device(number, &device, failure);

	if (err)
		return err;
	for (int tries = 0; tries < NODE_TRIES; tries++) {
		const int is_there = has_node(number, device, path);

		if (is_there)
			return is_there < 0 ? fail(failure, is_there, "find node", path) : 0;
		ls_clock_pause(PAUSE_NS);
	}
	snprintf(path, LS_ZRAM_PATH_BYTES, OWN_NODE, number);
	return mknod(path, S_IFBLK | 0600, device) ? fail(failure, -errno, "mknod", path) : 0;
}

static int remove_own_node(uint32_t number, struct ls_zram_failure *failure)
{
	struct stat st;

	snprintf(failure->path, sizeof(failure->path), OWN_NODE, number);
	if (lstat(failure->path, &st) || !S_ISBLK(st.st_mode))
		return 0;
	return unlink(failure->path) && errno != ENOENT
		       ? fail(failure, -errno, "remove node", failure->path)
		       : 0;
}

static int set_up(const struct ls_zram_request *request, char *path,
		  struct ls_zram_failure *failure)
{
	int err = set_algorithm(request, failure);

	if (!err)
		err = set_size(request, failure);
	return err ? err : take_node(request->number, path, failure);
}

static int is_gone(uint32_t number)
{
	char path[LS_ZRAM_PATH_BYTES];

	snprintf(path, sizeof(path), DISK, number);
	return access(path, F_OK) && errno == ENOENT;
}

int ls_zram_inspect(uint32_t *ret, struct ls_zram_failure *failure)
{
	LS_CLOSE int remover = open_remover(failure);
	LS_CLOSE int adder = -1;

	if (remover < 0)
		return remover;
	/* Which adds none as long as nobody reads it. */
	adder = open(HOT_ADD, O_RDONLY | O_CLOEXEC);
	if (adder < 0)
		return fail(failure, -errno, "open zram control", HOT_ADD);
	for (*ret = 0; *ret < LS_ZRAM_NUMBER_MAX && !is_gone(*ret); ++*ret)
		continue;
	return 0;
}

int ls_zram_make(const struct ls_zram_request *request, char *path,
		 struct ls_zram_failure *failure)
{
	LS_CLOSE int remover = open_remover(failure);
	struct ls_zram_failure other;
	uint64_t number;
	int err;

	if (remover < 0)
		return remover;
	err = read_number(HOT_ADD, &number);
	if (err)
		return fail(failure, err, "add zram", HOT_ADD);
	if (number != request->number) {
		/* No journal has that one: what comes of removing it is what is told. */
		err = hot_remove(remover, (uint32_t)number, failure);
		return err ? err : fail(failure, -EAGAIN, "zram number", HOT_ADD);
	}
	err = set_up(request, path, failure);
	/* Who cleans up takes one without a size for unfinished. */
	if (err && is_gone(request->number))
		return fail(failure, -EAGAIN, "zram number", HOT_ADD);
	/* What failed first is told; the journal has the device, should it stay. */
	if (err)
		(void)hot_remove(remover, request->number, &other);
	return err;
}

/* Sets size to the device's own, which is none of others'. */
static int check_owner(uint32_t number, uint64_t token, uint64_t *size,
		       struct ls_zram_failure *failure)
{
	int err;

	snprintf(failure->path, sizeof(failure->path), DISK "/disksize", number);
	err = read_number(failure->path, size);
	if (err == -ENOENT || err == -ENODEV)
		return -ENODEV;
	if (err)
		return fail(failure, err, "read size", failure->path);
	return *size && *size != token ? fail(failure, -EPERM, "owner of zram", failure->path) : 0;
}

int ls_zram_find(uint32_t number, uint64_t token, char *path, struct ls_zram_failure *failure)
{
	uint64_t size;
	int err = check_owner(number, token, &size, failure);

	if (err == -ENODEV || (!err && !size))
		return fail(failure, -ENODEV, "find zram", failure->path);
	return err ? err : take_node(number, path, failure);
}

static int end_swap(uint32_t number, struct ls_zram_failure *failure)
{
	char path[LS_ZRAM_PATH_BYTES];
	struct ls_swap_failure swap;
	dev_t device;
	int err = read_device(number, &device, failure);
	int is_there;

	if (err)
		return err;
	is_there = has_node(number, device, path);
	/* Nobody could swap on what has no node. */
	if (is_there <= 0)
		return is_there ? fail(failure, is_there, "find node", path) : 0;
	err = ls_swap_off(path, &swap);
	return err ? fail(failure, err, swap.step, swap.path) : 0;
}

int ls_zram_remove(uint32_t number, uint64_t token, struct ls_zram_failure *failure)
{
	LS_CLOSE int remover = -1;
	uint64_t size;
	int err = check_owner(number, token, &size, failure);

	if (err)
		return err == -ENODEV ? remove_own_node(number, failure) : err;
	remover = open_remover(failure);
	if (remover < 0)
		return remover;
	err = size ? end_swap(number, failure) : 0;
	if (!err)
		err = hot_remove(remover, number, failure);
	return err ? err : remove_own_node(number, failure);
}
