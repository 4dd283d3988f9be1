"""OpenMetrics, read by Prometheus's own parser for Python."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from export.real_runs import each_measured_run
from export.runs import COUNTED, FAST, LINE_BREAK, MEANING, REAL, SLOW, rendered, run_with
from loadstone.analysis.summary import counted_trials
from loadstone.errors import CannotMeasureError
from loadstone.export.metric_names import spelled
from loadstone.model import Better, Case, Metric, Run


def families(run: Run) -> Mapping[str, Any]:
    """What the parser makes of a Run, which refuses what the specification forbids."""
    parser = pytest.importorskip(
        "prometheus_client.openmetrics.parser", reason="pip install prometheus-client"
    )
    text = rendered("openmetrics", run)
    return {one.name: one for one in parser.text_string_to_metric_families(text)}


def test_each_trial_is_a_sample_at_its_time_with_the_unit_in_its_name() -> None:
    found = families(run_with(COUNTED))
    assert set(found) == {
        *("loadstone_run", "loadstone_ready_ns", "loadstone_first_byte_ns"),
        "loadstone_throughput_bytes_per_second",
    }
    ready = found["loadstone_ready_ns"]
    assert (ready.type, ready.unit) == ("gauge", "ns")
    slow = [sample for sample in ready.samples if sample.labels["case"] == SLOW.id]
    assert [sample.value for sample in slow] == [3e6, 6e6, 9e6]
    # A minute apart: 2026-01-01T00:00Z and on.
    assert [float(sample.timestamp) for sample in slow] == [
        1767225600.0 + 60 * number for number in range(3)
    ]
    assert slow[0].labels == {
        "workload": "model-load",
        "case": SLOW.id,
        "name": SLOW.label,
        "clock": "instructions:1ns",
        "cpu": "A CPU",
        "kernel": "6.1.0",
        "fs": "ext4",
        "storage": "ufs40",
    }
    (info,) = found["loadstone_run"].samples
    assert (info.name, info.value) == ("loadstone_run_info", 1)
    assert info.labels["clock_words"] == MEANING
    assert info.labels["run"] == "20260101T000000Z-local-p-0000"


@each_measured_run
def test_every_figure_of_a_real_run_arrives(run: Run) -> None:
    found = families(run)
    for metric in run.manifest.metrics:
        values = sorted(
            trial.metrics[metric.name]
            for trials in counted_trials(run).values()
            for trial in trials
            if metric.name in trial.metrics
        )
        name, unit = spelled(metric)
        assert name.endswith(f"_{unit}")
        samples = found[f"loadstone_{name}"].samples if values else []
        assert sorted(sample.value for sample in samples) == pytest.approx(values)


def test_a_rate_is_written_out_and_two_units_never_share_a_name() -> None:
    units = ("B", "B/s", "MiB/s", "s/GB", "ns", "ns/block", "count", "syncs/s", "reads/block")
    names = [
        spelled(Metric(name="x", unit=unit, better=Better.LOWER))[0].removeprefix("x")
        for unit in units
    ]
    assert names == [
        *("_bytes", "_bytes_per_second", "_mebibytes_per_second", "_seconds_per_gigabyte"),
        *("_ns", "_ns_per_block", "_count", "_syncs_per_second", "_reads_per_block"),
    ]


def test_text_from_a_device_cannot_make_lines_of_its_own_for_prometheus() -> None:
    hostile = LINE_BREAK + ' "} 1\n# EOF\\'
    case = Case.of("model-load", hostile, {})
    facts = REAL | {"cpu.model": hostile, "clock.name": hostile}
    ready = families(run_with(facts, cases=(case, FAST)))["loadstone_ready_ns"]
    assert len(ready.samples) == 6
    assert {one.labels["name"] for one in ready.samples} == {" ".join(hostile.split()), FAST.label}


def test_the_samples_of_a_case_are_in_the_order_of_time_where_the_clock_was_set_back() -> None:
    run = run_with(cases=(FAST,))
    back = [msgspec.structs.replace(trial, started="2001-01-01T00:00:00Z") for trial in run.trials]
    run = msgspec.structs.replace(run, trials=(*run.trials[:3], *back[3:4], *run.trials[4:]))
    times = [float(one.timestamp) for one in families(run)["loadstone_ready_ns"].samples]
    assert times == sorted(times)


def test_a_time_that_is_none_is_refused() -> None:
    run = run_with()
    odd = tuple(msgspec.structs.replace(trial, started="yesterday") for trial in run.trials)
    with pytest.raises(CannotMeasureError, match="began at 'yesterday', which is no time"):
        rendered("openmetrics", msgspec.structs.replace(run, trials=odd))
