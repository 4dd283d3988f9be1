"""Files that the user names for what a command writes."""

import errno
from collections.abc import Collection
from pathlib import Path

from loadstone.durable import write_atomically
from loadstone.errors import RunError, UsageError, system_words


def write_named(path: Path, data: bytes, what: str, suffixes: Collection[str]) -> None:
    """Write a file as a whole; an earlier one is replaced, but nothing of another sort.

    Args:
        what: it is, for errors: ``report``.
        suffixes: that tell a file of this sort; the first is proposed.

    Raises:
        UsageError: something that is no such file has that name.
        RunError: it cannot be written.
    """
    try:
        # Through a symbolic link, as writing does that is not atomic.
        real = path.resolve()
        if real.exists() and not (real.is_file() and real.suffix.lower() in suffixes):
            ending = next(iter(suffixes))
            raise UsageError(f"{path} is there and is no {what}; name a file that ends in {ending}")
        if not real.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "", str(real.parent))
    except (OSError, RuntimeError) as error:
        raise _cannot_write(path, what, error) from error
    try:
        write_atomically(real, data)
    except RunError as error:
        raise _cannot_write(path, what, error.__cause__ or error) from error


def _cannot_write(path: Path, what: str, cause: BaseException) -> RunError:
    words = system_words(cause.errno or 0) if isinstance(cause, OSError) else str(cause)
    return RunError(f"cannot write the {what} {path}: {words}; name another file with -o")
