"""A boot's temporary directory and disk image, registered in the journal, removed at its end."""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loadstone.durable import cannot_write
from loadstone.errors import CannotMeasureError, system_words
from loadstone.provision.journal import Journal

_PREFIX = "loadstone-lab-"
_PLAIN = re.compile(r"[\w+ /.-]+", re.ASCII)


@contextlib.contextmanager
def lab_directory(journal: Journal) -> Iterator[Path]:
    """A temporary directory for the links, scripts and other small files of one boot.

    Raises:
        CannotMeasureError: it cannot be made.
    """
    path = plain_temp_directory() / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    entry = journal.entry("directory", str(path))
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        entry.remove()
        raise CannotMeasureError(
            f"cannot make {path}: {system_words(error.errno or 0)}",
            remedy="name another directory with TMPDIR",
        ) from error
    try:
        yield path
    finally:
        shutil.rmtree(path)
        entry.remove()


def plain_temp_directory() -> Path:
    """The directory for temporary files; virtme-run takes only paths of plain characters."""
    directory = tempfile.gettempdir()
    return Path(directory if _PLAIN.fullmatch(directory) else "/tmp")


@contextlib.contextmanager
def disk_image(size_bytes: int, journal: Journal, results: Path) -> Iterator[Path]:
    """A sparse file in the results directory, as a guest's disk.

    Raises:
        RunError: it cannot be made.
    """
    path = results.absolute() / "scratch" / f"loadstone-disk-{os.getpid()}-{secrets.token_hex(4)}"
    entry = journal.entry("file", str(path))
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.truncate(size_bytes)
        except OSError as error:
            raise cannot_write(path, error) from error
        yield path
    finally:
        path.unlink(missing_ok=True)
        entry.remove()
