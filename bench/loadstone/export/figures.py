"""What the formats export: the Trials that count, each with its Case."""

from collections.abc import Iterator

from loadstone.analysis.coverage import coverage, state_words
from loadstone.analysis.summary import counted_trials
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Run, Trial


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


def fact(run: Run, name: str) -> str | None:
    """A fact of the Run's Environment on one line, or None where it is not known."""
    value = run.manifest.environment.facts.get(name)
    return None if value in (None, "") else " ".join(str(value).split())
