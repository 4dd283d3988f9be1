"""Stock kernels of Debian's suites: which there are, and how they come into the cache."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError
from loadstone.lab import cache
from loadstone.lab.apt import Apt, AptError, Source, program_of
from loadstone.lab.cache import (
    StockKernel,
    cache_directory,
    cannot_write,
    locked,
    stock_kernels,
    sweep,
    this_architecture,
)
from loadstone.lab.mirror import make_source
from loadstone.lab.unpack import unpack
from loadstone.model import Noun

SUITES = {
    "bookworm": "6.1",
    "bookworm-backports": "6.12",
    "trixie": "6.12",
    "trixie-backports": "7.x",
    "sid": "the newest",
}
"""Suites known to have kernels, each with its series as a hint."""

_SUITE = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")

# A kernel's own packages; the empty ones that depend on the newest have no digit.
_PARTS = re.compile(r"linux-(image|binary|modules|base)-(\d\S*)")

Watch = Callable[[str, float | None], None]
"""Is told what goes on, and how many per cent of it are done where that is known."""


class _Order(Noun, frozen=True, kw_only=True):
    """The newest kernel of a suite: its packages, their files, and what they take in bytes."""

    kernel: StockKernel
    packages: tuple[str, ...]
    files: tuple[str, ...]
    download_bytes: int
    unpacked_bytes: int


def fetch(
    suite: str,
    *,
    mirror: str | None = None,
    keyring: Path | None = None,
    architecture: str | None = None,
    watch: Watch = lambda _text, _percent: None,
) -> StockKernel:
    """Get a suite's newest kernel, unless it is here already; older ones stay.

    Args:
        mirror: URI of a Debian archive; by default the machine's own source.
        keyring: whom apt is to trust; by default Debian's keys.
        architecture: as uname says it; this machine's by default.

    Raises:
        UsageError: there is no such suite, mirror or keyring.
        CannotMeasureError: no network, no space, a program is missing, or apt trusts the
            mirror not.
    """
    architecture = architecture or this_architecture()
    _check_suite(suite)
    for program in ("apt-get", "apt-cache", "dpkg", "dpkg-deb", "depmod"):
        program_of(program)
    source = make_source(suite, architecture, mirror, keyring)
    try:
        with locked(
            suite, architecture, lambda: watch(f"{suite}: another loadstone is at it", None)
        ):
            sweep(suite, architecture)
            return _fetch(source, architecture, watch)
    except OSError as error:
        raise cannot_write(error, cache_directory()) from error


def remove(name: str, *, architecture: str | None = None) -> list[StockKernel]:
    """Remove a suite's kernels and what apt kept for it, or those of one release.

    Returns:
        The kernels that are gone.

    Raises:
        UsageError: none is here by that name.
    """
    architecture = architecture or this_architecture()
    kernels = stock_kernels(architecture)
    doomed = [kernel for kernel in kernels if name in (kernel.suite, kernel.release)]
    kept = apt_directory(name, architecture) if _SUITE.fullmatch(name) else None
    if not doomed and not (kept and kept.exists()):
        here = ", ".join(dict.fromkeys(kernel.suite for kernel in kernels)) or "none"
        raise UsageError(f"no kernel {name} was fetched", remedy=f"here: {here}")
    try:
        for kernel in doomed:
            with locked(kernel.suite, architecture, lambda: None):
                cache.remove(kernel)
        if kept and kept.exists():
            with locked(name, architecture, lambda: None):
                shutil.rmtree(kept)
    except OSError as error:
        raise cannot_write(error, cache_directory()) from error
    return doomed


def apt_directory(suite: str, architecture: str) -> Path:
    """Where apt keeps its lists and downloads for a suite."""
    return cache_directory() / "apt" / architecture / suite


def _check_suite(suite: str) -> None:
    if not _SUITE.fullmatch(suite):
        raise UsageError(
            f"{suite} is not the name of a suite",
            remedy=f"take one of {', '.join(SUITES)}",
        )


def _fetch(source: Source, architecture: str, watch: Watch) -> StockKernel:
    suite = source.suite
    apt = Apt(apt_directory(suite, architecture), source)
    watch(f"{suite}: reading the package lists of {source.mirror}", None)
    try:
        apt.update()
        order = _newest(apt, source, architecture)
        if order.kernel in stock_kernels(architecture):
            return order.kernel
        _forget_others(order, apt.downloads)
        _require_space(order, apt.downloads)
        what = f"{suite}: {order.kernel.package} {order.kernel.version}"
        size = f"{order.download_bytes / 1e6:.0f} MB"
        watch(f"{what}, {size}", 0)
        apt.download(list(order.packages), lambda percent: watch(f"{what}, {size}", percent))
    except AptError as error:
        explained = _explained(error, source)
        if isinstance(explained, UsageError):
            shutil.rmtree(apt.directory)
        raise explained from error
    watch(f"{suite}: unpacking, {order.unpacked_bytes / 1e6:.0f} MB", None)
    unpack([apt.downloads / name for name in order.files], order.kernel)
    shutil.rmtree(apt.downloads)
    return order.kernel


def _newest(apt: Apt, source: Source, architecture: str) -> _Order:
    meta = f"linux-image-{source.architecture}"
    matches = [_PARTS.fullmatch(name) for name in apt.dependencies(meta)]
    parts = [match for match in matches if match and not match[2].endswith("-unsigned")]
    images = [match for match in parts if match[1] == "image"]
    if not images:
        raise CannotMeasureError(
            f"{meta} of {source.suite} at {source.mirror} names no kernel",
            remedy="name another suite, or another mirror with --mirror",
        )
    release = images[0][2]
    shown = apt.show(*(match[0] for match in parts if match[2] == release))
    versions = {fields["Package"]: fields["Version"] for fields in shown}
    return _Order(
        kernel=StockKernel(
            suite=source.suite,
            release=release,
            package=images[0][0],
            version=versions[images[0][0]],
            architecture=architecture,
        ),
        packages=tuple(f"{name}={version}" for name, version in versions.items()),
        files=tuple(
            f"{name}_{version}_{source.architecture}.deb" for name, version in versions.items()
        ),
        download_bytes=sum(int(fields["Size"]) for fields in shown),
        unpacked_bytes=sum(int(fields.get("Installed-Size", 0)) * 1024 for fields in shown),
    )


def _forget_others(order: _Order, downloads: Path) -> None:
    """Remove what an earlier fetch that was cut off had got of an older kernel."""
    for path in downloads.iterdir():
        if path.name not in order.files:
            path.unlink()


def _require_space(order: _Order, downloads: Path) -> None:
    here = sum(path.stat().st_size for path in downloads.glob("*.deb"))
    needed = order.unpacked_bytes + max(order.download_bytes - here, 0)
    free = shutil.disk_usage(downloads).free
    if needed > free:
        raise CannotMeasureError(
            f"{order.kernel.suite} needs {needed / 1e6:.0f} MB in {cache_directory()}, and "
            f"{free / 1e6:.0f} MB are free",
            remedy="free space, or name another cache directory with LOADSTONE_CACHE",
        )


def _explained(error: AptError, source: Source) -> LoadstoneError:
    words = error.what
    if re.search(r"not signed|no longer signed|signature|NO_PUBKEY|EXPKEYSIG|Hash Sum", words):
        return CannotMeasureError(
            f"apt does not trust {source.mirror}: {words}",
            remedy="name its keys with --keyring, or another mirror with --mirror",
        )
    if re.search(r"does not have a Release file|Unable to locate package|No packages found", words):
        return UsageError(
            f"no suite {source.suite} with kernels for {source.architecture} at {source.mirror}: "
            f"{words}",
            remedy=f"take one of {', '.join(SUITES)}, or another mirror with --mirror",
        )
    remedy = (
        "free space, or name another cache directory with LOADSTONE_CACHE"
        if "No space left" in words
        else "check the network, or name another mirror with --mirror"
    )
    return CannotMeasureError(f"cannot fetch {source.suite}: {words}", remedy=remedy)
