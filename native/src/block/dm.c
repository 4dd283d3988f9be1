/* SPDX-License-Identifier: Apache-2.0 */
#include "block/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/own_name.h"
#include "system/clock.h"

enum {
	ALIGN_BYTES = 8,
	STATUS_START_BYTES = 1 << 16,
	STATUS_END_BYTES = 1 << 26,
	REMOVE_TRIES = 50,
	TRIES_BEFORE_ERROR = 10,
	NAME_BYTES = 64,
	REMOVE_PAUSE_NS = 100000000,
	/*
	 * Udev is to leave the device alone: it would open it while it is measured. The
	 * flags of libdevmapper that disable its rules, in the upper half of event_nr.
	 */
	UDEV_FLAGS = 0x000f << 16,
};

struct buffer {
	char *bytes;
	size_t used;
	size_t size;
};

static int call(struct ls_dm *dm, unsigned long number, const char *step,
		 struct dm_ioctl *head)
{
	int err = ioctl(dm->control, number, head) ? -errno : 0;

	if (err)
		dm->step = step;
	return err;
}

#define DM_CALL(dm, number, head) call(dm, number, #number, head)

static void init_head(struct dm_ioctl *head, const char *name, size_t bytes)
{
	memset(head, 0, sizeof(*head));
	head->version[0] = DM_VERSION_MAJOR;
	head->data_size = (uint32_t)bytes;
	head->data_start = sizeof(*head);
	snprintf(head->name, sizeof(head->name), "%s", name);
}

int ls_dm_check_name(struct ls_dm *dm, const char *name)
{
	dm->step = "device-mapper name";
	if (strlen(name) >= DM_NAME_LEN)
		return -ENAMETOOLONG;
	return ls_own_prefix_check(name);
}

int ls_dm_init(struct ls_dm *dm)
{
	static const char *const nodes[] = { "/dev/mapper/control", "/dev/device-mapper" };

	dm->step = "open device-mapper control";
	for (uint32_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		dm->control = open(nodes[i], O_RDWR | O_CLOEXEC);
		if (dm->control >= 0 || errno != ENOENT)
			break;
	}
	return dm->control < 0 ? -errno : 0;
}

void ls_dm_deinit(struct ls_dm *dm)
{
	if (dm->control >= 0)
		close(dm->control);
	dm->control = -1;
}

int ls_dm_version(struct ls_dm *dm, struct ls_dm_version *ret)
{
	struct dm_ioctl head;
	int err;

	init_head(&head, "", sizeof(head));
	err = DM_CALL(dm, DM_VERSION, &head);
	*ret = (struct ls_dm_version){ head.version[0], head.version[1], head.version[2] };
	return err;
}

/* Room for size more bytes, zeroed. */
static int reserve(struct buffer *buffer, size_t size)
{
	char *bytes;

	if (buffer->used + size <= buffer->size)
		return 0;
	bytes = realloc(buffer->bytes, (buffer->used + size) * 2);
	if (!bytes)
		return -ENOMEM;
	buffer->bytes = bytes;
	buffer->size = (buffer->used + size) * 2;
	memset(bytes + buffer->used, 0, buffer->size - buffer->used);
	return 0;
}

/* One line of a table behind those that are there. */
static int add_target(struct buffer *buffer, const char *line, size_t length)
{
	struct dm_target_spec spec = { 0 };
	int parameters = 0;
	size_t bytes;

	/* Of a line the last word may be the type: not every target has parameters. */
	if (sscanf(line, "%llu %llu %15s%n", (unsigned long long *)&spec.sector_start,
		   (unsigned long long *)&spec.length, spec.target_type, &parameters) < 3 ||
	    !parameters || (size_t)parameters > length)
		return -EINVAL;
	parameters += line[parameters] == ' ';
	line += parameters;
	length -= (size_t)parameters;
	bytes = (sizeof(spec) + length + ALIGN_BYTES) / ALIGN_BYTES * ALIGN_BYTES;
	spec.next = (uint32_t)bytes;
	if (reserve(buffer, bytes))
		return -ENOMEM;
	memcpy(buffer->bytes + buffer->used, &spec, sizeof(spec));
	memcpy(buffer->bytes + buffer->used + sizeof(spec), line, length);
	buffer->used += bytes;
	return 0;
}

static int add_table(struct buffer *buffer, const char *table, uint32_t *ret)
{
	for (*ret = 0; *table; (*ret)++) {
		size_t length = strcspn(table, "\n");
		int err = add_target(buffer, table, length);

		if (err)
			return err;
		table += length;
		table += *table == '\n';
	}
	return *ret ? 0 : -EINVAL;
}

static int load_table(struct ls_dm *dm, const char *name, const char *table, uint32_t flags)
{
	struct buffer buffer = { NULL, sizeof(struct dm_ioctl), 0 };
	uint32_t targets = 0;
	int err;

	dm->step = "table";
	err = add_table(&buffer, table, &targets);
	if (!err) {
		struct dm_ioctl *head = (struct dm_ioctl *)(void *)buffer.bytes;

		init_head(head, name, buffer.used);
		head->target_count = targets;
		head->flags = flags;
		err = DM_CALL(dm, DM_TABLE_LOAD, head);
	}
	free(buffer.bytes);
	return err;
}

/* Takes the table that was loaded last into use. */
static int resume(struct ls_dm *dm, const char *name)
{
	struct dm_ioctl head;

	init_head(&head, name, sizeof(head));
	head.event_nr = UDEV_FLAGS;
	return call(dm, DM_DEV_SUSPEND, "DM_DEV_SUSPEND (resume)", &head);
}

static int suspend(struct ls_dm *dm, const char *name, uint32_t flags)
{
	struct dm_ioctl head;

	init_head(&head, name, sizeof(head));
	head.flags = DM_SUSPEND_FLAG | flags;
	return DM_CALL(dm, DM_DEV_SUSPEND, &head);
}

static int remove_once(struct ls_dm *dm, const char *name)
{
	struct dm_ioctl head;

	init_head(&head, name, sizeof(head));
	head.event_nr = UDEV_FLAGS;
	return DM_CALL(dm, DM_DEV_REMOVE, &head);
}

static int create_empty(struct ls_dm *dm, const char *name)
{
	struct dm_ioctl head;

	init_head(&head, name, sizeof(head));
	head.event_nr = UDEV_FLAGS;
	return DM_CALL(dm, DM_DEV_CREATE, &head);
}

static uint32_t mode_flags(enum ls_dm_mode mode)
{
	return mode == LS_DM_READ_ONLY ? DM_READONLY_FLAG : 0;
}

int ls_dm_create(struct ls_dm *dm, const char *name, const char *table, enum ls_dm_mode mode,
		 struct ls_dm_device *ret)
{
	const char *step;
	int err = ls_dm_check_name(dm, name);

	if (!err)
		err = create_empty(dm, name);
	if (err)
		return err;
	err = load_table(dm, name, table, mode_flags(mode));
	if (!err)
		err = resume(dm, name);
	if (!err)
		err = ls_dm_find(dm, name, ret);
	if (!err)
		return 0;
	step = dm->step;
	(void)ls_dm_remove(dm, name);
	dm->step = step;
	return err;
}

int ls_dm_load(struct ls_dm *dm, const char *name, const char *table, enum ls_dm_mode mode)
{
	int err = ls_dm_check_name(dm, name);

	return err ? err : load_table(dm, name, table, mode_flags(mode));
}

int ls_dm_reload(struct ls_dm *dm, const char *name, const char *table, enum ls_dm_mode mode)
{
	int err = ls_dm_load(dm, name, table, mode);

	if (!err)
		err = suspend(dm, name, 0);
	return err ? err : resume(dm, name);
}

int ls_dm_suspend(struct ls_dm *dm, const char *name)
{
	int err = ls_dm_check_name(dm, name);

	return err ? err : suspend(dm, name, 0);
}

int ls_dm_resume(struct ls_dm *dm, const char *name)
{
	int err = ls_dm_check_name(dm, name);

	return err ? err : resume(dm, name);
}

int ls_dm_find(struct ls_dm *dm, const char *name, struct ls_dm_device *ret)
{
	struct dm_ioctl head;
	int err = ls_dm_check_name(dm, name);

	if (err)
		return err;
	init_head(&head, name, sizeof(head));
	err = DM_CALL(dm, DM_DEV_STATUS, &head);
	ret->major = major(head.dev);
	ret->minor = minor(head.dev);
	ret->open_count = (uint32_t)head.open_count;
	ret->targets = head.target_count;
	return err;
}

/* All targets' status as the kernel lays them out; 1 where the room was too small. */
static int read_status(struct ls_dm *dm, const char *name, uint32_t flags, char *bytes,
		       size_t size)
{
	struct dm_ioctl *head = (struct dm_ioctl *)(void *)bytes;
	int err;

	init_head(head, name, size);
	head->flags = flags;
	err = DM_CALL(dm, DM_TABLE_STATUS, head);
	return err ? err : !!(head->flags & DM_BUFFER_FULL_FLAG);
}

static int write_status(const char *bytes, char **ret)
{
	const struct dm_ioctl *head = (const struct dm_ioctl *)(const void *)bytes;
	size_t at = head->data_start, size = 0;
	FILE *text = open_memstream(ret, &size);

	if (!text)
		return -errno;
	for (uint32_t i = 0; i < head->target_count; i++) {
		const struct dm_target_spec *spec =
			(const struct dm_target_spec *)(const void *)(bytes + at);

		fprintf(text, "%s %s\n", spec->target_type, bytes + at + sizeof(*spec));
		/* Unlike in a table that is loaded, next counts from the first target here. */
		at = head->data_start + spec->next;
	}
	return fclose(text) ? -errno : 0;
}

static int status_of(struct ls_dm *dm, const char *name, uint32_t flags, char **ret)
{
	int err = 0;

	for (size_t size = STATUS_START_BYTES; !err; size *= 4) {
		LS_FREE char *bytes = calloc(1, size);

		if (!bytes || size > STATUS_END_BYTES)
			return -ENOMEM;
		err = read_status(dm, name, flags, bytes, size);
		if (!err)
			return write_status(bytes, ret);
		err = err > 0 ? 0 : err;
	}
	return err;
}

int ls_dm_status(struct ls_dm *dm, const char *name, char **ret)
{
	int err = ls_dm_check_name(dm, name);

	return err ? err : status_of(dm, name, 0, ret);
}

int ls_dm_status_any(struct ls_dm *dm, const char *name, char **ret)
{
	dm->step = "device-mapper name";
	if (!*name || strlen(name) >= DM_NAME_LEN)
		return -EINVAL;
	/* Else a pool of thin volumes would write down what it knows first. */
	return status_of(dm, name, DM_NOFLUSH_FLAG, ret);
}

/* How many sectors the targets of a device cover. */
static int sectors_of(struct ls_dm *dm, const char *name, uint64_t *ret)
{
	size_t at = sizeof(struct dm_ioctl);
	LS_FREE char *bytes = calloc(1, STATUS_END_BYTES);
	int err = bytes ? read_status(dm, name, 0, bytes, STATUS_END_BYTES) : -ENOMEM;
	const struct dm_ioctl *head = (const struct dm_ioctl *)(void *)bytes;

	*ret = 0;
	if (err)
		return err < 0 ? err : -ENOMEM;
	for (uint32_t i = 0; i < head->target_count; i++) {
		const struct dm_target_spec *spec =
			(const struct dm_target_spec *)(const void *)(bytes + at);

		*ret += spec->length;
		at = head->data_start + spec->next;
	}
	return 0;
}

/*
 * Ends all pending I/O of a device, with an error where nothing else ends it, so that
 * processes which wait for it close the device.
 */
static int fail_pending_io(struct ls_dm *dm, const char *name)
{
	char table[NAME_BYTES];
	uint64_t sectors = 0;
	int err = sectors_of(dm, name, &sectors);

	if (err || !sectors)
		return err;
	snprintf(table, sizeof(table), "0 %llu error", (unsigned long long)sectors);
	err = load_table(dm, name, table, 0);
	if (!err)
		err = suspend(dm, name, DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG);
	return err ? err : resume(dm, name);
}

int ls_dm_remove(struct ls_dm *dm, const char *name)
{
	int err = ls_dm_check_name(dm, name);

	if (!err)
		err = remove_once(dm, name);
	for (int tries = 0; err == -EBUSY && tries < REMOVE_TRIES; tries++) {
		ls_clock_pause(REMOVE_PAUSE_NS);
		if (tries == TRIES_BEFORE_ERROR)
			(void)fail_pending_io(dm, name);
		err = remove_once(dm, name);
	}
	return err == -ENXIO ? 0 : err;
}
