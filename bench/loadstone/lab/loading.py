"""Loads modules of the user's own in a guest."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError
from loadstone.programs import ask_program
from loadstone.text import printable

OWN_ROOT = Path("/run/loadstone/modules")
"""Where a guest's script puts their tree (see ``own_modules.stage_own``)."""

_RECORD_BYTES = 8192
_LAST_LINES = 12


def load_own(names: Sequence[str]) -> None:
    """Load modules, with those that they need, and the parameters of the kernel's command line.

    From here on ``modprobe`` takes them for loaded, and no stock module of such a name is.

    Raises:
        CannotMeasureError: one cannot be loaded; the kernel's lines are its details.
    """
    for name in names:
        with _kernel_log() as lines:
            words = ("-C", "/dev/null", "-d", str(OWN_ROOT), name)
            _, problem = ask_program("modprobe", "kmod", *words)
            if problem is None and (Path("/sys/module") / name).is_dir():
                continue
            error = CannotMeasureError(
                f"--module: {name} cannot be loaded: {problem or 'modprobe loads another'}",
                remedy="see the kernel's lines above; a module is for one build of one kernel",
            )
            error.details = tuple(lines())[-_LAST_LINES:]
            raise error


@contextlib.contextmanager
def _kernel_log() -> Iterator[Callable[[], Iterator[str]]]:
    """The lines that the kernel logs from here on.

    Source: Linux, Documentation/ABI/testing/dev-kmsg: a record a read, its text behind ``;``.
    """
    fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.lseek(fd, 0, os.SEEK_END)

        def lines() -> Iterator[str]:
            with contextlib.suppress(BlockingIOError):
                while record := os.read(fd, _RECORD_BYTES):
                    text = record.decode(errors="replace").partition(";")[2]
                    yield printable(text.partition("\n")[0])

        yield lines
    finally:
        os.close(fd)
