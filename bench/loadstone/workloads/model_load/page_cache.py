"""What the page cache held of the file before and after a load, and what follows from it."""

import re
from collections.abc import Mapping

from loadstone.environment.memory_cgroup import MemoryRoom
from loadstone.model import Case, Fact
from loadstone.units import format_bytes_rounded
from loadstone.workloads.cold_reads.cache_state import not_in_state
from loadstone.workloads.model_load.engines import DIRECT, DONTCACHE, MAPPING

# Above this share left in the page cache, a direct load was none.
_MOST_KEPT_SHARE = 0.01
# Below this share left in the page cache, a mapped file was not all in memory.
_LEAST_KEPT_SHARE = 0.99


def is_again(case: Case) -> bool:
    """Whether the second of two loads is timed; no Case of before there was the parameter is."""
    return bool(case.parameters.get("again", False))


def is_read_cold(case: Case) -> bool:
    """Whether the devices have to read the file while it is timed."""
    return case.parameters["cache"] == "cold" and not is_again(case)


def _cached_before(case: Case) -> str:
    """The evidence of what was cached when the cache was as asked for."""
    return "first_cached_before_bytes" if is_again(case) else "cached_before_bytes"


def not_as_asked(
    case: Case, evidence: Mapping[str, float], facts: Mapping[str, Fact]
) -> tuple[str, str] | None:
    """Before the load the file was not cold, or not warm, as the Case says."""
    return not_in_state(
        str(case.parameters["cache"]),
        evidence[_cached_before(case)],
        evidence["file_bytes"],
        is_root=bool(facts.get("user.is_root")),
    )


def not_all_in_memory(
    case: Case, evidence: Mapping[str, float], facts: Mapping[str, Fact], room: MemoryRoom
) -> tuple[str, str] | None:
    """A mapping is the page cache: what was evicted meanwhile is not loaded.

    DAX has no page cache: there the file itself is mapped.
    """
    file_bytes, kept = evidence["file_bytes"], evidence["cached_after_bytes"]
    is_dax = re.search(r"\bdax\b", str(facts.get("fs.options"))) is not None
    if case.parameters["destination"] != MAPPING or kept < 0 or is_dax:
        return None
    if kept >= _LEAST_KEPT_SHARE * file_bytes:
        return None
    return (
        f"not loaded: only {format_bytes_rounded(kept)} of the mapped "
        f"{format_bytes_rounded(file_bytes)} were in memory when the last had come",
        room.remedy,
    )


def not_direct(case: Case, evidence: Mapping[str, float]) -> tuple[str, str] | None:
    """btrfs reads through the page cache into memory that O_DIRECT finds not yet faulted in."""
    kept = evidence["cached_after_bytes"]
    is_cold_and_direct = (case.parameters["io"], case.parameters["cache"]) == (DIRECT, "cold")
    if not is_cold_and_direct or kept <= _MOST_KEPT_SHARE * evidence["file_bytes"]:
        return None
    return (
        f"not direct: {format_bytes_rounded(kept)} of the file were in the page cache afterwards, "
        "so its file system read it through there",
        "--set overlap=8m (btrfs reads directly into memory that is there), --set io=buffered, "
        "or a file on ext4 or XFS",
    )


def kept_notes(case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
    """What RWF_DONTCACHE left of a cold file, where that is more than a little."""
    kept = evidence["cached_after_bytes"]
    is_dropped = case.parameters["io"] == DONTCACHE and is_read_cold(case)
    if not is_dropped or kept <= _MOST_KEPT_SHARE * evidence["file_bytes"]:
        return ()
    return (f"{format_bytes_rounded(kept)} stayed in the page cache",)
