"""A fio result: the JSON of ``--output-format=json`` or ``json+``, as fio 2 and 3 write it."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadstone.errors import UsageError, system_words
from loadstone.model import Noun
from loadstone.text import printable

NO_RESULT = "import a file as fio wrote it"
"""What to do about a result that nothing but an error or an editor can have made."""

_READ = "results of fio 2.3 to 3 are read"
_LIMIT_BYTES = 64 << 20
_AGAIN = "run fio with --output-format=json --output=FILE"
_VERSION = re.compile(r"fio-(?P<major>[0-9]{1,4})\.(?P<minor>[0-9]{1,4})[\w.-]*")
# Before, a result does not have the options of its jobs.
_OLDEST = (2, 3)
_TERSE = re.compile(r"^[0-9]+;(fio-[^;]*;)?", re.MULTILINE)
_NORMAL = re.compile(r"^Run status group |: \(groupid=[0-9]+, jobs=", re.MULTILINE)
# The sum over the jobs of all hosts, which fio adds to what `--client` prints.
_ALL_CLIENTS = "All clients"


class Latency(msgspec.Struct, frozen=True):
    """Latencies of one kind: figures in ns (µs before fio 3), and in json+ a histogram."""

    min: float = 0
    max: float = 0
    mean: float = 0
    stddev: float = 0
    N: float = 0
    percentile: Mapping[str, float] = {}
    bins: Mapping[str, int] = {}


class Direction(msgspec.Struct, frozen=True, kw_only=True):
    """What a job read, wrote or trimmed. ``bw`` is in KiB/s, ``runtime`` in ms.

    ``io_bytes`` are bytes, but KiB where there is no ``io_kbytes``. fio 2 has neither ``bw_bytes``
    nor ``clat_ns``.
    """

    io_bytes: float = 0
    io_kbytes: float | None = None
    bw: float = 0
    bw_bytes: float | None = None
    iops: float = 0
    runtime: float = 0
    total_ios: float = 0
    short_ios: float = 0
    slat_ns: Latency = Latency()
    clat_ns: Latency | None = None
    clat: Latency | None = None
    lat_ns: Latency = Latency()
    bw_min: float = 0
    bw_max: float = 0
    bw_dev: float = 0
    bw_samples: float = 0
    iops_stddev: float = 0


class FioJob(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a result: a job, or with ``group_reporting`` all jobs of a group.

    ``job_runtime`` is in ms, of all that are reported together.
    """

    name: str = msgspec.field(name="jobname")
    group: int = msgspec.field(name="groupid", default=0)
    error: int = 0
    total_errors: int = msgspec.field(name="total_err", default=0)
    options: Mapping[str, str | int | None] = msgspec.field(name="job options", default={})
    read: Direction = Direction()
    write: Direction = Direction()
    trim: Direction = Direction()
    sync: Direction = Direction()
    start_ms: int = msgspec.field(name="job_start", default=0)
    job_runtime: float = 0
    usr_cpu: float = 0
    sys_cpu: float = 0
    ctx: float = 0
    majf: float = 0
    minf: float = 0
    hostname: str = ""


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    version: str = msgspec.field(name="fio version")
    timestamp: int
    timestamp_ms: int = 0
    options: Mapping[str, str | int | None] = msgspec.field(name="global options", default={})
    jobs: tuple[FioJob, ...] = ()
    client_stats: tuple[FioJob, ...] = ()


class FioResult(Noun, frozen=True, kw_only=True):
    """What one fio run came to. ``ended_ms`` is when it was printed, in ms since 1970.

    ``digest`` is that of the file's bytes: two of the same are one fio run.
    """

    path: str
    digest: str
    version: str
    ended_ms: int
    options: Mapping[str, str]
    jobs: tuple[FioJob, ...]
    hostname: str | None = None


def read_result(path: Path) -> FioResult:
    """Read what fio printed, with whatever warnings stand before or behind the JSON.

    Raises:
        UsageError: it cannot be read, is cut off, holds several results, or none.
    """
    data = _read(path)
    document = _document(path, data.decode("utf-8", "replace"))
    jobs = tuple(job for job in document.jobs or document.client_stats if job.name != _ALL_CLIENTS)
    if not jobs:
        raise UsageError(
            f"{_named(path)}: fio ran no job: the list of jobs is empty",
            remedy="see what fio itself complained of",
        )
    return FioResult(
        path=str(path),
        digest=hashlib.sha256(data).hexdigest(),
        version=document.version,
        ended_ms=document.timestamp_ms or document.timestamp * 1000,
        options=texts_of(document.options),
        jobs=jobs,
        hostname=_hostname(path, jobs),
    )


def texts_of(options: Mapping[str, str | int | None]) -> dict[str, str]:
    """Options as in a job file; one without a value is empty."""
    return {name: "" if value is None else str(value) for name, value in options.items()}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read {_named(path)}: {system_words(error.errno or 0)}",
            remedy="name the file that fio wrote with --output",
        ) from error
    if len(data) > _LIMIT_BYTES:
        raise UsageError(
            f"{_named(path)}: is larger than {_LIMIT_BYTES >> 20} MiB, which no result of fio is",
            remedy=_AGAIN,
        )
    return data


def _document(path: Path, text: str) -> _Document:
    value, end = _first_json(path, text)
    if not isinstance(value, dict) or "fio version" not in value:
        raise UsageError(f"{_named(path)}: is JSON, and no result of fio", remedy=_AGAIN)
    if re.search(r"^\{", text[end:], re.MULTILINE):
        raise UsageError(
            f"{_named(path)}: holds several results of fio",
            remedy="put each fio run into a file of its own; of --status-interval keep the last",
        )
    if "loadstone" in value:
        # With what it does not carry over, such as the lab's clock, it would be another Run.
        raise UsageError(
            f"{_named(path)}: is what `loadstone export` made of a Run, and fio did not measure it",
            remedy="name the Run itself",
        )
    version = str(value["fio version"])
    _require_version(path, version)
    try:
        return msgspec.convert(value, _Document)
    except (msgspec.ValidationError, OverflowError) as error:
        raise UsageError(
            f"{_named(path)}: is no result that this loadstone reads, by {version}: {error}",
            remedy=_READ,
        ) from error


def _require_version(path: Path, version: str) -> None:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise UsageError(
            f"{_named(path)}: {printable(version)!r} is no version of fio", remedy=_READ
        )
    if (int(found["major"]), int(found["minor"])) < _OLDEST:
        raise UsageError(f"{_named(path)}: {version} does not say what its jobs did", remedy=_READ)


def _first_json(path: Path, text: str) -> tuple[object, int]:
    """The first JSON that begins a line, and where it ends."""
    start = re.search(r"^\{", text, re.MULTILINE)
    if start is None:
        raise _no_json(path, text)
    try:
        return json.JSONDecoder().raw_decode(text, start.start())
    except json.JSONDecodeError as error:
        # A text that is cut within a string is complained of where that began.
        is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        words = "is cut off" if is_cut else "is damaged"
        raise UsageError(
            f"{_named(path)}:{error.lineno}: {words}: {error.msg}", remedy=_AGAIN
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{_named(path)}: is damaged: {error}", remedy=_AGAIN) from None


def _no_json(path: Path, text: str) -> UsageError:
    if not text.strip():
        return UsageError(f"{_named(path)}: is empty", remedy=_AGAIN)
    if _TERSE.search(text):
        return UsageError(f"{_named(path)}: is fio's terse output, not its JSON", remedy=_AGAIN)
    if _NORMAL.search(text):
        return UsageError(f"{_named(path)}: is what fio prints for people", remedy=_AGAIN)
    return UsageError(f"{_named(path)}: is no result of fio: it has no JSON", remedy=_AGAIN)


def _hostname(path: Path, jobs: tuple[FioJob, ...]) -> str | None:
    """The host, which only ``fio --client`` tells."""
    names = {job.hostname for job in jobs if job.hostname}
    if len(names) > 1:
        raise UsageError(
            f"{_named(path)}: is of {len(names)} hosts: {printable(', '.join(sorted(names)))}",
            remedy="have fio measure one host a file, and import each",
        )
    return next(iter(names), None)


def _named(path: Path) -> str:
    return printable(str(path))
