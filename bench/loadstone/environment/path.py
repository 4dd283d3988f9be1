"""What lies beneath a path of a Target: file system, block devices, and the kernel's counters."""

import os
import stat

from loadstone.core.remote_files import Execute, FileStat
from loadstone.environment import ReadText, ReadTexts, RunCommand
from loadstone.environment.block import device_of, queue_facts, stack_facts
from loadstone.environment.file_system import feature_facts
from loadstone.environment.mounts import mount_facts
from loadstone.model import Fact

MACHINE_SAMPLES = (
    "/proc/vmstat",
    "/proc/stat",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
)
"""Kernel files worth reading around any timed region."""


def path_facts(
    seen: FileStat, read_text: ReadText, read_texts: ReadTexts, run: RunCommand, execute: Execute
) -> dict[str, Fact]:
    """The facts of what a path lies on, or of the block device that it is."""
    device = device_beneath(seen, read_text)
    facts = queue_facts(read_texts, device)
    if not stat.S_ISBLK(seen.type):
        facts |= mount_facts(read_text, seen.real_path)
    facts |= feature_facts(read_texts, facts)
    return facts | stack_facts(read_texts, run, execute, device)


def path_samples(seen: FileStat, read_text: ReadText) -> tuple[str, ...]:
    """Kernel files worth reading around a timed region on a path."""
    device = device_beneath(seen, read_text)
    return (*MACHINE_SAMPLES, f"/sys/dev/block/{device}/stat") if device else MACHINE_SAMPLES


def device_beneath(seen: FileStat, read_text: ReadText) -> str | None:
    """``MAJ:MIN`` of the block device that holds a file, or that it is; None where none does."""
    number = seen.rdev if stat.S_ISBLK(seen.type) else seen.device
    return device_of(read_text, seen.real_path, os.makedev(*number))
