"""``loadstone export``: to standard output, or to a file."""

import csv
import io
import os
import pty
from pathlib import Path

from commands import Command, Done
from export.runs import rendered, rendered_bytes, run_with
from loadstone.runs.store import load
from sample_runs import write_run


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


def test_many_runs_are_one_history_and_what_is_none_is_named(loadstone: Command) -> None:
    for day in (2, 1):
        run = run_with(day=day)
        write_run(run, loadstone.results)
    (loadstone.results / "runs" / "notes").mkdir()
    paths = sorted((loadstone.results / "runs").iterdir())
    done = loadstone("export", *paths, "last", "--format", "history")
    assert done.code == 0, done.err
    lines = list(csv.DictReader(io.StringIO(done.out)))
    assert [line["run"][:8] for line in lines] == ["20260101", "20260102"]
    assert "note: left out: " in done.err
    assert "runs/notes is not a Run" in done.err
    assert "note: 20260101T000000Z-local-p-0000: absent: skipped, no udmabuf" in done.err


def test_several_runs_are_refused_by_a_format_of_one(loadstone: Command) -> None:
    done = loadstone("export", "last", "last~1", "--format", "perfetto")
    assert done.code == 2
    assert done.complaint == "--format perfetto is of one Run; name one, or take history"


def test_what_is_no_text_goes_to_a_file_or_a_pipe_and_to_no_terminal(loadstone: Command) -> None:
    run = run_with()
    write_run(run, loadstone.results)
    path = loadstone.place / "run.pftrace"
    assert loadstone("export", "--format", "perfetto", "-o", path).code == 0
    assert path.read_bytes() == rendered_bytes("perfetto", run)
    master, terminal = pty.openpty()
    process = loadstone.start("export", "--format", "perfetto", stdout=terminal)
    os.close(terminal)
    _, err = process.communicate(timeout=30)
    os.close(master)
    assert process.returncode == 2
    complaint = Done(2, b"", err).complaint
    assert complaint == "this is no text, and standard output is a terminal; name a file with -o"
