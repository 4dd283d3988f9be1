"""What the formats export: the Trials that count, each with its Case, and where they were made."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from loadstone.analysis import time_base
from loadstone.analysis.coverage import coverage, state_words
from loadstone.analysis.summary import counted_trials
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Metric, Run, Trial

# What forbids a comparison, or is compared, by what programs call it.
_SETTING = {
    "cpu": "cpu.model",
    "kernel": "kernel.release",
    "fs": "fs.type",
    "storage": "storage.profile",
}


def figures(run: Run) -> Iterator[tuple[Case, Trial]]:
    """The Trials that count, in the order of Plan and rounds.

    Raises:
        CannotMeasureError: there are none.
    """
    counted = counted_trials(run)
    if not any(counted.values()):
        raise CannotMeasureError(
            f"{run.id} has no good Trial to export", remedy="see why with `loadstone show`"
        )
    for case in run.manifest.plan.cases:
        for trial in sorted(counted[case.id], key=lambda trial: trial.round):
            yield case, trial


def left_out(run: Run) -> list[str]:
    """A line for each Case that no format has figures of, or of which Trials failed."""
    return [
        f"{case.label}: {words}"
        for case in coverage(run, None).values()
        if (words := state_words(case.state))
    ]


def setting(run: Run) -> Mapping[str, str]:
    """CPU, kernel, file system, simulated storage, where they are known: no id of a Run."""
    known = {key: fact(run, name) for key, name in _SETTING.items()}
    return {key: text for key, text in known.items() if text}


def clock_words(run: Run) -> str:
    """What the figures were taken by, on one line."""
    return " ".join(time_base.words(time_base.clock_of(run.manifest.environment)).split())


def fact(run: Run, name: str) -> str | None:
    """A fact of the Run's Environment on one line, or None where it is not known."""
    value = run.manifest.environment.facts.get(name)
    return None if value in (None, "") else " ".join(str(value).split())


def time_metric(run: Run, program: str) -> Metric:
    """The first metric that is a time, for programs that take lower for better.

    Raises:
        CannotMeasureError: the Run measures none.
    """
    found = next((metric for metric in run.manifest.metrics if metric.unit == "ns"), None)
    if found is None:
        raise CannotMeasureError(
            f"{run.id} measures no time, and {program} knows nothing else",
            remedy="export it as csv or json",
        )
    return found


def started_at(trial: Trial) -> datetime:
    """When a Trial began, by the clock.

    Raises:
        CannotMeasureError: that is no time.
    """
    try:
        found = datetime.fromisoformat(trial.started)
        found.timestamp()
    except (ValueError, OverflowError) as error:
        raise CannotMeasureError(
            f"a Trial of {trial.case} began at {trial.started!r}, which is no time",
            remedy="export it as csv or json",
        ) from error
    return found
