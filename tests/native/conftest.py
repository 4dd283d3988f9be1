"""The program under test, in the builds that tests of the core drive."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from native import places
from native.job_lines import EMULATORS, Agent, need_emulator
from native.programs import Program, build


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


@pytest.fixture(scope="session", params=EMULATORS)
def device_agent(built_agents: Path, request: pytest.FixtureRequest) -> Agent:
    """The agent of each architecture, under an emulator where it takes one."""
    emulator = need_emulator(request.param)
    return Agent(built_agents / f"loadstone-agent-{request.param}", (emulator,) if emulator else ())


@pytest.fixture(scope="session", params=["gcc", "clang"])
def compiler(request: pytest.FixtureRequest) -> str:
    """Each compiler that the core is built with."""
    if not shutil.which(request.param):
        pytest.skip(f"needs {request.param}: apt-get install {request.param}")
    return str(request.param)


@pytest.fixture(scope="session")
def checked(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """By each compiler, with AddressSanitizer, its leak checker, and UndefinedBehaviorSanitizer."""
    directory = tmp_path_factory.mktemp(f"address-{compiler}")
    return build(directory, compiler, "LOADSTONE_SANITIZE=ON")[0]
