"""Writes that are timed Case by Case: the Jobs, and what is made of their Outcomes."""

import errno
import re
from collections.abc import Mapping

from loadstone.evidence import differences
from loadstone.explain import Rule, explain
from loadstone.model import Case, Finding, Job, Outcome, Status, Subject, Value
from loadstone.targets import Target
from loadstone.units import format_bytes, format_bytes_rounded

# Above this share of what a Case writes, others' dirty data competes with it for the device.
_MOST_FOREIGN_SHARE = 1 / 8
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e6

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_WRITES = ".*write|create|fsync|syncfs"


def _rule(
    step: str, codes: frozenset[int], status: Status, meaning: str, remedy: str, is_ours: bool
) -> Rule:
    return Rule(
        step=step, codes=codes, status=status, meaning=meaning, remedy=remedy, is_ours=is_ours
    )


_RULES = (
    _rule(
        _WRITES,
        _NO_ROOM,
        Status.FAILED,
        "the file system ran full",
        "free space, --set total to less than {total} bytes, or name another --dir",
        is_ours=False,
    ),
    _rule(
        "create",
        _REFUSED,
        Status.FAILED,
        "no file can be made here",
        "name a directory with --dir that this user may write to",
        is_ours=False,
    ),
    _rule(
        "RWF_DONTCACHE write",
        frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}),
        Status.SKIPPED,
        "this kernel or file system has no RWF_DONTCACHE (Linux 6.14; ext4, XFS, btrfs)",
        "--set io=buffered, or direct to go around the page cache",
        is_ours=False,
    ),
    _rule(
        "O_DIRECT open|O_DIRECT write",
        frozenset({errno.EINVAL, errno.EOPNOTSUPP}),
        Status.SKIPPED,
        "this file system refuses O_DIRECT here",
        "--set io=buffered, or name a directory on ext4, XFS, btrfs or F2FS with --dir",
        is_ours=False,
    ),
    _rule(
        "size for O_DIRECT",
        frozenset({errno.EINVAL}),
        Status.SKIPPED,
        "with O_DIRECT the size of a write must be a multiple of {offset} bytes here",
        "--set size={offset} or a multiple",
        is_ours=True,
    ),
    _rule(
        "verify written|read back",
        frozenset({errno.EBADMSG, errno.ENODATA}),
        Status.FAILED,
        "wrong data: what was written to {path} at {offset} is not what is read back",
        "do not trust this path for data; report it with the kernel's release",
        is_ours=True,
    ),
    _rule(
        ".*write|fsync|syncfs|read back",
        frozenset({errno.EIO}),
        Status.FAILED,
        "the device failed",
        "see dmesg for what it says; trust no figure of this device before it is mended",
        is_ours=False,
    ),
    _rule(
        "reserve.*",
        frozenset({errno.ENOMEM}),
        Status.SKIPPED,
        "not enough memory for what a write takes",
        "free some, or --set size to less than {size} bytes",
        is_ours=False,
    ),
)


class PreparedWrite:
    """folio-write with a name for its file; see ``loadstone.workloads.Prepared``.

    ``directory`` is where the file named ``file`` is made by each Trial and removed again.
    """

    def __init__(self, target: Target, subject: Subject, directory: str, file: str) -> None:
        self.path = directory
        self.subject = subject
        self.facts: Mapping[str, Value] = {}
        self._target = target
        self._file = file
        self._samples = target.samples(directory)
        self._page_bytes = int(target.environment(None).facts.get("machine.page_bytes") or 4096)

    def objection(self, case: Case) -> Finding | None:
        size, total = int(case.parameters["size"]), int(case.parameters["total"])
        if size <= total:
            return None
        return Finding(
            status=Status.SKIPPED,
            reason=f"one write of {format_bytes(size)} is more than {format_bytes(total)} in total",
            remedy=f"--set total={format_bytes(size)} or more",
        )

    def job(self, case: Case) -> Job:
        # Of a Trial that was killed the file is still there.
        self._target.remove_file(self._file)
        options = {name: str(value) for name, value in case.parameters.items()}
        kind, _, every = options["sync"].partition(":")
        options |= {"file": self._file, "sync": kind, "every": every or "1"}
        return Job(
            operation="folio-write",
            options=options,
            samples=self._samples,
            timeout_s=_LEAST_LIMIT_S + int(case.parameters["total"]) / _SLOWEST_BYTES_PER_S,
        )

    def judge(self, case: Case, outcome: Outcome) -> Finding:
        if outcome.death:
            return Finding(
                status=Status.FAILED,
                reason=outcome.death,
                remedy="see dmesg; a device that hangs needs mending, a slow one a smaller total",
            )
        if outcome.error:
            return explain(outcome.error, case.parameters, _RULES)
        evidence = {name: float(value) for name, value in outcome.values.items()}
        evidence |= differences(outcome.before, outcome.after)
        evidence |= self._dirty_before(outcome)
        why_invalid = _not_cold(case, evidence)
        return Finding(
            status=Status.INVALID if why_invalid else Status.OK,
            reason=why_invalid,
            remedy="stop what reads the file or its directory" if why_invalid else None,
            metrics=_figures(outcome),
            evidence=evidence,
            notes=_notes(evidence),
        )

    def _dirty_before(self, outcome: Outcome) -> dict[str, float]:
        """What waited to be written back when the timed region began, the whole machine's."""
        text = outcome.before.get("/proc/vmstat", "")
        pages = re.findall(r"^nr_(?:dirty|writeback) (\d+)$", text, re.MULTILINE)
        return (
            {"dirty_before_bytes": float(sum(map(int, pages)) * self._page_bytes)} if pages else {}
        )


def _figures(outcome: Outcome) -> dict[str, float]:
    values = outcome.values
    figures = {
        "throughput": values["bytes"] / values["write_ns"] * 1e9,
        "write_ns": float(values["write_ns"]),
        "cpu_per_gb": values["cpu_ns"] / values["bytes"],
    }
    if "durable_ns" in values:
        figures["durable_ns"] = float(values["durable_ns"])
    return figures


def _not_cold(case: Case, evidence: Mapping[str, float]) -> str | None:
    """Pages that were there before would be written to, whatever the size of their folios."""
    found = evidence["cached_before_bytes"]
    if case.parameters["pattern"] == "fresh" or found == 0:
        return None
    if found < 0:
        return "not known to be cold: the kernel does not tell what is cached of the file"
    return f"not cold: {format_bytes_rounded(found)} of the file stayed in the page cache"


def _notes(evidence: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    if evidence.get("folio_mean_bytes", 0.0) < 0:
        notes.append("folio orders unknown: root may see them (/proc/kpageflags)")
    foreign = evidence.get("dirty_before_bytes", 0.0)
    if foreign > _MOST_FOREIGN_SHARE * evidence["bytes"]:
        notes.append(f"{format_bytes_rounded(foreign)} of others' data waited to be written back")
    return tuple(notes)
