"""What each error of command means to the person who asked, and what to do about it."""

import errno

from loadstone.core.explain import ABSENT, REFUSED, Rule
from loadstone.model import Status

_BY_HAND = "run the command by hand with that file to see what it lacks"
_EXIT = "exit of the command"
_COPY = "give the command a copy to work on, keep the file still, and run again"

RULES = (
    Rule(
        step=_EXIT,
        codes=frozenset({errno.ENOENT}),
        status=Status.FAILED,
        meaning="the shell found no such program (exit code 127): {path}",
        remedy="check the spelling and PATH, or write the program's whole path; on another "
        "machine it must be installed there",
        is_ours=True,
    ),
    Rule(
        step=_EXIT,
        codes=frozenset({errno.EACCES}),
        status=Status.FAILED,
        meaning="the shell may not execute it (exit code 126): {path}",
        remedy="chmod +x the program, or name its interpreter (python load.py {{file}})",
        is_ours=True,
    ),
    Rule(
        step=_EXIT,
        codes=frozenset({errno.ECHILD}),
        status=Status.FAILED,
        meaning="the command ended with exit code {offset}: {path}",
        remedy=f"{_BY_HAND}; above 128 a signal ended a part of it (137: SIGKILL, as when out of "
        "memory)",
        is_ours=True,
    ),
    Rule(
        step="signal to the command",
        codes=frozenset({errno.ENOMEM}),
        status=Status.FAILED,
        meaning="the command was killed by SIGKILL (out of memory, or by another process): {path}",
        remedy="see dmesg for whether memory ran out; take a smaller file, or have it load less "
        "at once",
        is_ours=True,
    ),
    Rule(
        step="signal to the command",
        codes=frozenset({errno.EINTR}),
        status=Status.FAILED,
        meaning="the command was ended by signal {offset}: {path}",
        remedy=f"{_BY_HAND}; `kill -l {{offset}}` names the signal",
        is_ours=True,
    ),
    Rule(
        step="limit of the command",
        codes=frozenset({errno.ETIMEDOUT}),
        status=Status.FAILED,
        meaning="the command did not end within {offset} s, and was killed: {path}",
        remedy="--set limit to more seconds; or have it say that it is ready, and --set ready=said",
        is_ours=True,
    ),
    Rule(
        step="word of the command",
        codes=frozenset({errno.ENOMSG}),
        status=Status.FAILED,
        meaning="the command ended without having said that it was ready: {path}",
        remedy="have it print a line `loadstone: ready` and flush, or write to the descriptor "
        "LOADSTONE_READY_FD; or --set ready=exit",
        is_ours=True,
    ),
    Rule(
        step="file after the command",
        codes=frozenset({errno.ESTALE}),
        status=Status.FAILED,
        meaning="{path} was changed, replaced or removed while the command ran (size, inode or "
        "mtime differ)",
        remedy=_COPY,
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="file identity",
        codes=frozenset({errno.ESTALE}),
        status=Status.FAILED,
        meaning="{path} is not the file with which the Run began (size, inode or mtime differ)",
        remedy="keep the file still, and start a new run",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="open",
        codes=ABSENT | REFUSED,
        status=Status.FAILED,
        meaning="the file cannot be opened any more",
        remedy="keep the file where it is, with the same permissions, and run again",
        ends_run=True,
    ),
    Rule(
        step="supervise command",
        codes=frozenset({errno.EOWNERDEAD}),
        status=Status.FAILED,
        meaning="the process that watches over the command was killed (out of memory, or by "
        "another process)",
        remedy="see dmesg; leave the processes of loadstone alone, or take a smaller file",
        is_ours=True,
    ),
    Rule(
        step="end command",
        codes=frozenset({errno.ETIMEDOUT}),
        status=Status.FAILED,
        meaning="a process of the command could not be ended: it waits in the kernel, or runs as "
        "another user",
        remedy="look for it with ps, and end it as root before anything is measured again",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step="start (shell|supervisor)|prepare shell",
        codes=frozenset({errno.EAGAIN, errno.ENOMEM}),
        status=Status.FAILED,
        meaning="no more processes may be started here",
        remedy="raise the limits (ulimit -u and the cgroup's), or free memory",
    ),
    Rule(
        step="start shell",
        codes=frozenset({errno.E2BIG}),
        status=Status.FAILED,
        meaning="the command is too long for one argument of a program",
        remedy="put it into a script, and run that",
    ),
    Rule(
        step="start shell",
        codes=ABSENT | frozenset({errno.EACCES}),
        status=Status.FAILED,
        meaning="there is neither /bin/sh nor /system/bin/sh that can be run",
        remedy="have a POSIX shell there",
    ),
)
