"""The lock by which a journal's process is known to be alive: the kernel drops it at its death.

A process id says nothing outside of its PID namespace, and nothing on another machine; a lock
(flock) is seen by whoever sees the file. The lock file is there, and locked, before the first
Record names it, and goes when no Record does.
"""

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import Self

from loadstone.durable import cannot_write, sync_directory
from loadstone.errors import system_words
from loadstone.file_lock import take_lock_within
from loadstone.model import Noun

SUFFIX = ".lock"

_OPEN_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
# Whoever asks whether a lock is held has it for a moment.
_ASKED_S = 0.25


class JournalLock:
    """A lock file that this process made and holds locked.

    It is not inherited: a process that was forked off or started does not keep it locked.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        status = os.fstat(fd)
        self.device, self.inode = status.st_dev, status.st_ino
        _HELD.add(self)

    @classmethod
    def create(cls, path: Path) -> Self | None:
        """Make a lock file and lock it; it is on the disk when this returns.

        Returns:
            None where the file system has no locks: then there is no file either.

        Raises:
            RunError: the file cannot be made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            while (fd := _open_locked(path)) is not None:
                if _is_at(path, fd):
                    sync_directory(path.parent)
                    return cls(path, fd)
                # Somebody tidied up between the making and the locking.
                os.close(fd)
        except OSError as error:
            raise cannot_write(path, error) from error
        return None

    def remove(self) -> None:
        """Remove the file and let go of it; no Record names it any more."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the lock; the file stays for the Records that name it."""
        fd, self._fd = self._fd, -1
        _HELD.discard(self)
        if fd >= 0:
            os.close(fd)


class LockState(Noun, frozen=True, kw_only=True):
    """What was found of a lock file: held, or free with its device and inode, or a problem."""

    is_held: bool = False
    device: int = 0
    inode: int = 0
    problem: str = ""


def find_lock_state(path: Path) -> LockState:
    """Ask whether somebody holds a lock, without keeping it."""
    try:
        fd = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
    except OSError as error:
        return LockState(problem=f"{path}: {system_words(error.errno or 0)}")
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return LockState(problem=f"{path} is no regular file")
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return LockState(device=status.st_dev, inode=status.st_ino)
    except BlockingIOError:
        return LockState(is_held=True)
    except OSError as error:
        return LockState(problem=f"flock {path}: {system_words(error.errno or 0)}")
    finally:
        os.close(fd)


def take_lock(path: Path) -> int | None:
    """Lock the file of a process that has died, for as long as the descriptor is open.

    Returns:
        None where somebody holds it, the file is gone, or this user may not open it.
    """
    for mode in (os.O_RDWR, os.O_RDONLY):
        with contextlib.suppress(OSError):
            fd = os.open(path, mode | _OPEN_FLAGS)
            if take_lock_within(fd, _ASKED_S) and _is_at(path, fd):
                return fd
            os.close(fd)
            return None
    return None


def _open_locked(path: Path) -> int | None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | _OPEN_FLAGS, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError:
        os.close(fd)
        path.unlink(missing_ok=True)
        return None
    except BaseException:
        os.close(fd)
        raise
    return fd


def _is_at(path: Path, fd: int) -> bool:
    """Whether the open file still has that name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _close_inherited() -> None:
    for lock in list(_HELD):
        lock.close()


_HELD: set[JournalLock] = set()
os.register_at_fork(after_in_child=_close_inherited)
