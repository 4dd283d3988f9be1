"""Phones for tests: Debian's adb and adbd, on this machine, and in a guest of the lab's."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Command
from device.adb_server import FOREIGN, AdbServer
from device.adbd import Adbd, MakeAdbd
from device.android import SHELL_UID
from device.debian_root import debian_root
from device.virtual_phone import KERNEL, VirtualPhone, booted
from loadstone.errors import CannotMeasureError
from loadstone.lab.cache import stock_kernels
from loadstone.lab.debian import fetch
from loadstone.lab.kernels import Kernel, find_kernel
from loadstone.lab.needs import require

_PROGRAMS = {
    "adb": "adb",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}


@pytest.fixture(scope="session")
def base_root() -> Path:
    """A root of Debian's with adbd: read-only, fetched once."""
    if os.geteuid() != 0:
        pytest.skip("adbd gets namespaces of its own: run as root")
    missing = {package for name, package in _PROGRAMS.items() if shutil.which(name) is None}
    if missing:
        pytest.skip(f"apt-get install {' '.join(sorted(missing))}")
    with _skipped_offline():
        return debian_root()


@pytest.fixture(scope="session")
def adb_server(base_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    """A server of adb's that knows no device but the tests' own."""
    del base_root
    server = AdbServer(tmp_path_factory.mktemp("adb"))
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def make_adbd(adb_server: AdbServer, base_root: Path, place: Path) -> Iterator[MakeAdbd]:
    """Starts an adbd of a user; all of it is gone at the end."""
    made: list[Adbd] = []

    def make(uid: int) -> Adbd:
        own = place / f"phone-{len(made)}"
        own.mkdir()
        made.append(Adbd(adb_server, base_root, own, uid))
        made[-1].start()
        made[-1].connect()
        return made[-1]

    try:
        yield make
    finally:
        for adbd in made:
            adbd.remove()


@pytest.fixture
def adbd(make_adbd: MakeAdbd) -> Adbd:
    """A phone whose shell has no rights."""
    return make_adbd(SHELL_UID)


@pytest.fixture
def root_adbd(make_adbd: MakeAdbd) -> Adbd:
    """A phone whose shell is root."""
    return make_adbd(0)


@pytest.fixture
def measure(adb_server: AdbServer, built_agents: Path, place: Path) -> Iterator[Command]:
    """The command beside the tests' own phones; when the test ends, nothing of it may be left."""
    del built_agents
    host = place / "host"
    host.mkdir()
    command = Command(host)
    command.environment |= adb_server.environment
    yield command
    try:
        command.check_nothing_is_left()
    finally:
        for process in command.processes():
            process.kill()


@pytest.fixture(scope="module")
def virtual_phone(
    adb_server: AdbServer,
    base_root: Path,
    phone_kernel: Kernel,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[VirtualPhone]:
    """A phone of another kernel: a boot of about a minute, so all tests of a module share it."""
    place = tmp_path_factory.mktemp("phone")
    with booted(adb_server, base_root, phone_kernel, place) as phone:
        yield phone
    assert not [path for path in place.rglob("*") if path.is_file()]


@pytest.fixture(scope="session")
def phone_kernel() -> Kernel:
    """The virtual phone's kernel, which is fetched where it is not there."""
    try:
        require()
    except CannotMeasureError as error:
        pytest.skip(str(error))
    with _skipped_offline():
        if KERNEL not in {kernel.suite for kernel in stock_kernels()}:
            fetch(KERNEL)
        return find_kernel(KERNEL)


@contextlib.contextmanager
def _skipped_offline() -> Iterator[None]:
    try:
        yield
    except CannotMeasureError as error:
        if "network" not in str(error) and "resolve" not in str(error):
            raise
        pytest.skip(f"{error}; run this once with a network, and the cache has it")
