"""What an error of the core means to the person who asked, and what to do about it.

A Rule names a step of the core, the errnos that the step fails with, and their meaning. An error
that no Rule fits is a failure with the system's own words.
"""

import errno
import re
from collections.abc import Mapping, Sequence

from loadstone.errors import LoadstoneError, system_words
from loadstone.model import NO_ANSWER, CoreError, Finding, Noun, Status, Value
from loadstone.text import printable

_NO_REMEDY = "none is known beyond the system's words"


class Rule(Noun, frozen=True, kw_only=True):
    """The meaning of some errnos at some steps.

    ``step`` and ``path`` are regular expressions for those of the error, ``when`` has some for
    parameters of the Case; all must match. ``meaning`` and ``remedy`` may name parameters
    (``{destination}``), ``{path}`` and ``{offset}`` of the error, and what ``facts`` lists: names
    that the Workload gives ``explain`` besides the parameters.

    ``is_ours`` says that the core itself refused, so that its errno is not the system's word.
    """

    step: str
    codes: frozenset[int]
    status: Status
    meaning: str
    remedy: str
    path: str = ".*"
    when: Mapping[str, str] = {}
    facts: tuple[str, ...] = ()
    ends_run: bool = False
    is_ours: bool = False


def explain(error: CoreError, values: Mapping[str, Value], rules: Sequence[Rule]) -> Finding:
    """Turn an error into a skip or a failure with its reason and remedy.

    Args:
        values: the Case's parameters, and what the rules name besides.
        rules: the Workload's; the first that fits is taken, and after them ``COMMON_RULES``.
    """
    words = describe(error)
    rule = next((rule for rule in (*rules, *COMMON_RULES) if _fits(rule, error, values)), None)
    if rule is None:
        # What to do about an error that nobody has met is not known.
        return Finding(status=Status.FAILED, reason=words)
    named = {**values, "offset": error.offset, "path": printable(error.path)}
    meaning = rule.meaning.format(**named)
    return Finding(
        status=rule.status,
        reason=meaning if rule.is_ours else f"{meaning}: {words}",
        remedy=rule.remedy.format(**named),
        ends_run=rule.ends_run,
    )


def skipped(reason: str, remedy: str) -> Finding:
    """The Finding for a Case that cannot be measured here."""
    return Finding(status=Status.SKIPPED, reason=reason, remedy=remedy)


def skipped_by(error: LoadstoneError) -> Finding:
    """The Finding for a Case that cannot be set up here."""
    return skipped(error.what, error.remedy or _NO_REMEDY)


def crashed(crash: str) -> Finding:
    """The Finding for a Trial whose process died; one without an answer ends the Run.

    A device that hangs has no answer for the next Trial either.
    """
    return Finding(
        status=Status.FAILED,
        reason=crash,
        remedy="see dmesg; replace a device that hangs, give a slow one less to do",
        ends_run=crash.startswith(NO_ANSWER),
    )


def describe(error: CoreError) -> str:
    """What was tried on what, and what the system said."""
    place = f" at {error.offset}" if error.offset >= 0 else ""
    path = f" {printable(error.path)}" if error.path else ""
    return f"{error.step}{path}{place}: {system_words(error.code)}"


def _fits(rule: Rule, error: CoreError, values: Mapping[str, Value]) -> bool:
    return bool(
        error.code in rule.codes
        and re.fullmatch(rule.step, error.step)
        and re.match(rule.path, error.path)
        and all(
            re.fullmatch(pattern, str(values.get(name, ""))) for name, pattern in rule.when.items()
        )
    )


REFUSED = frozenset({errno.EACCES, errno.EPERM})
ABSENT = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})

COMMON_RULES = (
    Rule(
        step="option",
        codes=frozenset({errno.ERANGE}),
        status=Status.SKIPPED,
        meaning="{path} {offset} is more than the core can do",
        remedy="--set {path} to a smaller value",
        is_ours=True,
    ),
    Rule(
        step="sched_setaffinity",
        codes=frozenset({errno.EINVAL, errno.EPERM}),
        status=Status.FAILED,
        meaning="none of the CPUs {path} is available any more",
        remedy="start a new run with --pin of CPUs that stay online and in this cpuset",
        path="[0-9]",
        ends_run=True,
        is_ours=True,
    ),
    Rule(
        step=".*",
        codes=frozenset({errno.EMFILE, errno.ENFILE}),
        status=Status.FAILED,
        meaning="no more files may be open here",
        remedy="raise the limit (ulimit -n), or end other programs of this user",
    ),
    Rule(
        step=".*read|.*write|create|open|f(data)?sync|syncfs|fallocate|sendfile|splice"
        "|copy_file_range|MADV_POPULATE_READ|read back|verify.*|set cache state",
        codes=frozenset({errno.EIO}),
        status=Status.FAILED,
        meaning="the device failed",
        remedy="see dmesg for what it says; trust no figure of this device before it is repaired",
    ),
)
"""For the Jobs of any Workload."""

THREAD_RULES = (
    Rule(
        step="start( \\w+)? thread",
        codes=frozenset({errno.EAGAIN, errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="no more threads may be started here",
        remedy="--set threads to less, or raise the limit (ulimit -u)",
    ),
)
"""For Workloads with a parameter ``threads``."""


def io_uring_rules(instead: str) -> tuple[Rule, ...]:
    """For Workloads with engine ``uring``.

    Args:
        instead: the engine that does the same by calls.
    """
    return (
        Rule(
            step="io_uring_setup",
            codes=REFUSED,
            status=Status.SKIPPED,
            meaning="io_uring is refused to this user",
            remedy="as root: sysctl kernel.io_uring_disabled=0; or leave the sandbox that forbids "
            f"it, or --set engine={instead}",
        ),
        Rule(
            step="io_uring_setup",
            codes=frozenset({errno.ENOSYS}),
            status=Status.SKIPPED,
            meaning="this kernel or its sandbox has no io_uring",
            remedy=f"--set engine={instead}, or a kernel with CONFIG_IO_URING",
        ),
    )


OPEN_DEVICE_RULES = (
    Rule(
        step="query device|open device",
        codes=ABSENT,
        status=Status.FAILED,
        meaning="the device went away during the Run",
        remedy="see dmesg for why; keep it connected, and leave its device-mapper tables alone",
    ),
    Rule(
        step="query device|open device",
        codes=REFUSED,
        status=Status.FAILED,
        meaning="this user may not open the device",
        remedy="run as root",
    ),
)

DEVICE_RULES = (
    *THREAD_RULES,
    Rule(
        step=".*write|f(data)?sync",
        codes=frozenset({errno.ENOSPC}),
        status=Status.FAILED,
        meaning="the storage below the device ran full",
        remedy="free space there, or name another --dir or --device",
    ),
    Rule(
        step="block of the device",
        codes=frozenset({errno.EINVAL}),
        status=Status.SKIPPED,
        meaning="the block must be a multiple of {offset} bytes on {path}",
        remedy="--set block={offset} or a multiple",
        is_ours=True,
    ),
    Rule(
        step="query device",
        codes=frozenset({errno.ENOSPC}),
        status=Status.SKIPPED,
        meaning="{path} is smaller than one block",
        remedy="--set block to less",
        is_ours=True,
    ),
    *OPEN_DEVICE_RULES,
    Rule(
        step="reserve (threads|block)",
        codes=frozenset({errno.ENOMEM}),
        status=Status.SKIPPED,
        meaning="not enough memory for a block of {block} bytes in each of {threads} threads",
        remedy="free some, or --set threads or block to less",
    ),
)
"""For Workloads that work on whole devices, with parameters ``threads`` and ``block``."""
