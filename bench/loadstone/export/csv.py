"""Comma-separated values: a line a Trial, for spreadsheets and data frames."""

import csv
import io

from loadstone.analysis import time_base
from loadstone.export.figures import fact, figures
from loadstone.model import Case, Run, Trial, Value

SUMMARY = "a line a Trial, for spreadsheets and data frames"
SUFFIX = ".csv"

_FIXED = ("run", "clock", "kernel", "workload", "case", "label", "round", "started")


def render(run: Run) -> str:
    """A header and a line a Trial; ``parameter.`` and ``metric.`` stand before their names."""
    parameters = sorted({name for case in run.manifest.plan.cases for name in case.parameters})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        [
            *_FIXED,
            *(f"parameter.{name}" for name in parameters),
            *(f"metric.{metric.name} [{metric.unit}]" for metric in run.manifest.metrics),
        ]
    )
    for case, trial in figures(run):
        values = [_cell(case.parameters.get(name)) for name in parameters]
        measured = [trial.metrics.get(metric.name, "") for metric in run.manifest.metrics]
        writer.writerow([*_fixed(run, case, trial), *values, *measured])
    return stream.getvalue()


def _fixed(run: Run, case: Case, trial: Trial) -> list[object]:
    counted_by = time_base.words(time_base.clock_of(run.manifest.environment))
    where = (run.id, counted_by, fact(run, "kernel.release") or "", case.workload)
    return [*where, case.id, case.label, trial.round, trial.started]


def _cell(value: Value | None) -> object:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else value
