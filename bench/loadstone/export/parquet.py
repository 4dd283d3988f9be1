"""Parquet: a row a Trial, for DuckDB, pandas, Polars and Spark; written by pyarrow."""

import io
from typing import TYPE_CHECKING, Any

import msgspec

from loadstone._version import __version__
from loadstone.analysis import time_base
from loadstone.errors import CannotMeasureError
from loadstone.export.figures import clock_words, figures, setting, started_at
from loadstone.export.table import FIXED, Cell, header, rows
from loadstone.model import Run

if TYPE_CHECKING:
    import pyarrow

SUMMARY = "a row a Trial with its evidence, for DuckDB, pandas and Polars (needs pyarrow)"
SUFFIX = ".parquet"


def render(run: Run) -> bytes:
    """The table of csv with types, then ``evidence.NAME``; the Run's head as metadata."""
    arrow = _pyarrow()
    columns = _columns(arrow, run)
    table = arrow.table(columns).replace_schema_metadata(_metadata(run))
    stream = io.BytesIO()
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise CannotMeasureError(
            "the format parquet needs pyarrow, which is not installed",
            remedy="pip install 'loadstone[parquet]'",
        ) from error
    return pyarrow


def _columns(arrow: Any, run: Run) -> "dict[str, pyarrow.Array]":
    cells = list(zip(*rows(run), strict=True))
    columns = {
        name: arrow.array(column, type=_type(arrow, name, column))
        for name, column in zip(header(run), map(_one_kind, cells), strict=True)
    }
    trials = [trial for _, trial in figures(run)]
    columns["started"] = arrow.array(
        [started_at(trial) for trial in trials], type=arrow.timestamp("ms", tz="UTC")
    )
    counters = sorted({name for trial in trials for name in trial.evidence})
    return columns | {
        f"evidence.{name}": arrow.array(
            [trial.evidence.get(name) for trial in trials], type=arrow.float64()
        )
        for name in counters
    }


def _one_kind(column: tuple[Cell, ...]) -> list[Cell]:
    """A parameter may be a number in one Case and a word in another: then all are words."""
    kinds = {type(cell) for cell in column if cell is not None}
    if len(kinds) <= 1 or kinds <= {int, float}:
        return list(column)
    return [None if cell is None else str(cell) for cell in column]


def _type(arrow: Any, name: str, column: list[Cell]) -> object:
    """None where pyarrow finds it by the cells."""
    if name.startswith("metric."):
        return arrow.float64()
    if name == "round":
        return arrow.int32()
    is_empty = all(cell is None for cell in column)
    return arrow.string() if name in FIXED or is_empty else None


def _metadata(run: Run) -> dict[str, str]:
    """By which a reader knows a file without a query; ``loadstone.manifest`` has all of it."""
    known = {
        "run": run.id,
        "created": run.manifest.created,
        "version": __version__,
        "target": run.manifest.environment.target,
        "workload": run.manifest.plan.workload,
        "clock": clock_words(run),
        "clock_tag": time_base.tag(time_base.clock_of(run.manifest.environment)),
        **setting(run),
        "manifest": msgspec.json.encode(run.manifest).decode(),
    }
    return {f"loadstone.{key}": text for key, text in known.items()}
