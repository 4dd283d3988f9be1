"""A job of fio that writes in order, as folio-write."""

from pathlib import PurePosixPath

from loadstone.fio.job import JobReader
from loadstone.fio.mapped_job import (
    IMPORT,
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

_ENGINES = {"psync": "pwrite", "sync": "pwrite", "pvsync": "pwrite", "io_uring": "uring"}


def mapped_write(job: JobReader) -> MappedJob:
    """A file, written from its beginning to its end.

    Raises:
        UsageError: an option has no value that fio takes, or nothing here is like it.
    """
    total = job.size("size")
    if not total:
        raise job.refuse("size", "is not given", "write size=1g")
    engine = engine_of(job, job.text("ioengine", "psync"), _ENGINES)
    threads = _writers(job, total)
    pattern = _pattern(job)
    parameters: dict[str, Value] = {
        "size": job.block_size("write"),
        "total": total * threads,
        "threads": threads,
        "engine": engine,
        "pattern": pattern,
        "io": _write_io(job),
        "sync": _sync(job),
        "payload": _payload(job),
    }
    if engine == "uring":
        parameters["depth"] = job.count("iodepth", 1)
    else:
        one_at_a_time(job, engine)
    prealloc = _prealloc(job)
    if pattern != "overwrite":
        parameters["prealloc"] = prealloc
    return MappedJob(
        workload="folio-write", parameters=parameters, directory=_place(job), pin=pin_of(job)
    )


def _writers(job: JobReader, total: int) -> int:
    count = job.count("numjobs", 1)
    if count > 1:
        job.deviates(
            "numjobs",
            f"in fio each of {count} jobs writes a file of its own, here {count} threads share one "
            f"of {count} × {total} bytes",
            "delete the line, or take that: --fio-accept numjobs",
        )
    return count


def _pattern(job: JobReader) -> str:
    is_over, is_append = job.flag("overwrite"), job.flag("file_append")
    return "append" if is_append else "overwrite" if is_over else "fresh"


def _write_io(job: JobReader) -> str:
    kind = job.text("sync", "none")
    io = cached_io_of(job)
    if kind in ("none", "0"):
        return io
    if kind != "dsync":
        job.deviates(
            "sync",
            "O_DSYNC is used, not O_SYNC",
            "write sync=dsync, or take that: --fio-accept sync",
        )
    if io != "buffered":
        job.deviates("direct", "O_DSYNC is used through the page cache alone", "write direct=0")
    return "dsync"


def _sync(job: JobReader) -> str:
    every, every_data = job.count("fsync", 0), job.count("fdatasync", 0)
    ends = [job.flag(name) for name in ("end_fsync", "fsync_on_close")]
    count = every or every_data
    if every_data:
        job.deviates(
            "fdatasync",
            f"fsync is used, after each {count} writes",
            f"write fsync={count} in its place, or take that: --fio-accept fdatasync",
        )
    if count:
        return f"every:{count}"
    return "end" if any(ends) else "none"


def _payload(job: JobReader) -> str:
    is_zero = job.flag("zero_buffers")
    for name in ("refill_buffers", "scramble_buffers"):
        job.text(name)
    return "zero" if is_zero else "random"


def _prealloc(job: JobReader) -> str:
    """fio sets the space aside before the first write, unless it is told not to."""
    kind = job.text("fallocate", "native")
    if kind in ("keep", "truncate"):
        job.deviates(
            "fallocate",
            f"there is no {kind} here, nothing is set aside",
            "write fallocate=none or native, or take that: --fio-accept fallocate",
        )
    return "fallocate" if kind in ("native", "posix", "1") else "none"


def _place(job: JobReader) -> str | None:
    """Where a file is made; one that is named is never written."""
    name, directory = filename_of(job), job.text("directory")
    if name is None:
        return directory or None
    path = PurePosixPath(directory, name)
    if is_device(str(path)):
        raise job.refuse(
            "filename",
            f"{printable(str(path))} is a device, and writing it in order is no workload",
            IMPORT,
        )
    parent = str(path.parent)
    job.remarks.append(
        f"filename: ignored: no file of yours is written, one is made in {printable(parent)}"
    )
    return parent
