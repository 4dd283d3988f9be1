"""Kernels for tests of the lab: real ones, fetched once, and an archive of small ones."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.archive import Archive
from lab.laboratory import Lab
from loadstone.errors import CannotMeasureError
from loadstone.lab.cache import cache_directory
from loadstone.lab.debian import fetch, fetched
from loadstone.lab.headers import fetch_headers
from loadstone.lab.kernels import Kernel, find_kernel
from loadstone.lab.needs import require

# What takes guests the longest, so that two processes end at about the same time.
_FIRST = (
    "test_inside.py",
    "test_lab_run.py",
    "test_headlines.py",
    "test_virtual_phone.py",
    "test_lab_faults.py",
    "test_kernel_module.py",
    "test_lab_modules.py",
)
_PACKAGES = {"gpg": "gnupg", "gpgconf": "gnupg", "dpkg-deb": "dpkg", "apt-get": "apt", "gcc": "gcc"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of guests come in the order in which two processes take them, a file each."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if not item.get_closest_marker("lab"):
        return 0
    name = item.path.name
    return 1 + (_FIRST.index(name) if name in _FIRST else len(_FIRST))


@pytest.fixture(scope="session")
def kernel_cache() -> Path:
    """The cache that real kernels are kept in: the user's, or ``$LOADSTONE_CACHE``."""
    return cache_directory()


@pytest.fixture(scope="session")
def kernels(kernel_cache: Path) -> Callable[[str], Kernel]:
    """Finds a suite's kernel, which is fetched where it is not there."""

    def get(name: str) -> Kernel:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOADSTONE_CACHE", str(kernel_cache))
            if not any(kernel_cache.glob(f"kernels/*/{name}/*/kernel.json")):
                _fetch(name)
            return find_kernel(name)

    return get


@pytest.fixture
def kernels_with_headers(
    kernels: Callable[[str], Kernel], kernel_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Kernel]:
    """Finds a suite's kernel with its headers, which are fetched where they are not there."""
    monkeypatch.setenv("LOADSTONE_CACHE", str(kernel_cache))

    def get(name: str) -> Kernel:
        kernel = kernels(name)
        stock = fetched(kernel.release)
        assert stock is not None
        with _skipped_without_network(f"fetch --headers {name}"):
            fetch_headers(stock)
        return kernel

    return get


def _fetch(name: str) -> None:
    with _skipped_without_network(f"fetch {name}"):
        fetch(name)


@contextlib.contextmanager
def _skipped_without_network(verb: str) -> Iterator[None]:
    try:
        yield
    except CannotMeasureError as error:
        if "check the network" not in str(error):
            raise
        pytest.skip(f"{error}; or loadstone lab kernels {verb} beforehand")


@pytest.fixture(scope="session")
def _archive() -> Iterator[Archive]:
    missing = {package for name, package in _PACKAGES.items() if shutil.which(name) is None}
    if missing:
        pytest.skip(f"apt-get install {' '.join(sorted(missing))}")
    # Not below pytest's: apt reads it as a user of its own.
    with tempfile.TemporaryDirectory(prefix="ls-") as name:
        Path(name).chmod(0o755)
        archive = Archive(Path(name))
        try:
            yield archive
        finally:
            archive.close()


@pytest.fixture
def archive(_archive: Archive) -> Archive:
    """A Debian archive with one kernel, version 1."""
    umask = os.umask(0o022)
    try:
        _archive.clear()
        _archive.add("1")
    finally:
        os.umask(umask)
    return _archive


@pytest.fixture(scope="session")
def lab(
    tmp_path_factory: pytest.TempPathFactory,
    kernel_cache: Path,
    kernels: Callable[[str], Kernel],
) -> Iterator[Lab]:
    """The lab, for tests that leave nothing but Runs; none boots where a program is missing."""
    try:
        require()
    except CannotMeasureError as error:
        pytest.skip(str(error))
    lab = Lab(tmp_path_factory.mktemp("lab"), kernel_cache, kernels)
    yield lab
    lab.command.check_nothing_is_left()
