"""What a job of fio is here, and what jobs of every kind have in common."""

from collections.abc import Mapping

from loadstone.fio.job import JobReader
from loadstone.model import Noun, Value
from loadstone.text import printable

IMPORT = "run it in fio, and `loadstone import` its result"
"""What to do with a job that no workload can do."""

# Engines that are here under no name, and what is nearest; empty where that is one at a time.
_NEAR = {"libaio": "uring", "posixaio": "uring", "pvsync2": "", "vsync": ""}


class MappedJob(Noun, frozen=True, kw_only=True):
    """What a job is here. ``devices`` are paths of block devices that it would write to."""

    workload: str
    parameters: Mapping[str, Value]
    file: str | None = None
    directory: str | None = None
    size_bytes: int | None = None
    devices: tuple[str, ...] = ()
    pin: str | None = None


def engine_of(job: JobReader, name: str, known: Mapping[str, str]) -> str:
    """Our name of an engine; one that is only near is a deviation.

    Args:
        known: ours by fio's, the first of them for one operation at a time.

    Raises:
        UsageError: nothing here is like it.
    """
    if name in _NEAR:
        near = _NEAR[name] or next(iter(known.values()))
        if near in known.values():
            job.deviates(
                "ioengine",
                f"there is no {name} here, the nearest is engine={near}",
                f"write {' or '.join(known)}, or take that: --fio-accept ioengine",
            )
            return near
    if name not in known:
        raise job.refuse("ioengine", f"no workload has {printable(name)!r} for that", IMPORT)
    return known[name]


def one_at_a_time(job: JobReader, engine: str) -> None:
    """Say of an engine without a queue that it has none."""
    if job.count("iodepth", 1) != 1:
        job.remarks.append(f"iodepth: ignored: {engine} has one operation in flight, as in fio")


def io_of(job: JobReader) -> str:
    """Through the page cache, or around it."""
    is_direct = job.flag("direct", not job.flag("buffered", True))
    return "direct" if is_direct else "buffered"


def cached_io_of(job: JobReader) -> str:
    """Likewise, or through it and out of it at once."""
    io = io_of(job)
    return "dontcache" if job.flag("uncached") else io


def filename_of(job: JobReader) -> str | None:
    """The one file; a colon parts several, unless a backslash stands before it.

    Raises:
        UsageError: there are several.
    """
    text = job.text("filename")
    plain = text.replace("\\:", "\0")
    if ":" in plain:
        raise job.refuse("filename", "names several files", "write a job for each")
    return plain.replace("\0", ":") or None


def is_device(path: str) -> bool:
    """Whether a path is that of a device by its name: the machine may be another one."""
    return path.startswith("/dev/") and not path.startswith("/dev/shm/")


def pin_of(job: JobReader) -> str | None:
    """The CPUs that it may run on."""
    return job.text("cpus_allowed") or None
