"""Which Debian archive to fetch from, and whom to trust about it."""

import os
import re
from pathlib import Path

from loadstone.errors import UsageError
from loadstone.lab.apt import Source, machine_sources

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Debian's word for each machine that uname may name."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# What a Debian mirror calls its suites, for machines that have no lists of theirs yet.
_RELEASES = re.compile(
    r"(bullseye|bookworm|trixie|forky|duke|sid|(old)?(old)?stable|testing|unstable)"
    r"(-updates|-backports)?"
)


def make_source(
    suite: str, architecture: str, mirror: str | None = None, keyring: Path | None = None
) -> Source:
    """A suite at a mirror, by default the machine's own, trusted by Debian's keys.

    Args:
        architecture: as uname says it.

    Raises:
        UsageError: the mirror, the keyring or the architecture is none.
    """
    return Source(
        mirror=_check_mirror(mirror) if mirror else find_mirror(),
        suite=suite,
        architecture=_debian_word(architecture),
        keyring=_check_keyring(keyring),
    )


def find_mirror() -> str:
    """The URI of the Debian archive that this machine's apt uses.

    Raises:
        UsageError: it uses none.
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
            f"--mirror {mirror}: is no URI", remedy="write a URI, as http://deb.debian.org/debian"
        )
    return mirror


def _check_keyring(keyring: Path | None) -> Path | None:
    if keyring is not None:
        if not os.access(keyring, os.R_OK):
            raise UsageError(f"--keyring {keyring}: cannot be read", remedy="check the path")
        return keyring
    # Without that package the machine's own trust is left, which apt knows.
    return KEYRING if KEYRING.exists() else None


def _debian_word(architecture: str) -> str:
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise UsageError(
            f"no Debian kernels for {architecture} are known here", remedy=f"known: {known}"
        )
    return ARCHITECTURES[architecture]
