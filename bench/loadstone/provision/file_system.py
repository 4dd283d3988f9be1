"""A file system of its own on a device that is Loadstone's to write to: made, mounted, taken down.

Everything about it that could vary is fixed, and nothing goes on in it behind the timed region.
"""

import contextlib
import os
import secrets
import shlex
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from loadstone.environment.capabilities import limits_of_root
from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError, system_words
from loadstone.model import Noun
from loadstone.programs import load_module, run_program
from loadstone.provision.journal import Journal
from loadstone.provision.removers import is_mounted

PACKAGES = {"ext4": "e2fsprogs", "xfs": "xfsprogs", "btrfs": "btrfs-progs", "f2fs": "f2fs-tools"}
"""Debian's package with the ``mkfs`` of each type that can be made."""

OTHER_MKFS, OTHER_MOUNT = "change mkfs or fs", "change mount or fs"
"""What to do about a refusal of either; a Workload without such parameters has words of its own."""

_FILE_SYSTEMS = Path("/proc/filesystems")


class MadeFileSystem(Noun, frozen=True, kw_only=True):
    """A mounted file system, and what an Environment says of how it was made."""

    path: Path
    facts: Mapping[str, str]


@contextlib.contextmanager
def made_file_system(
    device: str,
    type: str,
    mkfs_options: str,
    mount_options: str,
    where: Path,
    journal: Journal | None = None,
) -> Iterator[MadeFileSystem]:
    """Make a file system and mount it; unmounted at the end. All that was on the device is lost.

    Args:
        device: a block device; whoever calls has made sure that it may be written to.
        type: a key of ``PACKAGES``.
        mkfs_options: for mkfs, quoted as for a shell; added to Loadstone's own.
        mount_options: as for ``mount -o``, or empty.
        where: the mount point; made where it is missing.
        journal: has the mount written down before; then ``where`` is a path of ours
            (``…/loadstone-…``), and gone at the end.

    Raises:
        UsageError: the type is unknown, or the options are no words.
        CannotMeasureError: mkfs or the kernel's part is missing, or one of them refuses.
    """
    zoned = is_zoned(device)
    program, *words = mkfs_command(device, type, mkfs_options, zoned)
    if type == "btrfs" and not zoned:
        _wipe(device)
    refusal = run_program(program, PACKAGES[type], *words)
    if refusal is not None:
        raise CannotMeasureError(f"{shlex.join([program, *words])}: {refusal}", remedy=OTHER_MKFS)
    with mounted_file_system(device, type, mount_options, where, journal):
        facts = {
            "fs.mkfs": shlex.join([program, *words]),
            "fs.mount_options": mount_options or "defaults",
        }
        yield MadeFileSystem(path=where, facts=facts)


@contextlib.contextmanager
def mounted_file_system(
    device: str, type: str, mount_options: str, where: Path, journal: Journal | None = None
) -> Iterator[None]:
    """Mount what lies on a device; unmounted at the end. Arguments as of ``made_file_system``.

    Raises:
        CannotMeasureError: the kernel's part is missing, or it refuses.
    """
    load_file_system(type)
    registered = (
        journal.registered("mount", str(where)) if journal else _unmounted_at_the_end(where)
    )
    with registered:
        _mount(device, type, mount_options, where)
        yield


def mount_point(directory: PurePath) -> Path:
    """A path of ours below a directory, for something to be mounted on; it is not made here."""
    return Path(directory) / f"loadstone-mount-{os.getpid()}-{secrets.token_hex(4)}"


def mkfs_command(device: str, type: str, options: str, zoned: bool) -> list[str]:
    """The command that makes a file system, always the same one for the same device.

    Raises:
        UsageError: the type is unknown or has no use of zones, or the options are no words.
    """
    if type not in PACKAGES:
        raise UsageError(f"--fs {type}: cannot be made", remedy=f"there are {', '.join(PACKAGES)}")
    if zoned and type == "ext4":
        raise UsageError(
            f"--fs ext4: {device} has zones, ext4 knows none", remedy="take f2fs or btrfs"
        )
    try:
        wanted = shlex.split(options)
    except ValueError as error:
        raise UsageError(f"--mkfs {options}: {error}", remedy="quote them as for a shell") from None
    # By the device: XFS and btrfs refuse to mount two of the same identity at once.
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"loadstone:{device}"))
    match type:
        case "ext4":
            own = ["-q", "-F", "-U", identity]
            return ["mkfs.ext4", *own, *_ext4_options(wanted, identity), device]
        case "xfs":
            return ["mkfs.xfs", "-q", "-f", "-m", f"uuid={identity}", *wanted, device]
        case "btrfs":
            zones = ["-O", "zoned", "-d", "single", "-m", "single"] if zoned else []
            return ["mkfs.btrfs", "-q", "-f", "-U", identity, *zones, *wanted, device]
        case _:
            zones = ["-m"] if zoned else []
            return ["mkfs.f2fs", "-f", "-r", "-U", identity, *zones, *wanted, device]


def is_zoned(device: str) -> bool:
    """Whether a block device has zones that must be written in order."""
    attribute = Path("/sys/class/block") / Path(device).resolve().name / "queue/zoned"
    try:
        return attribute.read_text().strip() != "none"
    except OSError:
        return False


def _ext4_options(options: list[str], identity: str) -> list[str]:
    """The user's and ours: mkfs.ext4 takes only the last -E of several.

    Lazy initialisation would write from a kernel thread while something else is timed.
    """
    extended = [f"hash_seed={identity}", "lazy_itable_init=0", "lazy_journal_init=0"]
    rest: list[str] = []
    words = iter(options)
    for word in words:
        if word == "-E":
            extended.append(next(words, ""))
        elif word.startswith("-E"):
            extended.append(word[2:])
        else:
            rest.append(word)
    return [*rest, "-E", ",".join(filter(None, extended))]


def _wipe(device: str) -> None:
    """mkfs.btrfs takes the identity of what it is about to replace for somebody else's."""
    refusal = run_program("wipefs", "util-linux", "--all", "--quiet", device)
    if refusal is not None:
        raise CannotMeasureError(
            f"wipefs --all {device}: {refusal}", remedy="end what still uses it"
        )


def load_file_system(type: str) -> None:
    """Have the kernel know a type of file systems.

    Raises:
        CannotMeasureError: it has none of that name.
    """
    if f"\t{type}\n" in _FILE_SYSTEMS.read_text():
        return
    try:
        load_module(type)
    except CannotMeasureError as refusal:
        raise CannotMeasureError(
            f"this kernel has no {type}: {refusal.what}",
            remedy=f"{refusal.remedy}; `loadstone lab run WORKLOAD` boots a kernel that has {type}",
        ) from None


def _mount(device: str, type: str, options: str, where: Path) -> None:
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotMeasureError(
            f"make mount point {where}: {system_words(error.errno or 0)}",
            remedy="name another directory",
        ) from error
    words = ["-t", type, *(["-o", options] if options else []), device, str(where)]
    refusal = run_program("mount", "mount", *words)
    if refusal is not None:
        raise _mount_error(f"{shlex.join(['mount', *words])}: {refusal}")


def _mount_error(what: str) -> CannotMeasureError:
    limits = limits_of_root(_read_text)
    if os.geteuid() or limits:
        return CannotMeasureError(
            f"{what} ({limits or 'this user is not root'})",
            remedy="run as the machine's own root, with CAP_SYS_ADMIN (docker run --privileged); "
            "--set fs=dir mounts nothing, and `loadstone lab run` needs no root",
        )
    return CannotMeasureError(what, remedy=OTHER_MOUNT)


def _read_text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


@contextlib.contextmanager
def _unmounted_at_the_end(where: Path) -> Iterator[None]:
    is_made = not where.exists()
    try:
        yield
    finally:
        try:
            _unmount(where)
        finally:
            if is_made:
                with contextlib.suppress(OSError):
                    where.rmdir()


def _unmount(where: Path) -> None:
    refusal = run_program("umount", "mount", str(where)) if is_mounted(where) else None
    if refusal is not None:
        raise LoadstoneError(
            f"umount {where}: {refusal}", remedy="end what still uses it, then unmount it"
        )
