"""How much memory the control group of this process leaves it, and what says so.

Page cache and destinations are both charged to it. Of every group up to the highest one that can
be seen the limits count, and the least of what they leave: a limit less what is in use and cannot
be dropped. Source: cgroups(7), Linux's Documentation/admin-guide/cgroup-v2.rst and
cgroup-v1/memory.rst.
"""

import re
import sys
from collections.abc import Mapping

from loadstone.environment import ReadText, ReadTexts
from loadstone.environment.control_group import find_control_group
from loadstone.model import Fact, Noun
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

# Version 1 writes the most that its counter holds where there is no limit.
_NO_LIMIT_BYTES = 1 << 60

_UNSEEN = "; whether its control group has a limit cannot be seen"


class Version(Noun, frozen=True, kw_only=True):
    """The names of one of the two versions' files; ``listing`` is there in every group."""

    listing: str
    limits: Mapping[str, str]
    usage: str
    droppable: tuple[str, ...]


_V1 = Version(
    listing="memory.limit_in_bytes",
    limits={"memory.limit_in_bytes": "limit"},
    usage="memory.usage_in_bytes",
    droppable=("total_active_file", "total_inactive_file"),
)
_V2 = Version(
    listing="cgroup.controllers",
    limits={"memory.max": "limit", "memory.high": "high"},
    usage="memory.current",
    droppable=("active_file", "inactive_file", "slab_reclaimable"),
)


class _Limit(Noun, frozen=True, kw_only=True):
    """One limit: which file sets it, and what it leaves."""

    kind: str
    path: str
    bytes: int
    available_bytes: int


def memory_cgroup_facts(
    own_groups: str, read_text: ReadText, read_texts: ReadTexts
) -> dict[str, Fact]:
    """The limits on the memory of this process, where there are any. Two round trips.

    ``memory.cgroup_limit_bytes`` and ``memory.cgroup_high_bytes`` are the least of all groups',
    the first None where they cannot be read. ``memory.cgroup_available_bytes`` is what the
    narrowest of them leaves, which ``memory.cgroup_narrowest_file`` sets to so many bytes.

    Args:
        own_groups: the text of ``OWN_GROUPS``.
    """
    group = find_control_group("memory", own_groups, read_text("/proc/self/mountinfo") or "")
    if group is None:
        return {}
    version, places = _V2 if group.is_unified else _V1, group.directories
    names = {version.listing, *version.limits, version.usage, "memory.stat"}
    texts = read_texts([f"{place}/{name}" for place in places for name in sorted(names)])
    if not places or f"{places[0]}/{version.listing}" not in texts:
        return {"memory.cgroup": group.path, "memory.cgroup_limit_bytes": None}
    limits = [one for place in places for one in _limits(version, place, texts)]
    limits += _hidden_limit(version, places[0], texts)
    return _facts(group.path, limits)


def _facts(path: str, limits: list[_Limit]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for kind in ("limit", "high"):
        if found := [limit.bytes for limit in limits if limit.kind == kind]:
            facts[f"memory.cgroup_{kind}_bytes"] = min(found)
    if limits:
        narrowest = min(limits, key=lambda limit: limit.available_bytes)
        facts["memory.cgroup"] = path
        facts["memory.cgroup_available_bytes"] = narrowest.available_bytes
        facts["memory.cgroup_narrowest_file"] = narrowest.path
        facts["memory.cgroup_narrowest_bytes"] = narrowest.bytes
    return facts


def _limits(version: Version, place: str, texts: Mapping[str, str]) -> list[_Limit]:
    used_bytes = _in_use_bytes(version, place, texts)
    found = (
        (kind, f"{place}/{name}", _number(texts.get(f"{place}/{name}")))
        for name, kind in version.limits.items()
    )
    return [
        _Limit(kind=kind, path=path, bytes=limit, available_bytes=max(0, limit - used_bytes))
        for kind, path, limit in found
        if limit is not None and limit < _NO_LIMIT_BYTES
    ]


def _hidden_limit(version: Version, place: str, texts: Mapping[str, str]) -> list[_Limit]:
    """Version 1 tells the least limit above a group also to whoever cannot see those groups."""
    if version is not _V1:
        return []
    least = _counters(place, texts).get("hierarchical_memory_limit", _NO_LIMIT_BYTES)
    if least >= _NO_LIMIT_BYTES:
        return []
    available_bytes = max(0, least - _in_use_bytes(version, place, texts))
    path = f"{place}/{version.listing}"
    return [_Limit(kind="limit", path=path, bytes=least, available_bytes=available_bytes)]


def _in_use_bytes(version: Version, place: str, texts: Mapping[str, str]) -> int:
    """What is charged to a group and those below, but for what the kernel drops when asked."""
    counters = _counters(place, texts)
    usage = _number(texts.get(f"{place}/{version.usage}")) or 0
    return max(0, usage - sum(counters.get(name, 0) for name in version.droppable))


def _counters(place: str, texts: Mapping[str, str]) -> dict[str, int]:
    found = re.findall(r"^(\w+) (\d+)$", texts.get(f"{place}/memory.stat", ""), re.MULTILINE)
    return {name: int(value) for name, value in found}


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isdecimal() else None


class MemoryRoom(Noun, frozen=True, kw_only=True):
    """The memory that is available, in words for messages, and what gives more of it."""

    available_bytes: int | None
    words: str
    more: str
    name: str = "memory"
    is_of_cgroup: bool = False
    caveat: str = ""

    @property
    def remedy(self) -> str:
        """For a file that does not fit."""
        return f"{self.more}, or load a smaller file"

    @property
    def limit_bytes(self) -> int:
        """What must not be reached; where it is unknown, nothing does."""
        return sys.maxsize if self.available_bytes is None else self.available_bytes


def memory_room(facts: Mapping[str, Fact]) -> MemoryRoom:
    """What may be used, by the facts of an Environment: a machine's, or a control group's."""
    has_bytes = _int(facts, "memory.available_bytes")
    size = "unknown size" if has_bytes is None else format_bytes_rounded(has_bytes)
    least = _int(facts, "memory.cgroup_narrowest_bytes")
    if least is None or has_bytes != _int(facts, "memory.cgroup_available_bytes"):
        return MemoryRoom(
            available_bytes=has_bytes,
            words=f"the {size} of memory that are available",
            more="free memory",
            caveat=_UNSEEN if facts.get("memory.cgroup_limit_bytes", 0) is None else "",
        )
    file = printable(str(facts.get("memory.cgroup_narrowest_file")))
    return MemoryRoom(
        available_bytes=has_bytes,
        words=f"this cgroup's {format_bytes_rounded(least)} of memory, of which {size} are "
        "available",
        more=f"raise {file} (docker run --memory, systemd's MemoryMax)",
        name="this cgroup's memory",
        is_of_cgroup=True,
    )


def _int(facts: Mapping[str, Fact], name: str) -> int | None:
    value = facts.get(name)
    return value if isinstance(value, int) else None
