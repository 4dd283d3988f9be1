"""A Run of many Trials, each with as much as a real one has."""

from loadstone.model import Case, Histogram, Run, Span
from report.pages import good_trial, run_with

MANY = 10_000
_COUNTERS, _SPANS, _BUCKETS = 100, 20, 100


def run_of_many(case_count: int, rounds: int) -> Run:
    """Cases whose counters move, with spans on two lanes and a histogram of a thousand reads."""
    cases = tuple(
        Case.of("folio-write", f"{size} fresh", {"size": size})
        for size in range(4096, 4096 + case_count)
    )
    spans = tuple(
        Span(name="write", lane=lane, start_ns=1000 * part, end_ns=1000 * part + 600)
        for lane in range(2)
        for part in range(_SPANS // 2)
    )
    histogram = Histogram(
        name="write",
        count=10 * _BUCKETS,
        min_ns=1000,
        max_ns=900_000,
        sum_ns=5_000_000,
        buckets={1000 + 640 * number: 10 for number in range(_BUCKETS)},
    )
    trials = (
        good_trial(
            case,
            number,
            1e9 + 1e6 * place + 1e5 * (number % 7),
            spans=spans,
            histograms=(histogram,),
            evidence={f"vmstat.counter_{n}": float(n * place) for n in range(_COUNTERS)},
        )
        for number in range(rounds)
        for place, case in enumerate(cases)
    )
    return run_with(*trials, cases=cases, rounds=rounds)
