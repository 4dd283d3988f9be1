"""A process to look at, and who looks."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from known_process import build, running
from loadstone.targets.local import LocalTarget
from native.conftest import builds, device_agent, job, sanitized

__all__ = ["builds", "device_agent", "job", "sanitized"]


@pytest.fixture(scope="session")
def known_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built for this machine."""
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler: apt-get install gcc")
    return build(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def known(known_program: Path) -> Iterator[int]:
    """The PID of one that keeps still."""
    with running(known_program) as pid:
        yield pid


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """This machine as a Target."""
    target = LocalTarget(tmp_path_factory.mktemp("local"))
    yield target
    target.close()
