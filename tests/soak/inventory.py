"""What the kernel and the disk hold of a storm: listed before it and after each kill."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from commands import Command
from leftovers import leftovers
from zrams import zram_swaps, zrams

_CGROUPS = Path("/sys/fs/cgroup")


class Inventory(NamedTuple):
    """What could be left of a killed command; Runs are meant to stay and are not in it.

    What other tests may have meanwhile (loops, mounts and swaps elsewhere, cgroups that are in
    use) is not looked at.
    """

    loops: frozenset[str]
    mounts: frozenset[str]
    mapped: frozenset[str]
    swaps: frozenset[str]
    zrams: frozenset[str]
    cgroups: frozenset[str]
    modules: frozenset[str]
    files: frozenset[str]
    processes: frozenset[str]

    def beyond(self, before: "Inventory") -> dict[str, list[str]]:
        """What is here and was not before, and what was and is gone.

        Zram devices of other tests may go meanwhile.
        """
        changes = {
            name: sorted(now - then if name in ("swaps", "zrams") else now ^ then)
            for name, now, then in zip(self._fields, self, before, strict=True)
        }
        return {name: changed for name, changed in changes.items() if changed}


def take_inventory(command: Command) -> Inventory:
    """What there is now of whatever ``command`` has started or made."""
    found = leftovers(command.place)
    return Inventory(
        loops=found.loops,
        mounts=found.mounts,
        mapped=found.mapped,
        swaps=zram_swaps()
        | frozenset(_swaps(f"{os.path.realpath(command.place)}/", _loops_of(found.loops))),
        zrams=zrams(),
        cgroups=frozenset(_idle_cgroups()),
        modules=frozenset(_first_words("/proc/modules")),
        files=frozenset(_files(command.place)),
        processes=frozenset(f"{one.pid} {one.name()}" for one in command.processes()),
    )


def _files(place: Path) -> Iterator[str]:
    runs = place / "results" / "runs"
    for path in place.rglob("*"):
        if not path.is_relative_to(runs) and path != place / "results":
            yield str(path.relative_to(place))


def _loops_of(images: Iterable[str]) -> frozenset[str]:
    """The devices over these files."""
    devices = set()
    for attribute in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if attribute.read_text().strip() in images:
                devices.add(f"/dev/{attribute.parents[1].name}")
        except OSError:
            continue
    return frozenset(devices)


def _swaps(below: str, devices: frozenset[str]) -> Iterator[str]:
    for name in _first_words("/proc/swaps"):
        if name.startswith(below) or name in devices:
            yield name


def _idle_cgroups() -> Iterator[str]:
    """Those that bear our name and hold no process."""
    for events in _CGROUPS.glob("**/*loadstone*/cgroup.events"):
        try:
            if "populated 0" in events.read_text():
                yield str(events.parent)
        except OSError:
            continue


def _first_words(path: str) -> Iterator[str]:
    """Of each line of a table of the kernel's; none where it has no such table."""
    table = Path(path)
    if table.exists():
        for line in table.read_text().splitlines():
            yield line.split()[0]


class Held(NamedTuple):
    """What all of the machine holds of memory that outlives processes, in bytes.

    ``MemAvailable`` is not among it, which whatever else runs here takes from; descriptors go
    with their process.
    """

    shmem_bytes: int
    locked_bytes: int
    huge_bytes: int

    def is_within(self, limit: "Held", more_bytes: int) -> bool:
        """Whether none of it is more than so much above ``limit``."""
        return all(now <= most + more_bytes for now, most in zip(self, limit, strict=True))


def take_held() -> Held:
    """What it is now."""
    said = {
        line.split(":")[0]: int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
    }
    huge_pages = said["HugePages_Total"] - said["HugePages_Free"]
    return Held(
        shmem_bytes=said["Shmem"] << 10,
        locked_bytes=said["Mlocked"] << 10,
        huge_bytes=huge_pages * said["Hugepagesize"] << 10,
    )
