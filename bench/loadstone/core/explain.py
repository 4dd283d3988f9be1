"""What an error of the core means to the person who asked, and what to do about it.

Each rule is a step of the core, the errnos it is met with, and the reading. What no rule
knows is a failure with the system's own words.
"""

import errno
import re
from collections.abc import Mapping, Sequence

from loadstone.errors import system_words
from loadstone.model import NO_ANSWER, CoreError, Finding, Noun, Status, Value
from loadstone.text import printable


class Rule(Noun, frozen=True, kw_only=True):
    """One reading: a step (regular expression), a path (likewise), errnos, status, remedy.

    ``is_ours`` says that the core itself refused, so that its errno is not the system's word.
    """

    step: str
    codes: frozenset[int]
    status: Status
    meaning: str
    remedy: str
    path: str = ".*"
    ends_run: bool = False
    is_ours: bool = False


def explain(error: CoreError, parameters: Mapping[str, Value], rules: Sequence[Rule]) -> Finding:
    """Turn an error into a skip or a failure with its reason and remedy.

    Args:
        parameters: the Case's, for remedies that name them (``{destination}``).
        rules: the Workload's; the first that fits is taken, and after them ``COMMON_RULES``.
    """
    words = describe(error)
    rules = (*rules, *COMMON_RULES)
    rule = next((rule for rule in rules if _fits(rule, error, parameters)), None)
    if rule is None:
        return Finding(status=Status.FAILED, reason=words)
    values = {**parameters, "offset": error.offset, "path": printable(error.path)}
    meaning = rule.meaning.format(**values)
    return Finding(
        status=rule.status,
        reason=meaning if rule.is_ours else f"{meaning}: {words}",
        remedy=rule.remedy.format(**values) or None,
        ends_run=rule.ends_run,
    )


def skipped(reason: str, remedy: str) -> Finding:
    """What is said of a Case that cannot be measured here."""
    return Finding(status=Status.SKIPPED, reason=reason, remedy=remedy)


def describe(error: CoreError) -> str:
    """What was tried on what, and what the system said."""
    place = f" at {error.offset}" if error.offset >= 0 else ""
    path = f" {printable(error.path)}" if error.path else ""
    return f"{error.step}{path}{place}: {system_words(error.code)}"


def _fits(rule: Rule, error: CoreError, parameters: Mapping[str, Value]) -> bool:
    subject = f"{error.path} {parameters.get('destination', '')}"
    return bool(
        error.code in rule.codes
        and re.fullmatch(rule.step, error.step)
        and re.match(rule.path, subject)
    )


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
        meaning="none of the CPUs {path} can be had any more",
        remedy="start a new run with --pin of CPUs that stay online and in this cpuset",
        path="[0-9]",
        ends_run=True,
        is_ours=True,
    ),
)
"""What any Workload's Job may meet."""

DEVICE_RULES = (
    Rule(
        step=".*read|.*write|fsync|fdatasync|syncfs|read back|set cache state",
        codes=frozenset({errno.EIO}),
        status=Status.FAILED,
        meaning="the device failed",
        remedy="see dmesg for what it says; trust no figure of this device before it is mended",
    ),
    Rule(
        step=".*write|fsync|fdatasync",
        codes=frozenset({errno.ENOSPC}),
        status=Status.FAILED,
        meaning="the storage below the device ran full",
        remedy="free space there, or name another --dir or --device",
    ),
    Rule(
        step="start thread",
        codes=frozenset({errno.EAGAIN}),
        status=Status.SKIPPED,
        meaning="no more threads may be started here",
        remedy="--set threads to less, or raise the limit (ulimit -u)",
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
)


def crashed(crash: str) -> Finding:
    """What is said of a Trial that had no answer: of a device that hangs, no other has one."""
    return Finding(
        status=Status.FAILED,
        reason=crash,
        remedy="see dmesg; a device that hangs needs mending, a slow one less to do",
        ends_run=crash.startswith(NO_ANSWER),
    )
