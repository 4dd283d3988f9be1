"""A Target that answers the doctor as a test wants it to, and its Diagnosis."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadstone import targets
from loadstone.doctor.diagnosis import Diagnosis, diagnose
from loadstone.doctor.probes import Check
from loadstone.model import Environment, Fact, Job, Outcome

FILE_BYTES = 1 << 20


ALL_IS_WELL = dict.fromkeys(
    (
        *("uring", "uring-sqpoll", "anon", "thp", "hugetlb", "memfd", "memfd-hugetlb", "udmabuf"),
        *("memfd-thp", "udmabuf-thp", "udmabuf-hugetlb"),
        *("drop_caches", "direct", "dontcache", "page-cache", "copy-range", "sendfile"),
    ),
    0,
)


HEAP_IS_WELL = dict.fromkeys(
    (
        *("dma-heap", "heap-alloc-and-read", "heap-alloc-file", "dmabuf-rw-file"),
        *("heap-direct-read", "heap-copy-range"),
    ),
    0,
)


DEVICE_MAPPER = Outcome(values={"version_major": 4, "version_minor": 50, "version_patch": 0})


ZRAM = Outcome(values={"number": 1, "page_bytes": 4096})


class FakeTarget:
    """A Target that answers as it is told: the values of the probe, facts, and small files."""

    name = "fake"
    is_this_machine = True

    def __init__(
        self,
        values: Mapping[str, int] = ALL_IS_WELL,
        heaps: Mapping[str, Mapping[str, int]] | None = None,
        facts: Mapping[str, Fact] | None = None,
        texts: Mapping[str, str] | None = None,
        size_bytes: int = FILE_BYTES,
        device_mapper: Outcome = DEVICE_MAPPER,
        zram: Outcome = ZRAM,
    ) -> None:
        self._values = values
        self._heaps = heaps or {}
        self._facts = {"memory.hugetlb_free_pages": 99, "block.device": "8:0", **(facts or {})}
        self._texts = texts or {}
        self._size_bytes = size_bytes
        self._devices = {"dm-table": device_mapper, "zram-device": zram}
        self.probed_heaps: list[str] = []

    def execute(self, job: Job) -> Outcome:
        if job.operation in self._devices:
            return self._devices[job.operation]
        if job.operation == "stat":
            return self._looked_at(job.options["file"])
        if job.operation == "list-directories":
            (path,) = job.samples
            return Outcome(before={path: "".join(f"{heap} {path}\n" for heap in self._heaps)})
        if job.operation == "clock-step":
            return Outcome(values={"clock_step_ns": 52})
        heap = job.options.get("heap")
        if heap is None:
            return Outcome(values=self._values)
        self.probed_heaps.append(heap)
        if heap in self._heaps and not self._heaps[heap]:
            return Outcome(crash="killed by SIGSEGV")
        return Outcome(
            values={**self._values, **self._heaps.get(heap, dict.fromkeys(HEAP_IS_WELL, -2))}
        )

    def environment(self, path: str | None) -> Environment:
        del path
        return Environment(target=self.name, facts=self._facts)

    def _looked_at(self, path: str) -> Outcome:
        names = ("allocated_bytes", "inode", "mtime_ns", "free_bytes")
        numbers = (f"{kind}_{part}" for kind in ("device", "rdev") for part in ("major", "minor"))
        values = {"type": stat.S_IFREG, "file_bytes": self._size_bytes, "readable": 0}
        return Outcome(values=dict.fromkeys((*names, *numbers), 0) | values, before={path: path})

    def read_text(self, path: str) -> str | None:
        return self._texts.get(path)

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        return {path: self._texts[path] for path in paths if path in self._texts}

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the doctor has no business with {name}")


def of_fake(target: FakeTarget, tmp_path: Path) -> Diagnosis:
    return diagnose(target, "/data/model.gguf", tmp_path / "results")  # type: ignore[arg-type]  # a fake has what is used


def of_local(file: Path | None, results: Path) -> Diagnosis:
    with targets.connect("local", results) as target:
        return diagnose(target, None if file is None else str(file), results)


def named(diagnosis: Diagnosis, name: str) -> Check:
    return next(check for check in diagnosis.checks if check.name == name)
