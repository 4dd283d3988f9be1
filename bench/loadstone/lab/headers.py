"""The headers of a fetched kernel, in a root with the compiler and the programs to build with.

The machine's own compiler is not asked: that of another release fails on the kernel's flags, and
a kernel's own programs (objtool, modpost) want the libc that they were linked with.
"""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from loadstone.durable import UNDECODABLE, decode
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.apt import Apt, AptError, AptSource, program_of
from loadstone.lab.cache import (
    StockKernel,
    cache_directory,
    cannot_write,
    locked,
    partial_directory,
    put_in_place,
    remove_directory,
    size_on_disk,
    sweep,
)
from loadstone.lab.mirror import make_source
from loadstone.lab.packages import (
    OnProgress,
    PackageSet,
    apt_directory,
    download,
    fetch_error,
    package_set,
)
from loadstone.lab.unpack import extract
from loadstone.model import Noun

ABOUT = "headers.json"

_BACKPORTS = "-backports"
# What a kernel's Makefiles run besides the compiler on which its headers depend.
_PROGRAMS = ("make", "binutils", "dash", "coreutils", "sed", "grep", "mawk", "findutils")
_UNUSED = ("doc", "info", "locale", "man")
# What `build` mounts over; /dev/null as a file.
_MOUNT_POINTS = ("build", "proc", "tmp", "dev")
# Before the packages, whose files are in one place or in both.
_MERGED = ("bin", "lib", "lib64", "sbin")


class Headers(Noun, frozen=True, kw_only=True):
    """The headers of a kernel, as in ``headers.json``; ``packages`` are apt's ``NAME=VERSION``."""

    kernel: StockKernel
    packages: tuple[str, ...]

    @property
    def directory(self) -> Path:
        """Its directory in the cache."""
        return _directory(self.kernel)

    @property
    def root(self) -> Path:
        """The root that all of the packages were extracted to."""
        return self.directory / "root"

    @property
    def modules(self) -> Path:
        """Where the modules are kept that were built with them."""
        return self.directory / "modules"

    def size_bytes(self) -> int:
        """Its size on disk."""
        return size_on_disk(self.directory)


def headers_of(kernel: StockKernel) -> Headers | None:
    """The headers of a fetched kernel, or None if they were not fetched.

    Raises:
        UsageError: they are damaged.
    """
    path = _directory(kernel) / ABOUT
    try:
        return decode(path.read_bytes(), Headers)
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        raise UsageError(
            f"{path} is damaged: {error}",
            remedy="delete its directory and fetch the headers again",
        ) from error


def fetch_headers(
    kernel: StockKernel,
    *,
    mirror: str | None = None,
    keyring: Path | None = None,
    on_progress: OnProgress = lambda _text, _percent: None,
) -> Headers:
    """Fetch the headers of a fetched kernel, unless they are in the cache.

    Args:
        mirror: URI of a Debian archive; by default the machine's own source.
        keyring: the keys that apt trusts; by default Debian's.

    Raises:
        UsageError: there is no such mirror or keyring.
        CannotMeasureError: the archive has no such headers any more; no network, no space, a
            program is missing, or apt does not trust the mirror.
    """
    for program in ("apt-get", "apt-cache", "dpkg-deb"):
        program_of(program)
    suite = kernel.suite
    source = _with_base(make_source(suite, kernel.architecture, mirror, keyring))
    try:
        with headers_locked(
            kernel, lambda: on_progress(f"{suite}: waiting for another loadstone's fetch", None)
        ):
            sweep(_directory(kernel).parent)
            return headers_of(kernel) or _fetch(kernel, source, on_progress)
    except OSError as error:
        raise cannot_write(error, cache_directory()) from error


def remove_headers(kernel: StockKernel) -> None:
    """Remove a kernel's headers and the modules built with them, if there are any.

    Raises:
        OSError: they could not be removed.
    """
    directory = _directory(kernel)
    if not directory.exists():
        return
    with headers_locked(kernel, lambda: None):
        remove_directory(directory)
        with contextlib.suppress(OSError):
            directory.parent.rmdir()


def headers_locked(
    kernel: StockKernel, wait: Callable[[], None]
) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of a suite's headers.

    Args:
        wait: called before waiting, if another process holds it.
    """
    return locked(f"{kernel.suite}-headers", kernel.architecture, wait)


def _directory(kernel: StockKernel) -> Path:
    place = cache_directory() / "headers" / kernel.architecture / kernel.suite
    return place / kernel.directory.name


def _with_base(source: AptSource) -> AptSource:
    """Backports depend on the suite that they are for, which has the compiler."""
    base = source.suite.removesuffix(_BACKPORTS)
    if base == source.suite:
        return source
    return msgspec.structs.replace(source, base=base)


def _fetch(kernel: StockKernel, source: AptSource, on_progress: OnProgress) -> Headers:
    suite = kernel.suite
    apt = Apt(apt_directory(suite, kernel.architecture) / "headers", source)
    on_progress(f"{suite}: reading the package lists of {source.mirror}", None)
    try:
        apt.update()
        packages = _packages(apt, kernel, source)
        files = download(apt, packages, suite, f"headers of {kernel.release}", on_progress)
    except AptError as error:
        raise fetch_error(error, source, "headers") from error
    headers = Headers(kernel=kernel, packages=packages.words)
    with partial_directory(headers.directory.parent) as partial:
        _make_root(files, partial / "root")
        put_in_place(partial, ABOUT, headers, headers.directory)
    shutil.rmtree(apt.directory)
    return headers


def _packages(apt: Apt, kernel: StockKernel, source: AptSource) -> PackageSet:
    wanted = f"linux-headers-{kernel.release}={kernel.version}"
    try:
        return package_set(apt.show(*apt.resolve([wanted, *_PROGRAMS])))
    except AptError as error:
        raise CannotMeasureError(
            f"no headers of {kernel.release} {kernel.version} in {source.suite} at "
            f"{source.mirror}: {error.messages}",
            remedy="the archive has those of its newest kernel alone: "
            f"loadstone lab kernels fetch --headers {source.suite}",
        ) from error


def _make_root(packages: Sequence[Path], root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    extract(packages, root)
    for name in _UNUSED:
        shutil.rmtree(root / "usr" / "share" / name, ignore_errors=True)
    for name in _MOUNT_POINTS:
        (root / name).mkdir(exist_ok=True)
    (root / "dev" / "null").touch()
    # A package's script would make it.
    awk = root / "usr" / "bin" / "awk"
    if not awk.exists():
        awk.symlink_to("mawk")
