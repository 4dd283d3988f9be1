"""Stock kernels of Debian's suites: fetching them into the cache, and removing them."""

import re
import shutil
from pathlib import Path

from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab import cache
from loadstone.lab.apt import Apt, AptError, AptSource, program_of
from loadstone.lab.cache import (
    StockKernel,
    cache_directory,
    cannot_write,
    locked,
    stock_kernels,
    suite_directory,
    sweep,
    this_architecture,
)
from loadstone.lab.headers import remove_headers
from loadstone.lab.mirror import make_source
from loadstone.lab.packages import (
    SUITES,
    OnProgress,
    PackageSet,
    apt_directory,
    download,
    fetch_error,
    package_set,
)
from loadstone.lab.unpack import unpack
from loadstone.model import Noun

_SUITE = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")

# The packages of one kernel; the metapackages have no digit.
_PARTS = re.compile(r"linux-(image|binary|modules|base)-(\d\S*)")


class _Candidate(Noun, frozen=True, kw_only=True):
    """The newest kernel of a suite, and its packages."""

    kernel: StockKernel
    packages: PackageSet


def fetch(
    suite: str,
    *,
    mirror: str | None = None,
    keyring: Path | None = None,
    architecture: str | None = None,
    on_progress: OnProgress = lambda _text, _percent: None,
) -> StockKernel:
    """Fetch a suite's newest kernel, unless it is in the cache; older ones stay.

    Args:
        mirror: URI of a Debian archive; by default the machine's own source.
        keyring: the keys that apt trusts; by default Debian's.
        architecture: by uname's name; this machine's by default.

    Raises:
        UsageError: there is no such suite, mirror or keyring.
        CannotMeasureError: no network, no space, a program is missing, or apt does not trust
            the mirror.
    """
    architecture = architecture or this_architecture()
    _check_suite(suite)
    for program in ("apt-get", "apt-cache", "dpkg", "dpkg-deb", "depmod"):
        program_of(program)
    source = make_source(suite, architecture, mirror, keyring)
    try:
        with locked(
            suite,
            architecture,
            lambda: on_progress(f"{suite}: waiting for another loadstone that fetches it", None),
        ):
            sweep(suite_directory(suite, architecture))
            return _fetch(source, architecture, on_progress)
    except OSError as error:
        raise cannot_write(error, cache_directory()) from error


def remove(name: str, *, architecture: str | None = None) -> list[StockKernel]:
    """Remove a suite's kernels and its package lists, or the kernels of one release.

    Their headers go with them.

    Returns:
        The kernels that were removed.

    Raises:
        UsageError: there is none of that name.
    """
    architecture = architecture or this_architecture()
    kernels = stock_kernels(architecture)
    selected = [kernel for kernel in kernels if name in (kernel.suite, kernel.release)]
    kept = apt_directory(name, architecture) if _SUITE.fullmatch(name) else None
    if not selected and not (kept and kept.exists()):
        here = ", ".join(dict.fromkeys(kernel.suite for kernel in kernels)) or "none"
        raise UsageError(
            f"no kernel {name} was fetched (here: {here})",
            remedy="`loadstone lab kernels` lists those that can be removed",
        )
    try:
        for kernel in selected:
            with locked(kernel.suite, architecture, lambda: None):
                cache.remove(kernel)
            remove_headers(kernel)
        if kept and kept.exists():
            with locked(name, architecture, lambda: None):
                shutil.rmtree(kept)
    except OSError as error:
        raise cannot_write(error, cache_directory()) from error
    return selected


def fetched(release: str) -> StockKernel | None:
    """The fetched kernel of a release."""
    return next((kernel for kernel in stock_kernels() if kernel.release == release), None)


def _check_suite(suite: str) -> None:
    if not _SUITE.fullmatch(suite):
        raise UsageError(
            f"{suite} is not the name of a suite", remedy=f"name one of {', '.join(SUITES)}"
        )


def _fetch(source: AptSource, architecture: str, on_progress: OnProgress) -> StockKernel:
    suite = source.suite
    apt = Apt(apt_directory(suite, architecture), source)
    on_progress(f"{suite}: reading the package lists of {source.mirror}", None)
    try:
        apt.update()
        candidate = _newest(apt, source, architecture)
        if candidate.kernel in stock_kernels(architecture):
            return candidate.kernel
        what = f"{candidate.kernel.package} {candidate.kernel.version}"
        files = download(apt, candidate.packages, suite, what, on_progress)
    except AptError as error:
        explained = fetch_error(error, source, "kernels")
        if isinstance(explained, UsageError):
            shutil.rmtree(apt.directory)
        raise explained from error
    unpack(files, candidate.kernel)
    apt.clear()
    return candidate.kernel


def _newest(apt: Apt, source: AptSource, architecture: str) -> _Candidate:
    meta = f"linux-image-{source.architecture}"
    matches = [_PARTS.fullmatch(name) for name in apt.dependencies(meta)]
    parts = [match for match in matches if match and not match[2].endswith("-unsigned")]
    images = [match for match in parts if match[1] == "image"]
    if not images:
        raise CannotMeasureError(
            f"{meta} of {source.suite} at {source.mirror} depends on no kernel",
            remedy="name another suite, or another mirror with --mirror",
        )
    release = images[0][2]
    shown = apt.show(*(match[0] for match in parts if match[2] == release))
    versions = {fields["Package"]: fields["Version"] for fields in shown}
    return _Candidate(
        kernel=StockKernel(
            suite=source.suite,
            release=release,
            package=images[0][0],
            version=versions[images[0][0]],
            architecture=architecture,
        ),
        packages=package_set(shown),
    )
