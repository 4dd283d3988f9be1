/* SPDX-License-Identifier: Apache-2.0 */
#include "page/area.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/guard.h"

/* An area as its first line has it, and what of the others decides over it. */
struct head {
	struct ls_area area;
	int is_mapped_shared;
	uint64_t resident_bytes;
	uint64_t huge_bytes;
	int is_huge;			/* of hugetlbfs */
	const char *name;
};

static const char *const shared_names[] = {
	"/memfd:", "/dev/zero", "/SYSV", "/dev/shm/", "/dev/ashmem", "[anon_shmem:",
};

static int begins_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static int is_shared_memory(const struct head *head)
{
	/* Mapped private, this one is plain anonymous memory. */
	if (begins_with(head->name, "/dev/zero") && !head->is_mapped_shared)
		return 0;
	for (size_t i = 0; i < sizeof(shared_names) / sizeof(*shared_names); i++)
		if (begins_with(head->name, shared_names[i]))
			return 1;
	return 0;
}

/* Numbers that tell one thread's or one file's from the next's become a '#'. */
static void copy_name(const char *name, char *ret)
{
	size_t length = 0;

	while (*name && length < LS_KIND_NAME_BYTES - 1) {
		size_t digits = strspn(name, "0123456789");

		if (!strcmp(name, " (deleted)"))
			break;
		if (digits > 2 || (digits && length && strchr(":.-", ret[length - 1]))) {
			ret[length++] = '#';
			name += digits;
			continue;
		}
		ret[length++] = *name;
		name++;
	}
	ret[length] = '\0';
}

static void name_anonymous(const struct head *head, char *ret)
{
	if (!*head->name || begins_with(head->name, "/dev/zero"))
		strcpy(ret, "anon");
	else if (begins_with(head->name, "[stack"))
		strcpy(ret, "stack");
	else if (!strcmp(head->name, "[heap]"))
		strcpy(ret, "heap");
	else if (*head->name == '[')
		copy_name(head->name, ret);
	else
		strcpy(ret, "file-cow");
}

static int keep(struct head *head, struct ls_kinds *kinds, struct ls_areas *areas)
{
	struct ls_area *area = &head->area;
	char name[LS_KIND_NAME_BYTES];

	areas->in_all++;
	if (head->is_huge) {
		areas->huge_bytes += head->huge_bytes;
		return 0;
	}
	areas->anonymous_bytes += area->anonymous_bytes;
	area->is_shared_memory = is_shared_memory(head);
	if (!area->is_shared_memory)
		areas->swapped_bytes += area->swapped_bytes;
	if (!area->anonymous_bytes && !area->swapped_bytes && !area->is_shared_memory)
		return 0;
	if (area->is_shared_memory) {
		copy_name(head->name, name);
		area->shared_kind = ls_kinds_find(kinds, name, 1);
	}
	name_anonymous(head, name);
	area->kind = ls_kinds_find(kinds, name, 0);
	if (areas->count == areas->room) {
		uint64_t room = areas->room ? 2 * areas->room : 256;
		struct ls_area *all = realloc(areas->all, (size_t)room * sizeof(*all));

		if (!all)
			return -ENOMEM;
		areas->all = all;
		areas->room = room;
	}
	areas->all[areas->count++] = *area;
	return 0;
}

static int read_head(const char *line, struct head *ret, char *name, size_t name_bytes)
{
	unsigned int major_number, minor_number;
	char shared;
	int at = 0;

	*ret = (struct head){ .name = name };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*c%*c%*c%c %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &ret->area.start, &ret->area.end, &shared, &ret->area.offset, &major_number,
		   &minor_number, &ret->area.inode, &at) != 7 || !at)
		return 0;
	ret->is_mapped_shared = shared == 's';
	ret->area.device = makedev(major_number, minor_number);
	snprintf(name, name_bytes, "%s", line + at);
	name[strcspn(name, "\n")] = '\0';
	return 1;
}

static void read_line(const char *line, struct head *head)
{
	uint64_t kib;

	if (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1)
		head->area.anonymous_bytes = kib * 1024;
	else if (sscanf(line, "Swap: %" SCNu64, &kib) == 1)
		head->area.swapped_bytes = kib * 1024;
	else if (sscanf(line, "Shared_Hugetlb: %" SCNu64, &kib) == 1 ||
		 sscanf(line, "Private_Hugetlb: %" SCNu64, &kib) == 1)
		head->huge_bytes += kib * 1024;
	else if (begins_with(line, "VmFlags:"))
		head->is_huge = strstr(line, " ht") != NULL;
}

static int read_all(FILE *smaps, struct ls_kinds *kinds, struct ls_areas *ret)
{
	LS_FREE char *line = NULL;
	size_t line_bytes = 0;
	char name[2][256];
	struct head head = { 0 }, next;
	int is_inside = 0, which = 0, err = 0;

	while (!err && getline(&line, &line_bytes, smaps) >= 0) {
		/* Lines of figures begin with a capital letter, borders with a hexadecimal digit. */
		if (isupper((unsigned char)*line)) {
			read_line(line, &head);
			continue;
		}
		which = !which;
		if (!read_head(line, &next, name[which], sizeof(name[which])))
			return -EBADMSG;
		if (is_inside)
			err = keep(&head, kinds, ret);
		head = next;
		is_inside = 1;
	}
	if (!err && ferror(smaps))
		return errno ? -errno : -EIO;
	return !err && is_inside ? keep(&head, kinds, ret) : err;
}

int ls_areas_read(int directory, struct ls_kinds *kinds, struct ls_areas *ret)
{
	int fd = openat(directory, "smaps", O_RDONLY | O_CLOEXEC);
	FILE *smaps;
	int err;

	*ret = (struct ls_areas){ 0 };
	if (fd < 0)
		return -errno;
	smaps = fdopen(fd, "r");
	if (!smaps) {
		err = -errno;
		close(fd);
		return err;
	}
	errno = 0;
	err = read_all(smaps, kinds, ret);
	fclose(smaps);
	return !err && !ret->in_all ? -ESRCH : err;
}

void ls_areas_deinit(struct ls_areas *areas)
{
	free(areas->all);
}
