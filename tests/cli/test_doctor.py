"""``loadstone doctor``: its exit codes, its JSON and its table."""

import contextlib
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from commands import Command
from doctor.answers import ALL_IS_WELL, FakeTarget
from loadstone import targets
from loadstone.cli.doctor import command
from loadstone.doctor.diagnosis import Diagnosis
from loadstone.errors import ExitCode
from loadstone.model import Fact


def _missing(directory: Path) -> Path:
    return directory / "missing"


def _directory(directory: Path) -> Path:
    return directory


def _empty(directory: Path) -> Path:
    (directory / "empty").touch()
    return directory / "empty"


def _fifo(directory: Path) -> Path:
    os.mkfifo(directory / "fifo")
    return directory / "fifo"


@pytest.mark.native
@pytest.mark.parametrize("make", [_missing, _directory, _empty, _fifo])
def test_a_file_that_cannot_be_loaded_is_one_line_and_exit_code_2(
    make: object, tmp_path: Path
) -> None:
    assert callable(make)
    path = make(tmp_path)
    words = [sys.executable, "-m", "loadstone.cli", "doctor", "--file", str(path)]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert str(path) in line
    assert ";" in line
    assert not (tmp_path / "results").exists()


@pytest.mark.native
def test_the_command_prints_json_and_nothing_else_on_stdout(
    loadstone: Command, model: Path
) -> None:
    done = loadstone("doctor", "--json", "--file", model.name)
    assert done.code == ExitCode.DONE, done.err
    diagnosis = msgspec.convert(json.loads(done.out), Diagnosis)
    assert diagnosis.path == str(model)
    assert diagnosis.can_load


def run_command_on(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[object, str]:
    @contextlib.contextmanager
    def connect(*_: object):  # type: ignore[no-untyped-def]  # its type is that of the fake
        yield target

    monkeypatch.setattr(targets, "connect", connect)
    done = CliRunner().invoke(command, ["--file", "/m", *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


def test_the_command_leaves_with_3_where_no_load_is_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, output = run_command_on(FakeTarget(), monkeypatch)
    assert code == ExitCode.DONE
    assert "model-load can be measured here" in output
    nothing = {**ALL_IS_WELL, **dict.fromkeys(ALL_IS_WELL, -errno.ENOMEM)}
    code, output = run_command_on(FakeTarget(nothing), monkeypatch)
    assert code == ExitCode.NOT_MEASURED
    assert "model-load cannot be measured here" in output


def test_the_table_marks_yes_and_no_and_points_to_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = FakeTarget({**ALL_IS_WELL, "udmabuf": -errno.ENOENT})
    _, output = run_command_on(target, monkeypatch)
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "✓ anon" in lines
    (at,) = [number for number, line in enumerate(lines) if line.startswith("– udmabuf")]
    assert "CONFIG_UDMABUF" in lines[at]
    assert any(line.startswith("→ modprobe udmabuf") for line in lines[at + 1 : at + 3])


def test_the_table_obeys_no_escape_that_a_device_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    facts: dict[str, Fact] = {"fs.source": "\x1b[2J[bold]dev", "fs.type": "ext4"}
    _, output = run_command_on(FakeTarget(facts=facts), monkeypatch)
    assert "\x1b" not in output
    assert "[bold]dev" in output
