"""Axes have round ticks, and times three digits."""

import pytest

from loadstone.report.scale import axis_to, format_ns, log_axis, spans_decade


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


def test_a_logarithmic_axis_has_equal_lengths_for_equal_ratios() -> None:
    axis = log_axis(1e3, 1e6, "ns")
    steps = [axis.at(10 * value) - axis.at(value) for value in (1e3, 1e4, 1e5)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.01)
    assert axis.at(0) == axis.at(axis.start) == 0
    assert axis.at(axis.end) == axis.at(1e12) == 100


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels"),
    [
        (4096, 4 << 20, "B", ["4 KiB", "16 KiB", "64 KiB", "256 KiB", "1 MiB", "4 MiB"]),
        (17e6, 42e6, "ns", ["15 ms", "20 ms", "30 ms", "40 ms", "50 ms"]),
        (1e3, 1e6, "ns", ["1 µs", "3 µs", "10 µs", "30 µs", "100 µs", "300 µs", "1 ms"]),
        (1, 1024, "count", ["1", "3", "10", "30", "100", "300", "1000"]),
        (1e-3, 1e6, "count", ["0.01", "1", "100", "10,000", "1,000,000"]),
        (2e9, 2e10, "B/s", ["2", "5", "10", "20"]),
    ],
)
def test_its_marks_are_round_and_as_many_as_there_is_room_for(
    low: float, high: float, unit: str, labels: list[str]
) -> None:
    assert [tick.label for tick in log_axis(low, high, unit).ticks] == labels


@pytest.mark.parametrize("low", [1e-9, 0.37, 1, 999, 12345.6, 1e15])
@pytest.mark.parametrize("ratio", [1, 1.3, 7, 100, 1e9])
@pytest.mark.parametrize("unit", ["ns", "B", "count", "B/s"])
def test_it_always_has_a_mark_and_never_too_many(low: float, ratio: float, unit: str) -> None:
    axis = log_axis(low, low * ratio, unit)
    assert 1 <= len(axis.ticks) <= 7 or unit == "B"
    assert all(0 <= tick.at <= 100 for tick in axis.ticks)


def test_figures_are_worth_a_logarithmic_axis_from_a_factor_of_eight_on() -> None:
    assert spans_decade([1, 3, 8])
    assert not spans_decade([1, 7.9])
    assert not spans_decade([0, 100])
