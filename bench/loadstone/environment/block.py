"""Block devices: the queue of one, and what lies beneath it down to the disk.

Source: Documentation/ABI/stable/sysfs-block, testing/sysfs-block-dm; ``slaves`` is the kernel's
word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from loadstone.core.remote_files import Execute, list_directories
from loadstone.environment import ReadTexts
from loadstone.environment.sysfs import number_or_text, parse_word, selected_word
from loadstone.environment.ufs import ufs_facts
from loadstone.model import Fact, Job, Noun
from loadstone.text import printable

_DEVICE = re.compile(r"[0-9]+:[0-9]+")
_LONGEST = 128
_FILES = ("dev", "dm/name", "dm/uuid", "loop/backing_file", "loop/dio")
# FBE or FDE over a linear or verity table over a partition are three; LVM over RAID has more.
_DEEPEST = 8
_WIDEST = 64
_QUEUE_FACTS = (
    "scheduler",
    "nr_requests",
    "read_ahead_kb",
    "max_sectors_kb",
    "logical_block_size",
    "physical_block_size",
    "rotational",
    "write_cache",
    "io_poll",
    "iostats",
)
# A disk's own names, by SCSI and UFS, NVMe, then MMC.
_DISK_FILES = {
    "disk.vendor": ("vendor",),
    "disk.model": ("model", "name"),
    "disk.revision": ("rev", "firmware_rev", "fwrev"),
}


# How the disks of virtual machines are reached, by the directories of their real path.
_VIRTUAL_BUSES = {
    "virtio": re.compile(r"/virtio[0-9]+/"),
    "xen": re.compile(r"/vbd-[0-9]+/"),
    "hyper-v": re.compile(r"/VMBUS:"),
}


class BlockNode(Noun, frozen=True, kw_only=True):
    """A block device, its real path in /sys, and those that it lies on.

    ``image`` is the file that a loop device is made of, which ``reads_directly`` or through the
    page cache; below it is then what that lies on.
    """

    path: str
    number: str | None = None
    dm_name: str | None = None
    dm_uuid: str | None = None
    is_partition: bool = False
    image: str | None = None
    reads_directly: bool = False
    below: tuple["BlockNode", ...] = ()

    @property
    def name(self) -> str:
        """``sda33``."""
        return PurePosixPath(self.path).name

    def __str__(self) -> str:
        """``dm-7 (userdata) over sda33 of sda``."""
        mapped = f" ({named})" if (named := self.dm_name or self.image) else ""
        disk = f" of {PurePosixPath(self.path).parent.name}" if self.is_partition else ""
        texts = [
            f"({one})" if one.below and len(self.below) > 1 else str(one) for one in self.below
        ]
        return f"{self.name}{mapped}{disk}{' over ' if texts else ''}{' and '.join(texts)}"

    def dm_names(self) -> Iterator[str]:
        """The names of the device-mapper devices in it, from the top."""
        if self.dm_name:
            yield self.dm_name
        for node in self.below:
            yield from node.dm_names()

    def lowest(self) -> Iterator["BlockNode"]:
        """The devices at the bottom."""
        if not self.below:
            yield self
        for one in self.below:
            yield from one.lowest()

    def disk(self) -> str:
        """The real path of the disk, which a partition is one of."""
        return str(PurePosixPath(self.path).parent) if self.is_partition else self.path


def queue_facts(read_texts: ReadTexts, device: str | None) -> dict[str, Fact]:
    """The block queue of a device, ``MAJ:MIN``, or None where there is none. One round trip."""
    if device is None:
        return {"block.device": None}
    base = f"/sys/dev/block/{device}"
    # A partition has no queue of its own: its disk's is one directory up.
    queues = (f"{base}/queue", f"{base}/../queue")
    names = (*_QUEUE_FACTS, "../device/model")
    texts = read_texts([f"{base}/uevent", *(f"{at}/{name}" for at in queues for name in names)])
    queue = next((at for at in queues if f"{at}/logical_block_size" in texts), queues[-1])
    scheduler = texts.get(f"{queue}/scheduler")
    return {
        "block.device": device,
        **{f"block.{name}": number_or_text(texts.get(f"{queue}/{name}")) for name in _QUEUE_FACTS},
        "block.scheduler": selected_word(scheduler) or (scheduler or "").strip() or None,
        "block.name": _uevent(texts.get(f"{base}/uevent", "")).get("DEVNAME"),
        "block.model": number_or_text(texts.get(f"{queue}/../device/model")),
    }


def stack_facts(
    read_texts: ReadTexts, execute: Execute, stacks: Sequence[BlockNode]
) -> dict[str, Fact]:
    """The devices in words down to the disk, and where there is one disk what that is."""
    if not stacks:
        return {}
    facts: dict[str, Fact] = {"block.stack": printable(" + ".join(map(str, stacks)))}
    if targets := _dm_targets(execute, stacks):
        facts["block.dm_targets"] = targets
    if len(stacks) == 1 and stacks[0].dm_uuid:
        facts["block.dm_uuid"] = stacks[0].dm_uuid
    disks = list(dict.fromkeys(one.disk() for stack in stacks for one in stack.lowest()))
    if len(disks) != 1:
        return facts
    return {**facts, **_disk_facts(read_texts, disks[0]), **ufs_facts(read_texts, disks[0])}


def read_stacks(
    read_texts: ReadTexts, execute: Execute, devices: Sequence[str]
) -> tuple[BlockNode, ...]:
    """What lies beneath devices, by ``MAJ:MIN``, in a round trip a layer and one; () if unknown."""
    if not all(_DEVICE.fullmatch(device) for device in devices):
        return ()
    tops = [f"/sys/dev/block/{device}" for device in devices]
    entries = _list_stacks(execute, tops)
    if not entries:
        return ()
    real = dict.fromkeys(found["."] for found in entries.values())
    files = [f"{path}/{file}" for path in real for file in _FILES]
    # A partition of a loop device.
    files += [f"{PurePosixPath(path).parent}/{file}" for path in real for file in _FILES[-2:]]
    texts = read_texts(list(dict.fromkeys(files)))
    return tuple(_node(top, entries, texts) for top in tops)


def _list_stacks(execute: Execute, tops: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """What lies in each device's directory, and in its ``slaves``, down to the lowest.

    Empty where one of them cannot be listed: of part of a stack, the lowest are others.
    """
    found: dict[str, Mapping[str, str]] = {}
    places = list(tops)
    for _ in range(_DEEPEST):
        found |= list_directories(
            execute, [path for place in places for path in (place, f"{place}/slaves")]
        )
        if not all("." in found.get(place, {}) for place in places):
            return {}
        places = [
            f"{place}/slaves/{name}"
            for place in places
            for name in found.get(f"{place}/slaves", {})
            if name != "."
        ]
        if not places:
            return found
        if len(places) > _WIDEST:
            break
    return {}


def _uevent(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _dm_targets(execute: Execute, stacks: Sequence[BlockNode]) -> str | None:
    """The targets of each device-mapper device (``userdata: default-key``), if root."""
    names = dict.fromkeys(name for stack in stacks for name in stack.dm_names())
    found = {name: _targets_of(execute, name) for name in names}
    words = [f"{name}: {targets}" for name, targets in found.items() if targets]
    return printable(", ".join(words)) or None


def _targets_of(execute: Execute, name: str) -> str:
    outcome = execute(Job(operation="dm-targets", options={"name": name}))
    if outcome.error or outcome.crash:
        return ""
    counted = {kind.removeprefix("target_"): count for kind, count in outcome.values.items()}
    return " + ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counted.items())


def _node(
    place: str, entries: Mapping[str, Mapping[str, str]], texts: Mapping[str, str]
) -> BlockNode:
    path = entries[place]["."]
    is_partition = "partition" in entries[place]
    disk = PurePosixPath(path).parent if is_partition else path
    slaves = [f"{place}/slaves/{name}" for name in entries.get(f"{place}/slaves", {})]
    return BlockNode(
        path=path,
        number=parse_word(texts.get(f"{path}/dev"), _LONGEST),
        dm_name=parse_word(texts.get(f"{path}/dm/name"), _LONGEST),
        dm_uuid=parse_word(texts.get(f"{path}/dm/uuid"), _LONGEST),
        is_partition=is_partition,
        image=texts.get(f"{disk}/loop/backing_file", "").removesuffix("\n") or None,
        reads_directly=texts.get(f"{disk}/loop/dio", "").strip() == "1",
        below=tuple(_node(one, entries, texts) for one in slaves if one in entries),
    )


def _disk_facts(read_texts: ReadTexts, disk: str) -> dict[str, Fact]:
    texts = read_texts(
        [f"{disk}/device/{file}" for files in _DISK_FILES.values() for file in files]
    )
    facts: dict[str, Fact] = {"disk.name": printable(PurePosixPath(disk).name)}
    for bus, place in _VIRTUAL_BUSES.items():
        if place.search(disk):
            facts["disk.virtual_bus"] = bus
    for name, files in _DISK_FILES.items():
        words = (parse_word(texts.get(f"{disk}/device/{file}"), _LONGEST) for file in files)
        if found := next(filter(None, words), None):
            facts[name] = found
    return facts
