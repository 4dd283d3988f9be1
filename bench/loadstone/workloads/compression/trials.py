"""Trials of compression: builds Jobs, evaluates Outcomes."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from loadstone.core.evidence import device_files
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.compressed_file import (
    CompressedFile,
    CompressionSpec,
    Making,
    compressed_file,
    mounted,
)
from loadstone.provision.image_source import Source
from loadstone.provision.journal import Journal
from loadstone.provision.tunable import kept_tunable
from loadstone.targets import Say, Target
from loadstone.workloads.cold_reads.trials import (
    OPERATION,
    cpu_evidence,
    device_notes,
    page_lost,
    read_figures,
    read_limit_s,
    too_much,
    why_not_cold,
)
from loadstone.workloads.compression.errors import RULES, TRUST_NOT
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options
from loadstone.workloads.set_up import entered_or_skipped

SET_UP_PARAMETERS = frozenset({"file_system", "algorithm", "level", "cluster", "read_ahead"})
"""Those of the file system and its device, of which the core knows nothing."""


def spec_of(case: Case) -> CompressionSpec:
    """How a Case has the file stored."""
    parameters = case.parameters
    return CompressionSpec(
        file_system=str(parameters["file_system"]),
        algorithm=str(parameters["algorithm"]),
        level=int(parameters["level"]),
        cluster_bytes=int(parameters["cluster"]),
    )


@contextlib.contextmanager
def stored_files(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    cases: Sequence[Case],
    say: Say,
) -> Iterator[Mapping[CompressionSpec, CompressedFile | Finding]]:
    """Store the file in each way that the Cases ask for; where that fails, a skip says why.

    Raises:
        LoadstoneError: other data were read than were written.
    """
    with contextlib.ExitStack() as stack:
        yield {
            spec: entered_or_skipped(
                stack, _stored_file(target, journal, directory, source, spec, say)
            )
            for spec in dict.fromkeys(map(spec_of, cases))
        }


@contextlib.contextmanager
def _stored_file(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    spec: CompressionSpec,
    say: Say,
) -> Iterator[CompressedFile]:
    with (
        compressed_file(target, journal, directory, source, spec, say) as stored,
        kept_tunable(target, journal, stored.read_ahead_kb),
    ):
        yield stored


class PreparedCompression:
    """compression with its stored files; see ``loadstone.workloads.Prepared``.

    Args:
        directory: where they are mounted.
        files: what each Case reads, or why that cannot be.
        source: what they were made of.
        is_mounted: holds the mount of the Trial that is carried out. It is made for each, so that
            nothing of the file is in memory but what drop_caches takes.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        journal: Journal,
        directory: PurePath,
        files: Mapping[CompressionSpec, CompressedFile | Finding],
        source: Source,
        is_mounted: contextlib.ExitStack,
    ) -> None:
        self.path = str(directory)
        self.input = input
        self.facts: Mapping[str, Value] = _facts(files, source)
        self._target = target
        self._journal = journal
        self._directory = directory
        self._files = files
        self._source = source
        self._mounted = is_mounted

    def skip_reason(self, case: Case) -> Finding | None:
        stored = self._files[spec_of(case)]
        if isinstance(stored, Finding):
            return stored
        return too_much(case, stored.bytes, "the file has")

    def job(self, case: Case) -> Job:
        """The Job, once the file system is freshly mounted."""
        stored = self._stored(case)
        # A Trial that crashed has left it.
        self._mounted.close()
        self._target.write_text(stored.read_ahead_kb, str(int(case.parameters["read_ahead"]) >> 10))
        file = self._mounted.enter_context(mounted(stored, self._journal, self._directory))
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        options |= {"file": str(file), "checksums": self._source.checksums}
        return Job(
            operation=OPERATION,
            options=options,
            samples=(
                *self._target.samples(None),
                *device_files(f"/sys/dev/block/{stored.number}"),
            ),
            timeout_s=read_limit_s(int(case.parameters["total"])),
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        self._mounted.close()
        if lost := page_lost(outcome.crash, TRUST_NOT):
            return lost
        if found := failure(outcome, case.parameters, RULES):
            return found
        stored = self._stored(case)
        evidence = evidence_of(outcome)
        evidence |= cpu_evidence(outcome, evidence["bytes"])
        evidence |= making_evidence(stored.making, stored.bytes)
        figures = read_figures(outcome, evidence)
        figures["stored_ratio"] = stored.making.stored_bytes / stored.bytes
        notes = device_notes(evidence, is_direct=stored.is_direct)
        return measured(figures, evidence, why_not_cold(evidence), tuple(notes))

    def _stored(self, case: Case) -> CompressedFile:
        stored = self._files[spec_of(case)]
        assert isinstance(stored, CompressedFile), "a Case without a reason to skip it has a file"
        return stored


def making_evidence(making: Making, file_bytes: int) -> dict[str, float]:
    """What it took to store the file: once for a Run, and so the same in all its Trials."""
    found: dict[str, float] = {
        "stored_bytes": making.stored_bytes,
        "store_ns": making.elapsed_ns,
    }
    if making.cpu_ns is not None:
        found["store_cpu_s_per_gb"] = making.cpu_ns / file_bytes
    if making.written_bytes is not None:
        found["written_bytes"] = making.written_bytes
        found["written_ratio"] = making.written_bytes / file_bytes
    if making.saved_blocks is not None:
        found["saved_blocks"] = making.saved_blocks
    return found


def _facts(
    files: Mapping[CompressionSpec, CompressedFile | Finding], source: Source
) -> dict[str, Value]:
    makers = {
        f"{spec.file_system}.mkfs": stored.maker
        for spec, stored in files.items()
        if isinstance(stored, CompressedFile)
    }
    return {"file.bytes": source.bytes, "file.crc32c": f"{source.crc32c:08x}", **makers}
