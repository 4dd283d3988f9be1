"""Who is out of a race and who enters, and that the best is hardly ever dropped."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from analysis import simulate_race as simulated
from analysis.simulate_race import race_plan, race_trials
from analysis.simulate_stopping import INDEPENDENT
from loadstone.analysis.elimination import ERROR, LOOKS, Way, is_slower
from loadstone.analysis.race import FEWEST, PLAIN_ROUNDS, Exit, standing
from loadstone.model import Plan, Status, Trial
from loadstone.result_names import TARGET_LOST
from sample_runs import SPEED, trial_of

PLAN = race_plan(4)
A, B, C, D = (case.id for case in PLAN.cases)
WIGGLE = (1.0, 1.01, 0.99, 1.005, 0.995)


def ruled(plan: Plan = PLAN, **changes: object) -> Plan:
    assert plan.race is not None
    return msgspec.structs.replace(plan, race=msgspec.structs.replace(plan.race, **changes))


def speeds(*means: float, rounds: int = 12) -> list[list[float]]:
    """So fast each, within 1 %, and not in step with one another."""
    return [
        [mean * WIGGLE[(number * (place + 2)) % 5] for number in range(rounds)]
        for place, mean in enumerate(means)
    ]


def changed(trials: Sequence[Trial], case: str, rounds: range, **changes: object) -> list[Trial]:
    return [
        msgspec.structs.replace(trial, metrics={}, **changes)
        if trial.case == case and trial.round in rounds
        else trial
        for trial in trials
    ]


def test_who_is_shown_to_be_slower_is_out_after_the_first_look_that_shows_it() -> None:
    found = standing(PLAN, SPEED, race_trials(PLAN, speeds(3.0, 2.99, 1.0, 2.0)))
    assert found.leader == A
    assert (found.out[C].way, found.out[C].rounds) == (Way.SLOWER, LOOKS[0])
    assert found.out[C].behind in (A, B)
    assert found.out[D].way is Way.SLOWER
    assert found.alive == (A, B)


def test_of_a_metric_that_is_better_lower_the_least_leads() -> None:
    lower = msgspec.structs.replace(SPEED, better="lower")
    found = standing(PLAN, lower, race_trials(PLAN, speeds(3.0, 2.99, 1.0, 2.0)))
    assert (found.leader, found.alive) == (C, (C,))


def test_what_drifts_for_all_alike_is_paired_away() -> None:
    drift = [1 + 0.5 * (number % 4) for number in range(12)]
    moved = [
        [speed * by for speed, by in zip(own, drift, strict=True)]
        for own in speeds(3.0, 2.5, 2.5, 2.5)
    ]
    found = standing(PLAN, SPEED, race_trials(PLAN, moved))
    assert found.alive == (A,)


def test_only_rounds_that_both_have_and_only_some_numbers_of_them_are_looked_at() -> None:
    leader = dict(enumerate((1.0, 1.01, 1.0, 1.01, 1.0, 1.01, 1.0)))
    slower = {at: value - 1 - at / 100 for at, value in leader.items()}
    for rounds in range(8):
        some = {at: slower[at] for at in range(min(rounds, 7))}
        assert is_slower(some, leader, 3) == (rounds in LOOKS)
    assert not is_slower(slower, {at + 5: value for at, value in leader.items()}, 3)
    # Equal to the last bit is no evidence of how far they would lie apart.
    assert not is_slower(dict.fromkeys(range(4), 0.0), dict.fromkeys(range(4), 1.0), 3)


def test_the_race_is_over_when_one_is_left_and_has_been_seen_often_enough() -> None:
    trials = race_trials(PLAN, speeds(3.0, 1.0, 1.0, 1.0, rounds=20))
    assert standing(PLAN, SPEED, trials).rounds == FEWEST
    assert standing(PLAN, SPEED, trials).is_decided
    early = standing(PLAN, SPEED, [trial for trial in trials if trial.round < 9])
    assert (early.rounds, early.is_decided, early.active) == (9, False, (A,))


def test_the_race_is_over_when_the_rest_differ_by_nothing_that_matters() -> None:
    same = standing(PLAN, SPEED, race_trials(PLAN, speeds(3.0, 3.0, 1.0, 1.0)))
    assert same.is_decided
    assert same.alive == (A, B)
    noise = np.random.default_rng(3).uniform(1, 2, (4, 12)).tolist()
    assert not standing(PLAN, SPEED, race_trials(PLAN, noise)).is_decided


def test_neighbours_of_the_leader_enter_when_it_has_been_seen_a_few_times() -> None:
    plan = ruled(first=(A, B), neighbours={A: (C,), B: (D,)})
    trials = race_trials(plan, speeds(3.0, 2.0, 3.5, 9.0))
    before = standing(plan, SPEED, [t for t in trials if t.round < 2 and t.case in (A, B)])
    assert before.active == (A, B)
    after = standing(plan, SPEED, [t for t in trials if t.round < 3 and t.case in (A, B)])
    assert after.active == (A, B, C)
    assert D not in standing(plan, SPEED, trials).entered
    late = [t for t in trials if t.case in (A, B) or (t.case == C and t.round > 2)]
    assert standing(plan, SPEED, late).leader == C


def test_neighbours_wait_until_there_is_room_or_nothing_left_to_tell_apart() -> None:
    plan = race_plan(10)
    ids = [case.id for case in plan.cases]
    apart, alike = [5.0, *[3.0] * 9], [3.0] * 10
    for begin, means, rounds, entered in (
        (7, apart, 3, 8),  # Seven are in, and there is room for eight.
        (7, apart, 4, 10),  # Those that are slower are out.
        (8, alike, 9, 8),
        (8, alike, 10, 10),  # All are seen often enough to be told alike.
    ):
        near = {one: tuple(ids[begin:]) for one in ids}
        raced = ruled(plan, first=tuple(ids[:begin]), neighbours=near)
        now = standing(raced, SPEED, race_trials(plan, speeds(*means, rounds=rounds)))
        assert (now.rounds, len(now.entered)) == (rounds, entered)


def test_a_round_in_which_something_else_was_at_work_does_not_hide_what_all_others_show() -> None:
    figures = speeds(3.0, 2.0, 1.0, 1.0, rounds=10)
    figures[0][1] = 0.3
    found = standing(PLAN, SPEED, race_trials(PLAN, figures))
    # As soon as a trimmed mean leaves one out at either end.
    assert found.out[B].rounds == 5
    assert found.leader == A


def test_plain_ways_are_measured_on_until_there_is_enough_to_compare() -> None:
    plan = ruled(first=(A, B), plain=(B, C))
    trials = race_trials(plan, speeds(3.0, 1.0, 1.0, 1.0))
    for rounds in range(4, 10):
        now = standing(plan, SPEED, [t for t in trials if t.round < rounds and t.case != D])
        assert B in now.out
        assert ({B, C} <= set(now.active)) == (rounds < PLAIN_ROUNDS)
    assert C not in now.entered


def test_ceilings_run_along_and_never_lead() -> None:
    plan = ruled(first=(A, B), ceilings=(C, D))
    found = standing(plan, SPEED, race_trials(plan, speeds(3.0, 2.0, 9.0, 4.0, rounds=7)))
    assert found.leader == A
    assert found.active == (A, C)


def test_a_case_that_failed_is_out_however_fast_it_is() -> None:
    trials = race_trials(PLAN, speeds(3.0, 2.0, 1.0, 1.0))
    failed = changed(trials, A, range(3, 4), status=Status.FAILED)
    found = standing(PLAN, SPEED, failed)
    assert found.out[A] == Exit(way=Way.FAILED, rounds=4)
    assert found.leader == B


def test_a_target_that_went_away_is_no_fault_of_the_case() -> None:
    trials = race_trials(PLAN, speeds(3.0, 2.0, 1.0, 1.0))
    lost = changed(trials, A, range(3, 4), status=Status.FAILED, evidence={TARGET_LOST: 1.0})
    assert standing(PLAN, SPEED, lost).leader == A


def test_a_case_that_is_never_good_is_not_tried_for_ever() -> None:
    trials = race_trials(PLAN, speeds(3.0, 2.0, 1.0, 1.0))
    invalid = changed(trials, A, range(12), status=Status.INVALID)
    assert standing(PLAN, SPEED, invalid).out[A] == Exit(way=Way.INVALID, rounds=3)
    now_and_then = changed(trials, A, range(1, 5), status=Status.INVALID)
    assert standing(PLAN, SPEED, now_and_then).leader == A


def test_where_all_are_skipped_there_is_nothing_left_to_do() -> None:
    skipped = [trial_of(case, 0, {}, status=Status.SKIPPED) for case in PLAN.cases]
    found = standing(PLAN, SPEED, skipped)
    assert (found.active, found.leader) == ((), None)


def test_a_round_that_is_not_whole_decides_nothing() -> None:
    trials = race_trials(PLAN, speeds(3.0, 2.99, 1.0, 2.0, rounds=4))
    found = standing(PLAN, SPEED, trials[:-1])
    assert (found.rounds, found.out) == (3, {})


@pytest.mark.parametrize("name", ["normal", "two peaks"])
def test_the_best_is_hardly_ever_dropped(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "ROUNDS", 20)
    noise, others = INDEPENDENT[name], (0.0,) * 7
    assert simulated.races(noise, 0.1, others, 100).dropped <= 0.05
    # Without the correction it would be, or this test could not fail.
    monkeypatch.setattr(is_slower, "__defaults__", (ERROR * len(LOOKS) * len(others),))
    assert simulated.races(noise, 0.1, others, 50).dropped > 0.1


def test_the_others_leave_soon() -> None:
    found = simulated.races(INDEPENDENT["normal"], 0.05, simulated.SPREAD, 20)
    assert found.dropped <= 0.05
    assert found.others_dropped > 0.9
    # Of so many rounds of all it would be a thousand.
    assert found.trials < 400
