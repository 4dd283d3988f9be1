"""The Debian archive to fetch from, and the keys to trust for it."""

import os
import re
from pathlib import Path

from loadstone.errors import UsageError
from loadstone.lab.apt import AptSource, machine_sources

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Debian's name for each architecture, by uname's."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Names of Debian's suites, for machines that have no package lists yet.
_RELEASES = re.compile(
    r"(bullseye|bookworm|trixie|forky|duke|sid|(old)?(old)?stable|testing|unstable)"
    r"(-updates|-backports)?"
)


def make_source(
    suite: str, architecture: str, mirror: str | None = None, keyring: Path | None = None
) -> AptSource:
    """A suite at a mirror, by default the machine's own mirror and Debian's keys.

    Args:
        architecture: by uname's name.

    Raises:
        UsageError: the mirror is no URI, the keyring cannot be read, or the architecture is
            unknown.
    """
    return AptSource(
        mirror=_check_mirror(mirror) if mirror else find_mirror(),
        suite=suite,
        architecture=_debian_architecture(architecture),
        keyring=_check_keyring(keyring),
    )


def find_mirror() -> str:
    """The URI of the Debian archive that this machine's apt uses.

    Raises:
        UsageError: it uses none.
        AptError: apt cannot read its sources.
    """
    for found in (*machine_sources(are_read=True), *machine_sources(are_read=False)):
        is_debian = found.get("origin", "Debian") == "Debian" and found["component"] == "main"
        is_remote = not found["uri"].startswith("cdrom:")
        if is_debian and is_remote and _RELEASES.fullmatch(found["release"]):
            return found["uri"]
    raise UsageError(
        "this machine has no Debian package source",
        remedy="name one with --mirror http://deb.debian.org/debian",
    )


def _check_mirror(mirror: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+]*:[^\s\[\]]+", mirror):
        raise UsageError(
            f"--mirror {mirror}: no URI", remedy="write a URI, as http://deb.debian.org/debian"
        )
    return mirror


def _check_keyring(keyring: Path | None) -> Path | None:
    if keyring is not None:
        if not os.access(keyring, os.R_OK):
            raise UsageError(f"--keyring {keyring}: cannot be read", remedy="check the path")
        return keyring
    # Without that package apt uses the keys that the machine trusts.
    return KEYRING if KEYRING.exists() else None


def _debian_architecture(architecture: str) -> str:
    if architecture not in ARCHITECTURES:
        known = " or ".join(ARCHITECTURES)
        raise UsageError(
            f"no Debian kernels for {architecture} can be fetched",
            remedy=f"use a machine of {known}",
        )
    return ARCHITECTURES[architecture]
