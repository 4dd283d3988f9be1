"""The medians of many Runs, a line a Run, for what looks for changes over time: Apache Otava."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median

from loadstone.analysis import time_base
from loadstone.analysis.chronology import in_order
from loadstone.analysis.summary import counted_trials
from loadstone.errors import CannotMeasureError
from loadstone.export.case_names import names
from loadstone.export.figures import clock_words, figures, setting
from loadstone.model import Run

SUMMARY = "many Runs, oldest first, a line each: medians, for change points (Apache Otava)"
SUFFIX = ".csv"

_SETTING = ("cpu", "kernel", "fs", "storage")
_FIXED = ("time", "run", "target", "loadstone", "clock", *_SETTING)
_MOST_NAMED = 3

Columns = Mapping[str, float]
"""Medians by the column that they stand in."""


def render(run: Run) -> str:
    """One Run: a header and a line."""
    return render_all([run])


def render_all(runs: Sequence[Run]) -> str:
    """A header, and a line for each Run that has figures; what it did not measure is empty.

    Raises:
        CannotMeasureError: none has figures, or they were not taken by one clock.
    """
    measured = [(run, found) for run in _oldest_first(runs) if (found := _medians(run))]
    if not measured:
        next(figures(runs[0]))
    _require_one_clock([run for run, _ in measured])
    columns = list(dict.fromkeys(name for _, found in measured for name in found))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_FIXED, *columns])
    for run, found in measured:
        writer.writerow([*_fixed(run), *(found.get(name, "") for name in columns)])
    return stream.getvalue()


def notes(runs: Sequence[Run]) -> list[str]:
    """The Runs without figures, and the columns with empty cells, which Otava does not take."""
    medians = {run.id: _medians(run) for run in _oldest_first(runs)}
    empty = [
        f"{id_}: left out, as it has no figures" for id_, found in medians.items() if not found
    ]
    measured = {id_: found for id_, found in medians.items() if found}
    columns = dict.fromkeys(name for found in measured.values() for name in found)
    lacking = {
        name: [id_ for id_, found in measured.items() if name not in found] for name in columns
    }
    return empty + [f"{name}: no figure in {_named(ids)}" for name, ids in lacking.items() if ids]


def _named(ids: Sequence[str]) -> str:
    more = len(ids) - _MOST_NAMED
    return ", ".join(ids[:_MOST_NAMED]) + (f" and {more} Runs more" if more > 0 else "")


def _require_one_clock(runs: Sequence[Run]) -> None:
    tags = {time_base.tag(time_base.clock_of(run.manifest.environment)): run.id for run in runs}
    if len(tags) > 1:
        told = ", ".join(f"{id_} ({tag})" for tag, id_ in tags.items())
        raise CannotMeasureError(
            f"Runs by different clocks have no common unit: {told}",
            remedy="export those of one clock",
        )


def _oldest_first(runs: Sequence[Run]) -> list[Run]:
    numbered = sorted(runs, key=lambda run: (run.manifest.sequence, run.manifest.created))
    return in_order(numbered, lambda run: run.manifest.series, _begun_s)


def _begun_s(run: Run) -> float:
    try:
        return datetime.fromisoformat(run.manifest.created).timestamp()
    except (ValueError, OverflowError) as error:
        raise CannotMeasureError(
            f"{run.id} was begun at {run.manifest.created!r}, which is no time",
            remedy="leave that Run out",
        ) from error


def _medians(run: Run) -> Columns:
    """``WORKLOAD/NAME/METRIC [UNIT]`` of each Case that was measured."""
    called, counted = names(run), counted_trials(run)
    found = {}
    for case in run.manifest.plan.cases:
        for metric in run.manifest.metrics:
            values = [
                trial.metrics[metric.name]
                for trial in counted[case.id]
                if metric.name in trial.metrics
            ]
            if values:
                name = f"{case.workload}/{called[case.id]}/{metric.name} [{metric.unit}]"
                found[name] = float(median(values))
    return found


def _fixed(run: Run) -> list[str]:
    manifest, where = run.manifest, setting(run)
    return [
        *(manifest.created, run.id, manifest.environment.target, manifest.loadstone),
        *(clock_words(run), *(where.get(name, "") for name in _SETTING)),
    ]
