/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 256 << 10 };

struct ls_crew_member {
	pthread_t thread;
	int64_t end_ns;
	int err;
};

static void *be_member(void *argument)
{
	struct ls_crew *crew = argument;
	uint32_t number = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED);
	struct ls_crew_member *member = &crew->members[number];

	ls_gate_pass(&crew->gate);
	if (ls_crew_goes_on(crew))
		member->err = crew->work(crew, number);
	member->end_ns = ls_clock_now();
	if (member->err)
		__atomic_store_n(&crew->is_called_off, 1, __ATOMIC_RELAXED);
	return NULL;
}

static int start_members(struct ls_crew *crew, const pthread_attr_t *attr)
{
	for (; crew->started < crew->count; crew->started++) {
		int err = pthread_create(&crew->members[crew->started].thread, attr, be_member,
					 crew);

		if (err)
			return ls_result_fail(crew->result, -err, "start thread", "", -1);
	}
	return 0;
}

int ls_crew_init(struct ls_crew *crew, uint32_t count, ls_crew_work work, void *shared,
		 struct ls_result *result)
{
	pthread_attr_t attr;
	int err;

	memset(crew, 0, sizeof(*crew));
	crew->result = result;
	crew->work = work;
	crew->shared = shared;
	crew->count = count;
	crew->members = calloc(count, sizeof(*crew->members));
	if (!crew->members)
		return ls_result_fail(result, -ENOMEM, "reserve threads", "", -1);
	err = ls_gate_init(&crew->gate);
	if (err)
		return ls_result_fail(result, err, "start thread", "", -1);
	crew->has_gate = 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = start_members(crew, &attr);
	pthread_attr_destroy(&attr);
	if (!err)
		ls_gate_await(&crew->gate, count);
	return err;
}

static void join(struct ls_crew *crew)
{
	ls_gate_open(&crew->gate);
	for (uint32_t i = 0; i < crew->started; i++)
		pthread_join(crew->members[i].thread, NULL);
	crew->started = 0;
}

int ls_crew_run(struct ls_crew *crew, int64_t *start_ns, int64_t *end_ns)
{
	int err = 0;

	*end_ns = *start_ns = ls_clock_now();
	join(crew);
	for (uint32_t i = 0; i < crew->count; i++) {
		const struct ls_crew_member *member = &crew->members[i];

		*end_ns = member->end_ns > *end_ns ? member->end_ns : *end_ns;
		err = err ? err : member->err;
	}
	return err;
}

void ls_crew_deinit(struct ls_crew *crew)
{
	if (crew->has_gate) {
		/* Those that never were told to begin are not to. */
		__atomic_store_n(&crew->is_called_off, 1, __ATOMIC_RELAXED);
		join(crew);
		ls_gate_deinit(&crew->gate);
	}
	free(crew->members);
}
