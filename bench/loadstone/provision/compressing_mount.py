"""A file written through a mount that compresses, and what that took: F2FS and btrfs."""

import os
import re
from pathlib import Path, PurePath

from loadstone.core.evidence import device_files
from loadstone.environment.mounts import find_mount, parse_mountinfo
from loadstone.errors import CannotMeasureError
from loadstone.model import Job, Noun, Outcome
from loadstone.provision.file_system import made_file_system, mount_point
from loadstone.provision.jobs import execute, job_error
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import device_number
from loadstone.targets import Target

_LIMIT_S = 24 * 3600.0
_OTHERWISE = (
    "see dmesg for what the file system says; F2FS compresses on request from Linux 5.12 on"
)


class WrittenCopy(Noun, frozen=True, kw_only=True):
    """What operation copy-file counted, and what the file takes with what finds it."""

    outcome: Outcome
    stored_bytes: int


def written_copy(
    target: Target,
    journal: Journal,
    directory: PurePath,
    device: str,
    type: str,
    *,
    source: Path,
    name: str,
    mkfs_options: str,
    mount_options: str,
    is_compressed_later: bool,
) -> WrittenCopy:
    """Make a file system on a device, mount it, and copy a file there; unmounted at the end.

    Args:
        directory: has the mount point.
        type: f2fs or btrfs.
        name: of the copy.
        mkfs_options, mount_options: as of ``made_file_system``.
        is_compressed_later: F2FS compresses it when all is written (``compress_mode=user``), and
            what that saves is released.

    Raises:
        CannotMeasureError: mkfs or mount refuses, the kernel made other options of those, or the
            copy cannot be written.
    """
    point = mount_point(directory)
    with made_file_system(device, type, mkfs_options, mount_options, point, journal):
        _require_mounted_so(point, mount_options)
        empty_bytes = _used_bytes(type, point, device)
        job = Job(
            operation="copy-file",
            options={
                "source": str(source),
                "file": str(point / name),
                "compress": "f2fs" if is_compressed_later else "none",
            },
            samples=(
                "/proc/stat",
                *device_files(f"/sys/dev/block/{device_number(device)}"),
            ),
            timeout_s=_LIMIT_S,
        )
        outcome = execute(target, job)
        if outcome.error:
            raise job_error(CannotMeasureError, outcome.error, _OTHERWISE)
        stored_bytes = _used_bytes(type, point, device) - empty_bytes
    return WrittenCopy(outcome=outcome, stored_bytes=stored_bytes)


def _require_mounted_so(point: Path, options: str) -> None:
    """Kernels take a level that they do not have, and another one instead."""
    mounts = parse_mountinfo(Path("/proc/self/mountinfo").read_text())
    mount = find_mount(mounts, str(point.resolve()))
    has = mount.options if mount else ""
    missing = set(options.split(",")) - set(re.split("[,;]", has)) - {""}
    if missing:
        raise CannotMeasureError(
            f"mounted with {','.join(sorted(missing))}, and the kernel made that {has}",
            remedy="--set level to one that this kernel has",
        )


def _used_bytes(type: str, point: Path, device: str) -> int:
    """What a mounted file system holds, metadata included; all of it is on the disk.

    Btrfs's statfs counts what it keeps in reserve, so that it is asked by its own counters.
    """
    if type != "btrfs":
        found = os.statvfs(point)
        return (found.f_blocks - found.f_bfree) * found.f_frsize
    (known,) = Path("/sys/fs/btrfs").glob(f"*/devices/{PurePath(device).name}")
    allocation = known.parents[1] / "allocation"
    return sum(int((allocation / kind / "disk_used").read_text()) for kind in ("data", "metadata"))
