"""A Run as a table: a line a Trial, with the columns that csv and parquet have in common."""

from collections.abc import Iterator

from loadstone.analysis import time_base
from loadstone.export.figures import fact, figures
from loadstone.model import Run, Value

Cell = Value | float | None

# Of each Trial, whatever was measured.
FIXED = ("run", "clock", "kernel", "workload", "case", "label", "round", "started")


def parameters(run: Run) -> list[str]:
    """The names of all parameters of the Run's Cases."""
    return sorted({name for case in run.manifest.plan.cases for name in case.parameters})


def header(run: Run) -> list[str]:
    """The columns: ``parameter.NAME``, and ``metric.NAME [UNIT]``."""
    return [
        *FIXED,
        *(f"parameter.{name}" for name in parameters(run)),
        *(f"metric.{metric.name} [{metric.unit}]" for metric in run.manifest.metrics),
    ]


def rows(run: Run) -> Iterator[list[Cell]]:
    """The cells of each Trial that counts; None where it has no such parameter or figure."""
    names = parameters(run)
    counted_by = time_base.words(time_base.clock_of(run.manifest.environment))
    where = (run.id, counted_by, fact(run, "kernel.release") or "")
    for case, trial in figures(run):
        yield [
            *where,
            *(case.workload, case.id, case.label, trial.round, trial.started),
            *(case.parameters.get(name) for name in names),
            *(trial.metrics.get(metric.name) for metric in run.manifest.metrics),
        ]
