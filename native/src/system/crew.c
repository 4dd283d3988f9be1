/* SPDX-License-Identifier: Apache-2.0 */
#include "system/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ls_crew_member {
	struct ls_crew *crew;
	pthread_t thread;
	uint32_t number;
	int64_t end_ns;
	int err;
};

static void call_off(struct ls_crew *crew)
{
	__atomic_store_n(&crew->is_called_off, 1, __ATOMIC_RELAXED);
}

static void work(struct ls_crew_member *member)
{
	struct ls_crew *crew = member->crew;

	member->err = ls_crew_goes_on(crew) ? crew->work(crew, member->number) : -ECANCELED;
	member->end_ns = ls_clock_now();
	if (member->err)
		call_off(crew);
}

static void *be_member(void *argument)
{
	struct ls_crew_member *member = argument;

	ls_gate_pass(&member->crew->begin);
	work(member);
	ls_gate_pass(&member->crew->end);
	return NULL;
}

static int init_gates(struct ls_crew *crew)
{
	int err = ls_gate_init(&crew->begin);

	if (err)
		return err;
	err = ls_gate_init(&crew->end);
	if (err)
		ls_gate_deinit(&crew->begin);
	crew->has_gates = !err;
	return err;
}

int ls_crew_init(struct ls_crew *crew, uint32_t count, ls_crew_work work_, void *shared)
{
	int err;

	memset(crew, 0, sizeof(*crew));
	crew->shared = shared;
	crew->work = work_;
	crew->count = count;
	crew->members = calloc(count, sizeof(*crew->members));
	if (!crew->members)
		return -ENOMEM;
	err = init_gates(crew);
	for (uint32_t i = 0; !err && i < count; i++) {
		struct ls_crew_member *member = &crew->members[i];

		member->crew = crew;
		member->number = i;
		if (i)
			err = -pthread_create(&member->thread, NULL, be_member, member);
		crew->started += i && !err;
	}
	if (!err)
		ls_gate_await(&crew->begin, crew->started);
	return err;
}

int ls_crew_run(struct ls_crew *crew)
{
	int err = 0;

	crew->start_ns = ls_clock_now();
	if (crew->started)
		ls_gate_open(&crew->begin);
	work(&crew->members[0]);
	if (crew->started)
		ls_gate_await(&crew->end, crew->started);
	for (uint32_t i = 0; i < crew->count; i++) {
		const struct ls_crew_member *member = &crew->members[i];

		if (member->end_ns > crew->end_ns)
			crew->end_ns = member->end_ns;
		if (member->err && (!err || err == -ECANCELED))
			err = member->err;
	}
	return err;
}

void ls_crew_deinit(struct ls_crew *crew)
{
	if (crew->has_gates) {
		/* Those that never were told to begin are not to. */
		call_off(crew);
		ls_gate_open(&crew->begin);
		ls_gate_open(&crew->end);
		for (uint32_t i = 1; i <= crew->started; i++)
			pthread_join(crew->members[i].thread, NULL);
		ls_gate_deinit(&crew->begin);
		ls_gate_deinit(&crew->end);
	}
	free(crew->members);
	memset(crew, 0, sizeof(*crew));
}
