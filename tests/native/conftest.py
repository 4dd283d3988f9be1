"""The program under test, in the builds that tests of the core drive."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from huge_page_pool import reserved
from loadstone.targets.local import LocalTarget
from native.job_lines import EMULATORS, Agent, need_emulator
from native.programs import ADDRESS, THREAD, Builds, Program


def _compiler() -> str:
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler):
            return compiler
    pytest.skip("needs a C compiler: apt-get install gcc")


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Builds that are shared with the test processes beside this one."""
    place = tmp_path_factory.getbasetemp()
    return Builds((place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "builds")


@pytest.fixture(scope="session")
def job(builds: Builds) -> Program:
    """As it is shipped."""
    return builds.program(_compiler())


@pytest.fixture(scope="session")
def sanitized(builds: Builds) -> Program:
    """With AddressSanitizer, its leak checker, and UndefinedBehaviorSanitizer."""
    return builds.program(_compiler(), *ADDRESS)


@pytest.fixture(scope="session")
def thread_sanitized(builds: Builds) -> Program:
    """With ThreadSanitizer."""
    return builds.program(_compiler(), *THREAD)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """This machine as a Target: its worker is small, so that a child is made in no time."""
    target = LocalTarget(tmp_path_factory.mktemp("local"))
    yield target
    target.close()


@pytest.fixture
def huge_pages() -> Iterator[None]:
    """Enough huge pages for a file of 5 MiB in three buffers."""
    with reserved(12):
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
def checked(compiler: str, builds: Builds) -> Program:
    """By each compiler, with AddressSanitizer, its leak checker, and UndefinedBehaviorSanitizer."""
    return builds.program(compiler, *ADDRESS)


@pytest.fixture(scope="session")
def thread_checked(compiler: str, builds: Builds) -> Program:
    """By each compiler, with ThreadSanitizer."""
    return builds.program(compiler, *THREAD)
