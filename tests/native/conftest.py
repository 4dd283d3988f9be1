"""The program under test, in the builds that tests of the core drive."""

import shutil
from collections.abc import Iterator

import places
import pytest
from programs import Program, build


def _compiler() -> str:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler: apt-get install gcc")
    return compiler


def _built(factory: pytest.TempPathFactory, name: str, *options: str) -> Program:
    return build(factory.mktemp(name) / "build", _compiler(), *options)[0]


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """As it is shipped."""
    return _built(tmp_path_factory, "release")


@pytest.fixture(scope="session")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """With AddressSanitizer, its leak checker, and UndefinedBehaviorSanitizer."""
    return _built(tmp_path_factory, "address", "LOADSTONE_SANITIZE=ON")


@pytest.fixture(scope="session")
def thread_sanitized(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """With ThreadSanitizer."""
    return _built(tmp_path_factory, "thread", "LOADSTONE_SANITIZE_THREAD=ON")


@pytest.fixture
def huge_pages() -> Iterator[None]:
    """Enough huge pages for a file of 5 MiB in three buffers."""
    with places.huge_pages(12):
        yield
