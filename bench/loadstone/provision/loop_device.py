"""Block devices over files: loop devices that are Loadstone's own, and gone at the end."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError, as_root, system_words
from loadstone.model import CoreError, Job, Noun, Outcome
from loadstone.programs import load_module
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import make_sparse_file, require_room, scratch_file
from loadstone.targets import Target
from loadstone.text import printable

_CONTROL = "/dev/loop-control"
# Of the largest sectors that a disk below has.
_SECTOR_BYTES = 4096
_REFUSED = {errno.EACCES, errno.EPERM}


class LoopDevice(Noun, frozen=True, kw_only=True):
    """A loop device; ``number`` is its ``MAJ:MIN``.

    ``is_direct``: it reads and writes its file around the page cache.
    """

    path: str
    number: str
    is_direct: bool


@contextlib.contextmanager
def loop_device(
    target: Target, journal: Journal, image: str | PurePath, *, direct_io: bool = True
) -> Iterator[str]:
    """Attach a file as a block device; detached at the end, the file stays.

    Args:
        image: absolute, of a file named ``loadstone-…``, a multiple of 512 bytes long.
        direct_io: whether the device goes around the page cache of the file's file system, so
            that nothing is cached twice. Some file systems refuse; ``goes_direct`` tells.

    Yields:
        The device, such as ``/dev/loop0``.

    Raises:
        CannotMeasureError: the user may not, or there is no free loop device.
        RunError: the journal cannot be written, or at the end the device stays in use.
    """
    with journal.registered("loop", str(image)):
        yield _attach(target, str(image), direct_io)


@contextlib.contextmanager
def sparse_loop_device(
    target: Target,
    journal: Journal,
    directory: PurePath,
    *,
    size_bytes: int,
    written_bytes: int,
    smaller: str,
) -> Iterator[LoopDevice]:
    """A loop device of this machine over a sparse image of its own; both are gone at the end.

    Args:
        directory: has the image.
        written_bytes: what there has to be room for.
        smaller: what to do where there is no such room.

    Raises:
        CannotMeasureError: there is none, or no loop device.
    """
    require_room(target, directory, written_bytes, smaller)
    with scratch_file(target, journal, "image", directory) as image:
        make_sparse_file(target, image, size_bytes)
        with loop_device(target, journal, image) as path:
            is_direct = goes_direct(target, path)
            yield LoopDevice(path=path, number=device_number(path), is_direct=is_direct)


def device_number(device: str) -> str:
    """``MAJ:MIN`` of a device of this machine."""
    number = os.stat(device).st_rdev  # noqa: PTH116  # a device, not a path that is worked with
    return f"{os.major(number)}:{os.minor(number)}"


def read_ahead_kb(device: str) -> str:
    """The tunable of a device of this machine."""
    return f"/sys/block/{PurePosixPath(device).name}/queue/read_ahead_kb"


def whole_sectors(image: Path) -> int:
    """Add what an image lacks of a last sector, as a loop device takes no part of one; its size."""
    size_bytes = image.stat().st_size
    whole_bytes = -(-size_bytes // _SECTOR_BYTES) * _SECTOR_BYTES
    if whole_bytes != size_bytes:
        os.truncate(image, whole_bytes)
    return whole_bytes


def goes_direct(target: Target, device: str) -> bool:
    """Whether a loop device reads and writes its file around the page cache."""
    text = target.read_text(f"/sys/block/{PurePosixPath(device).name}/loop/dio")
    return text is not None and text.strip() == "1"


def _attach(target: Target, image: str, direct_io: bool) -> str:
    outcome = _attach_once(target, image, direct_io)
    if outcome.error and _is_without_driver(outcome.error) and target.is_this_machine:
        load_module("loop")
        outcome = _attach_once(target, image, direct_io)
    if outcome.error:
        raise _refusal(image, outcome.error)
    return "".join(outcome.before.values())


def _attach_once(target: Target, image: str, direct_io: bool) -> Outcome:
    options = {"action": "attach", "image": image, "direct": "on" if direct_io else "off"}
    return execute(target, Job(operation="loop-device", options=options, samples=(image,)))


def _is_without_driver(error: CoreError) -> bool:
    return error.path == _CONTROL and error.code == errno.ENOENT


def _refusal(image: str, error: CoreError) -> CannotMeasureError:
    words = system_words(error.code)
    if error.path == _CONTROL and error.step == "open":
        if error.code in _REFUSED:
            return CannotMeasureError(
                f"a loop device is root's to make: open {_CONTROL}: {words}", remedy=as_root()
            )
        return CannotMeasureError(
            f"no loop devices here: open {_CONTROL}: {words}",
            remedy="take a kernel with CONFIG_BLK_DEV_LOOP, or leave the container that hides it",
        )
    return CannotMeasureError(
        f"no loop device over {printable(image)}: {describe(error)}",
        remedy="`losetup --all` shows the loop devices in use, and `losetup --detach` frees one; "
        "as root, `modprobe loop max_loop=64` makes more",
    )
