/* SPDX-License-Identifier: Apache-2.0 */
#include "death.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define NAME(signal) [signal] = #signal

/* sigabbrev_np is not everywhere. */
static const char *const signal_names[] = {
	NAME(SIGHUP), NAME(SIGINT), NAME(SIGQUIT), NAME(SIGILL), NAME(SIGTRAP), NAME(SIGABRT),
	NAME(SIGBUS), NAME(SIGFPE), NAME(SIGKILL), NAME(SIGUSR1), NAME(SIGSEGV), NAME(SIGUSR2),
	NAME(SIGPIPE), NAME(SIGALRM), NAME(SIGTERM), NAME(SIGSTKFLT), NAME(SIGCHLD),
	NAME(SIGCONT), NAME(SIGSTOP), NAME(SIGTSTP), NAME(SIGTTIN), NAME(SIGTTOU), NAME(SIGURG),
	NAME(SIGXCPU), NAME(SIGXFSZ), NAME(SIGVTALRM), NAME(SIGPROF), NAME(SIGWINCH),
	NAME(SIGIO), NAME(SIGPWR), NAME(SIGSYS),
};

static const char *signal_name(int number)
{
	const int count = (int)(sizeof(signal_names) / sizeof(*signal_names));

	return number < count ? signal_names[number] : NULL;
}

void ls_death_of(int status, char *ret, size_t bytes)
{
	const char *name;

	if (WIFEXITED(status)) {
		snprintf(ret, bytes, "ended with exit code %d", WEXITSTATUS(status));
		return;
	}
	name = signal_name(WTERMSIG(status));
	if (WTERMSIG(status) == SIGKILL)
		snprintf(ret, bytes,
			 "killed by SIGKILL (out of memory, or another process)");
	else if (name)
		snprintf(ret, bytes, "killed by %s", name);
	else
		snprintf(ret, bytes, "killed by signal %d", WTERMSIG(status));
}

void ls_death_by_limit(double limit_s, int has_ended, char *ret, size_t bytes)
{
	snprintf(ret, bytes, "no answer within %g s; killed%s", limit_s,
		 has_ended ? "" : ", but it still waits in the kernel for a device");
}
