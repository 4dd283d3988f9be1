"""The example loaders: one is run for real, the others say what they lack."""

import importlib.util
import json
import struct
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


LIBRARIES = {
    "load_numpy.py": ("numpy",),
    "load_safetensors.py": ("safetensors", "numpy"),
    "load_torch.py": ("safetensors", "torch"),
    "load_fastsafetensors.py": ("fastsafetensors", "torch"),
    "load_runai.py": ("runai_model_streamer", "torch"),
}


@pytest.fixture
def tensors(place: Path) -> Path:
    """A .safetensors file with a tensor of a page and a half, one of nothing, and a scalar."""
    header = {
        "a": {"dtype": "F16", "shape": [3, 1024], "data_offsets": [0, 6144]},
        "b": {"dtype": "F32", "shape": [], "data_offsets": [6144, 6148]},
        "c": {"dtype": "F32", "shape": [0], "data_offsets": [6148, 6148]},
    }
    text = json.dumps(header).encode()
    path = place / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(6148))
    return path


@pytest.mark.parametrize("name", LIBRARIES)
def test_one_loads_a_file_where_its_libraries_are_installed(name: str, tensors: Path) -> None:
    missing = [one for one in LIBRARIES[name] if importlib.util.find_spec(one) is None]
    if missing:
        pytest.skip(f"pip install {' '.join(missing).replace('_', '-')}")
    for words in ((), ("copy",)) if name == "load_torch.py" else ((),):
        done = run(name, tensors, *words)
        assert done.stdout == "loadstone: loading\nloadstone: ready\n", done.stderr


def test_a_way_that_the_one_of_torch_has_not_is_refused(tensors: Path) -> None:
    done = run("load_torch.py", tensors, "guess")
    assert done.returncode == 1
    assert done.stderr == "usage: load_torch.py FILE.safetensors [touch|copy]\n"
