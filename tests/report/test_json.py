"""What ``--json`` prints has the documented keys, in their order."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadstone.analysis.compare import compare
from loadstone.cli._output import print_json
from loadstone.model import Case, Status, StopRule
from loadstone.published.changes import published_changes
from loadstone.report.json import comparison_json, run_json
from sample_postings import FLUSH, FLUSH_SPEED, SEGMENTS, postings
from sample_runs import (
    DELAY,
    LAB,
    NEAR_ONE,
    SPEED,
    manifest_of,
    measured_run,
    plan_of,
    run_of,
    trial_of,
)

FAST, ABSENT = (Case.of("model-load", label, {"engine": label}) for label in ("fast", "no"))
STEADY = [100.0, 101.0, 99.5, 100.5, 99.0, 100.2, 99.8, 100.7]


def written(noun: msgspec.Struct) -> Any:
    return json.loads(msgspec.json.encode(noun))


def test_a_run_has_exactly_the_documented_keys() -> None:
    manifest = manifest_of(plan_of((ABSENT, FAST)), metrics=(SPEED, DELAY))
    trials = [
        trial_of(FAST, number, {"throughput": 2.0, "delay": 5.0}, evidence={"flushes": number})
        for number in range(3)
    ]
    skipped = trial_of(ABSENT, 0, {}, status=Status.SKIPPED, reason="no udmabuf", remedy="load it")
    said = written(run_json(run_of(manifest, [*trials, skipped])))
    assert list(said) == ["run", "path", "clock", "cases", "until"]
    assert (said["run"], said["path"], said["clock"]) == ("r", "/runs/r", None)
    assert said["until"] is None
    fast, absent = said["cases"]
    metrics = fast.pop("metrics")
    assert list(fast.items()) == [
        ("id", FAST.id),
        ("label", "fast"),
        ("workload", "model-load"),
        ("parameters", {"engine": "fast"}),
        ("trials", 3),
        ("invalid", 0),
        ("failed", 0),
        ("skipped", None),
        ("evidence", {"flushes": 1.0}),
    ]
    assert list(metrics) == ["throughput", "delay"]
    assert list(metrics["delay"]) == ["unit", "better", "median", "low", "high"]
    assert (metrics["delay"]["unit"], metrics["delay"]["better"]) == ("ns", "lower")
    assert (absent["skipped"], absent["metrics"]) == ("no udmabuf", {})


def test_of_a_run_with_a_rule_it_says_how_that_ended() -> None:
    rule = StopRule(within=0.02, most_rounds=200, limit_s=60)
    run = measured_run([(FAST, [*STEADY, *STEADY]), (ABSENT, [1.0])], SPEED)
    plan = msgspec.structs.replace(run.manifest.plan, rounds=10, until=rule)
    manifest = msgspec.structs.replace(run.manifest, plan=plan)
    said = written(run_json(run_of(manifest, run.trials)))["until"]
    narrow, few = said.pop("cases")
    assert list(said.items()) == [
        ("within", 0.02),
        ("limit_s", 60.0),
        ("most_rounds", 200),
        ("rounds", 16),
        ("ending", "early"),
    ]
    assert 0 < narrow["width"] < 0.02
    assert (narrow["label"], narrow["rounds"], narrow["is_narrow"]) == ("fast", 16, True)
    assert few == {"label": "no", "rounds": 1, "width": None, "is_narrow": False}


def test_a_comparison_has_exactly_the_documented_keys() -> None:
    base, new = (measured_run([(FAST, STEADY)], SPEED, id_, hour) for hour, id_ in enumerate("ab"))
    said = written(comparison_json(compare(base, new)))
    assert list(said) == [
        *("base", "new", "clock", "cases", "incomplete", "notes", "design", "by", "controls")
    ]
    assert (said["base"], said["new"], said["clock"]) == ("a", "b", None)
    (case,) = said["cases"]
    assert list(case.items()) == [
        ("label", "fast"),
        ("metric", "throughput"),
        ("ratio", 1.0),
        ("low", case["low"]),
        ("high", case["high"]),
        ("verdict", "same"),
        ("rounds_needed", None),
        ("evidence", {}),
        ("published", []),
        ("cause", None),
    ]


def test_the_clock_of_both_is_said_with_its_meaning() -> None:
    base, new = (
        measured_run([(FAST, STEADY)], SPEED, id_, hour, LAB) for hour, id_ in enumerate("ab")
    )
    clock = written(comparison_json(compare(base, new)))["clock"]
    assert (clock["name"], clock["ns_per_instruction"]) == ("instructions", 1)
    assert "not time" in clock["meaning"]


def test_published_changes_have_their_figures_in_their_units_and_the_ratio(tmp_path: Path) -> None:
    base, new = (
        measured_run([(SEGMENTS, [speed * one for one in NEAR_ONE])], FLUSH_SPEED, id_, hour)
        for hour, (id_, speed) in enumerate((("before", 573), ("after", 42_666)))
    )
    comparison = compare(base, new)
    found = published_changes(comparison, base, new, postings(tmp_path, FLUSH))
    (case,) = written(comparison_json(comparison, found))["cases"]
    assert case["published"] == [
        {
            "key": "k",
            "title": "empty flush",
            "who": "Yang Yang",
            "when": "2024-05-16",
            "where": "dm-devel",
            "source": "",
            "device": "not named",
            "conditions": "fio",
            "note": "",
            "what": "1024 segments",
            "metric": "throughput",
            "base_is": "each segment",
            "new_is": "each device",
            "base": {"value": 857.0, "unit": "KiB/s"},
            "new": {"value": 30.8, "unit": "MiB/s"},
            "ratio": pytest.approx(30.8 * 1024 / 857),
            "direction": None,
        }
    ]


def test_what_is_printed_is_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    run = measured_run([(FAST, STEADY)], SPEED, "ä")
    print_json(run_json(run))
    out = capsys.readouterr().out
    assert json.loads(out)["run"] == "ä"
    assert out.startswith('{\n  "run": "ä",\n')
