"""Quantities of one kind are turned into each other, and no others."""

from fractions import Fraction

import pytest

from loadstone.errors import UsageError
from loadstone.units import (
    convert,
    format_bytes_rounded,
    format_duration,
    format_metric,
    format_share,
    parse_celsius,
    parse_duration,
    parse_share,
)


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


@pytest.mark.parametrize(
    ("text", "share", "written"),
    [
        ("2%", 0.02, "2 %"),
        (" 0.5 % ", 0.005, "0.5 %"),
        ("50%", 0.5, "50 %"),
        ("0.1%", 0.001, "0.1 %"),
    ],
)
def test_a_width_is_read_and_written_as_a_percentage(text: str, share: float, written: str) -> None:
    assert parse_share(text) == pytest.approx(share)
    assert format_share(share) == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(
            (text, "is no percentage; write 2% or 0.5%")
            for text in ("", "%", "2", "-2%", "2 percent", "1e1%", "nan%", "٢%")
        ),
        *((text, "is no width to wait for; write 0.1% to 50%") for text in ("0%", "0.05%", "200%")),
    ],
)
def test_what_is_no_width_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_share(text)


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("90s", 90, "90s"),
        ("10m", 600, "10m"),
        ("10 min", 600, "10m"),
        ("1.5H", 5400, "90m"),
        ("2h", 7200, "2h"),
        ("720h", 2_592_000, "720h"),
    ],
)
def test_a_time_is_read_and_written_in_its_unit(text: str, seconds: float, written: str) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(
            (text, "is no time; write 90s, 10m or 1h")
            for text in ("", "10", "m", "-1s", "1d", "٣s")
        ),
        *((text, "is no time to measure for; write 1s to 720h") for text in ("0s", "721h")),
    ],
)
def test_what_is_no_time_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_duration(text)


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
