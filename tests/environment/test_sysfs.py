"""Values of /sys and /proc are read as they are written, and nothing is made of what is none."""

import pytest

from loadstone.environment.sysfs import (
    number_or_text,
    parse_count,
    parse_number,
    parse_word,
    selected_word,
)
from loadstone.model import Fact

NONE = [None, "", "\n", "1.5", "1e5", "0x10", "١", "9" * 13, "1 2"]


@pytest.mark.parametrize("text", [*NONE, "-1"])
def test_what_is_no_count_is_none(text: str | None) -> None:
    assert parse_count(text) is None


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_is_none(text: str | None) -> None:
    assert parse_number(text) is None


def test_a_number_may_be_negative() -> None:
    assert (parse_number("-450000\n"), parse_number("7"), parse_count(" 7\n")) == (-450000, 7, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        (" \n", None),
        ("UFS \n", "UFS"),
        ("a\x1b[2J", r"a\x1b[2J"),
        ("abcdefghij", "abcdefgh"),
    ],
)
def test_a_word_is_plain_and_short(text: str | None, expected: str | None) -> None:
    assert parse_word(text, 8) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("12\n", 12),
        ("write back\n", "write back"),
        ("-1\n", "-1"),
        ("9" * 18, "9" * 18),
    ],
)
def test_a_count_is_a_number_and_all_else_text(text: str | None, expected: Fact) -> None:
    assert number_or_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("always [madvise] never\n", "madvise"), ("none\n", None)],
)
def test_of_choices_the_one_in_brackets_is_selected(text: str | None, expected: str | None) -> None:
    assert selected_word(text) == expected
