"""``loadstone pages`` as a user has it."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commands import Command
from known_process import ANONYMOUS, RANDOM, build, running
from loadstone.pages.summary import PagesSummary

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(build(tmp_path_factory.mktemp("known"))) as pid:
        yield pid


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_a_process_is_told_in_every_form(command: Command, known: int, tmp_path: Path) -> None:
    page = tmp_path / "pages.html"
    told = command("pages", str(known), "-o", page, "--algorithm", "lz4,zstd:1")
    assert told.code == 0
    assert told.err == ""
    assert "1 process on local" in told.out
    assert told.out.splitlines()[-1] == str(page)
    assert page.read_text().startswith("<!DOCTYPE html>")
    found = msgspec.json.decode(command("pages", str(known), "--json").out, type=PagesSummary)
    (process,) = found.algorithms[0].processes
    assert process.pid == known
    assert process.seen == process.pages >= ANONYMOUS
    assert process.figures is not None
    assert process.figures.huge[0].share.share * process.pages == pytest.approx(RANDOM, abs=5)
    rows = list(csv.DictReader(io.StringIO(command("pages", str(known), "--csv").out)))
    assert {row["pid"] for row in rows} == {str(known)}


def test_several_are_told_and_one_that_is_not_seen(command: Command, known: int) -> None:
    words = ("pages", "--all", "--most-pages", "20", "--json")
    found = json.loads(command(*words).out)
    assert known in [process["pid"] for process in found["algorithms"][0]["processes"]]


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
def test_what_is_wrong_is_said(command: Command, words: tuple[str, ...], complaint: str) -> None:
    done = command("pages", *words)
    assert done.code == 2
    assert done.complaint.startswith(complaint)
