"""model-load: how long until a model file is in memory that an accelerator can use."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from loadstone.evidence import differences
from loadstone.explain import explain
from loadstone.journal import Journal
from loadstone.model import (
    Better,
    Case,
    Finding,
    Job,
    Kind,
    Metric,
    Outcome,
    Parameter,
    Status,
    Subject,
    Value,
)
from loadstone.model_file import ModelFile, Say, model_file
from loadstone.targets import Target
from loadstone.units import format_bytes, format_bytes_rounded

_TRANSFERS = ("sendfile", "splice", "copy-range")
_HEAP_IOCTLS = ("heap-alloc-and-read", "heap-alloc-file", "dmabuf-rw-file")
_MAPPERS = ("mmap", "mmap-copy")
_MEMFDS = ("memfd", "memfd-hugetlb", "udmabuf")
_MEMORY = ("anon", "thp", "hugetlb")

# What an engine can write into; the first is its default.
_DESTINATIONS = {
    "pread": (*_MEMORY, *_MEMFDS, "dma-heap"),
    "uring": (*_MEMORY, *_MEMFDS, "dma-heap"),
    "mmap": ("mapping",),
    "mmap-copy": (*_MEMORY, *_MEMFDS, "dma-heap"),
    **dict.fromkeys(_TRANSFERS, (*_MEMFDS, "dma-heap")),
    **dict.fromkeys(_HEAP_IOCTLS, ("dma-heap",)),
}
_DIRECT_BY_DEFAULT = ("pread", "uring", *_HEAP_IOCTLS)

# Parameters that only some engines heed; beside the others they fall back to this value.
_SELECTIVE: Mapping[str, tuple[Value, tuple[str, ...]]] = {
    "depth": (1, ("uring",)),
    "fixed": (False, ("uring",)),
    "poll": ("none", ("uring",)),
    "advice": ("none", _MAPPERS),
    "threads": (1, ("pread", "uring", "mmap", "mmap-copy", "splice", "copy-range")),
    "overlap": (0, ("pread", "uring", "mmap-copy", *_TRANSFERS, "dmabuf-rw-file")),
    "buffers": (1, ("pread", "uring", "mmap-copy", *_TRANSFERS, "dmabuf-rw-file")),
}

_PARAMETERS = (
    Parameter(
        name="engine",
        kind=Kind.CHOICE,
        default="uring",
        choices=tuple(_DESTINATIONS),
        help="how bytes travel; the last three are posted ioctls of vendor kernels",
    ),
    Parameter(
        name="io",
        kind=Kind.CHOICE,
        choices=("buffered", "direct"),
        help="through the page cache, or O_DIRECT around it "
        "[direct for pread, uring and the ioctls, else buffered]",
    ),
    Parameter(
        name="destination",
        kind=Kind.CHOICE,
        choices=("mapping", *_MEMORY, *_MEMFDS, "dma-heap:NAME"),
        help="the memory read into [anon; memfd for sendfile, splice, copy-range; "
        "mapping (the file's own) for mmap; dma-heap:system for the ioctls]",
    ),
    Parameter(
        name="block",
        kind=Kind.SIZE,
        default=1 << 20,
        minimum=512,
        help="bytes of one read",
    ),
    Parameter(
        name="depth", kind=Kind.COUNT, default=8, minimum=1, help="reads in flight a ring (uring)"
    ),
    Parameter(
        name="threads", kind=Kind.COUNT, default=1, minimum=1, help="reader threads, a ring each"
    ),
    Parameter(
        name="buffers",
        kind=Kind.COUNT,
        default=1,
        minimum=1,
        help="destination buffers that the file is spread over",
    ),
    Parameter(
        name="overlap",
        kind=Kind.SIZE,
        default=0,
        help="allocate and fault a chunk of this size while the one before is read; 0: off",
    ),
    Parameter(
        name="fixed", kind=Kind.FLAG, default=False, help="registered buffers and file (uring)"
    ),
    Parameter(
        name="poll",
        kind=Kind.CHOICE,
        default="none",
        choices=("none", "sq", "io", "sq+io"),
        help="IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL (uring)",
    ),
    Parameter(
        name="advice",
        kind=Kind.CHOICE,
        default="none",
        choices=("none", "populate", "willneed", "populate-read"),
        help="MAP_POPULATE, MADV_WILLNEED, MADV_POPULATE_READ (mmap, mmap-copy)",
    ),
    Parameter(
        name="cache",
        kind=Kind.CHOICE,
        default="cold",
        choices=("cold", "warm", "as-is"),
        help="page cache before the Trial: gone and proven gone, resident and proven so, or as is",
    ),
    Parameter(
        name="verify",
        kind=Kind.CHOICE,
        default="full",
        choices=("full", "sampled", "off"),
        help="CRC-32C of what arrived: every MiB, every 16th, none",
    ),
)

_METRICS = (
    Metric(name="throughput", unit="B/s", better=Better.HIGHER),
    Metric(name="ready_ns", unit="ns", better=Better.LOWER),
    Metric(name="first_byte_ns", unit="ns", better=Better.LOWER),
    Metric(name="cpu_per_gb", unit="s/GB", better=Better.LOWER),
    Metric(name="release_ns", unit="ns", better=Better.LOWER),
)

_DEFAULT_CASES: tuple[Mapping[str, Value], ...] = (
    {"engine": "mmap-copy"},
    {"engine": "mmap"},
    {"engine": "mmap", "advice": "populate-read"},
    {"engine": "pread", "io": "buffered"},
    {"engine": "pread"},
    {"engine": "sendfile"},
    {"engine": "uring"},
    {"engine": "uring", "destination": "thp", "fixed": True},
    {"engine": "uring", "destination": "thp", "overlap": 32 << 20},
    {"engine": "uring", "destination": "memfd", "overlap": 32 << 20},
    {"engine": "uring", "destination": "udmabuf", "buffers": 32, "overlap": 32 << 20},
    {"engine": "pread", "io": "buffered", "destination": "dma-heap:system"},
)

# Below this a device read less than the file holds, so some of it came from elsewhere.
_LEAST_READ_SHARE = 0.98
_MOST_READ_SHARE = 1.10
_LEAST_JUDGED_BYTES = 1 << 20
_PLAIN_FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs")
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs", "devtmpfs")


class ModelLoad:
    """The Workload; see ``loadstone.workloads.Workload``."""

    name = "model-load"
    summary = "read a model file into memory that an accelerator can use"
    parameters = _PARAMETERS
    metrics = _METRICS

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        return _DEFAULT_CASES

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        engine = str(chosen.get("engine", "uring"))
        parameters: dict[str, Value] = {
            parameter.name: chosen.get(parameter.name, parameter.default)
            if parameter.default is not None
            else chosen.get(parameter.name, _dependent_default(parameter.name, engine))
            for parameter in _PARAMETERS
        }
        remarks = []
        for name, (fallback, engines) in _SELECTIVE.items():
            if engine not in engines:
                if name in chosen and chosen[name] != fallback:
                    remarks.append(f"{name} has no meaning for engine {engine}: left out there")
                parameters[name] = fallback
        return parameters, remarks

    def label(self, parameters: Mapping[str, Value]) -> str:
        words = [_engine_words(parameters)]
        if parameters["destination"] != "mapping":
            words.append(f"→ {parameters['destination']}")
        words.append(_block_words(parameters))
        words += [
            f"{parameters[name]} {name}" for name in ("threads", "buffers") if parameters[name] != 1
        ]
        if parameters["overlap"]:
            words.append(f"overlap {format_bytes(int(parameters['overlap']))}")
        words += [
            word
            for word, is_there in (
                ("fixed", parameters["fixed"]),
                (f"poll {parameters['poll']}", parameters["poll"] != "none"),
                (f"{parameters['cache']}", parameters["cache"] != "cold"),
                (f"verify {parameters['verify']}", parameters["verify"] != "full"),
            )
            if is_there
        ]
        return " ".join(words)

    @contextlib.contextmanager
    def prepare(
        self, target: Target, subject: Subject, cases: Sequence[Case], journal: Journal, say: Say
    ) -> Iterator["PreparedLoad"]:
        del cases
        with model_file(target, subject, journal, say) as file:
            yield PreparedLoad(target, subject, file)


class PreparedLoad:
    """model-load with its file; see ``loadstone.workloads.Prepared``."""

    def __init__(self, target: Target, subject: Subject, file: ModelFile) -> None:
        self.path = file.path
        self.subject = (
            msgspec.structs.replace(subject, size_bytes=file.bytes) if file.is_made else subject
        )
        self.facts: Mapping[str, Value] = {
            "file.bytes": file.bytes,
            "file.hole_bytes": file.hole_bytes,
            "file.crc32c": f"{file.crc32c:08x}",
            "file.is_made": file.is_made,
        }
        self._file = file
        self._samples = target.samples(file.path)
        self._facts = target.environment(file.path).facts

    def objection(self, case: Case) -> Finding | None:
        parameters = case.parameters
        return (
            _mismatch(parameters) or self._without_device(parameters) or self._too_large(parameters)
        )

    def job(self, case: Case) -> Job:
        kind, _, heap = str(case.parameters["destination"]).partition(":")
        options = {name: _core_text(value) for name, value in case.parameters.items()}
        options |= {
            "file": self._file.path,
            "destination": kind,
            "heap": heap,
            "checksums": self._file.checksums,
            "expect-bytes": str(self._file.bytes),
            "expect-inode": str(self._file.inode),
            "expect-mtime-ns": str(self._file.mtime_ns),
        }
        return Job(
            operation="model-load",
            options=options,
            samples=self._samples,
            timeout_s=60 + self._file.bytes / 1e6,
        )

    def judge(self, case: Case, outcome: Outcome) -> Finding:
        if outcome.death:
            return _died(outcome.death)
        if outcome.error:
            return explain(outcome.error, {**case.parameters, "huge_pages": self._huge_pages()})
        evidence = _evidence(outcome)
        why_invalid = _cache_not_as_asked(case, evidence) or self._not_from_device(case, evidence)
        return Finding(
            status=Status.INVALID if why_invalid else Status.OK,
            reason=why_invalid[0] if why_invalid else None,
            remedy=why_invalid[1] if why_invalid else None,
            metrics=_figures(outcome),
            evidence=evidence,
            notes=self._notes(case, evidence),
        )

    def _huge_pages(self) -> int:
        huge_bytes = int(self._facts.get("memory.huge_page_bytes") or (2 << 20))
        return -(-self._file.bytes // huge_bytes) + 1

    def _without_device(self, parameters: Mapping[str, Value]) -> Finding | None:
        if parameters["cache"] != "cold" or self._facts.get("fs.type") not in _MEMORY_FILE_SYSTEMS:
            return None
        return _skip(
            f"{self._file.path} lies on {self._facts['fs.type']}, which is memory: never cold",
            "put the file on a disk, or --set cache=as-is",
        )

    def _too_large(self, parameters: Mapping[str, Value]) -> Finding | None:
        available = self._facts.get("memory.available_bytes")
        if parameters["destination"] == "mapping" or not isinstance(available, int):
            return None
        if self._file.bytes < available:
            return None
        return _skip(
            f"a destination of {format_bytes_rounded(self._file.bytes)} does not fit into "
            f"{format_bytes_rounded(available)} of available memory",
            "free memory, or load a smaller file; --set engine=mmap needs no destination",
        )

    def _not_from_device(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, str] | None:
        """A cold Trial whose bytes the device never read has met a cache that we can't see."""
        share = self._read_share(evidence)
        if case.parameters["cache"] != "cold" or share is None or share >= _LEAST_READ_SHARE:
            return None
        return (
            f"the device {self._facts.get('block.name')} read only {share:.0%} of the file's "
            "bytes: the rest came from a cache",
            "run as root, so that drop_caches reaches caches below this file system",
        )

    def _read_share(self, evidence: Mapping[str, float]) -> float | None:
        is_plain = self._facts.get("fs.type") in _PLAIN_FILE_SYSTEMS and not self._file.hole_bytes
        if not is_plain or self._file.bytes < _LEAST_JUDGED_BYTES:
            return None
        read_bytes = evidence.get("block.read_bytes")
        return None if read_bytes is None else read_bytes / self._file.bytes

    def _notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        notes = []
        if self._file.hole_bytes:
            notes.append(
                f"sparse: {format_bytes_rounded(self._file.hole_bytes)} of holes; "
                "bandwidth above the device's is not the device's"
            )
        share = self._read_share(evidence)
        if case.parameters["cache"] == "cold" and share is not None and share > _MOST_READ_SHARE:
            notes.append("other I/O on the device")
        kind = case.parameters["destination"]
        if kind == "thp" and evidence["huge_bytes"] < self._file.bytes:
            notes.append(f"huge pages: {max(0.0, evidence['huge_bytes']) / self._file.bytes:.0%}")
        return tuple(notes)


def _dependent_default(name: str, engine: str) -> Value:
    if name == "io":
        return "direct" if engine in _DIRECT_BY_DEFAULT else "buffered"
    first = _DESTINATIONS[engine][0]
    return "dma-heap:system" if first == "dma-heap" else first


def _engine_words(parameters: Mapping[str, Value]) -> str:
    engine = str(parameters["engine"])
    if parameters["advice"] != "none":
        engine = f"{engine} {parameters['advice']}"
    if engine.startswith(_MAPPERS):
        return engine if parameters["io"] == "buffered" else f"{engine} {parameters['io']}"
    return f"{engine} {parameters['io']}"


def _block_words(parameters: Mapping[str, Value]) -> str:
    block = format_bytes(int(parameters["block"]))
    return f"{block}×{parameters['depth']}" if parameters["engine"] == "uring" else block


def _core_text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _skip(reason: str, remedy: str) -> Finding:
    return Finding(status=Status.SKIPPED, reason=reason, remedy=remedy)


def _mismatch(parameters: Mapping[str, Value]) -> Finding | None:
    engine, kind = str(parameters["engine"]), str(parameters["destination"]).split(":")[0]
    fitting = _DESTINATIONS[engine]
    if kind not in fitting:
        return _skip(
            f"engine {engine} cannot fill destination {kind}",
            f"it takes {', '.join(fitting)}",
        )
    if engine in _MAPPERS and parameters["io"] == "direct":
        return _skip(
            f"engine {engine} goes through the page cache: there is no direct mapping",
            "--set io=buffered",
        )
    return None


def _died(death: str) -> Finding:
    if "SIGBUS" in death:
        return Finding(
            status=Status.FAILED,
            reason=f"the file shrank while it was mapped, or its device failed: {death}",
            remedy="keep the file still; look for I/O errors in dmesg",
        )
    return Finding(
        status=Status.FAILED, reason=death, remedy="see dmesg; a smaller file may fit into memory"
    )


def _figures(outcome: Outcome) -> dict[str, float]:
    ready_ns, file_bytes = outcome.values["ready_ns"], outcome.values["file_bytes"]
    release = [span.end_ns - span.start_ns for span in outcome.spans if span.name == "release"]
    return {
        "throughput": file_bytes / ready_ns * 1e9,
        "ready_ns": ready_ns,
        "first_byte_ns": outcome.values["first_byte_ns"],
        "cpu_per_gb": outcome.values["cpu_ns"] / file_bytes,
        "release_ns": sum(release),
    }


def _evidence(outcome: Outcome) -> dict[str, float]:
    counted = {name: float(value) for name, value in outcome.values.items()}
    return counted | differences(outcome.before, outcome.after)


def _cache_not_as_asked(case: Case, evidence: Mapping[str, float]) -> tuple[str, str] | None:
    asked, found = case.parameters["cache"], evidence["cached_before_bytes"]
    if asked == "as-is":
        return None
    if found < 0:
        return (
            "the kernel does not show this user what is cached of a file he neither owns nor "
            "may write",
            "copy the file, chown it, run as root, or --set cache=as-is",
        )
    if asked == "cold" and found > 0:
        return (
            f"{format_bytes_rounded(found)} of the file stayed in the page cache",
            "close what maps it, run as root (drop_caches), or --set cache=as-is",
        )
    if asked == "warm" and found < evidence["file_bytes"]:
        return (
            f"only {format_bytes_rounded(found)} of the file were in the page cache",
            "free memory, so that the file stays cached",
        )
    return None


WORKLOAD = ModelLoad()
