"""Cases of the jobs of a fio result: their parameters, and labels for people."""

import re
from collections.abc import Mapping

from loadstone.errors import UsageError
from loadstone.fio.result_file import NO_RESULT
from loadstone.fio.values import ALIASES, kb_base_of, of_direction, parse_count, parse_size
from loadstone.model import Case, Value
from loadstone.units import format_bytes

WORKLOAD = "fio"

_DEFAULTS: Mapping[str, str] = {"rw": "read", "bs": "4096", "iodepth": "1", "numjobs": "1"}
_SIZES = frozenset({"bs", "size", "io_size", "filesize", "offset", "offset_increment"})
_COUNTS = frozenset({"iodepth", "numjobs", "fsync", "fdatasync", "loops", "rwmixread"})
_FLAGS = frozenset({"direct"})
# Where it lies, what is printed and where to: another run has others and measures the same.
_LEFT_OUT = frozenset(
    {
        *("name", "description", "filename", "directory", "filename_format", "opendir"),
        *("group_reporting", "new_group", "stonewall", "wait_for", "per_job_logs", "thread"),
        *("write_bw_log", "write_lat_log", "write_iops_log", "write_hist_log", "log_avg_msec"),
        *("percentile_list", "clat_percentiles", "lat_percentiles", "slat_percentiles"),
        *("unified_rw_reporting", "disk_util", "kb_base", "unit_base", "significant_figures"),
        *("buffered", "unlink", "create_serialize", "exitall", "eta", "eta-newline"),
    }
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_VALUE = 4096


def directions_of(rw: str) -> tuple[str, ...]:
    """The directions that a job of such an ``rw`` has."""
    kind = rw.partition(":")[0]
    if kind in ("rw", "readwrite", "randrw"):
        return ("read", "write")
    if kind in ("trimwrite", "randtrimwrite"):
        return ("write", "trim")
    return (kind.removeprefix("rand"),)


def parameters_of(
    options: Mapping[str, str], direction: str, version: str, entries: int
) -> dict[str, Value]:
    """The parameters of a Case: all that fio says of the job, with its defaults of what tells most.

    Args:
        entries: how many the result has of the job.

    Raises:
        UsageError: an option's name or value is none.
    """
    said = {ALIASES.get(name, name): text for name, text in options.items()}
    defaults = {**_DEFAULTS, "direct": "0" if said.get("buffered") != "0" else "1"}
    if version.startswith("fio-3"):
        defaults["ioengine"] = "psync"
    if entries > 1:
        defaults["numjobs"] = str(entries)
    complete = {**defaults, **said}
    kb_base = kb_base_of(complete)
    found = {
        name: _value(name, text, direction, kb_base)
        for name, text in complete.items()
        if name not in _LEFT_OUT
    }
    return {**found, "direction": direction}


def case_of(parameters: Mapping[str, Value], job: str) -> Case:
    """The Case of a job's direction."""
    return Case.of(WORKLOAD, _label(job, parameters), parameters)


def _value(name: str, text: str, direction: str, kb_base: int) -> Value:
    """As a number where it is one to fio, so that ``4k`` and ``4096`` are the same Case."""
    if not _NAME.fullmatch(name) or len(text) > _LONGEST_VALUE:
        raise UsageError(f"{name[:64]!r} is no option of fio", remedy=NO_RESULT)
    try:
        if name in _SIZES:
            part = of_direction(text, direction) if name == "bs" else text
            return parse_size(part or _DEFAULTS["bs"], kb_base)
        if name in _COUNTS:
            return parse_count(text)
    except UsageError:
        # A range, a percentage: it is what it is.
        return text
    return text not in ("", "0") if name in _FLAGS else text


def _label(job: str, parameters: Mapping[str, Value]) -> str:
    rw, depth, jobs = (parameters[name] for name in ("rw", "iodepth", "numjobs"))
    block = parameters["bs"]
    words = [
        f"{job}:",
        str(rw),
        *([str(parameters["direction"])] if len(directions_of(str(rw))) > 1 else []),
        format_bytes(block) if isinstance(block, int) else str(block),
        *([str(parameters["ioengine"])] if "ioengine" in parameters else []),
        *(["direct"] if parameters["direct"] else []),
        *([f"×{depth}"] if depth != 1 else []),
        *([f"{jobs} jobs"] if jobs != 1 else []),
    ]
    return " ".join(words)
