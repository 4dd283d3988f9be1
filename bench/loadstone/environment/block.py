"""Block devices: which one holds a file, its queue, and what lies beneath it down to the disk.

Source: Documentation/ABI/stable/sysfs-block, testing/sysfs-block-dm; ``slaves`` is the kernel's
word.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from loadstone.core.remote_files import Execute
from loadstone.environment import ReadText, ReadTexts, RunCommand
from loadstone.environment.mounts import find_mount, parse_mountinfo
from loadstone.environment.sysfs import number_or_text, parse_word, selected_word
from loadstone.environment.ufs import ufs_facts
from loadstone.model import Fact, Job, Noun
from loadstone.text import printable

# Four layers: FBE or FDE over a linear or verity table over a partition. Each is a line: its place
# in the tree and its real path.
_LIST = (
    'for f in "$0" "$0"/slaves/* "$0"/slaves/*/slaves/* "$0"/slaves/*/slaves/*/slaves/*; do '
    '[ -e "$f" ] && echo "$f" "$(readlink -f "$f")"; done; :'
)
_DEVICE = re.compile(r"[0-9]+:[0-9]+")
_LONGEST = 128
_FILES = ("dm/name", "dm/uuid", "partition")
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
)
# A disk's own names, by SCSI and UFS, NVMe, then MMC.
_DISK_FILES = {
    "disk.vendor": ("vendor",),
    "disk.model": ("model", "name"),
    "disk.revision": ("rev", "firmware_rev", "fwrev"),
}


class BlockNode(Noun, frozen=True, kw_only=True):
    """A block device, its real path in /sys, and those that it lies on."""

    path: str
    dm_name: str | None = None
    dm_uuid: str | None = None
    is_partition: bool = False
    below: tuple["BlockNode", ...] = ()

    @property
    def name(self) -> str:
        """``sda33``."""
        return PurePosixPath(self.path).name

    def __str__(self) -> str:
        """``dm-7 (userdata) over sda33 of sda``."""
        mapped = f" ({self.dm_name})" if self.dm_name else ""
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

    def disks(self) -> Iterator[str]:
        """The real paths of the disks at the bottom."""
        if self.below:
            for one in self.below:
                yield from one.disks()
        else:
            yield str(PurePosixPath(self.path).parent) if self.is_partition else self.path


def device_of(read_text: ReadText, path: str, device_number: int) -> str | None:
    """``MAJ:MIN`` of the block device that holds a file, or None (tmpfs, overlayfs, 9p).

    btrfs and others give files an anonymous device number; then it is the mount's source.
    """
    number = f"{os.major(device_number)}:{os.minor(device_number)}"
    if read_text(f"/sys/dev/block/{number}/stat") is not None:
        return number
    mount = find_mount(parse_mountinfo(read_text("/proc/self/mountinfo") or ""), path)
    if mount is None or not mount.source.startswith("/dev/"):
        return None
    name = PurePosixPath(mount.source).name
    text = read_text(f"/sys/class/block/{name}/dev")
    return text.strip() if text else None


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
    read_texts: ReadTexts, run: RunCommand, execute: Execute, device: str | None
) -> dict[str, Fact]:
    """The stack in words, the disk at its bottom, and the facts of a UFS device.

    Args:
        device: ``MAJ:MIN``, or None where there is none.
    """
    stack = read_stack(read_texts, run, device)
    if stack is None:
        return {}
    facts: dict[str, Fact] = {"block.stack": printable(str(stack))}
    if targets := _dm_targets(execute, stack):
        facts["block.dm_targets"] = targets
    if stack.dm_uuid:
        facts["block.dm_uuid"] = stack.dm_uuid
    disks = list(dict.fromkeys(stack.disks()))
    if len(disks) != 1:
        return facts
    return {**facts, **_disk_facts(read_texts, disks[0]), **ufs_facts(read_texts, disks[0])}


def read_stack(read_texts: ReadTexts, run: RunCommand, device: str | None) -> BlockNode | None:
    """Read what lies beneath a device, in two round trips; None where it cannot be read."""
    if device is None or not _DEVICE.fullmatch(device):
        return None
    top = f"/sys/dev/block/{device}"
    paths = _real_paths(run("sh", "-c", _LIST, top) or "")
    if top not in paths:
        return None
    real = dict.fromkeys(paths.values())
    texts = read_texts([f"{path}/{file}" for path in real for file in _FILES])
    return _node(top, paths, texts)


def _uevent(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _dm_targets(execute: Execute, stack: BlockNode) -> str | None:
    """The targets of each device-mapper device (``userdata: default-key``), if root."""
    names = dict.fromkeys(stack.dm_names())
    found = {name: _targets_of(execute, name) for name in names}
    words = [f"{name}: {targets}" for name, targets in found.items() if targets]
    return printable(", ".join(words)) or None


def _targets_of(execute: Execute, name: str) -> str:
    outcome = execute(Job(operation="dm-targets", options={"name": name}))
    if outcome.error or outcome.crash:
        return ""
    counted = {kind.removeprefix("target_"): count for kind, count in outcome.values.items()}
    return " + ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counted.items())


def _real_paths(listing: str) -> dict[str, str]:
    """The real path of each place in the tree; lines of another form are left out."""
    pairs = (line.split(" ") for line in listing.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[1].startswith("/sys/")}


def _node(place: str, paths: Mapping[str, str], texts: Mapping[str, str]) -> BlockNode:
    path = paths[place]
    inside = re.compile(re.escape(place) + r"/slaves/[^/]+")
    return BlockNode(
        path=path,
        dm_name=parse_word(texts.get(f"{path}/dm/name"), _LONGEST),
        dm_uuid=parse_word(texts.get(f"{path}/dm/uuid"), _LONGEST),
        is_partition=f"{path}/partition" in texts,
        below=tuple(_node(one, paths, texts) for one in paths if inside.fullmatch(one)),
    )


def _disk_facts(read_texts: ReadTexts, disk: str) -> dict[str, Fact]:
    texts = read_texts(
        [f"{disk}/device/{file}" for files in _DISK_FILES.values() for file in files]
    )
    facts: dict[str, Fact] = {"disk.name": printable(PurePosixPath(disk).name)}
    for name, files in _DISK_FILES.items():
        words = (parse_word(texts.get(f"{disk}/device/{file}"), _LONGEST) for file in files)
        if found := next(filter(None, words), None):
            facts[name] = found
    return facts
