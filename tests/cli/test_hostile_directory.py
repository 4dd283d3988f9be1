"""A working directory full of files that are called as modules are: none of them is executed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.finished_runs import ONCE, VERBS, finished
from commands import Command
from loadstone.programs import own_environment, own_python

__all__ = ["finished"]

SAFE = (sys.executable, "-P", "-m", "loadstone.cli")
OF_OTHERS = ("click", "cffi", "jinja2", "msgspec", "numpy", "psutil", "rich", "scipy", "pytest")
NAMES = sorted({*sys.stdlib_module_names, *OF_OTHERS, "loadstone", "sitecustomize"})
HOSTILE = """
import os
os.close(os.open({mark!r}, os.O_CREAT | os.O_WRONLY))
raise SystemExit("a module of the working directory was executed")
"""


@pytest.fixture(scope="module")
def mark(finished: Command) -> Path:
    """A path that is there once one of the modules in the working directory was executed."""
    path = finished.place / "executed"
    for name in NAMES:
        (finished.place / f"{name}.py").write_text(HOSTILE.format(mark=str(path)))
    return path


@pytest.fixture
def unmarked(mark: Path) -> Iterator[None]:
    """Nothing there is executed meanwhile."""
    mark.unlink(missing_ok=True)
    yield
    assert not mark.exists()


@pytest.mark.usefixtures("unmarked")
@pytest.mark.parametrize("name", ["--help", "doctor", "compare", "report", "clean", "run"])
def test_no_verb_executes_one(finished: Command, name: str) -> None:
    done = finished(*VERBS[name], program=SAFE)
    assert done.code == 0, done.err


@pytest.mark.parametrize("place", ["", ".", ".:/no-such", ":/no-such"])
def test_no_place_of_pythonpath_is_the_working_directory_to_a_child(
    mark: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    del mark
    monkeypatch.setenv("PYTHONPATH", place)
    kept = own_environment()["PYTHONPATH"].split(os.pathsep)
    assert set(kept) <= {"", "/no-such"}
    assert (kept == ["/no-such"]) == ("no-such" in place)
    assert "-P" in own_python("loadstone.core.worker")


def test_the_place_of_the_package_itself_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Path(__file__).parents[2] / "bench"
    monkeypatch.chdir(bench)
    monkeypatch.setenv("PYTHONPATH", ".:/opt/more")
    assert own_environment()["PYTHONPATH"] == f"{bench}:/opt/more"


@pytest.mark.usefixtures("unmarked")
def test_a_test_that_times_a_case_starts_nothing_from_there(finished: Command) -> None:
    (finished.place / "tests").mkdir(exist_ok=True)
    (finished.place / "tests" / "test_it.py").write_text(
        "def test_it(loadstone_benchmark):\n"
        "    loadstone_benchmark('model-load', file='model.gguf', engine='pread', rounds=1)\n"
    )
    words = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/test_it.py")
    results = {"LOADSTONE_RESULTS": str(finished.place / "other")}
    program = (sys.executable, "-P", "-m", "pytest")
    done = finished(*words, program=program, env=results)
    assert done.code == 0, done.out + done.err


def test_what_python_itself_lets_in_does_not_reach_the_children(
    finished: Command, tmp_path: Path
) -> None:
    """By ``python -m`` alone the working directory comes first: until our first line runs."""
    mark = tmp_path / "executed"
    for name in ("rich", "scipy", "numpy", "jinja2"):
        (tmp_path / f"{name}.py").write_text(HOSTILE.format(mark=str(mark)))
    (tmp_path / "model.gguf").write_bytes(bytes(range(256)) * 4096)
    words = ("--file", str(tmp_path / "model.gguf"), "--results", str(tmp_path / "results"))
    run = f'cd {tmp_path}; exec "$@"'
    done = finished("run", *words, *ONCE, before=("bash", "-c", run, "bash"))
    assert done.code == 0, done.err
    assert not mark.exists()
