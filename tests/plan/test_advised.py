"""The plan file that repeats what was advised."""

from pathlib import Path

import msgspec
import pytest

from analysis.simulate_race import race_trials
from analysis.test_race import speeds
from loadstone.analysis.advice import Advice, advice_of
from loadstone.errors import CannotMeasureError
from loadstone.model import Input, RaceRule, Run, Value
from loadstone.plan.advised import choice_of, plan_text, write_plan
from loadstone.plan.request import Request, make_plan
from loadstone.workloads import make_cases, workload
from sample_runs import manifest_of, plan_of, run_of

LOAD = workload("model-load")
CHOICES: tuple[dict[str, Value], ...] = (
    {"engine": "mmap"},
    {"engine": "uring", "destination": "thp", "block": 512 << 10, "depth": 32, "fixed": True},
    {"engine": "uring", "destination": "udmabuf-thp", "overlap": 8 << 20, "export": "after"},
    {"engine": "pread", "io": "buffered", "destination": "dma-heap:system", "again": True},
)
CASES, _ = make_cases(LOAD, CHOICES)
MODEL = '/models/a "quoted" µ.gguf'


def raced() -> tuple[Run, Advice]:
    first, *others = CASES
    ids = tuple(case.id for case in CASES)
    plan = msgspec.structs.replace(
        plan_of(CASES, rounds=12),
        race=RaceRule(first=ids, plain=(first.id,)),
        input=Input(file=MODEL),
    )
    run = run_of(manifest_of(plan), race_trials(plan, speeds(1e9, 4e9, *(2e9 for _ in others[1:]))))
    advice = advice_of(run)
    assert advice is not None
    return run, advice


def test_what_has_to_be_said_of_a_case_makes_it_again() -> None:
    for case in CASES:
        said = choice_of(LOAD, case.parameters)
        (again,), remarks = make_cases(LOAD, [said])
        assert again == case
        assert not remarks
        assert len(said) < 6


def test_the_best_and_the_plain_ways_are_run_again(tmp_path: Path) -> None:
    run, advice = raced()
    path = tmp_path / "plan.toml"
    write_plan(path, run, advice)
    plan, remarks = make_plan(Request(what=str(path)))
    assert (plan.cases, plan.input.file) == ((CASES[1], CASES[0]), MODEL)
    assert not remarks


def test_where_nothing_was_measured_there_is_nothing_to_repeat() -> None:
    run, advice = raced()
    with pytest.raises(CannotMeasureError, match="no way could be measured"):
        plan_text(run, msgspec.structs.replace(advice, best=None))
