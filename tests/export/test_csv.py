"""CSV: a line a Trial."""

import csv
import io

import msgspec

from export.runs import COUNTED, FAST, MEANING, SLOW, rendered, run_with


def test_csv_has_a_line_for_each_trial_that_counts_with_all_that_it_was() -> None:
    lines = list(csv.DictReader(io.StringIO(rendered("csv", run_with(COUNTED)))))
    assert [(line["case"], line["round"]) for line in lines] == [
        *((SLOW.id, str(number)) for number in range(3)),
        *((FAST.id, str(number)) for number in range(3)),
    ]
    first = lines[0]
    assert first["run"] == "20260101T000000Z-local-p-0000"
    assert (first["label"], first["parameter.engine"]) == (SLOW.label, SLOW.label)
    assert (first["parameter.fixed"], first["parameter.block"]) == ("off", "4096")
    assert (first["clock"], first["kernel"]) == (MEANING, "6.1.0")
    assert float(first["metric.ready_ns [ns]"]) == 3e6
    assert float(first["metric.throughput [B/s]"]) == 1e15 / 3e6 + 0.25


def test_csv_leaves_a_metric_empty_that_a_trial_does_not_have() -> None:
    run = run_with()
    lacking = tuple(
        msgspec.structs.replace(trial, metrics={"throughput": 1.0}) for trial in run.trials
    )
    run = msgspec.structs.replace(run, trials=lacking)
    line = next(csv.DictReader(io.StringIO(rendered("csv", run))))
    assert (line["metric.throughput [B/s]"], line["metric.ready_ns [ns]"]) == ("1.0", "")
