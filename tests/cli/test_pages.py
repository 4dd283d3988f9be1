"""``loadstone pages`` as a user has it."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commands import Command, needs_root
from known_process import ANONYMOUS, RANDOM, build, running
from loadstone.pages.summary import PagesSummary

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(build(tmp_path_factory.mktemp("known"))) as pid:
        yield pid


def test_a_process_is_told_in_every_form(loadstone: Command, known: int, tmp_path: Path) -> None:
    page = tmp_path / "pages.html"
    told = loadstone("pages", str(known), "-o", page, "--algorithm", "lz4,zstd:1")
    assert told.code == 0
    assert told.err == ""
    assert "1 process on local" in told.out
    assert told.out.splitlines()[-1] == str(page)
    assert page.read_text().startswith("<!DOCTYPE html>")
    found = msgspec.json.decode(loadstone("pages", str(known), "--json").out, type=PagesSummary)
    (process,) = found.algorithms[0].processes
    assert process.pid == known
    assert process.seen == process.pages >= ANONYMOUS
    assert process.figures is not None
    assert process.figures.huge[0].share.share * process.pages == pytest.approx(RANDOM, abs=5)
    rows = list(csv.DictReader(io.StringIO(loadstone("pages", str(known), "--csv").out)))
    assert {row["pid"] for row in rows} == {str(known)}


def test_several_are_told_and_one_that_is_not_seen(loadstone: Command, known: int) -> None:
    words = ("pages", "--all", "--most-pages", "20", "--json")
    found = json.loads(loadstone(*words).out)
    assert known in [process["pid"] for process in found["algorithms"][0]["processes"]]


@needs_root
def test_another_users_process_is_refused_with_a_remedy(
    loadstone: Command, known: int, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone("pages", str(known), before=as_nobody)
    assert done.code == 3
    assert done.complaint == (
        f"cannot look at known-process ({known}): this user may not look into it: read smaps "
        f"/proc/{known}: Permission denied (EACCES); run as root"
    )


_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


@needs_root
def test_where_yama_restricts_who_may_look_it_is_named(
    loadstone: Command, as_nobody: tuple[str, ...]
) -> None:
    if not _SCOPE.exists():
        pytest.skip("needs a kernel with Yama; tests/lab/test_inside.py has a guest with it")
    start = 'sleep 60 & "$@" pages $!; code=$?; kill $!; exit $code'
    before = _SCOPE.read_text()
    _SCOPE.write_text("1\n")
    try:
        # A sibling: of its own children Yama refuses nothing.
        done = loadstone(before=(*as_nobody, "sh", "-c", start, "sh"))
    finally:
        _SCOPE.write_text(before)
    assert done.code == 3
    assert "open memory" in done.complaint
    assert done.complaint.endswith(f"or as root: echo 0 > {_SCOPE} (it is 1)")


@needs_root
def test_the_kernel_is_asked_too_and_its_device_is_gone(loadstone: Command, known: int) -> None:
    done = loadstone("pages", str(known), "--kernel", "--json")
    if done.code == 3:
        pytest.skip(f"needs zram with lz4: {done.complaint}")
    assert done.code == 0
    zram = json.loads(done.out)["algorithms"][0]["zram"]
    assert zram["huge_share"] == pytest.approx(zram["user_huge_shares"][1], abs=0.001)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "name processes, or say --all; a PID, or a name such as those of `ps -e`"),
        (("1", "--all"), "name processes, or say --all; a PID, or a name"),
        (("1", "--json", "--csv"), "--json and --csv are two forms of the same; leave one out"),
        (("1", "--all-pages", "--most-pages", "1"), "--all-pages has no bounds; leave it or"),
        (("1", "--algorithm", "lz5"), "--algorithm lz5: no such algorithm (did you mean 'lz4'?)"),
        (("1", "--algorithm", "zstd:x"), "--algorithm zstd:x: 'x' is no level; write zstd:3, or"),
        (("1", "--algorithm", "lz4,lz4"), "--algorithm lz4,lz4: one is given twice; leave it out"),
        (("999999999",), "there is no process 999999999; `ps -e` lists those there are"),
    ],
)
def test_what_is_wrong_is_said(loadstone: Command, words: tuple[str, ...], complaint: str) -> None:
    done = loadstone("pages", *words)
    assert done.code == 2
    assert done.complaint.startswith(complaint)
