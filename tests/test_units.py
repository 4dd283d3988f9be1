"""Quantities of one kind are turned into each other, and no others."""

from fractions import Fraction

import pytest

from loadstone.errors import UsageError
from loadstone.units import convert, format_bytes_rounded, format_metric, parse_celsius


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (1520.8, "ms", "ns", 1_520_800_000),
        (1_520_800_000, "ns", "ms", 1520.8),
        (2.5, "s", "µs", 2_500_000),
        (7, "us", "µs", 7),
        (918, "MB/s", "B/s", 918_000_000),
        (1024, "KiB/s", "MiB/s", 1),
        (1, "MiB/s", "B/s", 1_048_576),
        (1, "MiB/s", "MB/s", 1.048576),
        (30.8, "MiB/s", "KiB/s", 31_539.2),
        (1, "GB/s", "GiB/s", float(Fraction(10**9, 2**30))),
        (3, "count", "count", 3),
    ],
)
def test_a_figure_is_turned_into_another_unit(
    value: float, unit: str, to: str, expected: float
) -> None:
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-12)
    assert convert(convert(value, unit, to), to, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "to"), [("ms", "B/s"), ("MB", "B/s"), ("mb/s", "MB/s"), ("s/GB", "ns"), ("", "ns")]
)
def test_units_of_different_kinds_are_told(unit: str, to: str) -> None:
    with pytest.raises(UsageError, match=f"{unit!r} cannot be converted to {to!r}; there are ns, "):
        convert(1.0, unit, to)


@pytest.mark.parametrize("text", ["38", "38C", "38c", " 38 °C", "38.0", "38.00C"])
def test_a_temperature_is_read_as_people_write_it(text: str) -> None:
    assert parse_celsius(text) == 38


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(
            (text, "is no temperature; write 38C")
            for text in ("", "C", "warm", "100F", "3 8", "-5C")
        ),
        *((text, "is no temperature; write 38C") for text in ("nan", "inf", "1e1", "38..5", "٣٨")),
        *((text, "is nothing to wait for; write 5C to 110C") for text in ("0", "4.9C", "999")),
    ],
)
def test_what_is_no_temperature_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_celsius(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (17, "17 B"),
        (1023, "1023 B"),
        (4 << 10, "4 KiB"),
        (1020 << 20, "1020 MiB"),
        (1_047_999_999, "999 MiB"),
        (1300 << 20, "1.27 GiB"),
        (1 << 50, "1024 TiB"),
        ((1 << 63) - 1, "8388608 TiB"),
    ],
)
def test_a_size_is_told_to_three_digits_and_without_an_exponent(size_bytes: int, text: str) -> None:
    assert format_bytes_rounded(size_bytes) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123, "0.0123"), (999.4, "999"), (999.6, "1000"), (1e6, "1000000")],
)
def test_a_count_is_told_to_three_digits_and_without_an_exponent(value: float, text: str) -> None:
    assert format_metric(value, "count") == text
