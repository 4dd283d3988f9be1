"""Trials of f2fs-read: builds Jobs, evaluates Outcomes."""

import errno
from collections.abc import Mapping

from loadstone.core.explain import explain
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, CoreError, Finding, Input, Job, Outcome, Value
from loadstone.provision.jobs import execute
from loadstone.targets import Target
from loadstone.workloads.cold_reads import trials as cold_reads
from loadstone.workloads.f2fs_read.errors import RULES
from loadstone.workloads.f2fs_read.file import ReadFile
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

SET_UP_PARAMETERS = frozenset({"immutable", "read_ahead"})
"""Those of the file and its device, of which the core knows nothing."""


class PreparedF2fsRead:
    """f2fs-read with its file; see ``loadstone.workloads.Prepared``.

    Args:
        why_not: why the file cannot be immutable; None where it can, or no Case asks for it.
        changes: whether the attribute is set for each Trial: some Case asks for it.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        file: ReadFile,
        why_not: Finding | None,
        *,
        changes: bool,
    ) -> None:
        self.path = file.directory
        self.input = input
        self.facts: Mapping[str, Value] = file.facts
        self._target = target
        self._file = file
        self._why_not = why_not
        self._changes = changes

    def skip_reason(self, case: Case) -> Finding | None:
        if case.parameters["immutable"] and self._why_not:
            return self._why_not
        return cold_reads.too_much(case, self._file.bytes)

    def job(self, case: Case) -> Job:
        """The Job, once the file is as the Case says, and its inode not in memory."""
        if self._changes:
            set_immutable(self._target, self._file.path, bool(case.parameters["immutable"]))
        read_ahead_kb = str(int(case.parameters["read_ahead"]) >> 10)
        self._target.write_text(self._file.read_ahead_kb, read_ahead_kb)
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        options |= {"file": self._file.path, "checksums": self._file.checksums}
        return Job(
            operation=cold_reads.OPERATION,
            options=options,
            samples=self._file.samples,
            timeout_s=cold_reads.read_limit_s(int(case.parameters["total"])),
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome) | cold_reads.cpu_evidence(outcome, outcome.values["bytes"])
        why_invalid = cold_reads.why_not_cold(evidence)
        figures = cold_reads.read_figures(outcome, evidence)
        return measured(figures, evidence, why_invalid, self._notes(case, evidence))

    def _notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        notes = cold_reads.device_notes(evidence, is_direct=self._file.is_direct)
        if case.parameters["io"] == "buffered":
            notes += _folio_notes(case, evidence)
        return tuple(notes)


def immutable_error(target: Target, path: str, *, is_immutable: bool) -> CoreError | None:
    """Give a file of ours the immutable attribute, or take it away, and have its inode forgotten.

    Returns:
        Why that could not be done, or None.
    """
    options = {"file": path, "immutable": "on" if is_immutable else "off"}
    return execute(target, Job(operation="file-immutable", options=options)).error


def why_not_immutable(target: Target, path: str) -> Finding | None:
    """Why a file of ours cannot be made immutable; where it can, it is."""
    error = immutable_error(target, path, is_immutable=True)
    return explain(error, {}, RULES) if error else None


def set_immutable(target: Target, path: str, is_immutable: bool) -> None:
    """As ``immutable_error``. That somebody has the file open is left for the Trial to meet.

    Raises:
        CannotMeasureError: it could be done before, and no more.
    """
    error = immutable_error(target, path, is_immutable=is_immutable)
    if error and (error.step, error.code) != ("read", errno.EOPNOTSUPP):
        found = explain(error, {}, RULES)
        raise CannotMeasureError(found.reason or "", remedy=found.remedy)


def _folio_notes(case: Case, evidence: Mapping[str, float]) -> list[str]:
    mean_bytes = evidence.get("folio_mean_bytes", 0.0)
    if mean_bytes < 0:
        return [
            "folio orders unknown: root may see them (/proc/kpageflags), if nobody drops caches "
            "meanwhile"
        ]
    # A read of a single page, without read-ahead, takes a single page.
    is_ahead = case.parameters["pattern"] == "sequential" and case.parameters["read_ahead"]
    if case.parameters["immutable"] and is_ahead and 0 < mean_bytes <= evidence["page_bytes"]:
        return [
            "no large folio was read: Linux before 7 has none for immutable files of F2FS, or "
            "somebody has the file open"
        ]
    return []
