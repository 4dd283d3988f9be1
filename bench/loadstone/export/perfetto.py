"""A Perfetto trace: Trials and their spans on a time line, for the UI and for SQL."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec

from loadstone._version import __version__
from loadstone.core.evidence import inherent_ns
from loadstone.export import trace_packets as packets
from loadstone.export.case_names import names
from loadstone.export.figures import clock_words, figures, setting, started_at
from loadstone.export.metric_names import spelled
from loadstone.model import Case, Run, Span, Trial
from loadstone.result_names import SET_CACHE_NS, SET_UP_NS

SUMMARY = "spans and rounds as a trace, for ui.perfetto.dev and trace_processor"
SUFFIX = ".pftrace"

_RUN, _ROUNDS, _FIRST_FREE = 1, 2, 3

Placed = tuple[Trial, int, int]
"""A Trial, and when it began and ended, in ns by the trace's clock."""


def render(run: Run) -> bytes:
    """Tracks for the Run, its rounds, each Case and each of its lanes; a slice for each Trial."""
    placed, rows = _placed(run), _Tracks()
    trials = list(chain.from_iterable(placed.values()))
    parts = [
        packets.track(_RUN, f"loadstone {run.id}"),
        *_clock_packets(trials),
        packets.track(_ROUNDS, "rounds", _RUN),
        *_round_slices(trials),
        *_run_slice(run, trials),
    ]
    called = names(run)
    for case in run.manifest.plan.cases:
        if case.id in placed:
            parts += _case_packets(run, case, called[case.id], placed[case.id], rows)
    return b"".join(parts)


class _Tracks:
    """Hands out the numbers of tracks, and with them their order."""

    def __init__(self) -> None:
        self._next = _FIRST_FREE

    def take(self) -> int:
        self._next += 1
        return self._next - 1


def _placed(run: Run) -> dict[str, list[Placed]]:
    """The Trials of each Case in the order of time: by the clock that goes on while the machine
    sleeps, where all were made in one boot that is known; else by that of the day."""
    trials = [*figures(run)]
    is_one_boot = _is_one_boot([trial for _, trial in trials])
    found: dict[str, list[Placed]] = {}
    for case, trial in trials:
        start_ns = trial.boottime_ns if is_one_boot else _realtime_ns(trial)
        # What is timed may begin before what its spans count from.
        last_ns = _origin_ns(trial, start_ns) + max((one.end_ns for one in trial.spans), default=0)
        took_ns = trial.overhead_ns + inherent_ns(trial.evidence, trial.spans)
        found.setdefault(case.id, []).append((trial, start_ns, max(start_ns + took_ns, last_ns)))
    return {id_: _apart(sorted(own, key=lambda one: one[1])) for id_, own in found.items()}


def _apart(placed: Sequence[Placed]) -> list[Placed]:
    """None ends after the next begins: a millisecond of the day's clock would make them nest."""
    nexts = [start_ns for _, start_ns, _ in placed[1:]]
    return [
        (trial, start_ns, min(end_ns, following_ns))
        for (trial, start_ns, end_ns), following_ns in zip(placed[:-1], nexts, strict=True)
    ] + list(placed[-1:])


def _is_one_boot(trials: Sequence[Trial]) -> bool:
    return len({trial.boot for trial in trials}) == 1 and all(trial.boot for trial in trials)


def _realtime_ns(trial: Trial) -> int:
    # To a millisecond, as the file has it: a float has no nanoseconds of this century.
    return round(started_at(trial).timestamp() * 1000) * 1_000_000


def _origin_ns(trial: Trial, start_ns: int) -> int:
    """Where the timed region began, by what was done before it: early by some of the overhead."""
    before_ns = sum(int(trial.evidence.get(name, 0)) for name in (SET_UP_NS, SET_CACHE_NS))
    first_ns = min((span.start_ns for span in trial.spans), default=0)
    return start_ns + max(before_ns, -first_ns)


def _clock_packets(trials: Sequence[Placed]) -> Iterator[bytes]:
    if _is_one_boot([trial for trial, *_ in trials]):
        first, start_ns, _ = min(trials, key=lambda one: one[1])
        yield packets.clocks(start_ns, _realtime_ns(first))


def _run_slice(run: Run, trials: Sequence[Placed]) -> Iterator[bytes]:
    """One over all, whose arguments say where and by which clock."""
    known = {
        "run": run.id,
        "workload": run.manifest.plan.workload,
        "target": run.manifest.environment.target,
        "clock": clock_words(run),
        "loadstone": __version__,
        **setting(run),
    }
    yield packets.begin(_RUN, min(start for _, start, _ in trials), run.manifest.plan.name, known)
    yield packets.end(_RUN, max(end for *_, end in trials))


def _round_slices(trials: Iterable[Placed]) -> Iterator[bytes]:
    rounds: dict[int, Placed] = {}
    for one, start_ns, end_ns in trials:
        first, begun_ns, ended_ns = rounds.get(one.round, (one, start_ns, end_ns))
        rounds[one.round] = first, min(begun_ns, start_ns), max(ended_ns, end_ns)
    for one, start_ns, end_ns in _apart(sorted(rounds.values(), key=lambda placed: placed[1])):
        yield packets.begin(_ROUNDS, start_ns, f"round {one.round}", {"round": one.round})
        yield packets.end(_ROUNDS, end_ns)


def _case_packets(
    run: Run, case: Case, name: str, trials: Sequence[Placed], rows: _Tracks
) -> Iterator[bytes]:
    own = rows.take()
    yield packets.track(own, name, _RUN, own)
    for trial, start_ns, end_ns in trials:
        yield packets.begin(own, start_ns, f"round {trial.round}", _arguments(run, case, trial))
        yield packets.end(own, end_ns)
    spans = [
        _moved(span, _origin_ns(trial, start_ns))
        for trial, start_ns, _ in trials
        for span in trial.spans
    ]
    for lane in sorted({span.lane for span in spans}):
        for place, layer in enumerate(layers_of([one for one in spans if one.lane == lane])):
            row = rows.take()
            again = f" ({place + 1})" if place else ""
            yield packets.track(row, f"lane {lane}{again}", own, row)
            yield from _span_slices(layer, row)


def _moved(span: Span, by_ns: int) -> Span:
    return msgspec.structs.replace(span, start_ns=span.start_ns + by_ns, end_ns=span.end_ns + by_ns)


def _arguments(run: Run, case: Case, trial: Trial) -> packets.Arguments:
    figured = {
        spelled(metric)[0]: trial.metrics[metric.name]
        for metric in run.manifest.metrics
        if metric.name in trial.metrics
    }
    return {
        "workload": case.workload,
        "case": case.id,
        "label": case.label,
        "round": trial.round,
        **({"notes": "; ".join(trial.notes)} if trial.notes else {}),
        "metric": figured,
        "evidence": trial.evidence,
    }


def layers_of(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans so divided that of each part any two lie apart or one in the other.

    A track's slices are a stack: the last to begin is the first to end.
    """
    layers: list[list[Span]] = []
    open_ends: list[list[int]] = []
    for span in sorted(spans, key=lambda one: (one.start_ns, -one.end_ns)):
        for layer, ends in zip(layers, open_ends, strict=True):
            while ends and ends[-1] <= span.start_ns:
                ends.pop()
            if not ends or span.end_ns <= ends[-1]:
                layer.append(span)
                ends.append(span.end_ns)
                break
        else:
            layers.append([span])
            open_ends.append([span.end_ns])
    return layers


def _span_slices(layer: Sequence[Span], row: int) -> Iterator[bytes]:
    ends_ns: list[int] = []
    for span in layer:
        while ends_ns and ends_ns[-1] <= span.start_ns:
            yield packets.end(row, ends_ns.pop())
        yield packets.begin(row, span.start_ns, span.name)
        ends_ns.append(span.end_ns)
    while ends_ns:
        yield packets.end(row, ends_ns.pop())
