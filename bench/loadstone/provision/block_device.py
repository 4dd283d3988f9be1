"""Block devices that may be written to: Loadstone's own, or the user's that is nobody else's."""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from loadstone.core.evidence import device_files
from loadstone.core.explain import describe
from loadstone.core.remote_files import FileStat, list_names, stat_file
from loadstone.environment.mounts import parse_mountinfo
from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError, as_root, system_words
from loadstone.model import CoreError, Input, Job, Noun, Value
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import loop_device
from loadstone.provision.scratch_file import (
    make_sparse_file,
    require_room,
    scratch_directory,
    scratch_file,
)
from loadstone.provision.simulated.device import simulated_device
from loadstone.provision.simulated.profile import (
    Driver,
    Profile,
    find_profile,
    storage_facts,
    whole_bytes,
)
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

_REFUSED = {errno.EACCES, errno.EPERM}


class BlockDevice(Noun, frozen=True, kw_only=True):
    """A block device that is ours to write to; ``number`` is its ``MAJ:MIN``.

    ``facts`` are what an Environment says of how it was made.
    """

    path: str
    number: str
    bytes: int
    facts: Mapping[str, Value] = {}

    def samples(self, target: Target) -> tuple[str, str]:
        """The kernel files with its counters, and whether it counts; a partition's disk counts."""
        place = f"/sys/dev/block/{self.number}"
        is_partition = target.read_text(f"{place}/partition") is not None
        return device_files(f"{place}/.." if is_partition else place)


@contextlib.contextmanager
def block_devices(
    target: Target,
    input: Input,
    journal: Journal,
    needed_bytes: Sequence[int],
    *,
    written_bytes: int,
) -> Iterator[tuple[BlockDevice, ...]]:
    """As many devices as are needed: those that the user named, else loop devices.

    Args:
        needed_bytes: the least size of each.
        written_bytes: what will be written to all of them and near them, so that a loop
            device's image, which is sparse, has room to grow.

    Raises:
        UsageError: one that was named cannot be taken: mounted, held, too small, ….
        CannotMeasureError: none can be made here.
    """
    with contextlib.ExitStack() as stack:
        if not input.devices:
            directory = scratch_directory(target, input)
            require_room(target, directory, written_bytes, "free some, or name another --dir")
        devices = tuple(
            stack.enter_context(_block_device(target, input, journal, position, size_bytes))
            for position, size_bytes in enumerate(needed_bytes)
        )
        _require_all_different(input, devices)
        yield devices


def is_path(named: str) -> bool:
    """Whether ``--device`` names a device that is there; else it is storage to be simulated."""
    return "/" in named and not re.search(r"\.toml(:|$)", named)


def _require_all_different(input: Input, devices: Sequence[BlockDevice]) -> None:
    names = dict[str, str]()
    for device, named in zip(devices, input.devices, strict=False):
        if device.number in names:
            raise UsageError(
                f"--device {printable(named)}: is the same device as "
                f"{printable(names[device.number])}",
                remedy="name two devices",
            )
        names[device.number] = named


def _block_device(
    target: Target, input: Input, journal: Journal, position: int, size_bytes: int
) -> contextlib.AbstractContextManager[BlockDevice]:
    if not input.devices:
        return _own_loop(target, input, journal, size_bytes)
    named = input.devices[position]
    if is_path(named):
        return contextlib.nullcontext(claim(target, named, size_bytes))
    return _own_null_blk(target, journal, named, size_bytes)


@contextlib.contextmanager
def _own_loop(
    target: Target, input: Input, journal: Journal, size_bytes: int
) -> Iterator[BlockDevice]:
    directory = scratch_directory(target, input)
    with scratch_file(target, journal, "device", directory) as image:
        make_sparse_file(target, image, size_bytes)
        with loop_device(target, journal, image) as path:
            facts: dict[str, Value] = {"device.kind": "loop", "device.image": image}
            yield _made_device(target, path, facts)


def simulated_profile(named: str) -> Profile:
    """What ``--device`` has simulated where it names no path.

    Raises:
        UsageError: there is no such storage, or none that can be written at random.
    """
    try:
        profile = find_profile(named)
    except UsageError as error:
        by_path = "a device that is there is named by its path, such as /dev/sdb"
        raise UsageError(f"--device {error.what}", remedy=f"{error.remedy}; {by_path}") from None
    if profile.driver is not Driver.NULL_BLK or profile.zoned:
        raise UsageError(
            f"--device {printable(named)}: cannot be written at random",
            remedy="take ufs21, ufs31, ufs40, nvme",
        )
    return profile


def _own_null_blk(
    target: Target, journal: Journal, profile_name: str, size_bytes: int
) -> contextlib.AbstractContextManager[BlockDevice]:
    profile = simulated_profile(profile_name)
    if not target.is_this_machine:
        raise CannotMeasureError(
            f"--device {printable(profile_name)}: storage is simulated on this machine alone, and "
            f"{target.name} is another",
            remedy="leave it out for a loop device there, or name a device of its own by its path",
        )
    return null_blk_device(target, journal, profile, whole_bytes(profile, size_bytes))


@contextlib.contextmanager
def null_blk_device(
    target: Target, journal: Journal, profile: Profile, size_bytes: int
) -> Iterator[BlockDevice]:
    """Simulated storage of ours on this machine; gone at the end.

    Args:
        size_bytes: in whole MiB, or whole zones; it takes as much memory as is written.

    Raises:
        CannotMeasureError: this kernel can't make it; names what it refuses, and its words.
    """
    name = f"loadstone-{os.getpid()}-{secrets.token_hex(4)}"
    with (
        journal.registered("null_blk", name),
        simulated_device(profile, size_bytes, name) as path,
    ):
        yield _made_device(target, path, {"device.kind": "null_blk", **storage_facts(profile)})


def claim(target: Target, named: str, needed_bytes: int) -> BlockDevice:
    """A device of the user's, once it is clear that nobody uses it; nothing is written here.

    Raises:
        UsageError: it is no block device, is used, is read-only or too small; tells by whom.
    """
    found = stat_file(target.execute, named)
    real = found.real_path if isinstance(found, FileStat) else named
    outcome = execute(target, Job(operation="claim-device", options={"device": real}))
    if outcome.error:
        raise _refusal(target, named, real, outcome.error, outcome.values)
    has_bytes = outcome.values["device_bytes"]
    number = f"{outcome.values['major']}:{outcome.values['minor']}"
    if partitions := _partitions(target, number):
        raise UsageError(
            f"--device {printable(named)}: it has partitions ({', '.join(partitions)})",
            remedy="name one of them, or remove them first (wipefs)",
        )
    if has_bytes < needed_bytes:
        has, takes = _format_distinct(has_bytes, needed_bytes)
        raise UsageError(
            f"--device {printable(named)}: it holds {has}, and the Cases take {takes}",
            remedy="name a larger one, or --set less",
        )
    return BlockDevice(path=real, number=number, bytes=has_bytes, facts={"device.kind": "named"})


def _format_distinct(*sizes_bytes: int) -> list[str]:
    """Rounded, but not to one and the same."""
    rounded = [format_bytes_rounded(size) for size in sizes_bytes]
    if len(set(rounded)) == len(set(sizes_bytes)):
        return rounded
    return [f"{size} bytes" for size in sizes_bytes]


def _made_device(target: Target, path: str, facts: dict[str, Value]) -> BlockDevice:
    outcome = execute(target, Job(operation="claim-device", options={"device": path}))
    if outcome.error:
        raise LoadstoneError(
            f"the device that was just made cannot be taken: {describe(outcome.error)}",
            remedy="end what takes new devices here (fuser -v tells who)",
        )
    values = outcome.values
    return BlockDevice(
        path=path,
        number=f"{values['major']}:{values['minor']}",
        bytes=values["device_bytes"],
        facts=facts,
    )


def _refusal(
    target: Target, named: str, real: str, error: CoreError, values: Mapping[str, int]
) -> UsageError:
    name = f"--device {printable(named)}"
    words = system_words(error.code)
    if error.code == errno.ENOTBLK:
        return UsageError(
            f"{name}: it is no block device ({words})", remedy="name one, such as /dev/sdb"
        )
    if error.code == errno.EROFS:
        return UsageError(f"{name}: it is read-only", remedy="name another, or blockdev --setrw")
    if error.code in _REFUSED:
        return UsageError(
            f"{name}: {words}", remedy=f"{as_root()}, or as a user who may write to it"
        )
    if error.code == errno.EBUSY and values:
        used = _users(target, f"{values['major']}:{values['minor']}", real)
        return UsageError(
            f"{name}: it is in use, and nothing was written to it: {used}",
            remedy="unmount it or end what uses it, or name another",
        )
    return UsageError(f"{name}: {describe(error)}", remedy="check the name")


def _users(target: Target, number: str, real: str) -> str:
    """Who uses a device or a partition of it, as far as the kernel tells."""
    found = _own_users(target, number, real)
    partitions = _partitions(target, number)
    for name in partitions:
        part = (target.read_text(f"/sys/dev/block/{number}/{name}/dev") or "").strip()
        users = _own_users(target, part, f"/dev/{name}")
        found += [f"its partition {name} is {user}" for user in users]
    if not found:
        found += [f"its partition {name} may be held" for name in partitions]
    return ", ".join(found) or "somebody holds it exclusively (fuser -v tells who)"


def _own_users(target: Target, number: str, real: str) -> list[str]:
    mounts = parse_mountinfo(target.read_text("/proc/self/mountinfo") or "")
    # btrfs has a device number of its own.
    sources = {one.source for one in mounts if one.source.startswith("/")}
    same = {source for source in sources if _resolves_to(target, source, real)}
    found = [
        f"mounted on {printable(one.point)}"
        for one in mounts
        if one.device == number or one.source in same
    ]
    swaps = (target.read_text("/proc/swaps") or "").splitlines()[1:]
    found += ["swapped on" for line in swaps if line.split()[0] == real]
    found += [
        f"held by {name}" for name in list_names(target.execute, f"/sys/dev/block/{number}/holders")
    ]
    return found


def _resolves_to(target: Target, path: str, real: str) -> bool:
    found = stat_file(target.execute, path)
    return isinstance(found, FileStat) and found.real_path == real


def _partitions(target: Target, number: str) -> list[str]:
    place = f"/sys/dev/block/{number}"
    disk = re.search(r"^DEVNAME=(\S+)$", target.read_text(f"{place}/uevent") or "", re.MULTILINE)
    names = list_names(target.execute, place)
    return [
        name
        for name in names
        if disk
        and name.startswith(PurePosixPath(disk[1]).name)
        and target.read_text(f"{place}/{name}/dev")
    ]
