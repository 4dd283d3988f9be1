"""A root directory made of Debian's own packages: its adbd, and Android's shell and tools."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from loadstone.lab.apt import Apt, program_of
from loadstone.lab.cache import cache_directory, locked, this_architecture
from loadstone.lab.mirror import make_source

SUITE = "trixie"

# Android's shell is mksh, its commands are toybox's.
PACKAGES = ("adbd", "mksh", "toybox", "busybox-static")

# Android's toybox has none of these.
_NOT_ANDROIDS = ("host", "httpd", "login", "mkpasswd", "passwd", "su", "wget")

# Those Android has besides, which Debian's toybox was built without.
_BUSYBOXES = ("awk", "bc", "dd", "diff", "expr", "getopt", "gzip", "more", "tr")

_LINKS = {
    "bin": "system/bin",
    "etc": "system/etc",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "system/bin/sh": "../../usr/bin/mksh",
    "system/bin/toybox": "../../usr/bin/toybox",
    **{f"system/bin/{name}": "../../usr/bin/busybox" for name in _BUSYBOXES},
}

# What no program of these reads; a guest copies the rest into its memory.
_SPARED = (
    "etc",
    "usr/share",
    "usr/lib/*/gconv",
    "usr/lib/*/audit",
    "usr/lib/udev",
    "usr/lib/systemd",
)


def debian_root() -> Path:
    """The root, which is fetched and unpacked where the cache has none.

    Returns:
        A directory with ``usr``, ``system/bin`` and Android's links; nobody's to change.

    Raises:
        CannotMeasureError: no network, no space, or apt does not trust the mirror.
    """
    architecture = this_architecture()
    place = cache_directory() / "roots" / architecture / f"{SUITE}-{_recipe()}"
    if not place.exists():
        with locked(f"root-{SUITE}", architecture, lambda: None):
            if not place.exists():
                _make(place, architecture)
    return place


def _recipe() -> str:
    """Changes when what is unpacked changes."""
    return hashlib.sha256(repr((PACKAGES, _SPARED, _LINKS, _NOT_ANDROIDS)).encode()).hexdigest()[:8]


def _make(place: Path, architecture: str) -> None:
    partial = place.with_name(f".partial-{place.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for package in _packages(partial / "apt", architecture):
            subprocess.run(
                [program_of("dpkg-deb"), "--extract", package, partial / "root"], check=True
            )
        for pattern in _SPARED:
            for path in (partial / "root").glob(pattern):
                shutil.rmtree(path)
        _link(partial / "root")
        (partial / "root").rename(place)
    finally:
        shutil.rmtree(partial)


def _link(root: Path) -> None:
    """Put shell and tools where Android has them."""
    directory = root / "system/bin"
    directory.mkdir(parents=True)
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
    toybox = ["chroot", str(root), "/usr/bin/toybox"]
    told = subprocess.run(toybox, check=True, capture_output=True, text=True).stdout
    for name in set(told.split()).difference(_NOT_ANDROIDS, _BUSYBOXES):
        (directory / name).symlink_to("../../usr/bin/toybox")


def _packages(directory: Path, architecture: str) -> list[Path]:
    """Those packages and all that they depend on, as files that the signed lists vouch for."""
    apt = Apt(directory, make_source(SUITE, architecture))
    apt.update()
    names = {name for package in PACKAGES for name in apt.dependencies(package)}
    shown = apt.show(*sorted(names))
    apt.download([f"{each['Package']}={each['Version']}" for each in shown], lambda _: None)
    return sorted(apt.downloads.glob("*.deb"))
