"""Parquet, read by DuckDB."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from export.real_runs import each_measured_run
from export.runs import COUNTED, FAST, MEANING, SLOW, rendered, rendered_bytes, run_with
from loadstone.analysis.summary import counted_trials
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Manifest, Run

PIP = "pip install 'loadstone[parquet]' duckdb"


def duckdb_rows(place: Path, run: Run, query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers; ``run`` in the query is the file."""
    pytest.importorskip("pyarrow", reason=PIP)
    duckdb = pytest.importorskip("duckdb", reason=PIP)
    path = place / "run.parquet"
    path.write_bytes(rendered_bytes("parquet", run))
    rows: list[tuple[Any, ...]] = duckdb.sql(query.replace("RUN", f"'{path}'")).fetchall()
    return rows


def test_duckdb_asks_for_medians_by_case(tmp_path: Path) -> None:
    query = 'select "case", median("metric.ready_ns [ns]"), count(*) from RUN group by 1 order by 2'
    assert duckdb_rows(tmp_path, run_with(), query) == [(FAST.id, 2e6, 3), (SLOW.id, 6e6, 3)]


def test_columns_have_types_and_the_unit_in_their_names(tmp_path: Path) -> None:
    described = duckdb_rows(tmp_path, run_with(), "describe select * from RUN")
    types = {name: kind for name, kind, *_ in described}
    assert {name: types[name] for name in types if name.startswith(("param", "metric"))} == {
        "parameter.block": "BIGINT",
        "parameter.engine": "VARCHAR",
        "parameter.fixed": "BOOLEAN",
        "metric.throughput [B/s]": "DOUBLE",
        "metric.ready_ns [ns]": "DOUBLE",
        "metric.first_byte_ns [ns]": "DOUBLE",
    }
    assert (types["round"], types["started"]) == ("INTEGER", "TIMESTAMP WITH TIME ZONE")


def test_a_parameter_that_is_a_number_here_and_a_word_there_is_words(tmp_path: Path) -> None:
    cases = tuple(Case.of("w", f"{depth}", {"depth": depth}) for depth in (8, "deepest"))
    found = duckdb_rows(
        tmp_path, run_with(cases=cases), 'select distinct "parameter.depth" from RUN'
    )
    assert set(found) == {("8",), ("deepest",)}


@each_measured_run
def test_every_figure_and_counter_of_a_real_run_arrives(run: Run, tmp_path: Path) -> None:
    trials = [trial for own in counted_trials(run).values() for trial in own]
    (row,) = duckdb_rows(tmp_path, run, "select count(*), min(started), max(clock) from RUN")
    assert row[0] == len(trials)
    assert row[1].timestamp() == pytest.approx(
        min(msgspec.convert(trial.started, type=type(row[1])).timestamp() for trial in trials)
    )
    for kind in ("metrics", "evidence"):
        sums: dict[str, float] = {}
        for trial in trials:
            for name, value in getattr(trial, kind).items():
                sums[name] = sums.get(name, 0) + value
        units = {metric.name: f" [{metric.unit}]" for metric in run.manifest.metrics}
        columns = {
            name: f"metric.{name}{units.get(name, '')}" if kind == "metrics" else f"evidence.{name}"
            for name in sums
        }
        asked = ", ".join(f'sum("{column}")' for column in columns.values())
        (found,) = duckdb_rows(tmp_path, run, f"select {asked} from RUN")
        assert found == pytest.approx(tuple(sums.values()))


def test_the_head_of_the_run_is_metadata_of_the_file(tmp_path: Path) -> None:
    run = run_with(COUNTED)
    pairs = duckdb_rows(tmp_path, run, "select key, value from parquet_kv_metadata(RUN)")
    known = {key.decode(): value.decode() for key, value in pairs}
    assert (known["loadstone.run"], known["loadstone.clock"]) == (run.id, MEANING)
    assert msgspec.convert(json.loads(known["loadstone.manifest"]), Manifest) == run.manifest


def test_the_same_run_gives_the_same_bytes() -> None:
    pytest.importorskip("pyarrow", reason=PIP)
    assert rendered_bytes("parquet", run_with()) == rendered_bytes("parquet", run_with())


def test_without_pyarrow_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CannotMeasureError, match=r"pip install 'loadstone\[parquet\]'"):
        rendered("parquet", run_with())
