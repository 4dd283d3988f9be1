"""Runs of the lab: the rounds of one boot are one draw, and boots in turns are pairs."""

import random
from collections.abc import Sequence

import msgspec
import pytest

from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Verdict
from loadstone.analysis.pairing import is_interleaved
from loadstone.model import Case, Run, Value
from sample_runs import manifest_of, plan_of, run_of, start_of, trial_of

CASE = Case.of("model-load", "it", {})


def lab_run(name: str, side: int, boots: Sequence[Sequence[float]]) -> Run:
    """A Run in which each boot has these figures; ``side`` is its place in the turns."""
    trials, number = [], 0
    for boot, figures in enumerate(boots):
        for figure in figures:
            hour, minute = 2 * boot + side, number
            speed = {"throughput": figure}
            started = start_of(minute, hour)
            trials.append(
                trial_of(CASE, number, speed, started=started, evidence={"lab.boot": boot})
            )
            number += 1
    facts: dict[str, Value] = {"lab.boots": len(boots), "clock.name": "instructions"}
    plan = plan_of([CASE], rounds=number)
    return run_of(manifest_of(plan, id_=name, facts=facts, target="lab:6.1"), trials)


def laid_out_anew(chance: random.Random, boots: int, rounds: int) -> list[list[float]]:
    """Boots whose layout moves all their rounds alike, by 4 %, with next to no noise within."""
    layouts = [100 * (1 + chance.gauss(0, 0.04)) for _ in range(boots)]
    return [[layout * (1 + chance.gauss(0, 0.0002)) for _ in range(rounds)] for layout in layouts]


def test_what_only_the_boots_layout_moves_is_seldom_called() -> None:
    chance = random.Random(5)
    called = 0
    for _ in range(200):
        base, new = (
            lab_run(name, side, laid_out_anew(chance, 6, 3)) for side, name in enumerate("ab")
        )
        verdict = compare(base, new).effects[0].verdict
        called += verdict in (Verdict.FASTER, Verdict.SLOWER)
    assert called <= 20


def test_a_true_difference_is_seen_through_six_pairs_of_boots() -> None:
    chance = random.Random(6)
    base = laid_out_anew(chance, 6, 3)
    new = [[figure * 1.3 for figure in boot] for boot in laid_out_anew(chance, 6, 3)]
    (effect,) = compare(lab_run("a", 0, base), lab_run("b", 1, new)).effects
    assert effect.verdict is Verdict.FASTER
    assert effect.low < 1.3 < effect.high


def test_few_boots_are_few_rounds_however_many_rounds_they_had() -> None:
    steady = [[100.0, 100.1, 99.9, 100.2]] * 3
    comparison = compare(lab_run("a", 0, steady), lab_run("b", 1, steady))
    assert any("fewer than 5 good rounds" in warning for warning in comparison.warnings)


@pytest.mark.parametrize(("factor", "is_told"), [(1.01, True), (1.2, False)])
def test_a_small_effect_between_single_boots_may_be_the_boots(factor: float, is_told: bool) -> None:
    base = [100.0, 100.1, 99.9, 100.2, 99.95, 100.05]
    new = [figure * factor for figure in base]
    comparison = compare(lab_run("a", 0, [base]), lab_run("b", 1, [new]), threshold=0.003)
    assert comparison.effects[0].verdict is Verdict.FASTER
    assert any("one boot" in warning for warning in comparison.warnings) is is_told


def _in_turns(steps: Sequence[str], boot: str) -> list[Run]:
    """Two Runs in turns, a round each; the clock reads so at the rounds, the boot time rises."""
    sides = []
    for side, name in enumerate("ab"):
        trials = [
            trial_of(
                CASE,
                number,
                {"throughput": 100.0 + number},
                started=f"{step}:{side:02}Z",
                boot=boot,
                boottime_ns=10 * number + side,
            )
            for number, step in enumerate(steps)
        ]
        sides.append(run_of(manifest_of(plan_of([CASE], rounds=len(trials)), id_=name), trials))
    return sides


RISING = [f"2026-01-01T12:{minute:02}" for minute in range(8)]
STEPPED = [*RISING[:4], *(f"2025-12-30T12:{minute:02}" for minute in range(4, 8))]


def test_a_clock_set_back_during_interleaved_runs_hides_nothing_of_one_boot() -> None:
    base, new = _in_turns(STEPPED, "a boot")
    assert is_interleaved(base, new)
    assert not any("set back" in warning for warning in compare(base, new).warnings)
    # Here the clock alone would see rounds in turns.
    late = tuple(
        msgspec.structs.replace(trial, boottime_ns=trial.boottime_ns + 1000) for trial in new.trials
    )
    assert not is_interleaved(base, msgspec.structs.replace(new, trials=late))


def test_without_a_boot_in_common_a_clock_that_was_set_back_pairs_nothing_and_is_told() -> None:
    assert is_interleaved(*_in_turns(RISING, ""))
    base, new = _in_turns(STEPPED, "")
    assert not is_interleaved(base, new)
    told = [warning for warning in compare(base, new).warnings if "set back" in warning]
    assert [words.split(",")[0] for words in told] == [
        "the clock was set back during BASE",
        "the clock was set back during NEW",
    ]
    assert "from 2026-01-01T12:03:00Z to 2025-12-30T12:04:00Z" in told[0]
