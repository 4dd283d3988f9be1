"""What a boot needs on this machine, written down first and gone at its end."""

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
    """A directory for links, starters and other small things of one boot.

    Raises:
        CannotMeasureError: it cannot be made.
    """
    path = plain_place() / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    entry = journal.entry("directory", str(path))
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        entry.remove()
        raise CannotMeasureError(
            f"cannot make {path}: {system_words(error.errno or 0)}",
            remedy="name another place with TMPDIR",
        ) from error
    try:
        yield path
    finally:
        shutil.rmtree(path)
        entry.remove()


def plain_place() -> Path:
    """Where temporary files go; virtme-run takes only paths of plain characters."""
    place = tempfile.gettempdir()
    return Path(place if _PLAIN.fullmatch(place) else "/tmp")


@contextlib.contextmanager
def disk_image(size_bytes: int, journal: Journal, results: Path) -> Iterator[Path]:
    """A file without blocks below the results directory, to be a guest's disk.

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
