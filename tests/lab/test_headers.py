"""Headers of fetched kernels, from an archive on this disk."""

import fcntl
import json
import os
import threading
from pathlib import Path

import pytest

from commands import Command, until
from lab.archive import RELEASE, SUITE, Archive
from loadstone.errors import CannotMeasureError
from loadstone.lab.apt import Apt, AptSource
from loadstone.lab.cache import StockKernel
from loadstone.lab.debian import fetch, remove
from loadstone.lab.headers import Headers, fetch_headers, headers_of

X86 = "x86_64"

pytestmark = pytest.mark.skipif(
    os.uname().machine != X86, reason="the small archive has kernels for x86_64 alone"
)


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "a cache"
    monkeypatch.setenv("LOADSTONE_CACHE", str(path))
    return path


@pytest.fixture
def kernel(archive: Archive) -> StockKernel:
    """A fetched kernel, whose headers the archive has."""
    archive.add_headers("1")
    return fetch(SUITE, mirror=archive.mirror, keyring=archive.keyring)


def get(kernel: StockKernel, archive: Archive) -> Headers:
    return fetch_headers(kernel, mirror=archive.mirror, keyring=archive.keyring)


def test_headers_lie_in_a_root_with_all_that_they_need(
    kernel: StockKernel, archive: Archive, cache: Path
) -> None:
    assert headers_of(kernel) is None
    headers = get(kernel, archive)
    assert headers_of(kernel) == headers
    assert {"gcc-99=1:1", "make=1:1", f"linux-headers-{RELEASE}=1"} <= set(headers.packages)
    assert (headers.root / f"usr/src/linux-headers-{RELEASE}/Makefile").is_file()
    build = headers.root / "lib/modules" / RELEASE / "build"
    assert build.readlink() == Path(f"/usr/src/linux-headers-{RELEASE}")
    assert (headers.root / "usr/bin/gcc-99").is_file()
    assert (headers.root / "usr/bin/awk").readlink() == Path("mawk")
    assert not list(cache.rglob("*.deb"))
    assert not list(cache.glob("headers/*/*/.partial*"))


def test_headers_that_are_here_are_not_fetched_again_and_go_with_their_kernel(
    kernel: StockKernel, archive: Archive
) -> None:
    before = get(kernel, archive).directory.stat().st_ino
    archive.clear()
    assert get(kernel, archive).directory.stat().st_ino == before
    remove(SUITE)
    assert headers_of(kernel) is None
    assert not list((kernel.directory.parents[3] / "headers").rglob("*.json"))


def test_headers_that_the_archive_no_longer_has_are_told_with_the_remedy(
    kernel: StockKernel, archive: Archive
) -> None:
    archive.clear()
    archive.add("2")
    archive.add_headers("2")
    with pytest.raises(CannotMeasureError) as raised:
        get(kernel, archive)
    assert f"no headers of {RELEASE} 1 in {SUITE} at file:" in raised.value.what
    assert "not found" in raised.value.what
    assert str(raised.value.remedy).endswith(f"loadstone lab kernels fetch --headers {SUITE}")


def test_what_a_killed_fetch_left_is_removed_by_the_next(
    kernel: StockKernel, archive: Archive, cache: Path
) -> None:
    left = cache / "headers" / X86 / SUITE / ".partial-killed" / "root"
    left.mkdir(parents=True)
    get(kernel, archive)
    assert not left.parent.exists()


def test_a_second_fetch_waits_for_the_first(
    kernel: StockKernel, archive: Archive, cache: Path
) -> None:
    told: list[str] = []
    lock = cache / "kernels" / X86 / f".{SUITE}-headers.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = threading.Thread(
            target=fetch_headers,
            args=(kernel,),
            kwargs={
                "mirror": archive.mirror,
                "keyring": archive.keyring,
                "on_progress": lambda text, _: told.append(text),
            },
        )
        second.start()
        until(lambda: told, "the second fetch to tell that it waits")
        assert told == [f"{SUITE}: waiting for another loadstone's fetch"]
        assert headers_of(kernel) is None
    second.join()
    assert headers_of(kernel) is not None


def test_backports_are_read_beside_the_suite_that_they_are_for(tmp_path: Path) -> None:
    source = AptSource(
        mirror="file:/nowhere",
        suite="trixie-backports",
        base="trixie",
        architecture="amd64",
        keyring=None,
    )
    Apt(tmp_path, source)
    stanza = (tmp_path / "sources/loadstone.sources").read_text()
    assert "Suites: trixie trixie-backports\n" in stanza


def test_the_command_fetches_and_lists_headers(archive: Archive, loadstone: Command) -> None:
    archive.add_headers("1")
    verb = ("lab", "kernels", "fetch", "--headers")
    env = {"LOADSTONE_CACHE": str(loadstone.place / "cache")}
    unnamed = loadstone(*verb, *archive.options, env=env)
    assert unnamed.code == 2
    assert "no kernel was fetched yet" in unnamed.complaint
    done = loadstone(*verb, SUITE, *archive.options, env=env)
    assert done.code == 0, done.err
    assert done.out.splitlines()[1].startswith(f"{SUITE}: headers of {RELEASE} in ")
    (listed,) = json.loads(loadstone("lab", "kernels", "--json", env=env).out)["kernels"]
    assert Path(listed["headers"]).is_dir()
    assert listed["headers_bytes"] > 0
    # All that were fetched, and a release by its name.
    assert loadstone(*verb, *archive.options, env=env).code == 0
    assert loadstone(*verb, RELEASE, *archive.options, env=env).code == 0
