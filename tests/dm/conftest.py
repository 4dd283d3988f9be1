"""What tests of device-mapper stand on: a kernel that has it, and devices of the test's own."""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB
from dm.dm_devices import Lower, dmsetup, is_udev, node_of
from leftovers import leftovers
from loadstone.errors import CannotMeasureError
from loadstone.provision.device_mapper import require_device_mapper
from loadstone.targets.local import LocalTarget

REMEDY = "tests/lab/test_inside.py runs these in a guest that has it"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every device of device-mapper is looked at, so nothing may run beside these."""
    for item in items:
        if "dm" in item.path.parts:
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """One for all tests: in a guest, a worker takes its time to start."""
    target = LocalTarget(tmp_path_factory.mktemp("target"))
    try:
        require_device_mapper(target)
        yield target
    except CannotMeasureError as error:
        pytest.skip(f"{error}; {REMEDY}")
    finally:
        target.close()


@pytest.fixture(autouse=True)
def _nothing_is_left(target: LocalTarget, place: Path) -> Iterator[None]:
    """Skips where there is no device-mapper, and sees that the test leaves none."""
    del target
    before = leftovers(place)
    yield
    assert leftovers(place) == before


@pytest.fixture
def loop(place: Path) -> Iterator[str]:
    """A loop device of 64 MiB, as a user might have it."""
    image = place / "users.img"
    with image.open("wb") as stream:
        stream.truncate(64 * MIB)
    done = subprocess.run(
        ["losetup", "--find", "--show", image], check=True, capture_output=True, text=True
    )
    device = done.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        image.unlink()


@pytest.fixture
def lower(loop: str) -> Lower:
    """Makes a device over the loop of a table that says LOOP where that one is meant."""

    @contextlib.contextmanager
    def make(table: str) -> Iterator[str]:
        name = f"test-{os.getpid()}-{secrets.token_hex(4)}"
        dmsetup("create", name, "--table", table.replace("LOOP", loop))
        try:
            yield str(Path(f"/dev/mapper/{name}").resolve()) if is_udev() else node_of(name)
        finally:
            dmsetup("remove", "--retry", name)

    return make
