"""Block devices over files: loop devices that are Loadstone's own, and gone at the end."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from loadstone.errors import CannotMeasureError, system_words
from loadstone.journal import Journal
from loadstone.kernel_module import ask_program, load_module

_CONTROL = Path("/dev/loop-control")


@contextlib.contextmanager
def loop_device(journal: Journal, image_path: Path, *, direct_io: bool = True) -> Iterator[str]:
    """Attach a file as a block device; detached at the end, the file stays.

    Args:
        image_path: absolute, of a file named ``loadstone-…``, a multiple of 512 bytes long.
        direct_io: whether the device goes around the page cache of the file's file system, so
            that nothing is cached twice. Some file systems refuse; ``goes_direct`` tells.

    Yields:
        The device, such as ``/dev/loop0``.

    Raises:
        CannotMeasureError: the user may not, or there is no free loop device.
        RunError: the journal cannot be written, or at the end the device stays in use.
    """
    _require_control()
    with journal.standing("loop", str(image_path)):
        yield _attach(image_path, direct_io)


def goes_direct(device: str) -> bool:
    """Whether a loop device reads and writes its file around the page cache."""
    attribute = Path("/sys/block") / Path(device).name / "loop/dio"
    return attribute.exists() and attribute.read_text().strip() == "1"


def _require_control() -> None:
    if not _CONTROL.exists():
        load_module("loop")
    try:
        os.close(os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError as error:
        raise CannotMeasureError(
            f"a loop device is root's to make: open {_CONTROL}: {system_words(error.errno or 0)}; "
            "run as root"
        ) from error
    except OSError as error:
        raise CannotMeasureError(
            f"no loop devices here: open {_CONTROL}: {system_words(error.errno or 0)}; "
            "take a kernel with CONFIG_BLK_DEV_LOOP, or leave the container that hides it"
        ) from error


def _attach(image: Path, direct_io: bool) -> str:
    words = ["--find", "--show", f"--direct-io={'on' if direct_io else 'off'}"]
    printed, refusal = ask_program("losetup", "mount", *words, str(image))
    if refusal is not None:
        raise CannotMeasureError(
            f"losetup {image}: {refusal}; `losetup --all` shows the loop devices in use, and "
            "`losetup --detach` frees one; as root, `modprobe loop max_loop=64` makes more"
        )
    return printed.strip()
