/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device-mapper by ioctl, for systems without dmsetup. Only devices whose name begins
 * with LS_OWN_PREFIX are touched; any other is -EPERM.
 * Source: include/uapi/linux/dm-ioctl.h.
 */
#ifndef LS_DM_H
#define LS_DM_H

#include <stdint.h>

enum ls_dm_mode { LS_DM_READ_WRITE, LS_DM_READ_ONLY };

struct ls_dm {
	int control;
	const char *step;	/* the ioctl that failed last */
};

struct ls_dm_device {
	uint32_t major;
	uint32_t minor;
	uint32_t open_count;
	uint32_t targets;
};

struct ls_dm_version {
	uint32_t major;
	uint32_t minor;
	uint32_t patch;
};

/* Opens the control node. -ENOENT, -ENODEV: this kernel has no device-mapper, or not loaded. */
int ls_dm_init(struct ls_dm *dm);
void ls_dm_deinit(struct ls_dm *dm);

/* -EPERM, -ENAMETOOLONG: none that this may touch. Needs no ls_dm_init; all below do it too. */
int ls_dm_check_name(struct ls_dm *dm, const char *name);

int ls_dm_version(struct ls_dm *dm, struct ls_dm_version *ret);

/*
 * Makes a device of a table and starts it. table has a target a line: first sector,
 * sectors, type, parameters. -EBUSY: the name is taken. On error nothing is left.
 */
int ls_dm_create(struct ls_dm *dm, const char *name, const char *table, enum ls_dm_mode mode,
		 struct ls_dm_device *ret);

/* Has a table ready for a device, which takes it when it is resumed next. */
int ls_dm_load(struct ls_dm *dm, const char *name, const char *table, enum ls_dm_mode mode);

/* Puts another table, or the same one anew, into a device: I/O waits meanwhile. */
int ls_dm_reload(struct ls_dm *dm, const char *name, const char *table, enum ls_dm_mode mode);

/*
 * A device that is suspended keeps what is read and written until it is resumed, and refuses
 * to read ahead. Resuming one that is not suspended is nothing.
 */
int ls_dm_suspend(struct ls_dm *dm, const char *name);
int ls_dm_resume(struct ls_dm *dm, const char *name);

/*
 * Removes a device. While a process has it open it tries again for some seconds, then ends
 * all I/O that waits in it, with an error where nothing else does. 0 where there is no device
 * of that name.
 */
int ls_dm_remove(struct ls_dm *dm, const char *name);

int ls_dm_find(struct ls_dm *dm, const char *name, struct ls_dm_device *ret);

/*
 * The status of each target, as dmsetup status shows it: type, a space, its words, a
 * newline; in memory that the caller frees. For a verity target the words are V or C.
 */
int ls_dm_status(struct ls_dm *dm, const char *name, char **ret);

/*
 * The same of any device, whoever made it; nothing is changed. The parameters of its table are
 * not read: they may be keys.
 */
int ls_dm_status_any(struct ls_dm *dm, const char *name, char **ret);

#endif
