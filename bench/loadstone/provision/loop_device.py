"""Block devices over files: loop devices that are Loadstone's own, and gone at the end."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import PurePath, PurePosixPath

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError, as_root, system_words
from loadstone.model import CoreError, Job, Outcome
from loadstone.programs import load_module
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.targets import Target
from loadstone.text import printable

_CONTROL = "/dev/loop-control"
_REFUSED = {errno.EACCES, errno.EPERM}


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
