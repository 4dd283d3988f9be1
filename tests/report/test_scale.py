"""Axes have round ticks, and times three digits."""

import pytest

from loadstone.report.scale import axis_to, format_ns


@pytest.mark.parametrize(
    ("end", "unit", "labels", "shown"),
    [
        (2.6e9, "B/s", ["0", "0.5", "1", "1.5", "2", "2.5"], "GB/s"),
        (62e6, "ns", ["0", "20", "40", "60"], "ms"),
        (900.0, "ns", ["0", "200", "400", "600", "800"], "ns"),
        (3.0, "s/GB", ["0", "0.5", "1", "1.5", "2", "2.5", "3"], "s/GB"),
        (0.0, "ns", ["0", "0.2", "0.4", "0.6", "0.8", "1"], "ns"),
    ],
)
def test_axes_have_round_ticks(end: float, unit: str, labels: list[str], shown: str) -> None:
    axis = axis_to(end, unit)
    assert [tick.label for tick in axis.ticks] == labels
    assert axis.unit == shown
    assert axis.at(2 * axis.end) == 100.0
    assert axis.at(axis.end / 4) == 25.0


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [(0, "0 ns"), (999, "999 ns"), (62_713_000, "62.7 ms"), (999_900, "1,000 µs"), (2e9, "2.00 s")],
)
def test_times_are_written_to_three_digits(value_ns: float, text: str) -> None:
    assert format_ns(value_ns) == text
