"""Simulated storage by name: what a guest's block device is made of, and where that comes from."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec

from loadstone.errors import UsageError
from loadstone.model import Noun, Value
from loadstone.text import did_you_mean
from loadstone.toml_file import convert_table, read_toml, refuse_unknown_keys
from loadstone.units import format_bytes, parse_bytes

MIB = 1 << 20

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Mode = Annotated[int, msgspec.Meta(ge=0, le=2)]

_BUILT_IN = Path(__file__).with_name("profiles.toml")
# What one of a bare number means: null_blk counts these in MiB or in sectors.
_UNIT_BYTES = {
    "size": 1,
    "blocksize": 1,
    "cache_size": MIB,
    "zone_size": MIB,
    "zone_capacity": MIB,
    "max_sectors": 512,
}
_OF_THE_QUEUE = ("scheduler", "read_ahead_kb", "nr_requests")
_SUFFIX = ".toml"


class Driver(StrEnum):
    """Who plays the device."""

    NULL_BLK = "null_blk"
    VIRTIO_BLK = "virtio-blk"


class Profile(Noun, frozen=True, kw_only=True):
    """A simulated device. From ``completion_nsec`` on the names are null_blk's in configfs, in its
    units; None leaves a parameter as the kernel has it.

    ``size_bytes`` is None where it goes by the guest's memory. ``scheduler``, ``read_ahead_kb``
    and ``nr_requests`` are those of the block queue, and hold for either driver.

    Source: Documentation/block/null_blk.rst; the defaults here are the same for every kernel.
    """

    name: str
    summary: str
    source: str
    driver: Driver = Driver.NULL_BLK
    size_bytes: Annotated[int, msgspec.Meta(ge=MIB, le=(1 << 63) - 1)] | None = None
    scheduler: str = "none"
    read_ahead_kb: Count = 128
    nr_requests: Count | None = None

    completion_nsec: Count = 10_000
    irqmode: Mode = 2
    queue_mode: Mode = 2
    submit_queues: Count = 1
    hw_queue_depth: Count = 64
    blocksize: Count = 4096
    max_sectors: Count = 256
    mbps: Count = 0
    cache_size: Count = 0
    memory_backed: bool = True
    discard: bool = False
    zoned: bool = False
    zone_size: Count | None = None
    zone_capacity: Count | None = None
    zone_nr_conv: Count | None = None
    zone_max_open: Count | None = None
    zone_max_active: Count | None = None
    zone_append_max_sectors: Count | None = None
    fua: bool | None = None
    rotational: bool | None = None
    virt_boundary: bool | None = None
    blocking: bool | None = None
    no_sched: bool | None = None


_FIELDS = Profile.__struct_fields__
NULL_BLK_PARAMETERS = _FIELDS[_FIELDS.index("completion_nsec") :]
_KEYS = tuple("size" if field == "size_bytes" else field for field in _FIELDS if field != "name")


def find_profile(text: str) -> Profile:
    """The profile that the user named: a built-in one, ``FILE.toml:NAME``, or ``FILE.toml``
    where that holds one only.

    Raises:
        UsageError: there is none of that name, or the file does not hold a sound one.
    """
    built_in = built_in_profiles()
    if text in built_in:
        return built_in[text]
    path, name = _split(text)
    if path is None:
        known = ", ".join(built_in)
        hint = did_you_mean(text, built_in)
        raise UsageError(
            f"{text}: no such storage{hint}",
            remedy=f"there are {known}, and your own as FILE.toml:NAME",
        )
    profiles = read_profiles(path)
    if name is None and len(profiles) == 1:
        return next(iter(profiles.values()))
    known = ", ".join(profiles)
    if name is None:
        raise UsageError(f"{path}: holds {known}", remedy=f"write {path}:NAME")
    if name not in profiles:
        hint = did_you_mean(name, profiles)
        raise UsageError(f"{path}: no storage {name!r}{hint}", remedy=f"it holds {known}")
    return profiles[name]


@cache
def built_in_profiles() -> Mapping[str, Profile]:
    """Those that come with Loadstone, by name."""
    return read_profiles(_BUILT_IN)


def read_profiles(path: Path) -> dict[str, Profile]:
    """The profiles of a TOML file, one a table.

    A size is a text with its unit (``"64MiB"``) or a number in the unit that null_blk counts in.

    Raises:
        UsageError: it can't be read, is no TOML, or states what no device has.
    """
    tables = read_toml(path, remedy="name a storage profile or its file").table
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(
                f"{path}: {name}: is outside of a table", remedy="write [NAME] above it"
            )
    if not tables:
        raise UsageError(f"{path}: holds no storage", remedy="write [NAME] and what it is made of")
    return {name: _read_profile(path, name, table) for name, table in tables.items()}


def storage_facts(profile: Profile) -> dict[str, Value]:
    """What an Environment says of a profile: each parameter that it sets, by its name there."""
    own = NULL_BLK_PARAMETERS if profile.driver is Driver.NULL_BLK else ()
    fields = ("size_bytes", *_OF_THE_QUEUE, *own)
    values = {field: getattr(profile, field) for field in fields}
    set_here = {f"storage.{field}": value for field, value in values.items() if value is not None}
    return {"storage.profile": profile.name, **set_here, "storage.driver": profile.driver.value}


def device_bytes(profile: Profile, memory_bytes: int) -> int:
    """How large the device is in a guest with that much memory, in whole MiB (whole zones)."""
    step = _step_bytes(profile)
    wanted = profile.size_bytes or memory_bytes // 2
    return max(wanted // step, 1) * step


def whole_bytes(profile: Profile, least_bytes: int) -> int:
    """The size of a device that holds so many bytes, in whole MiB (whole zones)."""
    step = _step_bytes(profile)
    return -(-least_bytes // step) * step


def _step_bytes(profile: Profile) -> int:
    return (profile.zone_size or 256) * MIB if profile.zoned else MIB


def _split(text: str) -> tuple[Path | None, str | None]:
    if text.endswith(_SUFFIX):
        return Path(text), None
    file, colon, name = text.rpartition(":")
    return (Path(file), name) if colon and file.endswith(_SUFFIX) else (None, None)


def _read_profile(path: Path, name: str, table: Mapping[str, Any]) -> Profile:
    where = f"{path}: [{name}]"
    refuse_unknown_keys(where, table, _KEYS)
    values = {key: _in_units(where, key, value) for key, value in table.items()}
    if "size" in values:
        values["size_bytes"] = values.pop("size")
    described = {"name": name, "summary": "", "source": "the user's own", **values}
    profile = convert_table(where, described, Profile, {"size": "size_bytes"})
    _check_profile(where, profile)
    return profile


def _in_units(where: str, key: str, value: object) -> object:
    """A size that is written with its unit, in the unit that null_blk counts in."""
    if key not in _UNIT_BYTES or not isinstance(value, str):
        return value
    unit_bytes = _UNIT_BYTES[key]
    try:
        size_bytes = parse_bytes(value)
    except UsageError as error:
        raise error.within(f"{where}: {key}") from None
    if size_bytes % unit_bytes:
        raise UsageError(
            f"{where}: {key}: {value!r} is no multiple of {format_bytes(unit_bytes)}, "
            "in which the device counts it",
            remedy="write a multiple",
        )
    return size_bytes // unit_bytes


def _check_profile(where: str, profile: Profile) -> None:
    if profile.driver is Driver.NULL_BLK and not profile.memory_backed:
        raise UsageError(
            f"{where}: memory_backed: such a device keeps no data, so that no file system can be "
            "made on it",
            remedy="delete the line",
        )
    if profile.driver is Driver.VIRTIO_BLK and profile.zoned:
        raise UsageError(
            f"{where}: zoned: a virtio-blk disk has no zones", remedy="take driver null_blk"
        )
    if profile.hw_queue_depth == 0 or profile.submit_queues == 0 or profile.max_sectors == 0:
        raise UsageError(
            f"{where}: hw_queue_depth, submit_queues, max_sectors: kernels differ in what they "
            "make of 0",
            remedy="write 1 or more",
        )
