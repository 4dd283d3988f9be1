/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what dm.c makes of a table for the kernel: an errno, or a target a line. */
#include "block/dm.c"

int main(int count, char **words)
{
	struct buffer table = { NULL, sizeof(struct dm_ioctl), 0 };
	uint32_t targets = 0;
	size_t at = sizeof(struct dm_ioctl);
	int err = count == 2 ? add_table(&table, words[1], &targets) : -EINVAL;

	if (err)
		printf("%d\n", -err);
	for (uint32_t i = 0; !err && i < targets; i++) {
		const struct dm_target_spec *spec =
			(const struct dm_target_spec *)(const void *)(table.bytes + at);

		printf("%llu %llu %s|%s|%d\n", (unsigned long long)spec->sector_start,
		       (unsigned long long)spec->length, spec->target_type,
		       table.bytes + at + sizeof(*spec), spec->next % ALIGN_BYTES);
		at += spec->next;
	}
	if (!err && at != table.used)
		printf("%zu of %zu bytes\n", at, table.used);
	free(table.bytes);
	return 0;
}
