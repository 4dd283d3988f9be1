"""What the core's errors about a process mean, and what to do about them."""

import errno

from loadstone.core.explain import REFUSED, Rule
from loadstone.model import CoreError, Status
from loadstone.targets import Target

_PTRACE_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
_GONE = frozenset({errno.ENOENT, errno.ESRCH})

RULES = (
    Rule(
        step="open process",
        codes=frozenset({errno.ENOENT}),
        status=Status.SKIPPED,
        meaning="there is no process {pid}",
        remedy="`ps -e` lists those there are",
        is_ours=True,
    ),
    Rule(
        step="kernel thread",
        codes=frozenset({errno.ENODATA}),
        status=Status.SKIPPED,
        meaning="it is a thread of the kernel, which has no memory of its own",
        remedy="name a process",
        is_ours=True,
    ),
    Rule(
        step="another process",
        codes=frozenset({errno.ESRCH}),
        status=Status.SKIPPED,
        meaning="it ended, and {pid} is another process by now",
        remedy="look again, at the process that is meant",
        is_ours=True,
    ),
    Rule(
        step="ended process",
        codes=frozenset({errno.ESRCH}),
        status=Status.SKIPPED,
        meaning="it has ended, and waits for its parent only",
        remedy="look at one that is alive",
        is_ours=True,
    ),
    Rule(
        step="ended meanwhile|read stat|read smaps|open pagemap|open memory|read memory",
        codes=_GONE,
        status=Status.SKIPPED,
        meaning="it ended while it was looked at",
        remedy="look again while it is alive",
        is_ours=True,
    ),
    Rule(
        step="read stat|read smaps|open pagemap|open memory",
        codes=REFUSED,
        status=Status.SKIPPED,
        meaning="this user may not look into it",
        remedy="run as root",
    ),
    Rule(
        step="option",
        codes=frozenset({errno.ERANGE}),
        status=Status.SKIPPED,
        meaning="the algorithm has no such level",
        remedy="take one of zram's: 1 to 22 for zstd, an acceleration for lz4",
        path="level",
        is_ours=True,
    ),
)


def ptrace_remedy(error: CoreError, target: Target) -> str | None:
    """What to do where only reading memory is refused: that is what Yama restricts."""
    if error.step != "open memory" or error.code not in REFUSED:
        return None
    scope = (target.read_text(_PTRACE_SCOPE) or "").strip()
    if scope in ("1", "2"):
        return f"run as root, or as root: echo 0 > {_PTRACE_SCOPE} (it is {scope})"
    if scope == "3":
        return f"start the machine anew: {_PTRACE_SCOPE} is 3, which stays until then"
    return None
