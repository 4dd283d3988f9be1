"""A fault of the program itself is none of the verdicts."""

import sys

from commands import Command

PROGRAM = """
import sys
import loadstone.cli
import loadstone.cli.show

def fails(**said):
    error = ZeroDivisionError("of nobody's making")
    error.add_note("go on with: loadstone resume r")
    raise error

loadstone.cli.show.command.callback = fails
sys.argv = ["loadstone", "show"]
loadstone.cli.main()
"""


def test_an_exception_that_nobody_expected_is_exit_code_5_with_its_traceback(
    loadstone: Command,
) -> None:
    done = loadstone("-c", PROGRAM, program=(sys.executable,))
    assert done.code == 5
    assert not done.out
    assert "Traceback (most recent call last):" in done.err
    assert "ZeroDivisionError: of nobody's making" in done.err
    assert "go on with: loadstone resume r" in done.err
    assert done.complaint == "this is a fault of loadstone itself; report it with the lines above"


def test_a_request_that_cannot_be_met_has_no_traceback(loadstone: Command) -> None:
    done = loadstone("show")
    assert done.code == 2
    assert "Traceback" not in done.err
