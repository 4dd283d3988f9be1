"""Text that others wrote is safe to print, and a near miss of a name is told."""

import pytest

from loadstone.text import did_you_mean, printable, shortened


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


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("touch F1", "touch F1"),
        ("a\n  b\tc", "a b c"),
        ("\x1b[2J", r"\x1b[2J"),
        ("echo 1 > /sys/block/sda/queue/x", "echo 1 > /sys/block/sda/queue/x"),
        ("echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo", "echo 1 > /sys/…/no_turbo"),
        ("cp /a/b/c/d/e/f /g/h/i/j/k/l/m/nnn", "cp /a/…/f /g/…/nnn"),
        ("cpupower frequency-set --governor performance", "cpupower freque…rnor performance"),
        ("python3 examples/loaders/load.py {file}", "python3 …/load.py {file}"),
    ],
)
def test_a_command_is_shortened_to_a_line_that_still_says_what_it_does(
    command: str, expected: str
) -> None:
    assert shortened(command) == expected
    assert len(shortened(command)) <= 32
