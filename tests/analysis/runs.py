"""Runs whose Cases are named by their labels."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from loadstone.model import Case, Metric, Run, Value
from loadstone.result_names import CONTROLS
from sample_runs import SPEED, measured_run

STEADY = [100.0, 101.0, 99.5, 100.5, 99.0, 100.2, 99.8, 100.7]


def run_with(
    name: str,
    figures: Mapping[str, Sequence[float]],
    metric: Metric = SPEED,
    hour: int = 0,
    grown: Collection[str] = (),
    facts: Mapping[str, Value] | None = None,
) -> Run:
    """A Run whose rounds are a minute each, from the given hour on.

    The labels in grown have one more parameter, and so another id.
    """
    cases = tuple(
        Case.of("model-load", label, {"block": label, "grown": label in grown}) for label in figures
    )
    own = [(case, figures[case.label]) for case in cases]
    return measured_run(own, metric, name, hour, facts)


def with_controls(run: Run, **figures: Sequence[float]) -> Run:
    """The same Run with controls (``cpu``, ``memory``, ``read``, in ns) before its first Trials."""
    trials = list(run.trials)
    for name, values in figures.items():
        for number, value in enumerate(values):
            evidence = {**trials[number].evidence, CONTROLS[name]: value}
            trials[number] = msgspec.structs.replace(trials[number], evidence=evidence)
    return msgspec.structs.replace(run, trials=tuple(trials))
