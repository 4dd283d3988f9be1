"""Device-mapper devices of Loadstone's own: made by the core's ioctls, journaled, taken down."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterator

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError, LoadstoneError, as_root, system_words
from loadstone.model import CoreError, Job, Noun, Outcome
from loadstone.programs import load_module
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.removers import SUSPENSION
from loadstone.targets import Target

_NODES = ("/dev/dm-{}", "/dev/block/dm-{}")
_NODE_LIMIT_S = 10.0
_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}
_REFUSED = {errno.EPERM, errno.EACCES}


class MappedDevice(Noun, frozen=True, kw_only=True):
    """A device-mapper device that is there; ``number`` is its ``MAJ:MIN``."""

    name: str
    path: str
    number: str
    table: str
    mode: str


def own_name(what: str) -> str:
    """A name for a device-mapper device, which tells that it is ours and is nobody else's."""
    return f"loadstone-{what}-{os.getpid()}-{secrets.token_hex(4)}"


def require_device_mapper(target: Target) -> str:
    """Make sure of device-mapper on a Target, its module loaded where it is one.

    Returns:
        The version of its interface.

    Raises:
        CannotMeasureError: the kernel has none, or this user may not use it.
    """
    outcome = _change(target, "version")
    if outcome.error and outcome.error.code in _ABSENT:
        _load_module(target, outcome.error)
        outcome = _change(target, "version")
    if outcome.error:
        raise _unusable(outcome.error)
    return ".".join(str(outcome.values[f"version_{part}"]) for part in ("major", "minor", "patch"))


@contextlib.contextmanager
def mapped_device(
    target: Target, journal: Journal, table: str, *, what: str, is_read_only: bool = False
) -> Iterator[MappedDevice]:
    """Make a device of a table and start it; it is gone at the end.

    Args:
        table: a target a line, as for ``dmsetup create``: first sector, sectors, type, parameters.
        what: it is for, as part of its name.
        is_read_only: as dm-verity wants its device.

    Raises:
        CannotMeasureError: the kernel refuses, or lacks a target's type.
    """
    name = own_name(what)
    with journal.registered("dm-table", name):
        mode = "read-only" if is_read_only else "read-write"
        outcome = _change(target, "create", name=name, table=table, mode=mode)
        if outcome.error:
            raise _refusal(outcome.error, table)
        major, minor = outcome.values["major"], outcome.values["minor"]
        yield MappedDevice(
            name=name,
            path=_find_node(target, minor),
            number=f"{major}:{minor}",
            table=table,
            mode=mode,
        )


def reload(target: Target, device: MappedDevice, table: str | None = None) -> None:
    """Put a table into a device, its own anew if not said: what its targets kept is forgotten.

    Raises:
        LoadstoneError: the kernel refuses.
    """
    table = table or device.table
    outcome = _change(target, "reload", name=device.name, table=table, mode=device.mode)
    if outcome.error:
        raise LoadstoneError(describe(outcome.error), remedy="see dmesg for its reason")


def has_met_corruption(target: Target, device: MappedDevice) -> bool:
    """Whether a verity target of the device says that it read what is not what was hashed.

    Raises:
        LoadstoneError: the kernel does not tell.
    """
    outcome = _change(target, "status", name=device.name)
    if outcome.error:
        raise LoadstoneError(describe(outcome.error), remedy="see dmesg for its reason")
    return outcome.values["verity_corrupt"] > 0


@contextlib.contextmanager
def resumed_at_the_end(journal: Journal, device: MappedDevice) -> Iterator[None]:
    """Whatever suspends a device inside, it is resumed at the end, before devices over it go.

    What waits in a suspended device keeps those over it open, for as long as it is suspended.
    """
    with journal.registered(SUSPENSION, device.name):
        yield


def _change(target: Target, action: str, **options: str) -> Outcome:
    return execute(target, Job(operation="dm-table", options={"action": action, **options}))


def _load_module(target: Target, error: CoreError) -> None:
    if not target.is_this_machine:
        raise CannotMeasureError(
            f"{target.name} has no device-mapper: {describe(error)}",
            remedy="load its module there (modprobe dm_mod), or take a kernel with "
            "CONFIG_BLK_DEV_DM",
        )
    if os.geteuid():
        raise CannotMeasureError(
            f"device-mapper is root's to use, and its module root's to load: {describe(error)}",
            remedy="run as root",
        )
    try:
        load_module("dm_mod")
    except CannotMeasureError as refusal:
        raise CannotMeasureError(
            f"this kernel has no device-mapper (CONFIG_BLK_DEV_DM): {describe(error)}, and "
            f"{refusal.what}",
            remedy=f"{refusal.remedy}; `loadstone lab run` boots a kernel that has it",
        ) from None


def _unusable(error: CoreError) -> CannotMeasureError:
    if error.code in _REFUSED:
        return CannotMeasureError(
            f"device-mapper is root's to use: {describe(error)}", remedy=as_root()
        )
    return CannotMeasureError(
        f"this kernel has no device-mapper: {describe(error)}",
        remedy="take one with CONFIG_BLK_DEV_DM; `loadstone lab run` boots such a kernel",
    )


def _refusal(error: CoreError, table: str) -> LoadstoneError:
    types = ", ".join(dict.fromkeys(line.split()[2] for line in table.splitlines()))
    if error.code == errno.EBUSY and error.step == "DM_DEV_CREATE":
        remedy = "remove the device of that name (loadstone clean, or dmsetup remove)"
    elif error.step == "DM_TABLE_LOAD":
        remedy = f"see dmesg for its reason; the kernel needs the targets {types} (CONFIG_DM_…)"
    else:
        remedy = "see dmesg for its reason"
    return CannotMeasureError(describe(error), remedy=remedy)


def _find_node(target: Target, minor: int) -> str:
    """The device's node; where a daemon makes it, that may take a moment."""
    end_s = time.monotonic() + _NODE_LIMIT_S
    while True:
        for path in (pattern.format(minor) for pattern in _NODES):
            outcome = execute(target, Job(operation="claim-device", options={"device": path}))
            if outcome.values or (outcome.error and outcome.error.code not in _ABSENT):
                return path
        if time.monotonic() > end_s:
            raise CannotMeasureError(
                f"{' or '.join(_NODES).format(minor, minor)}: {system_words(errno.ENOENT)}",
                remedy="mount devtmpfs on /dev, or start udev",
            )
        time.sleep(0.05)
