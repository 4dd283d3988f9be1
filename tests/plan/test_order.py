"""The order in which a Plan is run."""

from collections import Counter

from loadstone.model import Case, Plan
from loadstone.plan.knobs import with_knobs
from loadstone.plan.order import order, whole_rounds
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


def test_cases_that_differ_in_knobs_follow_one_another_turned_in_every_second_round() -> None:
    cases = with_knobs(a_plan(cases=3).cases, {"read_ahead_kb": ["1", "2"]})
    steps = list(order(plan_of(cases, rounds=40, warmups=0, seed=42)))
    first = set()
    for start in range(0, len(steps), 12):
        rounds = [steps[start : start + 6], steps[start + 6 : start + 12]]
        orders: list[dict[str, str]] = []
        for one in rounds:
            pairs = [(one[at].case, one[at + 1].case) for at in (0, 2, 4)]
            assert all(a.parameters == b.parameters for a, b in pairs)
            orders.append({str(a.parameters): a.knobs["read_ahead_kb"] for a, _ in pairs})
        assert all(orders[0][key] != orders[1][key] for key in orders[0])
        first |= {tuple(sorted(orders[0].items()))}
    # Which comes first is drawn for every two rounds.
    assert len(first) > 4


def test_rounds_that_are_added_follow_in_the_order_that_a_longer_plan_has() -> None:
    assert list(order(a_plan(), 40)) == list(order(a_plan(rounds=40)))


def test_rounds_go_in_twos_where_their_order_is_turned() -> None:
    assert [whole_rounds(a_plan(), rounds) for rounds in (1, 2, 3)] == [1, 2, 3]
    turned = plan_of(with_knobs(a_plan(cases=2).cases, {"read_ahead_kb": ["1", "2"]}))
    assert [whole_rounds(turned, rounds) for rounds in (1, 2, 3)] == [2, 2, 4]
