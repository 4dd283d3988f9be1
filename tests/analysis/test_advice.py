"""What the Run of a race says of its ways."""

import msgspec
import pytest

from analysis.simulate_race import race_plan, race_trials
from analysis.test_race import changed, ruled, speeds
from loadstone.analysis.advice import Advice, Ending, advice_of
from loadstone.model import Case, Plan, Run, Status, Trial
from sample_runs import SPEED, manifest_of, run_of, trial_of

PLAN = race_plan(5)
A, B, C, D, E = (case.id for case in PLAN.cases)
GB = 1e9


def advised(plan: Plan, trials: list[Trial]) -> Advice:
    advice = advice_of(run_of(manifest_of(plan, metrics=(SPEED,)), trials))
    assert advice is not None
    return advice


def raced(*means: float, rounds: int = 12, **rule: object) -> Advice:
    plan = ruled(PLAN, **rule)
    figures = speeds(*(mean * GB for mean in means), rounds=rounds)
    return advised(plan, race_trials(plan, figures))


def test_the_best_is_named_with_what_it_is_ahead_of() -> None:
    advice = raced(1.0, 2.0, 4.0, 1.0, 5.0, first=(A, B, C), plain=(A, D), ceilings=(E,))
    assert (advice.ending, advice.rounds) == (Ending.DECIDED, 10)
    assert advice.best is not None
    assert advice.best.id == C
    assert advice.best.figure.median == pytest.approx(4e9, rel=0.02)
    assert advice.leads is None
    assert advice.rivals == ()
    assert advice.slower == 2
    assert [one.other.id for one in advice.plain] == [A, D]
    assert all(3.8 < one.ahead.low <= 4.0 <= one.ahead.high < 4.2 for one in advice.plain)


def test_the_share_of_the_ceiling_is_paired_by_round() -> None:
    advice = raced(1.0, 2.0, 4.0, 1.0, 5.0, first=(A, B, C), ceilings=(D, E))
    assert advice.ceiling is not None
    assert advice.ceiling.id == E
    assert advice.share is not None
    assert 0.78 < advice.share.low <= 0.8 <= advice.share.high < 0.82
    assert E not in {one.other.id for one in advice.rivals}


def test_of_those_that_cannot_be_told_apart_the_plainest_is_named() -> None:
    advice = raced(3.99, 1.0, 4.0, 1.0, 1.0)
    assert advice.best is not None
    assert advice.best.id == A
    assert [one.other.id for one in advice.rivals] == [C]
    # Which of the two leads is chance.
    assert advice.leads is None or advice.leads.other.id == C


def test_before_it_is_decided_only_a_plain_way_is_named_instead_of_the_leader() -> None:
    noise = [0.7, 1.4, 0.8, 1.3, 1.0, 1.1, 0.9]
    speeds_of = [[GB * one for one in noise], [GB * one for one in reversed(noise)]]
    speeds_of += [[0.1 * GB * (1 + at / 100) for at in range(7)]] * 3
    for plain, expected in (((), (A, B)), ((A,), (A,))):
        plan = ruled(PLAN, plain=plain)
        advice = advised(plan, race_trials(plan, speeds_of))
        assert (advice.ending, advice.slower) == (Ending.EARLY, 3)
        assert advice.best is not None
        assert advice.best.id in expected
        assert (advice.leads is None) == (advice.best.id == B or not plain)


def test_where_time_was_too_short_it_says_what_leads_and_what_would_do() -> None:
    plan = ruled(PLAN, first=(A, B))
    trials = [
        msgspec.structs.replace(trial, boot="b", boottime_ns=place * 10**9)
        for place, trial in enumerate(
            trial_of(case, number, {SPEED.name: (1 + at) * GB * (1 + (3 * number + at) % 4 / 2)})
            for number in range(3)
            for at, case in enumerate(plan.cases[:2])
        )
    ]
    advice = advised(plan, trials)
    assert (advice.ending, advice.rounds, advice.slower) == (Ending.EARLY, 3, 0)
    # Seven rounds of two Cases, of a second each.
    assert advice.more_s == pytest.approx(14)
    assert advice.best is not None


def test_a_single_round_that_is_not_whole_says_what_there_is_of_it() -> None:
    trials = race_trials(PLAN, speeds(1.0, 2.0, 4.0, 1.0, 5.0, rounds=1))[:3]
    advice = advised(PLAN, trials)
    assert (advice.ending, advice.rounds) == (Ending.EARLY, 0)
    assert advice.best is not None
    assert advice.best.id == C


def test_what_failed_is_out_and_named_and_what_is_not_there_has_its_reason() -> None:
    trials = race_trials(PLAN, speeds(1.0, 2.0, 4.0, 1.0, 5.0))
    trials = changed(trials, E, range(2, 3), status=Status.FAILED, reason="wrong data")
    trials = changed(trials, D, range(1), status=Status.SKIPPED, reason="no such heap", remedy="x")
    trials = [t for t in trials if (t.case, t.round) == (D, 0) or t.case != D]
    advice = advised(PLAN, trials)
    assert advice.best is not None
    assert advice.best.id == C
    assert [(one.label, one.reason) for one in advice.failed] == [("depth 4", "wrong data")]
    assert [(one.label, one.remedy) for one in advice.absent] == [("depth 3", "x")]
    assert advice.entered == 4


def test_where_nothing_can_be_measured_nothing_is_advised() -> None:
    skipped = [trial_of(case, 0, {}, status=Status.SKIPPED) for case in PLAN.cases]
    advice = advised(PLAN, skipped)
    assert (advice.ending, advice.best) == (Ending.NOTHING, None)


def test_what_comes_after_the_race_is_of_the_best_and_the_plain_ways() -> None:
    plan = ruled(PLAN, first=(A, B), plain=(A,), finals={A: (C,), B: (D,), C: (E,)})
    advice = advised(plan, race_trials(plan, speeds(1.0, 3.0, 0.5, 2.5, 1.0)))
    assert [way.id for way in advice.finals] == [D, C]


def test_a_buffer_that_is_used_again_tells_what_the_file_takes() -> None:
    cases = tuple(
        Case.of("w", engine, {"engine": engine, "io": "direct", "destination": "reused"})
        for engine in ("pread", "uring")
    )
    plan = msgspec.structs.replace(PLAN, cases=(*PLAN.cases, *cases))
    trials = race_trials(PLAN, speeds(1.0, 2.0, 4.0, 1.0, 5.0))
    trials += [
        trial_of(cases[0], 0, {SPEED.name: 1.0}),
        trial_of(cases[1], 0, {}, status=Status.SKIPPED, reason="EPERM", remedy="do"),
    ]
    found = advised(plan, trials).abilities
    assert [(one.name, one.is_there, one.reason) for one in found] == [
        ("O_DIRECT", True, None),
        ("io_uring", False, "EPERM"),
    ]


def test_no_other_run_has_advice() -> None:
    plan = msgspec.structs.replace(PLAN, race=None)
    run: Run = run_of(manifest_of(plan), ())
    assert advice_of(run) is None
