"""Standard streams that cannot take all text, or nothing: each verb says what it can."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.finished_runs import VERBS, finished
from commands import Command, Done, needs
from loadstone.cli import cli
from loadstone.cli._streams import adapt_standard_streams

__all__ = ["finished"]

DATA = {name for name in VERBS if "json" in name or name in ("export", "schema")}
NARROW = ("ascii", "latin-1")


def printed(place: Path, words: tuple[str, ...], encoding: str) -> bytes:
    """What a verb prints, in this process, on a standard output of that encoding."""
    raw = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
        patch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        adapt_standard_streams()
        try:
            cli.main(words, prog_name="loadstone", standalone_mode=False)
        except SystemExit as end:
            assert not end.code
        sys.stdout.flush()
        return raw.getvalue()


@pytest.mark.parametrize("name", VERBS)
def test_no_verb_fails_by_a_stream_of_few_characters(finished: Command, name: str) -> None:
    for encoding in NARROW:
        out = printed(finished.place, VERBS[name], encoding)
        text = out.decode("utf-8" if name in DATA else encoding)
        assert text
        assert name not in DATA or name == "schema" or "→" in text


@needs("localedef")
def test_so_it_is_in_a_locale_of_one_byte_a_character(finished: Command, tmp_path: Path) -> None:
    made = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE.ISO-8859-1")]
    if subprocess.run(made, capture_output=True, check=False).returncode > 1:
        pytest.skip("no source of the locale de_DE here: apt-get install locales")
    env = {"LC_ALL": "de_DE.ISO-8859-1", "LOCPATH": str(tmp_path)}
    shown = finished("show", env=env)
    assert shown.code == 0, shown.err
    assert "pread direct > anon" in shown.out
    assert json.loads(finished("show", "--json", env=env).out)["cases"]


def test_tables_stay_aligned(finished: Command) -> None:
    known = printed(finished.place, ("compare", "last", "last"), "utf-8").decode()
    shown = printed(finished.place, ("compare", "last", "last"), "ascii").decode("ascii")
    assert "→" in known
    assert known.replace("→", ">").replace("–", "-").replace("×", "x") == shown


STREAMS: Mapping[str, tuple[str, int]] = {
    "a full standard output": ("exec >/dev/full;", 4),
    "full streams": ("exec >/dev/full 2>&1;", 4),
    "a full standard error": ("exec 2>/dev/full;", 0),
}


@pytest.mark.parametrize("name", ["--help", "show --json", "run"])
@pytest.mark.parametrize("streams", STREAMS)
def test_streams_that_take_nothing_are_told_by_the_exit_code(
    finished: Command, name: str, streams: str
) -> None:
    redirect, code = STREAMS[streams]
    done = finished(*VERBS[name], before=("bash", "-c", f'{redirect} exec "$@"', "bash"))
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    if streams == "a full standard output":
        assert done.complaint.startswith("cannot write to standard output: No space left on")


def test_an_error_that_cannot_be_told_keeps_its_exit_code(finished: Command) -> None:
    before = ("bash", "-c", 'exec 2>/dev/full; exec "$@"', "bash")
    assert finished("show", "no-such", before=before).code == 2


def test_a_file_that_standard_output_may_not_grow_is_told(finished: Command) -> None:
    with (finished.place / "out").open("wb") as out:
        limited = ("prlimit", "--fsize=16")
        process = finished.start("show", "--json", before=limited, stdout=out.fileno())
        _, err = process.communicate(timeout=60)
    done = Done(process.returncode, b"", err)
    assert done.code == 4
    assert done.complaint.startswith("cannot write to standard output: File too large (EFBIG)")


def test_a_name_in_bytes_goes_out_as_it_is(finished: Command) -> None:
    """On a strict UTF-8 stream, which the name's bytes do not fit."""
    env = {"PYTHONIOENCODING": "utf-8:strict"}
    results = finished.place / "r\udcff"
    if not results.exists():
        shutil.copytree(finished.results, results)
    try:
        shown = finished("show", "--results", results, env=env)
        assert (shown.code, shown.err) == (0, "")
        assert f"run: {results}/runs/" in shown.out
        told = finished("show", "--json", "--results", results, env=env)
        assert "/r\N{REPLACEMENT CHARACTER}/" in json.loads(os.fsencode(told.out))["path"]
    finally:
        shutil.rmtree(results)
