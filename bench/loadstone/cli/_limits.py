"""Limits of the process or the machine that a command ran into, told from faults of the program."""

import errno
import os
import resource

from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError, system_words

_OF_FILES = "allow more open files (ulimit -n)"
_OF_PROCESSES = "allow more processes and threads (ulimit -u, pids.max of the cgroup)"
_OF_MEMORY = "allow more memory (ulimit -v and -d, memory.max of the cgroup), or free some"
_REMEDIES = {
    errno.EMFILE: _OF_FILES,
    errno.ENFILE: "close files elsewhere, or raise /proc/sys/fs/file-max",
    errno.EAGAIN: _OF_PROCESSES,
    errno.ENOMEM: _OF_MEMORY,
}
# What the dynamic linker says where an extension module cannot be loaded.
_WORDS = {
    "Too many open files": errno.EMFILE,
    "Cannot allocate memory": errno.ENOMEM,
    "failed to map segment": errno.ENOMEM,
    "can't start new thread": errno.EAGAIN,
}


def limit_met(error: BaseException) -> LoadstoneError | None:
    """What a limit made of a command, or None where the error is another."""
    for one in _chain(error):
        if (code := _code_of(one)) is not None:
            words = f"cannot go on: {system_words(code)}{_now(code)}"
            what = error.what if isinstance(error, LoadstoneError) else words
            return CannotMeasureError(what, remedy=_REMEDIES[code])
    if any(isinstance(one, FileNotFoundError) for one in _chain(error)) and is_directory_gone():
        return UsageError(
            f"the working directory is gone: {system_words(errno.ENOENT)}",
            remedy="cd to one that is there",
        )
    return None


def is_directory_gone() -> bool:
    """Whether the working directory was removed."""
    try:
        os.getcwd()  # noqa: PTH109  # as Path.cwd, without its import
    except FileNotFoundError:
        return True
    return False


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or _context_of(error)
    return found


def _context_of(error: BaseException) -> BaseException | None:
    """What it was raised amid. One of ours names its cause: a lock that is held is EAGAIN, too."""
    is_told = isinstance(error, LoadstoneError) or error.__suppress_context__
    return None if is_told else error.__context__


def _code_of(error: BaseException) -> int | None:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, OSError):
        return error.errno if error.errno in _REMEDIES else None
    if isinstance(error, ImportError | RuntimeError):
        return next((code for words, code in _WORDS.items() if words in str(error)), None)
    return None


def _now(code: int) -> str:
    if code != errno.EMFILE:
        return ""
    return f", of which there may be {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
