"""Counters of kernel files, read before and after the timed region, and how far they moved.

Each parser takes a file's text and returns counters; a new kernel file is one parser and one row
of the table at the end.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from functools import partial

from loadstone.model import Span
from loadstone.result_names import RELEASE_SPAN, TIMED_NS, UNTIMED_NS

Counters = dict[str, float]

_VMSTAT = re.compile(
    r"pgfault|pgmajfault|pgpgin|pgpgout|pswpin|pswpout|pgalloc_.*|pgsteal_.*|pgscan_.*|allocstall_.*"
    r"|compact_.*|thp_.*|pgreuse|pgfree|workingset_refault_.*|htlb_buddy_alloc_.*"
)

# Of memory.events those of version 2; version 1 has oom_kill in memory.oom_control.
_MEMCG = re.compile(
    r"pgscan|pgscan_\w+|pgsteal|pgsteal_\w+|pgmajfault|pswpin|pswpout|workingset_refault_\w+"
    r"|pgpgin|pgpgout|high|max|oom|oom_kill"
)

# Documentation/admin-guide/iostats.rst: fields 1 to 17 of a block device's stat.
_BLOCK_FIELDS = (
    "read_ios",
    "read_merges",
    "read_sectors",
    "read_ms",
    "write_ios",
    "write_merges",
    "write_sectors",
    "write_ms",
    "in_flight",
    "io_ms",
    "queue_ms",
    "discard_ios",
    "discard_merges",
    "discard_sectors",
    "discard_ms",
    "flush_ios",
    "flush_ms",
)
F2FS_COUNTERS = (
    "gc_foreground_calls",
    "gc_background_calls",
    "moved_blocks_foreground",
    "moved_blocks_background",
)
"""Files of a mounted F2FS in ``/sys/fs/f2fs/DISK`` that count."""

_BLOCK_KEPT = ("read_ios", "write_ios", "discard_ios", "flush_ios", "flush_ms")
_SECTOR_BYTES = 512
# Linux keeps a device's counters only while this is 1.
_SWITCH = "queue/iostats"
_UP = ("", "../")
# Those that a path lies on go by their number, and by their name the lowest below them.
_DEVICE_GROUPS = {"block": "/sys/dev/block/", "disk": "/sys/class/block/"}


def timed_ns(evidence: Mapping[str, float]) -> float | None:
    """How long a Trial's timed region took, by the name that its operation has for it."""
    return next((evidence[name] for name in TIMED_NS if name in evidence), None)


def inherent_ns(evidence: Mapping[str, float], spans: Iterable[Span]) -> int:
    """What a Trial cannot do without: the timed region, setting the cache, verification."""
    return (
        int(timed_ns(evidence) or 0)
        + sum(span.end_ns - span.start_ns for span in spans if span.name == RELEASE_SPAN)
        + sum(int(evidence.get(name, 0)) for name in UNTIMED_NS)
    )


def counter_deltas(before: Mapping[str, str], after: Mapping[str, str]) -> Counters:
    """How far the counters of each kernel file moved; what is not known is left out.

    Several block devices are added up, so that of some of which one counts nothing no sum is known.

    Args:
        before, after: path to text, as the core read them.
    """
    sums: Counters = {}
    unknown: set[str] = set()
    for path in after:
        if _parser(path) is None:
            continue
        if not before.get(path) or not after[path]:
            unknown.add(_group(path))
            continue
        for key, moved in _moved(path, before, after).items():
            if moved is None:
                unknown.add(key)
            else:
                sums[key] = sums.get(key, 0.0) + moved
    return {key: total for key, total in sums.items() if not {key, key.split(".")[0]} & unknown}


def busy_ns(before: Mapping[str, str], after: Mapping[str, str]) -> float | None:
    """How long all CPUs together did not idle, whoever they worked for; None if not sampled.

    The kernel counts in ticks of 1 to 10 ms (``/proc/stat``), also what its own threads do.
    """
    moments = [_busy_ticks(texts.get("/proc/stat", "")) for texts in (before, after)]
    if None in moments:
        return None
    start, end = (ticks or 0 for ticks in moments)
    return (end - start) * 1e9 / os.sysconf("SC_CLK_TCK")


def _busy_ticks(text: str) -> int | None:
    """Of the first line: user, nice, system, irq and softirq; not idle, iowait and steal."""
    fields = text.split("\n", 1)[0].split()
    if len(fields) < 8 or fields[0] != "cpu":
        return None
    return sum(int(fields[position]) for position in (1, 2, 3, 6, 7))


def device_files(device: str, is_partition: bool = False) -> tuple[str, str]:
    """A block device's counters, and whether it counts at all; a partition's disk decides that.

    Args:
        device: its directory in /sys.
    """
    return f"{device}/stat", f"{device}{'/..' if is_partition else ''}/{_SWITCH}"


def uncounted_devices(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The ``stat`` files of those block devices that counted no reads, whatever they did."""
    return tuple(
        path
        for path in after
        if path.endswith("/stat")
        and _group(path) in _DEVICE_GROUPS
        and before.get(path)
        and after[path]
        and _moved(path, before, after).get(f"{_group(path)}.read_bytes", 0.0) is None
    )


def _moved(
    path: str, before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, float | None]:
    """How far the counters of one file moved; None for those that the kernel does not keep.

    A block device whose ``queue/iostats`` is 0 keeps none, but flushes, and what device-mapper once
    counted itself: what moved is counted. One that has never counted anything never does.
    """
    parse = _parser(path)
    assert parse is not None
    start, end = parse(before[path]), parse(after[path])
    moved = {key: value - start.get(key, 0.0) for key, value in end.items()}
    switches = _switches(path, before, after)
    if len(switches) > 1 or _has_never_counted(path, after[path]):
        return dict.fromkeys(moved)
    return {key: value or None for key, value in moved.items()} if "0" in switches else {**moved}


def _switches(path: str, *texts: Mapping[str, str]) -> set[str]:
    """What the ``queue/iostats`` of a ``stat`` was, as far as it was read."""
    if _group(path) not in _DEVICE_GROUPS:
        return set()
    device = path.removesuffix("stat")
    found = (text.get(f"{device}{up}{_SWITCH}", "").strip() for text in texts for up in _UP)
    return set(filter(None, found))


def _has_never_counted(path: str, text: str) -> bool:
    return _group(path) in _DEVICE_GROUPS and not any(map(int, re.findall(r"\d+", text)))


def parse_vmstat(text: str) -> Counters:
    """``/proc/vmstat``: faults, paging, reclaim, compaction and THP events."""
    words = (line.split() for line in text.splitlines())
    return {
        f"vmstat.{pair[0]}": float(pair[1])
        for pair in words
        if len(pair) == 2 and _VMSTAT.fullmatch(pair[0])
    }


def parse_block_stat(text: str, kind: str = "block") -> Counters:
    """A block device's ``stat``: I/Os, bytes and flushes, as ``KIND.read_bytes`` and so on."""
    fields = dict(zip(_BLOCK_FIELDS, map(float, text.split()), strict=False))
    counters = {f"{kind}.{key}": fields[key] for key in _BLOCK_KEPT if key in fields}
    for way in ("read", "write"):
        if f"{way}_sectors" in fields:
            counters[f"{kind}.{way}_bytes"] = fields[f"{way}_sectors"] * _SECTOR_BYTES
    return counters


def parse_pressure(resource: str, group: str = "pressure") -> Callable[[str], Counters]:
    """``/proc/pressure/RESOURCE``, or that of a control group: time that some or all tasks were
    stalled, in ns."""

    def parse(text: str) -> Counters:
        return {
            f"{group}.{resource}_{kind}_ns": float(total) * 1000
            for kind, total in re.findall(r"^(some|full) .*total=(\d+)", text, re.MULTILINE)
        }

    return parse


def parse_cpu_stat(text: str) -> Counters:
    """``/proc/stat``, first line: time stolen by the hypervisor, in ns, over all CPUs."""
    fields = text.split("\n", 1)[0].split()
    if len(fields) < 9 or fields[0] != "cpu":
        return {}
    return {"cpu.steal_ns": float(fields[8]) * 1e9 / os.sysconf("SC_CLK_TCK")}


def parse_memory_cgroup(text: str) -> Counters:
    """The ``memory.stat``, ``memory.events`` or ``memory.oom_control`` of a control group.

    Its totals move like counters, but are none: of them what came in and went out is kept.
    """
    pairs = re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE)
    return {f"memcg.{name}": float(value) for name, value in pairs if _MEMCG.fullmatch(name)}


def parse_memory_cgroup_hits(text: str) -> Counters:
    """How often a control group of version 1 met its limit (``memory.failcnt``)."""
    return {"memcg.failcnt": float(text)} if text.strip().isdecimal() else {}


def parse_f2fs_counter(name: str) -> Callable[[str], Counters]:
    """A counter of a mounted F2FS, in ``/sys/fs/f2fs/DISK``; calls of its cleaning, or blocks."""

    def parse(text: str) -> Counters:
        return {f"f2fs.{name}": float(text)} if text.strip().isdecimal() else {}

    return parse


_PARSERS: tuple[tuple[str, Callable[[str], Counters]], ...] = (
    ("/proc/vmstat", parse_vmstat),
    ("/proc/stat", parse_cpu_stat),
    ("/proc/pressure/cpu", parse_pressure("cpu")),
    ("/proc/pressure/io", parse_pressure("io")),
    ("/proc/pressure/memory", parse_pressure("memory")),
    ("*/memory.stat", parse_memory_cgroup),
    ("*/memory.events", parse_memory_cgroup),
    ("*/memory.oom_control", parse_memory_cgroup),
    ("*/memory.failcnt", parse_memory_cgroup_hits),
    ("*/memory.pressure", parse_pressure("memory", "memcg.pressure")),
    ("/sys/dev/block/*/stat", parse_block_stat),
    ("/sys/class/block/*/stat", partial(parse_block_stat, kind="disk")),
    *((f"/sys/fs/f2fs/*/{name}", parse_f2fs_counter(name)) for name in F2FS_COUNTERS),
)


def _parser(path: str) -> Callable[[str], Counters] | None:
    return next((parse for pattern, parse in _PARSERS if fnmatch(path, pattern)), None)


def _group(path: str) -> str:
    """What the names of a file's counters begin with, where several files are added up."""
    found = (group for group, place in _DEVICE_GROUPS.items() if path.startswith(place))
    return next(found, path)
