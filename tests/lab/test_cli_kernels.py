"""``loadstone lab kernels`` as a user has it."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Command, Done, until
from lab.archive import RELEASE, SUITE, Archive
from loadstone.lab.debian import fetch
from loadstone.lab.kernels import Kernel
from loadstone.lab.packages import SUITES

pytestmark = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="the small archive has kernels for x86_64 alone"
)


class Kernels:
    """``loadstone lab kernels`` with a cache of its own."""

    def __init__(self, loadstone: Command) -> None:
        self.loadstone = loadstone
        self.cache = loadstone.place / "my cache"
        self.env = {"LOADSTONE_CACHE": str(self.cache)}

    def __call__(self, *words: str, **more: str) -> Done:
        return self.loadstone("lab", "kernels", *words, env={**self.env, **more})


@pytest.fixture
def lab_kernels(loadstone: Command) -> Kernels:
    return Kernels(loadstone)


def test_the_verbs_of_the_lab_are_found(loadstone: Command) -> None:
    done = loadstone("lab", "--help")
    assert done.code == 0
    assert "kernels" in done.out
    assert "_options" not in done.out
    assert loadstone("lab", "nosuch").complaint.startswith("No such command 'nosuch'")


def test_with_nothing_here_it_says_what_can_be_fetched(lab_kernels: Kernels) -> None:
    done = lab_kernels()
    assert done.code == 0
    assert done.out.startswith("no kernel was fetched yet")
    assert "available: bookworm (6.1), " in done.out
    assert all(f"{name} ({series})" in done.out for name, series in SUITES.items())
    assert not lab_kernels.cache.exists()


def test_a_fetch_says_what_it_does_and_where_the_kernel_is(
    lab_kernels: Kernels, archive: Archive
) -> None:
    done = lab_kernels("fetch", SUITE, *archive.options)
    assert done.code == 0, done.err
    where = f"{lab_kernels.cache}/kernels/x86_64/{SUITE}/{RELEASE}_1"
    assert done.out == f"{SUITE}: {RELEASE} (1) in {where}\n"
    assert done.err.splitlines() == [
        f"{SUITE}: reading the package lists of {archive.mirror}",
        f"{SUITE}: linux-image-{RELEASE} 1, 0 MB",
        f"{SUITE}: unpacking, 0 MB",
    ]
    assert Path(where).is_dir()


def test_quiet_means_no_progress(lab_kernels: Kernels, archive: Archive) -> None:
    done = lab_kernels("fetch", SUITE, "--quiet", *archive.options)
    assert done.code == 0
    assert done.err == ""


def test_the_environment_names_mirror_and_keyring_too(
    lab_kernels: Kernels, archive: Archive
) -> None:
    done = lab_kernels(
        "fetch",
        SUITE,
        LOADSTONE_MIRROR=archive.mirror,
        LOADSTONE_KEYRING=str(archive.keyring),
    )
    assert done.code == 0, done.err


def test_what_is_here_is_listed_the_newest_by_the_suites_name(
    lab_kernels: Kernels, archive: Archive
) -> None:
    lab_kernels("fetch", SUITE, *archive.options)
    archive.add("2", release="9.9.2-test-amd64")
    lab_kernels("fetch", SUITE, *archive.options)
    listed = json.loads(lab_kernels("--json").out)
    assert listed["cache"] == str(lab_kernels.cache)
    assert [kernel["name"] for kernel in listed["kernels"]] == [SUITE, RELEASE]
    assert [kernel["release"] for kernel in listed["kernels"]] == ["9.9.2-test-amd64", RELEASE]
    assert all(kernel["size_bytes"] > 4096 for kernel in listed["kernels"])
    assert all(Path(kernel["path"]).is_dir() for kernel in listed["kernels"])
    here = {suite["name"]: suite["is_here"] for suite in listed["suites"]}
    assert here == {name: name == SUITE for name in SUITES}
    shown = lab_kernels().out
    assert RELEASE in shown
    assert f"{SUITE} (" not in shown


def test_one_bad_name_does_not_undo_the_good_ones_before_it(
    lab_kernels: Kernels, archive: Archive
) -> None:
    done = lab_kernels("fetch", SUITE, "nosuch", *archive.options)
    assert done.code == 2
    assert done.complaint.startswith("no suite nosuch with kernels for amd64 at file:")
    assert RELEASE in lab_kernels().out


def test_no_network_is_one_line_with_apts_words(lab_kernels: Kernels) -> None:
    done = lab_kernels("fetch", SUITE, "--mirror", "http://127.0.0.1:9/debian")
    assert done.code == 3
    assert done.complaint.startswith(f"cannot fetch {SUITE}: Failed to fetch http://127.0.0.1:9")
    assert done.complaint.endswith("check the network, or name another mirror with --mirror")


def test_what_was_removed_is_said(lab_kernels: Kernels, archive: Archive) -> None:
    lab_kernels("fetch", SUITE, *archive.options)
    assert lab_kernels("remove", RELEASE).out == f"removed {SUITE} {RELEASE} (1)\n"
    assert lab_kernels("remove", SUITE).out == f"removed the package lists of {SUITE}\n"
    done = lab_kernels("remove", SUITE)
    assert done.code == 2
    assert done.complaint == (
        f"no kernel {SUITE} was fetched (here: none); "
        "`loadstone lab kernels` lists those that can be removed"
    )


@pytest.mark.parametrize(
    ("verb", "complaint"),
    [("fetch", "no kernel to fetch is named"), ("remove", "Missing argument 'NAME...'")],
)
def test_a_name_has_to_be_given(lab_kernels: Kernels, verb: str, complaint: str) -> None:
    done = lab_kernels(verb)
    assert done.code == 2
    assert complaint in done.complaint


@pytest.mark.parametrize("program", ["apt-get", "depmod"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fetch_that_is_stopped_leaves_no_process_and_nothing_half_done(
    lab_kernels: Kernels, archive: Archive, place: Path, program: str, number: int
) -> None:
    (place / "shims").mkdir()
    shim = place / "shims" / program
    shim.write_text(f"#!/bin/sh\ntouch '{place}/begun'\nexec sleep 60\n")
    shim.chmod(0o755)
    env = {**lab_kernels.env, "PATH": f"{shim.parent}:{os.environ['PATH']}"}
    words = ("lab", "kernels", "fetch", SUITE, *archive.options)
    process = lab_kernels.loadstone.start(*words, env=env)
    until((place / "begun").exists, "the program to be run")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -number
    assert f"stopped by {signal.Signals(number).name}" in err.decode()
    until(lambda: not lab_kernels.loadstone.processes(), "its processes to end")
    assert not list(lab_kernels.cache.glob("kernels/*/*/.partial*"))
    assert "no kernel was fetched yet" in lab_kernels().out


@pytest.mark.lab
def test_the_machines_own_source_has_debians_newest(
    kernels: Callable[[str], Kernel], kernel_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADSTONE_CACHE", str(kernel_cache))
    before = kernels("bookworm")
    told: list[str] = []
    newest = fetch("bookworm", on_progress=lambda text, _: told.append(text))
    assert newest.image.is_file()
    assert newest.release.startswith("6.1.")
    assert (before.release == newest.release) or len(told) > 1
