"""Text that others wrote is safe to print, and a near miss of a name is told."""

import pytest

from loadstone.text import did_you_mean, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{SNOWMAN}", "caf\xe9 \N{SNOWMAN}"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gpj", r"\u202egpj"),
        ("\udcff", r"\udcff"),
        ("", ""),
    ],
)
def test_what_would_move_a_cursor_is_escaped_and_the_rest_stays(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable(text).isprintable()


def test_a_near_name_is_proposed_and_a_far_one_is_not() -> None:
    assert did_you_mean("Urin", ["pread", "uring"]) == " (did you mean 'uring'?)"
    assert did_you_mean("xyz", ["pread", "uring"]) == ""
    assert did_you_mean("x", []) == ""
