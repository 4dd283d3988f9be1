"""Marks of different lines are told apart by colour, by shape, or both."""

from loadstone.report.pictures.shapes import dot


def test_the_marks_of_many_lines_all_differ() -> None:
    assert len({dot(series, 10, 10) for series in range(40)}) == 40


def test_without_colours_the_first_lines_differ_too() -> None:
    assert len({dot(series, 10, 10, shade=2) for series in range(8)}) == 8
