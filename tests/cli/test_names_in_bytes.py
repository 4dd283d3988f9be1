"""Names that are no UTF-8: a verb works on them or refuses them; what it writes is UTF-8."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import loadstone as api
from cli.finished_runs import ONCE, finished
from commands import Command
from loadstone.cli import cli
from loadstone.errors import UsageError
from loadstone.model import Job
from loadstone.targets.local import LocalTarget

__all__ = ["finished"]

NAME = "d\udcff"
REFUSED = "the name is not UTF-8, so a Run cannot record it"
SIZE = ("--size", "1MiB")

WORKING = {
    "show": ("show", "--results", NAME),
    "show by its path": ("show", "{run}"),
    "show --json": ("show", "--results", NAME, "--json"),
    "compare": ("compare", "last~1", "last", "--results", NAME),
    "compare --json": ("compare", "last~1", "last", "--results", NAME, "--json"),
    "export": ("export", "--format", "csv", "--results", NAME),
    "export json": ("export", "--format", "json", "--results", NAME),
    "export -o": ("export", "--format", "csv", "--results", NAME, "-o", f"{NAME}/x\udcff.csv"),
    "report": ("report", "--results", NAME, "-o", f"{NAME}/x\udcff.html"),
    "clean": ("clean", "--results", NAME),
    "resume": ("resume", "last", "--results", NAME),
}
REFUSING = {
    "run --dir": ("run", "--dir", NAME, *SIZE, *ONCE),
    "run --file": ("run", "--file", f"{NAME}/model.gguf", *ONCE),
    "run --results": ("run", "--file", "model.gguf", "--results", NAME, *ONCE),
    "run --json": ("run", "--file", "model.gguf", "--results", NAME, "--json", *ONCE),
    "run --device": ("run", "dm-flush", "--device", f"/dev/{NAME}", "--erase", f"/dev/{NAME}"),
    "plan --dir": ("plan", "--dir", NAME, *ONCE),
    "plan --file": ("plan", "--file", f"{NAME}/model.gguf", *ONCE),
    "plan FILE": ("plan", f"{NAME}/p\udcff.toml"),
    "doctor --file": ("doctor", "--file", f"{NAME}/model.gguf"),
    "doctor --results": ("doctor", "--results", NAME),
}
UNKNOWN = {
    "a run": ("show", NAME),
    "a verb": (NAME,),
    "a format": ("export", "--format", NAME),
    "a document": ("schema", NAME),
    "a workload": ("list", NAME),
    "a value": ("plan", "--set", f"engine={NAME}"),
    "a reference": ("compare", "last", "last", "--reference", NAME),
}


@pytest.fixture(scope="module")
def directory(finished: Command) -> Path:
    """A directory of that name, with Runs, a model and a plan in it."""
    path = finished.place / NAME
    shutil.copytree(finished.results, path)
    shutil.copy(finished.place / "model.gguf", path)
    (path / "p\udcff.toml").write_text('workload = "model-load"\n\n[set]\nengine = ["pread"]\n')
    return path


@pytest.fixture
def inside(finished: Command, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory is the one with all of it; nothing is left that was not there."""
    monkeypatch.chdir(finished.place)
    known = {"runs", "model.gguf", "p\udcff.toml", "x\udcff.csv", "x\udcff.html"}
    yield directory
    assert {path.name for path in directory.iterdir()} <= known


def invoke(words: tuple[str, ...]) -> object:
    return cli.main(words, prog_name="loadstone", standalone_mode=False)


@pytest.mark.parametrize("name", WORKING)
def test_a_run_that_lies_there_is_read(
    name: str, inside: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run = next((inside / "runs").iterdir())
    assert not invoke(tuple(word.format(run=run) for word in WORKING[name]))
    out = capfdbinary.readouterr().out
    if "json" in name:
        json.loads(out.decode())
    for made in inside.glob("x*"):
        made.read_bytes().decode()


@pytest.mark.parametrize("name", REFUSING)
def test_what_a_run_would_have_to_record_is_refused_by_name(name: str, inside: Path) -> None:
    with pytest.raises(UsageError, match=REFUSED) as refused:
        invoke(REFUSING[name])
    assert refused.value.remedy
    assert rb"d\udcff".decode() in refused.value.what or rb"p\udcff".decode() in refused.value.what
    assert inside.exists()


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_name_that_is_nothing_is_told_so(finished: Command, name: str) -> None:
    if name == "a verb":
        done = finished(*UNKNOWN[name], env={"PYTHONIOENCODING": "utf-8:strict"})
        assert done.code == 2
        assert rb"d\udcff".decode() in done.complaint
        return
    with pytest.raises(api.LoadstoneError) as unknown:
        invoke(UNKNOWN[name])
    assert unknown.value.exit_code == 2


def test_from_such_a_working_directory_a_run_is_refused_with_one_line(
    finished: Command, directory: Path
) -> None:
    before = ("bash", "-c", 'cd "$0"; exec "$@"', os.fspath(directory))
    words = ("run", "--file", "model.gguf", *ONCE)
    done = finished(*words, before=before, env={"PYTHONIOENCODING": "utf-8:strict"})
    assert (done.code, REFUSED in done.complaint) == (2, True), done.err


def test_variables_of_such_names_harm_nothing(finished: Command, directory: Path) -> None:
    names = dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME", "ANY"), os.fspath(directory))
    words = ("run", "--file", "model.gguf", "--results", "other", *ONCE)
    done = finished(*words, env={**names, "PYTHONIOENCODING": "utf-8:strict"})
    assert done.code == 0, done.err


def test_no_job_with_such_a_name_reaches_the_worker(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path)
    try:
        with pytest.raises(UsageError, match=REFUSED):
            target.execute(Job(operation="stat", options={"file": NAME}))
        assert target.execute(Job(operation="stat", options={"file": "/"})).error is None
    finally:
        target.close()
