"""Whether what `advise` says is what measuring all of it says, and how near the device it comes.

``pytest tests/perf/test_advise.py --advise-budget 120`` takes ten minutes, on a machine that does
nothing else; ``make test`` leaves it out.
"""

import json
from pathlib import Path
from random import Random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import loadstone
from loadstone.analysis.advice import Advice
from loadstone.analysis.race import SAME
from loadstone.analysis.stats import Interval, ratio_interval
from loadstone.model import Run, Value
from loadstone.plan.advised import choice_of
from loadstone.workloads import workload

GOAL = 0.95
"""The share of the device's ceiling that is wanted: reported, as other load decides it too."""

ROUNDS = 8
_PIECE = 32 << 20
SIZES = (64 << 20, 100_000_003, 1 << 30)


def made(path: Path, size_bytes: int) -> Path:
    """A file of incompressible bytes, a piece at a time."""
    random = Random(size_bytes)
    with path.open("wb") as stream:
        for start in range(0, size_bytes, _PIECE):
            stream.write(random.randbytes(min(_PIECE, size_bytes - start)))
    return path


def exhaustive(advice: Advice, model: Path, results: Path) -> Run:
    """All ways that raced, each in every round: what a race leaves out."""
    race = loadstone.load(advice.run, results=results)
    rule, chosen = race.manifest.plan.race, workload("model-load")
    assert rule is not None
    tried = {trial.case for trial in race.trials} - set(rule.ceilings)
    lines = ['workload = "model-load"', f"file = {json.dumps(str(model))}"]
    for case in race.manifest.plan.cases:
        if case.id in tried:
            said: dict[str, Value] = {"engine": case.parameters["engine"]}
            said |= choice_of(chosen, case.parameters)
            lines += ["[[case]]", *(f"{name} = {json.dumps(one)}" for name, one in said.items())]
    plan = results.with_suffix(".toml")
    plan.write_text("\n".join(lines))
    return loadstone.run(str(plan), rounds=ROUNDS, warmups=0, results=results)


def ahead_of_all(run: Run, best: str) -> dict[str, Interval]:
    """By label how many times as fast the advised way is as each other one, in the same rounds."""
    speeds: dict[str, dict[int, float]] = {}
    for trial in run.trials:
        if trial.status == "ok":
            speeds.setdefault(trial.case, {})[trial.round] = trial.metrics["throughput"]
    labels = {case.id: case.label for case in run.manifest.plan.cases}
    others = [case for case in speeds if case != best]
    # None of so many is ahead by chance.
    confidence = 1 - 0.05 / len(others)
    found = {}
    for case in others:
        both = sorted(speeds[best].keys() & speeds[case].keys())
        sides = [speeds[case][at] for at in both], [speeds[best][at] for at in both]
        found[labels[case]] = ratio_interval(*sides, paired=True, confidence=confidence)
    return found


@pytest.mark.parametrize("size_bytes", SIZES)
def test_what_is_advised_is_what_measuring_all_ways_says(
    benchmark: BenchmarkFixture, tmp_path: Path, size_bytes: int, pytestconfig: pytest.Config
) -> None:
    budget_s = pytestconfig.getoption("--advise-budget")
    if budget_s is None:
        pytest.skip("takes minutes: --advise-budget 120")
    model, results = made(tmp_path / "model", size_bytes), tmp_path / "results"
    advice = benchmark.pedantic(
        lambda: loadstone.advise(model, into="anon", budget_s=budget_s, results=results), rounds=1
    )
    assert advice.best is not None
    assert advice.share is not None
    ahead = ahead_of_all(exhaustive(advice, model, results), advice.best.id)
    told = {
        label: f"{one.median:.2f} [{one.low:.2f}, {one.high:.2f}]" for label, one in ahead.items()
    }
    share = [
        round(value, 3) for value in (advice.share.low, advice.share.median, advice.share.high)
    ]
    benchmark.extra_info.update(
        advised=advice.best.label,
        ending=advice.ending,
        rounds=advice.rounds,
        share=share,
        is_goal_reached=advice.share.high >= GOAL,
        ahead=told,
    )
    faster = {label: told[label] for label, one in ahead.items() if one.high < 1 / (1 + SAME)}
    assert not faster
