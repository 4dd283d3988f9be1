"""The example loaders: one is run for real, the others say what they lack."""

import subprocess
import sys
from pathlib import Path

import pytest

import loadstone
from commands import MIB, write_model
from loadstone.model import Status

LOADERS = Path(__file__).parents[2] / "examples" / "loaders"
NAMES = sorted(path.name for path in LOADERS.glob("*.py"))


def run(name: str, *words: str | Path, alone: bool = False) -> "subprocess.CompletedProcess[str]":
    """Args: alone: without the packages that are installed, and with no program in PATH."""
    return subprocess.run(
        [sys.executable, *(["-S"] if alone else []), LOADERS / name, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/nonexistent"} if alone else None,
    )


def test_the_one_of_the_standard_library_is_timed(place: Path) -> None:
    model = write_model(place / "a model.gguf", 8 * MIB)
    command = f"{sys.executable} {LOADERS / 'load_mmap.py'} {{file}}"
    done = loadstone.run(
        "command",
        file=model,
        axes={"command": command, "ready": "said"},
        rounds=1,
        warmups=0,
        results=place / "results",
    )
    (trial,) = done.trials
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["cached_before_bytes"] == 0
    assert trial.evidence["cached_after_bytes"] == 8 * MIB
    assert 0 < trial.metrics["loading_ns"] < trial.metrics["ready_ns"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "load_mmap.py"])
def test_one_whose_library_is_missing_says_how_to_get_it(name: str, model: Path) -> None:
    done = run(name, model, alone=True)
    assert done.returncode == 1
    assert "pip install" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "ready" not in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_each_says_how_it_is_called(name: str) -> None:
    done = run(name)
    assert done.returncode == 1
    assert done.stderr.startswith(f"usage: {name} FILE")


def test_the_one_of_numpy_loads_where_that_is_installed(model: Path) -> None:
    pytest.importorskip("numpy", reason="pip install numpy")
    assert run("load_numpy.py", model).stdout == "loadstone: loading\nloadstone: ready\n"
