"""Jobs of every operation, in each of which system calls are then broken."""

from collections.abc import Iterator
from pathlib import Path

from loadstone.model import Job
from native import sample_jobs

IMAGE = "loadstone-image"
"""The file, beside those of the sample Jobs, that loop devices are made of."""

_BLOCK = 256 << 10
_PAGES = {"total": 256 << 10}
_LOADS: tuple[dict[str, object], ...] = (
    {"cache": "cold", "io": "direct"},
    {"cache": "warm"},
    {"engine": "uring", "io": "direct", "depth": 2},
    {"engine": "uring", "io": "direct", "depth": 2, "fixed": "on"},
    {"engine": "uring", "depth": 2, "fixed": "on", "overlap": 1 << 20},
    {"engine": "uring", "depth": 2, "poll": "sq"},
    {"threads": 2, "overlap": 1 << 20},
    {"destination": "thp"},
    {"destination": "memfd"},
    {"destination": "udmabuf"},
    {"engine": "mmap", "destination": "mapping", "advice": "populate-read"},
    {"engine": "mmap-copy", "advice": "willneed"},
    {"engine": "sendfile", "destination": "memfd"},
    {"engine": "splice", "destination": "memfd"},
    {"engine": "copy-range", "destination": "memfd"},
)
_WRITES: tuple[dict[str, object], ...] = (
    {"io": "direct"},
    {"io": "dsync"},
    {"io": "dontcache"},
    {"pattern": "overwrite"},
    {"pattern": "append", "threads": 2},
    {"prealloc": "fallocate"},
    {"sync": "every", "every": 2},
    {"engine": "uring", "depth": 2, "threads": 2},
    {"engine": "uring", "depth": 2, "sync": "every", "every": 3},
)


def jobs_of(
    operation: str, place: Path, devices: tuple[str, str] | None, zram: str | None
) -> Iterator[Job]:
    """Those of one operation, on the files of ``sample_jobs.prepare``, two devices, and a zram."""
    yield from sample_jobs.jobs_of(operation, place)
    if operation == "model-load":
        yield from (_load(place, options) for options in _LOADS)
    if operation == "folio-write":
        yield from (_write(place, options) for options in _WRITES)
    if operation == "steady-write":
        asked = {"bytes": 32 << 10, "write": 4096, "total": 24 << 12}
        for sync, skew in (("none", "uniform"), ("fdatasync", "80/20")):
            file = {"file": place / "loadstone-steady", "device-stat": place / "stat"}
            yield _job(operation, {**file, **asked, "sync": sync, "skew": skew})
    if operation == "copy-file":
        # What an emulator of another processor answers differs from what a kernel does.
        files = {"source": place / "model", "file": place / "loadstone-f2fs"}
        yield _job("copy-file", {**files, "compress": "f2fs"})
    if devices:
        yield from _on_devices(operation, place, *devices)
    if zram and operation == "page-classes":
        yield _job(operation, {"device": zram, "class": "file", "file": place / "model", **_PAGES})


def _load(place: Path, options: dict[str, object]) -> Job:
    files = {"file": place / "model", "checksums": place / "sums", "cache": "as-is"}
    given = {"engine": "pread", "io": "buffered", "destination": "anon", "verify": "full"}
    return _job("model-load", files | given | {"block": _BLOCK} | options)


def _write(place: Path, options: dict[str, object]) -> Job:
    file = place / "loadstone-written"
    return _job("folio-write", {"file": file, "size": 64 << 10, "total": _BLOCK} | options)


def _on_devices(operation: str, place: Path, device: str, baseline: str) -> Iterator[Job]:
    if operation == "claim-device":
        yield _job(operation, {"device": device})
    if operation == "loop-device":
        for action in ("attach", "detach"):
            yield _job(operation, {"action": action, "image": place / IMAGE})
    if operation == "device-read":
        for io in ("direct", "buffered"):
            yield _job(
                operation, {"device": device, "baseline": baseline, "total": 1 << 20, "io": io}
            )
    if operation == "merge-read":
        asked = {"device": device, "image": baseline, "compared": device, "total": 1 << 18}
        for pattern in ("random", "sequential"):
            yield _job(operation, {**asked, "pattern": pattern, "threads": 2})
    if operation == "write-update":
        # What the image holds is written where it is already.
        asked = {"image": baseline, "device": device, "changed": 1 << 17}
        yield _job(operation, {**asked, "write": "pieces", "piece": 1 << 16})
    if operation == "damaged-read":
        asked = {"device": device, "baseline": baseline, "offset": 1 << 16, "bytes": 1 << 16}
        for read in ("direct", "buffered", "readahead"):
            yield _job(operation, {**asked, "read": read})
    if operation == "dm-flush":
        for sync in ("fdatasync", "fsync", "dsync", "empty"):
            options = {"device": device, "threads": 2, "writes": 2, "sync": sync}
            yield _job(operation, options)


def _job(operation: str, options: dict[str, object]) -> Job:
    return Job(operation=operation, options={key: str(value) for key, value in options.items()})
