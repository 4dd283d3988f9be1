"""Whether a cold Trial was one: what the devices read, from the file system's own to the lowest.

A proof that cannot be made is not one of the contrary: a device that counts nothing, a layer that
nobody can look through, bytes that are not on the device as they are in the file.
"""

from collections.abc import Mapping

from loadstone.core.evidence import uncounted_devices
from loadstone.model import Fact, Outcome
from loadstone.provision.model_file import ModelFile
from loadstone.text import printable
from loadstone.workloads.cold_reads.content import fs_type

Evidence = Mapping[str, float]
Facts = Mapping[str, Fact]

# Below this a device read less than the file holds, so some of it came from elsewhere.
_LEAST_READ_SHARE = 0.98
_MOST_READ_SHARE = 1.10
_LEAST_JUDGED_BYTES = 1 << 20
# Of an image, what is read ahead of the file, and its file system's own.
_READ_AHEAD_BYTES = 8 << 20
# What these have on the device as it is in the file is read from there once. Those of the second
# tell what is not so by FIEMAP alone.
_PLAIN = ("ext2", "ext3", "ext4", "xfs")
_JUDGED = (*_PLAIN, "btrfs")
_READ_BYTES = ("block.read_bytes", "disk.read_bytes")


def not_from_device(file: ModelFile, facts: Facts, evidence: Evidence) -> tuple[str, str] | None:
    """Reason and remedy where bytes of a cold load came from a cache below its file system."""
    own, lowest = (_read_share(file, facts, evidence, name) for name in _READ_BYTES)
    remedy = _remedy(facts, evidence)
    if own is not None and own < _LEAST_READ_SHARE:
        return (
            f"the device {device_names(facts)} read only {own:.0%} of the file's bytes: the rest "
            "came from a cache",
            remedy,
        )
    if lowest is None or lowest >= _LEAST_READ_SHARE or not _holds_plainly(facts):
        return None
    below = facts.get("cache.below")
    return (
        f"the disk {disk_names(facts)} read only {lowest:.0%} of the file's bytes: the rest came "
        f"from {below or 'a cache above it'}",
        f"{remedy}; or have the loop device read directly (as root: losetup --direct-io=on)"
        if below
        else remedy,
    )


def notes(file: ModelFile, facts: Facts, evidence: Evidence, outcome: Outcome) -> tuple[str, ...]:
    """What else a cold Trial's reader has to know: where nothing proves it, and foreign I/O."""
    own, lowest = (_read_share(file, facts, evidence, name) for name in _READ_BYTES)
    found = []
    is_alone = file.stored_bytes is not None
    if own is not None and not is_alone and _is_read_again(file, evidence):
        is_pressed = bool(evidence.get("pressure_bytes"))
        found.append(
            "read again under pressure, or other I/O on the device"
            if is_pressed
            else "other I/O on the device"
        )
    if is_shared := _is_shared(file, evidence):
        found.append(f"other I/O on the disk {disk_names(facts)} below")
    if unseen := facts.get("cache.unseen"):
        found.append(
            f"cold as far as Linux shows: {unseen} may have it in a cache that nobody sees"
        )
    elif is_shared or lowest is None or lowest < _LEAST_READ_SHARE:
        found += _unproven_below(facts, evidence)
    if uncounted := uncounted_devices(outcome.before, outcome.after):
        found.append(_uncounted_note(facts, uncounted))
    return tuple(found)


def device_names(facts: Facts) -> str:
    """``sda1``, or of several ``sda1 + sdb1``."""
    return str(facts.get("block.names") or facts.get("block.name"))


def disk_names(facts: Facts) -> str:
    """The lowest devices."""
    return str(facts.get("disk.names") or facts.get("disk.name"))


def _certain_bytes(file: ModelFile, facts: Facts) -> int | None:
    """What a device must read of the file; None where that is not known."""
    if file.stored_bytes is not None:
        return file.stored_bytes
    kind = fs_type(facts)
    if kind not in _JUDGED or file.extents.is_dax:
        return None
    if file.extents.plain_bytes is not None:
        return file.extents.plain_bytes
    return file.bytes if kind in _PLAIN and not file.hole_bytes else None


def _read_share(file: ModelFile, facts: Facts, evidence: Evidence, name: str) -> float | None:
    certain_bytes, read_bytes = _certain_bytes(file, facts), evidence.get(name)
    if certain_bytes is None or certain_bytes < _LEAST_JUDGED_BYTES or read_bytes is None:
        return None
    return read_bytes / certain_bytes


def _holds_plainly(facts: Facts) -> bool:
    """Whether there are images below that hold all byte for byte: else a disk may read less."""
    types = str(facts.get("image.fs_types") or "none")
    return all(kind in _PLAIN for kind in types.split(", "))


def _is_read_again(file: ModelFile, evidence: Evidence) -> bool:
    return evidence[_READ_BYTES[0]] > _MOST_READ_SHARE * file.bytes


def _is_shared(file: ModelFile, evidence: Evidence) -> bool:
    """Whether a disk below read so much that nothing is known of what it read for the file."""
    most_bytes = _MOST_READ_SHARE * file.bytes + _READ_AHEAD_BYTES
    return evidence.get("disk.read_bytes", 0.0) > most_bytes


def _unproven_below(facts: Facts, evidence: Evidence) -> list[str]:
    below = facts.get("cache.below")
    if not below or evidence.get("drop_caches"):
        return []
    return [f"cold but for {below}: nothing shows what that had of the file"]


def _remedy(facts: Facts, evidence: Evidence) -> str:
    if evidence.get("drop_caches"):
        return "stop what else reads the file, or its image; or --set cache=as-is"
    if facts.get("user.is_root"):
        return (
            "run where /proc/sys/vm/drop_caches may be written (outside of a container), so that "
            "caches below this file system are dropped; or --set cache=as-is"
        )
    return "run as root, so that drop_caches reaches caches below this file system"


def _uncounted_note(facts: Facts, uncounted: tuple[str, ...]) -> str:
    is_lowest = all(path.startswith("/sys/class/") for path in uncounted)
    names = printable(disk_names(facts) if is_lowest else device_names(facts))
    return (
        f"{names} counts nothing (queue/iostats is 0, or its driver never does): only the page "
        "cache shows that it was cold"
    )
