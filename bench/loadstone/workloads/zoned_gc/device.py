"""The device of zoned-gc and the file system on it: made anew for each Trial, always the same."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import TypeVar

from loadstone.errors import CannotMeasureError
from loadstone.model import Noun, Value
from loadstone.provision.block_device import BlockDevice, null_blk_device
from loadstone.provision.file_system import made_file_system, mount_point
from loadstone.provision.journal import Journal
from loadstone.provision.simulated.profile import MIB, Profile, find_profile
from loadstone.provision.zonefs import made_zonefs
from loadstone.targets import Target
from loadstone.workloads.zoned_gc.knobs import AS_IS, changed_knobs, read_state, set_knobs

_Made = TypeVar("_Made")

ZONED, CONVENTIONAL, LFS, ZONEFS = "f2fs", "f2fs-conventional", "f2fs-lfs", "zonefs"
FILE_SYSTEMS = (ZONED, CONVENTIONAL, LFS, ZONEFS)

SEGMENT_BYTES = 2 << 20
"""Of F2FS, with blocks of 4 KiB."""

_PROFILE = "zoned"
_TYPE = "f2fs"
_OTHER_GEOMETRY = (
    "--set device, zone and conventional to others: F2FS wants conventional zones for what it "
    "writes in place, and some ten more; device=256MiB, zone=4MiB, conventional=8 do"
)


class SetUp(Noun, frozen=True, kw_only=True):
    """What a Case asks of its device and file system; equal ones are made alike."""

    fs: str
    device_bytes: int
    zone_bytes: int
    conventional: int
    overprovision: str
    knobs: tuple[tuple[str, str], ...]

    @staticmethod
    def of(parameters: Mapping[str, Value]) -> "SetUp":
        return SetUp(
            fs=str(parameters["fs"]),
            device_bytes=int(parameters["device"]),
            zone_bytes=int(parameters["zone"]),
            conventional=int(parameters["conventional"]),
            overprovision=str(parameters["overprovision"]),
            knobs=tuple(changed_knobs(parameters).items()),
        )


class Mounted(Noun, frozen=True, kw_only=True):
    """An empty file system of ours. ``counters`` is F2FS's directory in sysfs, and None for zonefs;
    ``state`` its segments when it was mounted."""

    device: BlockDevice
    path: Path
    counters: Path | None
    state: Mapping[str, float] = {}


@contextlib.contextmanager
def mounted(
    target: Target, journal: Journal, directory: PurePath, set_up: SetUp
) -> Iterator[Mounted]:
    """Make the device, the file system on it, and mount it; all is gone at the end.

    Args:
        directory: has the mount point.

    Raises:
        CannotMeasureError: the kernel or mkfs refuses; says what would do.
    """
    profile = _profile(set_up)
    with null_blk_device(target, journal, profile, set_up.device_bytes) as device:
        if set_up.fs == ZONEFS:
            made = made_zonefs(device.path, mount_point(directory), journal)
            with _with_remedy(made) as path:
                yield Mounted(device=device, path=path, counters=None)
        else:
            with _f2fs(device, journal, mount_point(directory), set_up) as path:
                counters = Path("/sys/fs/f2fs") / Path(device.path).name
                set_knobs(counters, dict(set_up.knobs))
                state = read_state(counters)
                yield Mounted(device=device, path=path, counters=counters, state=state)


def _profile(set_up: SetUp) -> Profile:
    base = find_profile(_PROFILE)
    is_zoned = set_up.fs in (ZONED, ZONEFS)
    changed = {
        "zoned": is_zoned,
        "zone_size": set_up.zone_bytes // MIB if is_zoned else None,
        "zone_nr_conv": set_up.conventional if is_zoned else None,
    }
    fields = {name: getattr(base, name) for name in base.__struct_fields__}
    return Profile(**{**fields, **changed})


@contextlib.contextmanager
def _f2fs(device: BlockDevice, journal: Journal, where: Path, set_up: SetUp) -> Iterator[Path]:
    words = []
    if set_up.overprovision != AS_IS:
        words += ["-o", set_up.overprovision]
    if set_up.fs != ZONED:
        # Sections as large as zones.
        words += ["-s", str(set_up.zone_bytes // SEGMENT_BYTES)]
    options = "mode=lfs" if set_up.fs == LFS else ""
    made = made_file_system(device.path, _TYPE, " ".join(words), options, where, journal)
    with _with_remedy(made) as found:
        yield found.path


@contextlib.contextmanager
def _with_remedy(made: contextlib.AbstractContextManager[_Made]) -> Iterator[_Made]:
    """What a context yields; a refusal of mkfs or mount tells what would do."""
    with contextlib.ExitStack() as stack:
        try:
            entered = stack.enter_context(made)
        except CannotMeasureError as error:
            raise CannotMeasureError(error.what, remedy=_OTHER_GEOMETRY) from error
        yield entered
