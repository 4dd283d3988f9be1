/* SPDX-License-Identifier: Apache-2.0 */
#include "system/thread_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"

struct ls_thread {
	struct ls_thread_group *group;
	pthread_t id;
	uint32_t number;
	int64_t end_ns;
	int err;
};

static void cancel(struct ls_thread_group *group)
{
	__atomic_store_n(&group->is_cancelled, 1, __ATOMIC_RELAXED);
}

static void run_work(struct ls_thread *thread)
{
	struct ls_thread_group *group = thread->group;

	thread->err = ls_thread_group_is_cancelled(group) ? -ECANCELED
							  : group->work(group, thread->number);
	thread->end_ns = ls_clock_now();
	if (thread->err)
		cancel(group);
}

static void *thread_main(void *argument)
{
	struct ls_thread *thread = argument;

	ls_latch_arrive_and_wait(&thread->group->begin);
	run_work(thread);
	ls_latch_arrive_and_wait(&thread->group->end);
	return NULL;
}

static int init_latches(struct ls_thread_group *group)
{
	int err = ls_latch_init(&group->begin);

	if (err)
		return err;
	err = ls_latch_init(&group->end);
	if (err)
		ls_latch_deinit(&group->begin);
	group->has_latches = !err;
	return err;
}

int ls_thread_group_init(struct ls_thread_group *group, uint32_t count, ls_thread_work work,
			 void *shared)
{
	int err;

	memset(group, 0, sizeof(*group));
	group->shared = shared;
	group->work = work;
	group->count = count;
	group->threads = calloc(count, sizeof(*group->threads));
	if (!group->threads)
		return -ENOMEM;
	err = init_latches(group);
	for (uint32_t i = 0; !err && i < count; i++) {
		struct ls_thread *thread = &group->threads[i];

		thread->group = group;
		thread->number = i;
		if (i)
			err = -pthread_create(&thread->id, NULL, thread_main, thread);
		group->started += i && !err;
	}
	if (!err)
		ls_latch_wait_for(&group->begin, group->started);
	return err;
}

int ls_thread_group_run(struct ls_thread_group *group)
{
	int err = 0;

	group->start_ns = ls_clock_now();
	if (group->started)
		ls_latch_release(&group->begin);
	run_work(&group->threads[0]);
	if (group->started)
		ls_latch_wait_for(&group->end, group->started);
	for (uint32_t i = 0; i < group->count; i++) {
		const struct ls_thread *thread = &group->threads[i];

		if (thread->end_ns > group->end_ns)
			group->end_ns = thread->end_ns;
		if (thread->err && (!err || err == -ECANCELED))
			err = thread->err;
	}
	return err;
}

void ls_thread_group_deinit(struct ls_thread_group *group)
{
	if (group->has_latches) {
		/* Those that were never released must not start their work. */
		cancel(group);
		ls_latch_release(&group->begin);
		ls_latch_release(&group->end);
		for (uint32_t i = 1; i <= group->started; i++)
			pthread_join(group->threads[i].id, NULL);
		ls_latch_deinit(&group->begin);
		ls_latch_deinit(&group->end);
	}
	free(group->threads);
	memset(group, 0, sizeof(*group));
}
