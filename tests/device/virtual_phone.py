"""A phone in the lab: another kernel, F2FS on dm on simulated flash, dma-buf heaps."""

import contextlib
import shlex
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from device.adb_server import AdbServer, free_port
from device.cable import Cable
from device.inside_phone import PORTS
from device.phone import Phone
from loadstone.lab.command import hidden, own_paths, script, virtme_argv
from loadstone.lab.directory import lab_directory
from loadstone.lab.guest import Guest, GuestError
from loadstone.lab.kernels import Kernel, stage
from loadstone.lab.machine import ClockKind, make_machine
from loadstone.model import Noun
from loadstone.provision.journal import Journal

KERNEL = "trixie-backports"

_TESTS = Path(__file__).parents[1]
_MEMORY_BYTES = 3 << 30
_LIMIT_S = 1800
_BODY = """
export PYTHONPATH={paths} PYTHONDONTWRITEBYTECODE=1
{python} {inside} {base} < /dev/null
"""


class VirtualPhone(Noun, frozen=True, kw_only=True):
    """One guest, reached as root and as Android's ``shell``."""

    root: Phone
    shell: Phone


@contextlib.contextmanager
def booted(
    server: AdbServer, base: Path, kernel: Kernel, place: Path, clock: ClockKind = ClockKind.WALL
) -> Iterator[VirtualPhone]:
    """Boot it, and have adb's server know it; it is gone at the end.

    Args:
        base: what ``debian_root`` returned.
        place: an empty directory for what a boot writes down.
    """
    machine = make_machine(clock, _MEMORY_BYTES, kernel.architecture)
    ports = {uid: free_port() for uid in PORTS}
    with Journal(place) as journal, lab_directory(journal) as directory:
        image = stage(kernel, directory)
        modules = directory / "lib" / "modules" / kernel.release
        named = [] if kernel.modules is None else [kernel.modules]
        shares = hidden([*own_paths(), _TESTS, *named, base, directory])
        argv = virtme_argv(machine, image, directory, shares, more=_network(ports))
        body = _BODY.format(
            python=shlex.quote(sys.executable),
            inside=shlex.quote(str(_TESTS / "device" / "inside_phone.py")),
            base=shlex.quote(str(base)),
            paths=shlex.quote(str(_TESTS)),
        )
        text = script(shares, modules, body)
        with Guest(argv, text, directory, lambda _: None, _LIMIT_S) as guest, _running(guest):
            phones = [_phone(server, port, uid) for uid, port in ports.items()]
            try:
                for phone in phones:
                    phone.connect()
                root, shell = phones
                yield VirtualPhone(root=root, shell=shell)
            finally:
                for phone in phones:
                    phone.forget()


def _network(ports: dict[int, int]) -> list[str]:
    """Nothing but those ports of the loopback leads in, and nothing leads out."""
    ways = [f"hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:{PORTS[uid]}" for uid, port in ports.items()]
    device = ("-device", "virtio-net-pci,netdev=phone")
    return ["-netdev", ",".join(["user,id=phone,restrict=on", *ways]), *device]


def _phone(server: AdbServer, port: int, uid: int) -> Phone:
    cable = Cable(port)
    cable.plug_in()
    return Phone(server, cable, uid)


@contextlib.contextmanager
def _running(guest: Guest) -> Iterator[None]:
    """A guest whose phone is ready; what it says from then on is taken from its pipes."""
    lines = guest.lines()
    said = next((line for line in lines if line == b"ready"), None)
    assert said is not None, "\n".join(guest.console[-60:])
    drain = threading.Thread(target=_drain, args=(lines,), daemon=True)
    drain.start()
    yield


def _drain(lines: Iterator[bytes]) -> None:
    """Until the guest is ended, which its pipes tell of in their own way."""
    with contextlib.suppress(GuestError, OSError, ValueError, KeyError):
        deque(lines, 0)
