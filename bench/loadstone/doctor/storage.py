"""The way from the device to the page cache, beneath one file."""

import errno
from collections.abc import Iterator, Mapping

import msgspec

from loadstone.doctor.probes import DIRECT, DONTCACHE, Check, Group, met, read_probes, unmet
from loadstone.doctor.system_state import Facts
from loadstone.environment.file_system import MEMORY_FILE_SYSTEMS
from loadstone.errors import system_words
from loadstone.text import printable


def storage(facts: Facts, values: Mapping[str, int], path: str) -> Iterator[Check]:
    """File system, block device, O_DIRECT and page cache.

    Args:
        facts: of the Target's Environment, for the file.
        values: of the core's operation ``probe``, for the file.
        path: the file.
    """
    yield met(
        Group.STORAGE,
        "file system",
        f"{_known(facts, 'fs.type')} on {_known(facts, 'fs.source')} at "
        f"{_known(facts, 'fs.mount_point')} ({_known(facts, 'fs.options')})",
    )
    yield _block_device(facts)
    align = values.get("direct_align_bytes", 0)
    for check in read_probes((DIRECT,), values, path, 0):
        detail = f"in multiples of {align} bytes" if check.is_met and align else ""
        yield msgspec.structs.replace(check, detail=detail)
    yield from read_probes((DONTCACHE,), values, path, 0)
    yield _page_cache(-values.get("page-cache", -errno.ENOSYS), path)
    yield from _cold_start(facts)


def _cold_start(facts: Facts) -> Iterator[Check]:
    """What keeps a load from being cold, or that from being proven."""
    kind = facts.get("fs.lower_type") or facts.get("fs.type")
    if kind in MEMORY_FILE_SYSTEMS:
        yield unmet(
            Group.STORAGE,
            "cold start",
            f"{kind} keeps its files in memory: a load from it is never cold",
            "name a --file on a disk, or run with --set cache=as-is",
        )
    elif unseen := facts.get("cache.unseen"):
        yield unmet(
            Group.STORAGE,
            "cold start",
            f"cold as far as Linux shows: {unseen} may have the file in a cache that nobody sees",
            "put the file on a disk of this machine, or run with --set cache=as-is",
        )
    elif (below := facts.get("cache.below")) and not facts.get("user.is_root"):
        yield unmet(
            Group.STORAGE,
            "cold start",
            f"only root can drop {below}",
            "run as root, or have the loop device read directly (as root: losetup --direct-io=on)",
        )


def _block_device(facts: Facts) -> Check:
    device = facts.get("block.device")
    if device is None:
        return unmet(
            Group.STORAGE,
            "block device",
            f"no block device is seen beneath {facts.get('fs.type')}: what the device reads "
            "cannot be counted",
            "put the file on ext4, XFS, btrfs or F2FS, if that matters",
        )
    if facts.get("block.iostats") == 0:
        return unmet(
            Group.STORAGE,
            "block device",
            f"{_known(facts, 'block.name')} counts nothing: its queue/iostats is 0",
            f"as root: echo 1 > /sys/class/block/{_known(facts, 'block.name')}/queue/iostats",
        )
    kind = "rotational" if facts.get("block.rotational") else "not rotational"
    return met(
        Group.STORAGE,
        "block device",
        f"{facts.get('block.names') or _known(facts, 'block.name')} ({device}), "
        f"scheduler {_known(facts, 'block.scheduler')}, "
        f"nr_requests {_known(facts, 'block.nr_requests')}, {kind}, "
        f"{_known(facts, 'block.write_cache')}",
    )


def _known(facts: Facts, name: str) -> str:
    value = facts.get(name)
    return "unknown" if value is None else str(value)


def _page_cache(code: int, path: str) -> Check:
    if not code:
        return met(Group.STORAGE, "page cache", "what is cached of the file can be seen")
    return unmet(
        Group.STORAGE,
        "page cache",
        f"what is cached of {printable(path)} cannot be seen, so neither cold nor warm be proven: "
        f"{system_words(code)}",
        "own the file (copy or chown it), run as root, or run with --set cache=as-is",
    )
