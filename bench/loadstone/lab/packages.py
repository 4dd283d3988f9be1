"""Sets of packages that apt downloads for the cache, and the space they need."""

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError
from loadstone.lab.apt import Apt, AptError, AptSource
from loadstone.lab.cache import cache_directory
from loadstone.model import Noun

SUITES = {
    "bookworm": "6.1",
    "bookworm-backports": "6.12",
    "trixie": "6.12",
    "trixie-backports": "7.x",
    "sid": "the newest",
}
"""Suites known to have kernels, each with its series as a hint."""

OnProgress = Callable[[str, float | None], None]
"""Called with the present step, and the percentage of it that is done if known."""


class PackageSet(Noun, frozen=True, kw_only=True):
    """Packages at one version each, as apt's words (``NAME=VERSION``), and their files' names."""

    words: tuple[str, ...]
    files: tuple[str, ...]
    download_bytes: int
    unpacked_bytes: int


def package_set(shown: Sequence[dict[str, str]]) -> PackageSet:
    """The packages of which apt showed these fields."""
    return PackageSet(
        words=tuple(f"{fields['Package']}={fields['Version']}" for fields in shown),
        files=tuple(map(_file_name, shown)),
        download_bytes=sum(int(fields["Size"]) for fields in shown),
        unpacked_bytes=sum(int(fields.get("Installed-Size", 0)) * 1024 for fields in shown),
    )


def download(
    apt: Apt, packages: PackageSet, suite: str, what: str, on_progress: OnProgress
) -> list[Path]:
    """Download packages, and return their files; an interrupted download is continued.

    Raises:
        AptError: apt could not get one.
        CannotMeasureError: there is no space for them, packed and unpacked.
    """
    for path in apt.downloads.iterdir():
        # What an interrupted fetch downloaded of others.
        if path.name not in packages.files:
            path.unlink()
    _require_space(packages, apt.downloads, suite)
    text = f"{suite}: {what}, {packages.download_bytes / 1e6:.0f} MB"
    on_progress(text, 0)
    apt.download(list(packages.words), lambda percent: on_progress(text, percent))
    on_progress(f"{suite}: unpacking, {packages.unpacked_bytes / 1e6:.0f} MB", None)
    return [apt.downloads / name for name in packages.files]


def fetch_error(error: AptError, source: AptSource, what: str) -> LoadstoneError:
    """The error of a fetch from a source that apt failed at.

    Args:
        what: what the suite has none of where apt finds none (``kernels``).
    """
    messages = error.messages
    if re.search(r"not signed|no longer signed|signature|NO_PUBKEY|EXPKEYSIG|Hash Sum", messages):
        return CannotMeasureError(
            f"apt does not trust {source.mirror}: {messages}",
            remedy="name its keys with --keyring, or another mirror with --mirror",
        )
    if re.search(
        r"does not have a Release file|Unable to locate package|No packages found", messages
    ):
        return UsageError(
            f"no suite {source.suite} with {what} for {source.architecture} at {source.mirror}: "
            f"{messages}",
            remedy=f"name one of {', '.join(SUITES)}",
        )
    remedy = (
        "free space, or name another cache directory with LOADSTONE_CACHE"
        if "No space left" in messages
        else "check the network, or name another mirror with --mirror"
    )
    return CannotMeasureError(f"cannot fetch {source.suite}: {messages}", remedy=remedy)


def apt_directory(suite: str, architecture: str) -> Path:
    """Where apt keeps its lists and downloads for a suite."""
    return cache_directory() / "apt" / architecture / suite


def _file_name(fields: dict[str, str]) -> str:
    """As apt names what it downloads: the epoch's colon is quoted."""
    version = fields["Version"].replace(":", "%3a")
    return f"{fields['Package']}_{version}_{fields['Architecture']}.deb"


def _require_space(packages: PackageSet, downloads: Path, suite: str) -> None:
    here = sum(path.stat().st_size for path in downloads.glob("*.deb"))
    needed = packages.unpacked_bytes + max(packages.download_bytes - here, 0)
    free = shutil.disk_usage(downloads).free
    if needed > free:
        raise CannotMeasureError(
            f"{suite} needs {needed / 1e6:.0f} MB in {cache_directory()}, and "
            f"{free / 1e6:.0f} MB are free",
            remedy="free space, or name another cache directory with LOADSTONE_CACHE",
        )
