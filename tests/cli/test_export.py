"""``loadstone export``: to standard output, or to a file."""

from pathlib import Path

from commands import Command
from export.runs import rendered
from loadstone.runs.store import load


def test_the_command_writes_to_stdout_or_to_a_file(loadstone: Command, model: Path) -> None:
    once = ("--rounds", "2", "--warmups", "0", "--set", "engine=pread", "--quiet")
    assert loadstone("run", "--file", model, *once).code == 0
    shown = loadstone("export", "last", "--format", "csv")
    assert (shown.code, shown.err) == (0, "")
    (run,) = loadstone.results.glob("runs/*")
    assert shown.out == rendered("csv", load(run))
    path = loadstone.place / "run.csv"
    for _ in range(2):
        written = loadstone("export", "last", "--format", "csv", "-o", path)
        assert (written.code, written.out) == (0, f"{path}\n")
    assert path.read_text() == shown.out


def test_what_is_no_export_is_not_replaced(loadstone: Command, model: Path) -> None:
    once = ("--rounds", "1", "--warmups", "0", "--set", "engine=pread", "--quiet")
    assert loadstone("run", "--file", model, *once).code == 0
    before = model.read_bytes()
    done = loadstone("export", "--format", "json", "-o", model)
    assert done.code == 2
    assert "exists and is no json export; name a file that ends in .json" in done.complaint
    assert model.read_bytes() == before
    lost = loadstone("export", "--format", "json", "-o", loadstone.place / "no" / "run.json")
    assert lost.code == 2
    assert "cannot write the json export" in lost.complaint


def test_the_command_names_an_unknown_format(loadstone: Command) -> None:
    done = loadstone("export", "--format", "xml")
    assert done.code == 2
    assert done.complaint.startswith("--format xml: no such format")
