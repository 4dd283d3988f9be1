/* SPDX-License-Identifier: Apache-2.0 */
#include "page/kind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char other[] = "other";

int ls_kinds_init(struct ls_kinds *kinds)
{
	kinds->count = 0;
	kinds->all = calloc(LS_KINDS_MAX, sizeof(*kinds->all));
	return kinds->all ? 0 : -ENOMEM;
}

void ls_kinds_deinit(struct ls_kinds *kinds)
{
	free(kinds->all);
}

uint32_t ls_kinds_find(struct ls_kinds *kinds, const char *name, int is_shared)
{
	struct ls_kind *kind;

	for (uint32_t i = 0; i < kinds->count; i++) {
		kind = &kinds->all[i];
		if (kind->is_shared == is_shared && !strncmp(kind->name, name, sizeof(kind->name) - 1))
			return i;
	}
	if (kinds->count == LS_KINDS_MAX)
		return LS_KINDS_MAX - 1;
	kind = &kinds->all[kinds->count];
	snprintf(kind->name, sizeof(kind->name), "%s",
		 kinds->count == LS_KINDS_MAX - 1 ? other : name);
	kind->is_shared = is_shared;
	return kinds->count++;
}

static int by_pages(const void *a, const void *b)
{
	const struct ls_kind *left = a, *right = b;
	uint64_t of_left = left->pages + left->swapped, of_right = right->pages + right->swapped;

	if (of_left != of_right)
		return of_left < of_right ? 1 : -1;
	return strcmp(left->name, right->name);
}

static void add_count(struct ls_page_count *target, const struct ls_page_count *source)
{
	target->pages += source->pages;
	target->bytes += source->bytes;
	target->ns += source->ns;
}

static void add(struct ls_kind *target, const struct ls_kind *source)
{
	target->pages += source->pages;
	target->swapped += source->swapped;
	target->seen += source->seen;
	target->lost += source->lost;
	add_count(&target->same, &source->same);
	for (int i = 0; i < LS_DECILES; i++)
		add_count(&target->deciles[i], &source->deciles[i]);
	for (int i = 0; i < LS_THRESHOLDS_MAX; i++)
		add_count(&target->from[i], &source->from[i]);
}

void ls_kinds_sort(struct ls_kinds *kinds)
{
	struct ls_kind others[2] = {
		{ .name = "other", .is_shared = 0 }, { .name = "other", .is_shared = 1 },
	};

	qsort(kinds->all, kinds->count, sizeof(*kinds->all), by_pages);
	if (kinds->count <= LS_KINDS_TOLD)
		return;
	for (uint32_t i = LS_KINDS_TOLD - 2; i < kinds->count; i++)
		add(&others[kinds->all[i].is_shared], &kinds->all[i]);
	memcpy(&kinds->all[LS_KINDS_TOLD - 2], others, sizeof(others));
	kinds->count = LS_KINDS_TOLD;
}
