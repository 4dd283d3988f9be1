"""The cache directory: fetched kernels, each complete in a directory of its own."""

import contextlib
import ctypes
import fcntl
import functools
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from loadstone.durable import UNDECODABLE, decode, sync_directory
from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.home import require_no_tilde
from loadstone.lab.apt import program_of
from loadstone.model import Noun
from loadstone.programs import run_to_end

ABOUT = "kernel.json"
PARTIAL = ".partial-"


class StockKernel(Noun, frozen=True, kw_only=True):
    """A distribution's kernel, as in ``kernel.json``; ``architecture`` by uname's name."""

    suite: str
    release: str
    package: str
    version: str
    architecture: str

    @property
    def directory(self) -> Path:
        """Its directory: ``boot/vmlinuz-RELEASE`` and ``lib/modules/RELEASE`` below it."""
        return suite_directory(self.suite, self.architecture) / f"{self.release}_{self.version}"

    @property
    def image(self) -> Path:
        """The kernel image."""
        return self.directory / "boot" / f"vmlinuz-{self.release}"

    @property
    def modules(self) -> Path:
        """Its modules, with ``modules.dep``."""
        return self.directory / "lib" / "modules" / self.release

    def size_bytes(self) -> int:
        """Its size on disk."""
        return size_on_disk(self.directory)


def size_on_disk(directory: Path) -> int:
    """What the files below a directory take."""
    return sum(
        (Path(top) / name).lstat().st_blocks * 512
        for top, _, names in os.walk(directory)
        for name in names
    )


def this_architecture() -> str:
    """This machine's architecture, by uname's name."""
    return platform.machine()


def cache_directory() -> Path:
    """``$LOADSTONE_CACHE``, else ``$XDG_CACHE_HOME/loadstone``, else ``~/.cache/loadstone``.

    Raises:
        UsageError: none is set and this user has no home directory, or one begins with ``~``.

    Source: XDG Base Directory Specification (a relative XDG_CACHE_HOME counts as none).
    """
    if own := os.environ.get("LOADSTONE_CACHE"):
        require_no_tilde("LOADSTONE_CACHE", own)
        return Path(own).absolute()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():
        return shared / "loadstone"
    try:
        return Path.home() / ".cache" / "loadstone"
    except RuntimeError as error:
        raise UsageError(
            f"no cache directory: {error}", remedy="name one with LOADSTONE_CACHE"
        ) from error


def suite_directory(suite: str, architecture: str) -> Path:
    """The directory of a suite's kernels."""
    return cache_directory() / "kernels" / architecture / suite


def stock_kernels(architecture: str | None = None) -> list[StockKernel]:
    """The fetched kernels, by suite, the newest of each first.

    Args:
        architecture: that of the kernels; this machine's by default.

    Raises:
        UsageError: one is damaged, or the cache cannot be read.
    """
    kernels = cache_directory() / "kernels" / (architecture or this_architecture())
    try:
        suites = sorted(path for path in kernels.iterdir() if _is_shown(path))
        found = [(suite, [path for path in suite.iterdir() if _is_shown(path)]) for suite in suites]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _cannot_read(error) from error
    return [kernel for _, paths in found for kernel in _newest_first(map(_read, paths))]


def remove(kernel: StockKernel) -> None:
    """Remove a kernel, whose suite must be locked; if interrupted, it counts as removed.

    Raises:
        OSError: it could not be removed.
    """
    remove_directory(kernel.directory)
    with contextlib.suppress(OSError):
        kernel.directory.parent.rmdir()


def remove_directory(path: Path) -> None:
    """Remove a complete directory of the cache; if interrupted, a sweep removes the rest.

    Raises:
        OSError: it could not be removed.
    """
    trash = path.with_name(f"{PARTIAL}{secrets.token_hex(4)}")
    path.rename(trash)
    shutil.rmtree(trash)


@contextlib.contextmanager
def partial_directory(parent: Path) -> Iterator[Path]:
    """A directory to make one of the cache in; removed at the end, unless it was put in place."""
    parent.mkdir(parents=True, exist_ok=True)
    path = parent / f"{PARTIAL}{secrets.token_hex(4)}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def put_in_place(partial: Path, about: str, noun: Noun, place: Path) -> None:
    """Describe a complete directory, sync it to disk, and rename it to its own place.

    Args:
        about: the name of the file in it that describes it, by ``noun``.

    Raises:
        OSError: syncing or renaming failed.
    """
    (partial / about).write_bytes(msgspec.json.format(msgspec.json.encode(noun), indent=2))
    _sync_file_system(partial)
    partial.rename(place)
    sync_directory(place.parent)


def _sync_file_system(place: Path) -> None:
    """syncfs(2), for thousands of files; Python has no binding for it.

    Raises:
        OSError: it failed.
    """
    fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(place))
    finally:
        os.close(fd)


def sweep(parent: Path) -> None:
    """Remove leftovers of a killed fetch or remove below a directory, whose suite is locked."""
    for path in parent.glob(f"{PARTIAL}*"):
        shutil.rmtree(path)


@contextlib.contextmanager
def locked(suite: str, architecture: str, wait: Callable[[], None]) -> Iterator[None]:
    """Hold a suite's lock.

    Args:
        wait: called before waiting, if another process holds it.
    """
    parent = suite_directory(suite, architecture).parent
    parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(parent / f".{suite}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def cannot_write(error: OSError, path: Path) -> CannotMeasureError:
    """The error for a failed write in the cache."""
    failed_path = error.filename or path
    words = system_words(error.errno or 0)
    remedy = "free space, or name another cache directory with LOADSTONE_CACHE"
    return CannotMeasureError(f"cannot write {os.fsdecode(failed_path)}: {words}", remedy=remedy)


def _is_shown(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _read(path: Path) -> StockKernel:
    try:
        kernel = decode((path / ABOUT).read_bytes(), StockKernel)
    except UNDECODABLE as error:
        raise _damaged(path, str(error)) from error
    except FileNotFoundError:
        raise _damaged(path, f"it has no {ABOUT}") from None
    except OSError as error:
        raise _cannot_read(error) from error
    if not (kernel.directory == path and kernel.image.is_file() and kernel.modules.is_dir()):
        raise _damaged(path, f"its files are not those that {ABOUT} names")
    return kernel


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} is damaged: {why}", remedy="delete that directory and fetch the kernel again"
    )


def _cannot_read(error: OSError) -> UsageError:
    words = system_words(error.errno or 0)
    return UsageError(
        f"cannot read {error.filename}: {words}",
        remedy="name another cache directory with LOADSTONE_CACHE",
    )


def _newest_first(kernels: Iterator[StockKernel]) -> list[StockKernel]:
    by_version = functools.cmp_to_key(_compare)
    return sorted(kernels, key=lambda kernel: by_version(kernel.version), reverse=True)


def _compare(one: str, other: str) -> int:
    """Compare Debian versions, by ``dpkg``."""
    if one == other:
        return 0
    is_less = run_to_end([program_of("dpkg"), "--compare-versions", one, "lt", other])
    return -1 if is_less.returncode == 0 else 1
