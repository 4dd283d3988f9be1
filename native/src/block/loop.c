/* SPDX-License-Identifier: Apache-2.0 */
#include "block/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/own_name.h"
#include "system/clock.h"

/* Linux 5.8. */
#ifndef LOOP_CONFIGURE
#define LOOP_CONFIGURE 0x4C0A
struct loop_config {
	__u32 fd;
	__u32 block_size;
	struct loop_info64 info;
	__u64 __reserved[8];
};
#endif

#define CONTROL "/dev/loop-control"
#define DISKS "/sys/block"

enum {
	NODE_TRIES = 500,
	ATTACH_TRIES = 100,
	DETACH_TRIES = 500,
	PAUSE_NS = 10000000,
};

static int fail(struct ls_loop_failure *failure, int err, const char *step, const char *path)
{
	failure->step = step;
	failure->path = path;
	return err;
}

/* A descriptor, or -errno. Android has its block devices in a directory of their own. */
static int try_node(uint32_t number, char *path)
{
	static const char *const places[] = { "/dev", "/dev/block" };

	for (uint32_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd;

		snprintf(path, LS_LOOP_PATH_BYTES, "%s/loop%u", places[i], number);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			return fd < 0 ? -errno : fd;
	}
	snprintf(path, LS_LOOP_PATH_BYTES, "%s/loop%u", places[0], number);
	return -ENOENT;
}

/* Where a daemon makes the nodes, that may take a moment. */
static int open_node(uint32_t number, char *path)
{
	int fd = try_node(number, path);

	for (int tries = 0; fd == -ENOENT && tries < NODE_TRIES; tries++) {
		ls_clock_pause(PAUSE_NS);
		fd = try_node(number, path);
	}
	return fd;
}

/* A descriptor, or -errno. With O_DIRECT later kernels take the block size of its disk. */
static int open_image(const char *path, int wants_direct)
{
	struct stat st;
	int fd = -1;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (wants_direct)
		fd = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
	if (fd < 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* For kernels without LOOP_CONFIGURE. */
static int configure_in_steps(int node, int image, int wants_direct, const struct loop_info64 *info,
			      const char **step)
{
	int err;

	*step = "LOOP_SET_FD";
	if (ioctl(node, LOOP_SET_FD, image))
		return -errno;
	*step = "LOOP_SET_STATUS64";
	if (ioctl(node, LOOP_SET_STATUS64, info)) {
		err = -errno;
		ioctl(node, LOOP_CLR_FD, 0);
		return err;
	}
	/* A file system that can't is no reason to have no device. */
	if (wants_direct)
		(void)ioctl(node, LOOP_SET_DIRECT_IO, 1ul);
	return 0;
}

static int configure(int node, int image, const char *path, int wants_direct, const char **step)
{
	struct loop_config config = { .fd = (uint32_t)image };

	/* For people; what is longer is cut off there. */
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", path);
	config.info.lo_flags = wants_direct ? LO_FLAGS_DIRECT_IO : 0;
	*step = "LOOP_CONFIGURE";
	if (!ioctl(node, LOOP_CONFIGURE, &config))
		return 0;
	if (errno != EINVAL && errno != ENOTTY && errno != ENOSYS)
		return -errno;
	config.info.lo_flags = 0;
	return configure_in_steps(node, image, wants_direct, &config.info, step);
}

/* What came of asking for direct I/O; where that cannot be told the device goes again. */
static int check_direct(int node, int *ret)
{
	struct loop_info64 info = { 0 };
	int err;

	if (ioctl(node, LOOP_GET_STATUS64, &info)) {
		err = -errno;
		ioctl(node, LOOP_CLR_FD, 0);
		return err;
	}
	*ret = !!(info.lo_flags & LO_FLAGS_DIRECT_IO);
	return 0;
}

/* -EBUSY: somebody else took that one meanwhile. */
static int attach_to_free(int control, int image, const char *path, int wants_direct,
			  struct ls_loop_device *ret, struct ls_loop_failure *failure)
{
	const int number = ioctl(control, LOOP_CTL_GET_FREE);
	LS_CLOSE int node = -1;
	const char *step;
	int err;

	if (number < 0)
		return fail(failure, -errno, "LOOP_CTL_GET_FREE", CONTROL);
	ret->minor = (uint32_t)number;
	node = open_node(ret->minor, failure->node);
	if (node < 0)
		return fail(failure, node, "open loop device", failure->node);
	err = configure(node, image, path, wants_direct, &step);
	if (err)
		return fail(failure, err, step, failure->node);
	err = check_direct(node, &ret->is_direct);
	if (err)
		return fail(failure, err, "LOOP_GET_STATUS64", failure->node);
	memcpy(ret->path, failure->node, sizeof(ret->path));
	return 0;
}

int ls_loop_attach(const char *image, int wants_direct, struct ls_loop_device *ret,
		   struct ls_loop_failure *failure)
{
	LS_CLOSE int control = -1;
	LS_CLOSE int fd = -1;
	int err = ls_own_name_check(image);

	if (err)
		return fail(failure, err, "image name", image);
	control = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (control < 0)
		return fail(failure, -errno, "open", CONTROL);
	fd = open_image(image, wants_direct);
	if (fd < 0)
		return fail(failure, fd, "open image", image);
	err = attach_to_free(control, fd, image, wants_direct, ret, failure);
	for (int tries = 0; err == -EBUSY && tries < ATTACH_TRIES; tries++) {
		ls_clock_pause(PAUSE_NS);
		err = attach_to_free(control, fd, image, wants_direct, ret, failure);
	}
	return err;
}

/* As the kernel names it: the directory without links, the last part as it is. */
static void real_name(const char *image, char *ret)
{
	const char *slash = strrchr(image, '/');
	LS_FREE char *parent = strndup(image, (size_t)(slash - image) + 1);
	LS_FREE char *real = parent ? realpath(parent, NULL) : NULL;

	if (!real)
		snprintf(ret, PATH_MAX, "%s", image);
	else
		snprintf(ret, PATH_MAX, "%s%s", strcmp(real, "/") ? real : "", slash);
}

/* Whether the loop device of that name is over a file, by its real name. */
static int lies_over(const char *disk, const char *real)
{
	char path[PATH_MAX], backing[PATH_MAX + 1];
	LS_CLOSE int fd = -1;
	size_t length = strlen(real);
	ssize_t got;

	snprintf(path, sizeof(path), DISKS "/%s/loop/backing_file", disk);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, backing, sizeof(backing) - 1);
	if (got <= 0)
		return 0;
	backing[got] = '\0';
	if (strncmp(backing, real, length))
		return 0;
	/* Where its name was removed, the kernel appends that. */
	return !strcmp(backing + length, "\n") || !strcmp(backing + length, " (deleted)\n");
}

/* A device that is being detached answers ENXIO. */
static int clear(uint32_t number, struct ls_loop_failure *failure)
{
	LS_CLOSE int node = try_node(number, failure->node);

	if (node == -ENOENT || node == -ENXIO)
		return 0;
	if (node < 0)
		return fail(failure, node, "open loop device", failure->node);
	if (ioctl(node, LOOP_CLR_FD, 0) && errno != ENXIO)
		return fail(failure, -errno, "LOOP_CLR_FD", failure->node);
	return 0;
}

/* Detaches every device over a file; returns how many there still were, or -errno. */
static int clear_all(const char *real, struct ls_loop_failure *failure)
{
	DIR *disks = opendir(DISKS);
	struct dirent *disk;
	int found = 0;

	while (disks && found >= 0 && (disk = readdir(disks))) {
		unsigned int number;
		int err;

		if (sscanf(disk->d_name, "loop%u", &number) != 1 || !lies_over(disk->d_name, real))
			continue;
		err = clear(number, failure);
		found = err ? err : found + 1;
	}
	if (disks)
		closedir(disks);
	return found;
}

int ls_loop_detach(const char *image, struct ls_loop_failure *failure)
{
	char real[PATH_MAX];
	int found = ls_own_name_check(image);

	if (found)
		return fail(failure, found, "image name", image);
	real_name(image, real);
	found = clear_all(real, failure);
	/* A device that is in use is only marked, and is detached when its last user closes it. */
	for (int tries = 0; found > 0 && tries < DETACH_TRIES; tries++) {
		ls_clock_pause(PAUSE_NS);
		found = clear_all(real, failure);
	}
	return found > 0 ? fail(failure, -EBUSY, "detach", failure->node) : found;
}
