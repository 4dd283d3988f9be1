"""A job of fio that reads in order, as a load."""

import os
from pathlib import Path

from loadstone.fio.job import JobReader
from loadstone.fio.mapped_job import (
    MappedJob,
    cached_io_of,
    engine_of,
    filename_of,
    is_device,
    one_at_a_time,
    pin_of,
)
from loadstone.model import Value
from loadstone.text import printable

_ENGINES = {"psync": "pread", "sync": "pread", "pvsync": "pread", "io_uring": "uring"}
_MAPPED = "mmap-copy"
_HUGE = ("mmaphuge", "shmhuge")
_PLAIN = ("malloc", "mmap", "shm", "mmapshared")


def mapped_load(job: JobReader) -> MappedJob:
    """A file, read once from its beginning to its end.

    Raises:
        UsageError: an option has no value that fio takes, or no engine here is like its.
    """
    engine = _engine(job)
    parameters: dict[str, Value] = {
        "engine": engine,
        "block": job.block_size("read"),
        "cache": _cache(job),
        "threads": _readers(job),
        **_destination(job),
    }
    io = cached_io_of(job)
    if engine != _MAPPED:
        parameters["io"] = io
    elif io == "direct":
        job.deviates("direct", "a mapping is of the page cache", "write direct=0 for that job")
    if engine == "uring":
        parameters |= {"depth": job.count("iodepth", 1), **_ring(job)}
    else:
        one_at_a_time(job, engine)
    _tell_what_differs(job, io == "buffered")
    file, size_bytes, directory = _input(job)
    return MappedJob(
        workload="model-load",
        parameters=parameters,
        file=file,
        size_bytes=size_bytes,
        directory=directory,
        pin=pin_of(job),
    )


def _engine(job: JobReader) -> str:
    name = job.text("ioengine", "psync")
    return _MAPPED if name == "mmap" else engine_of(job, name, _ENGINES)


def _tell_what_differs(job: JobReader, is_buffered: bool) -> None:
    """What fio does by itself, and a load does not."""
    if job.text("fadvise_hint", "1") not in ("0", "none") and is_buffered:
        job.remarks.append(
            "fio advises POSIX_FADV_SEQUENTIAL (fadvise_hint), which doubles read-ahead; a load "
            "does not: --knob read_ahead_kb=…"
        )
    job.remarks.append(
        "fio reads into the buffers of the reads in flight, again and again; a load fills memory "
        "of the file's size"
    )


def _cache(job: JobReader) -> str:
    """fio drops the file before it reads, unless it is told not to, or to read it first."""
    is_dropped, is_read = job.flag("invalidate", True), job.flag("pre_read")
    if is_read:
        return "warm"
    return "cold" if is_dropped else "as-is"


def _destination(job: JobReader) -> dict[str, Value]:
    # A file may stand behind the kind.
    kind = job.text("mem", "malloc").partition(":")[0]
    if kind in _HUGE:
        return {"destination": "hugetlb"}
    if kind not in _PLAIN:
        job.deviates(
            "mem", f"there is no memory {printable(kind)!r} here", "write mem=malloc, or delete it"
        )
    return {"destination": "thp" if job.flag("thp") else "anon"}


def _readers(job: JobReader) -> int:
    count = job.count("numjobs", 1)
    if count > 1:
        job.deviates(
            "numjobs",
            f"in fio each of {count} jobs reads the whole file, here {count} threads read it once "
            "between them",
            "delete the line, or take that: --fio-accept numjobs",
        )
    return count


def _ring(job: JobReader) -> dict[str, Value]:
    fixed = [name for name in ("fixedbufs", "registerfiles") if job.has(name) and job.flag(name)]
    if len(fixed) == 1:
        job.deviates(
            fixed[0],
            "buffers and file are registered both or neither (fixed)",
            "write fixedbufs and registerfiles, or neither",
        )
    polls = [word for name, word in (("sqthread_poll", "sq"), ("hipri", "io")) if job.flag(name)]
    return {
        **({"fixed": True} if fixed else {}),
        **({"poll": "+".join(polls)} if polls else {}),
    }


def _input(job: JobReader) -> tuple[str | None, int | None, str | None]:
    """The file; or the size of one that is made, and the directory where."""
    size_bytes, name = job.size("size"), filename_of(job)
    directory = job.text("directory") or None
    if name is None:
        if not size_bytes:
            raise job.refuse("size", "is not given, and no filename either", "write size=1g")
        return None, size_bytes, directory
    path = str(Path(directory or "", name))
    _require_whole(job, path, size_bytes)
    return path, None, None


def _require_whole(job: JobReader, path: str, size_bytes: int | None) -> None:
    """Of a file that is here: one on another machine is what it is."""
    try:
        file_bytes = os.stat(path).st_size  # noqa: PTH116  # a name that is none is found out later
    except (OSError, ValueError):
        return
    if size_bytes and not is_device(path) and file_bytes != size_bytes:
        job.deviates(
            "size",
            f"a load reads the whole of {printable(path)}, {file_bytes} bytes",
            "delete the line, or take that: --fio-accept size",
        )
