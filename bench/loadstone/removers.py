"""How devices and mounts are taken down; what is not ours is refused, what is gone is done."""

import contextlib
import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from loadstone import core
from loadstone.environment import parse_mountinfo
from loadstone.errors import RunError
from loadstone.explain import describe
from loadstone.kernel_module import run_program
from loadstone.model import Job

CONFIGFS = Path("/sys/kernel/config")

_PREFIX = "loadstone-"
# Without device-mapper there is no device of it either.
_NAME = "device-mapper name"
_OPEN_CONTROL = "open device-mapper control"
_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}
# Source: include/uapi/linux/loop.h.
_LOOP_CLR_FD = 0x4C01
# Whoever looks at a device that has just changed (udev) lets go of it again soon.
_PATIENCE_S = 5.0
_PAUSE_S = 0.01


def detach_loop(image: str, _: str = "") -> None:
    """Free every loop device whose backing file is ``image``, a file named ``loadstone-…``.

    Raises:
        RunError: that is no name of ours, or a device stays in use.
        OSError: the system refused.
    """
    _require_ours(image)
    devices = list(_loops_of(image))
    for device in devices:
        _clear(device)
    # A device that is in use is only marked, and goes when its last user does.
    end_s = time.monotonic() + _PATIENCE_S
    while devices and time.monotonic() < end_s:
        devices = list(_loops_of(image))
        time.sleep(_PAUSE_S if devices else 0)
    if devices:
        raise RunError(f"{devices[0]} is still in use; end or unmount what uses it")


def unmount(point: str, _: str = "") -> None:
    """Unmount what lies on a directory named ``loadstone-…``, and remove that directory.

    Raises:
        RunError: that is no name of ours, or what is mounted there is in use.
        OSError: the directory cannot be removed.
    """
    _require_ours(point)
    if Path(point).is_symlink():
        raise RunError("it is a link")
    while is_mounted(Path(point)):
        said = run_program("umount", "mount", point)
        if said is not None:
            raise RunError(f"umount {point}: {said}; end what still uses it")
    try:
        Path(point).rmdir()
    except (FileNotFoundError, NotADirectoryError):
        return


def remove_mapped(name: str, _: str = "") -> None:
    """Remove a device-mapper device named ``loadstone-…``.

    Raises:
        RunError: that is no name of ours, or the kernel refuses.
    """
    # The core refuses any other name, so that no table of anybody else's is ever at risk.
    error = core.run_job(
        Job(operation="dm-table", options={"action": "remove", "name": name})
    ).error
    if error is None or (error.step == _OPEN_CONTROL and error.code in _ABSENT):
        return
    if error.step == _NAME:
        raise RunError(f"it is no device named {_PREFIX}…")
    is_refused = error.code in (errno.EACCES, errno.EPERM)
    remedy = "run as root" if is_refused else "end or unmount what uses it"
    raise RunError(f"{describe(error)}; {remedy}")


def remove_null_blk(name: str, _: str = "") -> None:
    """Take down a null_blk by its directory in configfs, named ``loadstone…``.

    Raises:
        RunError: that is no name of ours.
        OSError: the system refused.
    """
    if not re.fullmatch(r"loadstone[\w-]*", name):
        raise RunError("it is no null_blk of ours")
    directory = CONFIGFS / "nullb" / name
    with contextlib.suppress(FileNotFoundError):
        (directory / "power").write_text("0")
        directory.rmdir()


def is_mounted(point: Path) -> bool:
    """Whether something is mounted right there; also where it would not answer any more."""
    real = _real(point)
    mounts = parse_mountinfo(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    return any(mount.point == real for mount in mounts)


def _require_ours(name: str) -> None:
    path = Path(name)
    if not path.is_absolute() or not path.name.startswith(_PREFIX) or "\0" in name:
        raise RunError(f"it is no absolute path of a thing named {_PREFIX}…")


def _real(path: Path) -> str:
    """As the kernel tells of it: the way there without links, the last step as it is."""
    return str(path.parent.resolve() / path.name)


def _loops_of(image: str) -> Iterator[str]:
    real = _real(Path(image))
    for attribute in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            backing = os.fsdecode(attribute.read_bytes()).removesuffix("\n")
        except OSError:
            # Detached since the directory was read.
            continue
        # Where its name is gone, the kernel says so behind it.
        if backing.removesuffix(" (deleted)") == real:
            yield f"/dev/{attribute.parents[1].name}"


def _clear(device: str) -> None:
    try:
        fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.ioctl(fd, _LOOP_CLR_FD)
    finally:
        os.close(fd)
