/* SPDX-License-Identifier: Apache-2.0 */
#include "system/usage.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#include "core/record.h"

static int64_t timeval_ns(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000000 + (int64_t)time->tv_usec * 1000;
}

void ls_usage_read(struct ls_usage *ret)
{
	struct rusage usage;
	struct timespec cpu;

	*ret = (struct ls_usage){ 0 };
	if (getrusage(RUSAGE_SELF, &usage))
		ret->failed = "getrusage";
	else if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu))
		ret->failed = "clock_gettime";
	if (ret->failed) {
		ret->error = -errno;
		return;
	}
	ret->cpu_ns = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
	ret->user_ns = timeval_ns(&usage.ru_utime);
	ret->system_ns = timeval_ns(&usage.ru_stime);
	ret->minor_faults = usage.ru_minflt;
	ret->major_faults = usage.ru_majflt;
	ret->voluntary_switches = usage.ru_nvcsw;
	ret->involuntary_switches = usage.ru_nivcsw;
}

void ls_usage_add(struct ls_result *result, const struct ls_usage *before,
		  const struct ls_usage *after)
{
	const struct ls_usage *unread = before->failed ? before : after;

	if (unread->failed) {
		ls_result_fail(result, unread->error, unread->failed, "usage of the process", -1);
		return;
	}
	ls_value_add(result, "cpu_ns", after->cpu_ns - before->cpu_ns);
	ls_value_add(result, "user_ns", after->user_ns - before->user_ns);
	ls_value_add(result, "system_ns", after->system_ns - before->system_ns);
	ls_value_add(result, "minor_faults", after->minor_faults - before->minor_faults);
	ls_value_add(result, "major_faults", after->major_faults - before->major_faults);
	ls_value_add(result, "voluntary_switches",
		     after->voluntary_switches - before->voluntary_switches);
	ls_value_add(result, "involuntary_switches",
		     after->involuntary_switches - before->involuntary_switches);
}
