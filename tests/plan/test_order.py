"""The order in which a Plan is run."""

from collections import Counter

from loadstone.model import Case, Plan
from loadstone.plan.order import order
from sample_runs import plan_of


def a_plan(*, cases: int = 5, rounds: int = 4, warmups: int = 2, seed: int = 42) -> Plan:
    made = tuple(Case.of("model-load", f"case {n}", {"depth": n}) for n in range(cases))
    return plan_of(made, rounds=rounds, warmups=warmups, seed=seed)


def test_warmups_come_first_and_every_round_runs_every_case_once() -> None:
    plan = a_plan()
    steps = list(order(plan))
    assert [(step.warmup, step.round) for step in steps[::5]] == [
        *((True, n) for n in range(2)),
        *((False, n) for n in range(4)),
    ]
    for start in range(0, len(steps), 5):
        block = steps[start : start + 5]
        assert len({(step.warmup, step.round) for step in block}) == 1
        assert Counter(step.case.id for step in block) == Counter(c.id for c in plan.cases)


def test_the_order_hangs_on_the_seed_alone_and_not_on_the_number_of_rounds() -> None:
    steps = list(order(a_plan()))
    assert steps == list(order(a_plan()))
    assert steps == list(order(a_plan(rounds=40)))[: len(steps)]
    assert steps != list(order(a_plan(seed=43)))
    rounds = [tuple(step.case.id for step in steps[n : n + 5]) for n in range(0, len(steps), 5)]
    assert len(set(rounds)) > 1


def test_the_order_is_the_same_with_every_python() -> None:
    labels = [step.case.label[-1] for step in order(a_plan(rounds=2, warmups=1))]
    assert "".join(labels) == "401232410304231"
