"""Operation command under the sanitizers: what is printed, said, left behind."""

from pathlib import Path

import pytest

from native.programs import Answer, Program

pytestmark = pytest.mark.native

_PRINTS = (
    ("printf ''", ""),
    ("printf '\\n\\n \\n'", ""),
    ("echo one; echo two", "one\ntwo"),
    # As many as fit in 255 bytes, less the first of these, which may have been longer.
    ("seq 1000 1399", "\n".join(map(str, range(1350, 1400)))),
    # One line that does not fit: its end.
    ("printf %01000d 7", "0" * 254 + "7"),
    # In two writes, with the mark cut in two.
    ("printf 'loadstone: re'; sleep 0.1; printf 'ady\\n'; echo more", "loadstone: ready\nmore"),
)


def carry_out(program: Program, place: Path, command: str, **options: object) -> Answer:
    file = place / "model"
    file.write_bytes(b"x" * 8192)
    return program.run("command", command=command, file=file, **options)


@pytest.mark.parametrize(("command", "words"), _PRINTS)
def test_the_last_words_are_the_last_whole_lines_that_fit(
    sanitized: Program, place: Path, command: str, words: str
) -> None:
    failure = carry_out(sanitized, place, f"{command}; exit 9").failure
    assert failure is not None
    assert (failure.code, failure.step) == ("ECHILD", "exit of the command")
    assert failure.path == (words or "it printed nothing")
    assert failure.offset == 9


def test_a_word_that_comes_in_pieces_is_heard(sanitized: Program, place: Path) -> None:
    command = f"{_PRINTS[-1][0]}; sleep 0.1"
    answer = carry_out(sanitized, place, command, ready="said")
    assert answer.failure is None
    assert answer.values["total_ns"] > answer.values["ready_ns"]


def test_what_is_left_in_other_sessions_is_counted(sanitized: Program, place: Path) -> None:
    left = "setsid sleep 3605 & (setsid sleep 3605 &)\nsleep 0.3"
    assert carry_out(sanitized, place, left).values["left_processes"] == 2
