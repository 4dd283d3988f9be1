"""A Run is read as it was written; torn ends are left out, damage is refused with its place."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from loadstone.errors import RunError
from loadstone.runs.run_files import MANIFEST, TRIALS
from loadstone.runs.store import load, reopen
from runs.stored_runs import CASE, a_run, rounds, trial


def test_a_run_without_trials_is_read(tmp_path: Path) -> None:
    assert load(a_run(tmp_path, 0)).trials == ()


def test_a_last_line_torn_at_any_byte_is_left_out_and_resumed_over(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    whole = (path / TRIALS).read_bytes()
    start_of_last = whole.rindex(b"\n", 0, -1) + 1
    for length in range(start_of_last, len(whole)):
        (path / TRIALS).write_bytes(whole[:length])
        run = load(path)
        assert rounds(run) == [0, 1]
        with reopen(run) as writer:
            writer.append(trial(2))
        assert (path / TRIALS).read_bytes() == whole


@pytest.mark.parametrize("tail", [b'{"case":\n', b"\n", b"\0" * 4096, b"\xff\xfe\n", b'"\xff"\n'])
def test_a_last_line_that_is_no_json_is_left_out_and_resumed_over(
    tmp_path: Path, tail: bytes
) -> None:
    path = a_run(tmp_path)
    with (path / TRIALS).open("ab") as stream:
        stream.write(tail)
    run = load(path)
    assert rounds(run) == [0, 1, 2]
    with reopen(run) as writer:
        writer.append(trial(3))
    assert rounds(load(path)) == [0, 1, 2, 3]


def damaged(line: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    fields = msgspec.json.decode(line)
    change(fields)
    return msgspec.json.encode(fields)


GOOD = msgspec.json.encode(trial(1))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\0\0",
        b"\xff",
        b"[" * 100_000,
        b"9" * 9000,
        b"null",
        GOOD.replace(b"steady", b"\xff"),
        GOOD.replace(b'"round":1', b'"round":' + b"9" * 30),
        GOOD.replace(b'"round":1', b'"round":' + b"9" * 9000),
        GOOD.replace(b'"round":1', b'"round":"1"'),
        GOOD.replace(b'"round":1', b'"colour":1'),
        GOOD.replace(b'"ok"', b'"fine"'),
        GOOD.replace(b"1500000001.0", b"1e999"),
        GOOD.replace(CASE.id.encode(), b"../../.."),
    ],
)
def test_damage_before_the_last_line_is_refused_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = a_run(tmp_path)
    lines = (path / TRIALS).read_bytes().splitlines()
    assert lines[1] == GOOD != line
    (path / TRIALS).write_bytes(b"\n".join([lines[0], line, lines[2], b""]))
    with pytest.raises(RunError, match=f"{TRIALS}:2: "):
        load(path)


def test_a_whole_last_line_that_is_no_trial_is_damage_too(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    with (path / TRIALS).open("ab") as stream:
        stream.write(b'{"round":3}\n')
    with pytest.raises(RunError, match=f"{TRIALS}:4: "):
        load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(schema=2), "newer loadstone"),
        (lambda m: m.update(schema=2, engine={}), "newer loadstone"),
        (lambda m: m.update(schema=0), "not a Run"),
        (lambda m: m.update(schema="1"), "not a Run"),
        (lambda m: m.update(schema=True), "not a Run"),
        (lambda m: m.update(schema=10**30), "not a Run"),
        (lambda m: m.pop("schema"), "not a Run"),
        (lambda m: m.pop("plan"), "not a Run"),
        (lambda m: m.update(extra=1), "not a Run"),
        (lambda m: m["plan"].update(rounds="9"), "rounds"),
        (lambda m: m["plan"].update(seed=10**30), "not a Run"),
        (lambda m: m["environment"]["facts"].update(x=[]), "facts"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    tmp_path: Path, change: Callable[[dict[str, object]], object], words: str
) -> None:
    path = a_run(tmp_path)
    (path / MANIFEST).write_bytes(damaged((path / MANIFEST).read_bytes(), change))
    with pytest.raises(RunError, match=words):
        load(path)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{", b"[" * 100_000, b'{"schema":1'])
def test_a_manifest_that_is_no_json_object_is_refused(tmp_path: Path, data: bytes) -> None:
    path = a_run(tmp_path)
    (path / MANIFEST).write_bytes(data)
    with pytest.raises(RunError, match="not a Run"):
        load(path)


@pytest.mark.parametrize("name", [MANIFEST, TRIALS])
def test_a_directory_that_lacks_one_of_the_files_is_no_run(tmp_path: Path, name: str) -> None:
    path = a_run(tmp_path)
    run = load(path)
    (path / name).unlink()
    with pytest.raises(RunError, match=f"not a Run: it has no file {name}"):
        load(path)
    os.mkfifo(path / name)
    with pytest.raises(RunError, match=f"not a Run: it has no file {name}"):
        load(path)
    if name == TRIALS:
        with pytest.raises(RunError, match=TRIALS):
            reopen(run)
