"""``fetch_libraries.py ARCHITECTURE DIRECTORY PACKAGE...``: Debian's libraries of another machine.

ARCHITECTURE is Debian's word (``arm64``). The packages are unpacked to DIRECTORY/root; apt keeps
its lists below DIRECTORY too, and nothing of this machine's is changed.
"""

import platform
import subprocess
import sys
from pathlib import Path

from loadstone.errors import LoadstoneError, UsageError
from loadstone.lab.apt import Apt, AptSource, program_of
from loadstone.lab.mirror import KEYRING, find_mirror

_ELSEWHERE = ("http://deb.debian.org/debian", "stable")


def _source(architecture: str) -> AptSource:
    """This machine's own mirror and release where it is a Debian."""
    mirror, suite = _ELSEWHERE
    try:
        mirror = find_mirror()
        suite = platform.freedesktop_os_release().get("VERSION_CODENAME", suite)
    except (UsageError, OSError):
        pass
    keyring = KEYRING if KEYRING.exists() else None
    return AptSource(mirror=mirror, suite=suite, architecture=architecture, keyring=keyring)


def _fetch(architecture: str, directory: Path, packages: list[str]) -> None:
    apt = Apt(directory, _source(architecture))
    apt.update()
    apt.download(packages, report=lambda _: None)
    for package in packages:
        # One that was fetched before may be of another version; the newest is this one.
        found = apt.downloads.glob(f"{package}_*.deb")
        newest = max(found, key=lambda path: path.stat().st_mtime)
        words = (program_of("dpkg-deb"), "--extract", str(newest), str(directory / "root"))
        subprocess.run(words, check=True)


def main() -> None:
    """Fetch what the command line says; a failure is one line."""
    architecture, directory, *packages = sys.argv[1:]
    try:
        _fetch(architecture, Path(directory).absolute(), packages)
    except LoadstoneError as error:
        sys.exit(f"agents: {', '.join(packages)} for {architecture}: {error}")


if __name__ == "__main__":
    main()
