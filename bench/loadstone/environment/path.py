"""What lies beneath a path of a Target: file system, block devices, and the kernel's counters."""

from collections.abc import Sequence

from loadstone.core.evidence import device_files
from loadstone.core.remote_files import Execute, FileStat
from loadstone.environment import ReadText, ReadTexts
from loadstone.environment.block import BlockNode, queue_facts, stack_facts
from loadstone.environment.file_system import feature_facts
from loadstone.environment.mounts import mount_facts
from loadstone.environment.storage import Storage, find_storage
from loadstone.model import Fact
from loadstone.text import printable

MACHINE_SAMPLES = (
    "/proc/vmstat",
    "/proc/stat",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
)
"""Kernel files worth reading around any timed region."""


def path_facts(
    seen: FileStat, read_text: ReadText, read_texts: ReadTexts, execute: Execute
) -> dict[str, Fact]:
    """The facts of what a path lies on, or of the block device that it is."""
    storage = find_storage(seen, read_text, read_texts, execute)
    facts = queue_facts(read_texts, storage.stacks[0].number if storage.stacks else None)
    if storage.mount is not None:
        facts |= mount_facts(storage.mount)
    facts |= feature_facts(read_texts, facts)
    return facts | stack_facts(read_texts, execute, storage.stacks) | _layer_facts(storage)


def path_samples(
    seen: FileStat, read_text: ReadText, read_texts: ReadTexts, execute: Execute
) -> tuple[str, ...]:
    """Kernel files worth reading around a timed region on a path.

    Those of the lowest devices go by another path, as their counters have names of their own.
    """
    storage = find_storage(seen, read_text, read_texts, execute)
    own = [
        file
        for node in storage.stacks
        for file in device_files(f"/sys/dev/block/{node.number}", node.is_partition)
    ]
    lowest = [
        file
        for node in _lowest_below(storage)
        for file in device_files(f"/sys/class/block/{node.name}", node.is_partition)
    ]
    return (*MACHINE_SAMPLES, *own, *lowest)


def _lowest_below(storage: Storage) -> Sequence[BlockNode]:
    """The lowest devices where they are known, and others than the file system's own."""
    if storage.unseen or {node.path for node in storage.lowest} == {
        node.path for node in storage.stacks
    }:
        return ()
    return storage.lowest


def _layer_facts(storage: Storage) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if storage.mount and storage.fs_type != storage.mount.fs_type:
        facts["fs.lower_type"] = storage.fs_type
    for name, texts in (
        ("block.names", [node.name for node in storage.stacks]),
        ("disk.names", [node.name for node in storage.lowest]),
        ("image.paths", [image.path for image in storage.images]),
        ("image.fs_types", [image.fs_type or "unknown" for image in storage.images]),
        ("cache.below", storage.caches),
        ("cache.unseen", storage.unseen),
    ):
        # Of one device there is block.name, or disk.name.
        if len(texts) > name.endswith(".names"):
            facts[name] = printable((" + " if name.endswith(".names") else ", ").join(texts))
    return facts
