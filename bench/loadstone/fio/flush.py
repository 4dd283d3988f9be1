"""A job of fio that writes at random and syncs after each write, as dm-flush."""

from loadstone.errors import UsageError
from loadstone.fio.job import JobReader
from loadstone.fio.mapped_job import (
    IMPORT,
    MappedJob,
    engine_of,
    filename_of,
    io_of,
    is_device,
    one_at_a_time,
    pin_of,
)
from loadstone.fio.values import parse_seconds
from loadstone.model import Value

_ENGINES = {"psync": "pwrite", "sync": "pwrite", "pvsync": "pwrite"}


def mapped_flush(job: JobReader) -> MappedJob:
    """Random writes to a device, with a sync after each.

    Raises:
        UsageError: an option has no value that fio takes, or there is another sync or none.
    """
    sync = _sync(job)
    _one_engine(job)
    block = job.block_size("write")
    parameters: dict[str, Value] = {
        "segments": 1,
        "table": "linear",
        "devices": 1,
        "threads": job.count("numjobs", 1),
        "block": block,
        "sync": sync,
        "io": io_of(job),
        **_writes(job, block),
    }
    name = filename_of(job)
    devices = (name,) if name is not None and is_device(name) else ()
    if not devices:
        job.remarks.append("a loop device is written to, and no file of yours")
    job.text("directory")
    job.remarks.append(
        "through a device-mapper table of one segment; `--set segments=1,1024` is what dm-flush is "
        "about"
    )
    return MappedJob(
        workload="dm-flush",
        parameters=parameters,
        devices=devices,
        pin=pin_of(job),
    )


def _sync(job: JobReader) -> str:
    every = {name: job.count(name, 0) for name in ("fdatasync", "fsync")}
    sync = next((name for name, count in every.items() if count == 1), None)
    if sync is None:
        raise job.refuse(
            "rw", "no workload writes at random without fdatasync=1 or fsync=1", IMPORT
        )
    other = next((name for name, count in every.items() if count and name != sync), None)
    if other is not None:
        job.deviates(other, f"{sync} alone follows each write", "delete the line")
    return sync


def _one_engine(job: JobReader) -> None:
    one_at_a_time(job, engine_of(job, job.text("ioengine", "psync"), _ENGINES))
    for name in ("zero_buffers", "refill_buffers", "scramble_buffers"):
        job.text(name)


def _writes(job: JobReader, block: int) -> dict[str, Value]:
    """For how long, or how many: in fio, of each job, as many as its size has blocks."""
    size_bytes, count = job.size("size"), job.count("number_ios", 0)
    if job.flag("time_based"):
        return {"seconds": max(1, round(_seconds(job, job.text("runtime"))))}
    if count or size_bytes:
        return {"writes": count or max(1, (size_bytes or 0) // block)}
    raise job.refuse(
        "size", "neither it nor number_ios or time_based says for how long", "write number_ios=20"
    )


def _seconds(job: JobReader, text: str) -> float:
    try:
        return parse_seconds(text)
    except UsageError as error:
        raise job.refuse("runtime", error.what, error.remedy or "write 30") from None
