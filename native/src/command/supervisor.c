/* SPDX-License-Identifier: Apache-2.0 */
#include "command/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/watch.h"

/* Both ends are closed by exec. */
static int open_pipes(int go[2], int region_end[2])
{
	int err;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (!pipe2(region_end, O_CLOEXEC))
		return 0;
	err = -errno;
	close(go[0]);
	close(go[1]);
	return err;
}

static int start(struct ls_supervisor *supervisor)
{
	const pid_t parent = getpid();
	int go[2], region_end[2];
	int err = open_pipes(go, region_end);

	if (err)
		return err;
	supervisor->pid = fork();
	if (supervisor->pid == 0) {
		close(go[1]);
		close(region_end[0]);
		ls_watch(&supervisor->command, supervisor->report, parent, go[0], region_end[1]);
	}
	err = supervisor->pid < 0 ? -errno : 0;
	close(go[0]);
	close(region_end[1]);
	supervisor->go = go[1];
	supervisor->region_end = region_end[0];
	return err;
}

int ls_supervisor_create(struct ls_supervisor *supervisor, const struct ls_command *command)
{
	int err;

	*supervisor = (struct ls_supervisor){
		.command = *command, .pid = -1, .go = -1, .region_end = -1,
	};
	supervisor->report = mmap(NULL, sizeof(*supervisor->report), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (supervisor->report == MAP_FAILED) {
		supervisor->report = NULL;
		return -errno;
	}
	err = start(supervisor);
	if (err)
		ls_supervisor_destroy(supervisor);
	return err;
}

void ls_supervisor_run(struct ls_supervisor *supervisor)
{
	ssize_t got;
	char byte = 0;

	/* Where the supervisor was killed its ends are closed: the read returns. */
	do {
		got = write(supervisor->go, &byte, 1);
	} while (got < 0 && errno == EINTR);
	do {
		got = read(supervisor->region_end, &byte, 1);
	} while (got < 0 && errno == EINTR);
}

void ls_supervisor_join(struct ls_supervisor *supervisor)
{
	const struct ls_command_report *report = supervisor->report;

	while (waitpid(supervisor->pid, NULL, 0) < 0 && errno == EINTR)
		;
	supervisor->pid = -1;
	/* The shell died with it; the group's others did not. */
	if (!report->is_whole && report->shell > 0)
		kill(-report->shell, SIGKILL);
}

void ls_supervisor_destroy(struct ls_supervisor *supervisor)
{
	if (supervisor->go >= 0)
		close(supervisor->go);
	if (supervisor->region_end >= 0)
		close(supervisor->region_end);
	if (supervisor->report)
		munmap(supervisor->report, sizeof(*supervisor->report));
	supervisor->report = NULL;
}
