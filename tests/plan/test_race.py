"""The Plan of a race: its ways, and who is near whom."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Plan, RaceRule
from loadstone.plan.race import RaceRequest, make_race_plan
from loadstone.plan.request import Request
from loadstone.workloads.entrants import Into

EVERY = list(Into)


def planned(**race: object) -> tuple[Plan, RaceRule]:
    plan, _ = make_race_plan(Request(seed=1), RaceRequest(**race))  # type: ignore[arg-type]  # whichever fields
    assert plan.race is not None
    return plan, plan.race


@pytest.mark.parametrize("into", EVERY)
def test_all_that_a_race_names_is_a_case_of_the_plan(into: Into) -> None:
    plan, rule = planned(into=into, is_thorough=True)
    known = {case.id for case in plan.cases}
    assert len(known) == len(plan.cases)
    near = [*rule.neighbours, *(case for cases in rule.neighbours.values() for case in cases)]
    finals = [case for cases in rule.finals.values() for case in cases]
    assert {*rule.first, *rule.plain, *rule.ceilings, *near, *finals} == known
    assert not {*finals, *rule.ceilings} & {*rule.first, *near}
    assert len(rule.first) <= 30


@pytest.mark.parametrize("into", EVERY)
def test_neighbours_are_mutual_and_differ_in_little(into: Into) -> None:
    plan, rule = planned(into=into)
    cases = {case.id: case.parameters for case in plan.cases}
    for case, near in rule.neighbours.items():
        assert case not in near
        for other in near:
            assert case in rule.neighbours[other]
            pairs = (set(cases[one].items()) for one in (case, other))
            changed = {name for name, _ in set.symmetric_difference(*pairs)}
            # What is in flight is a block and a depth; a dma-buf is made as its reads overlap.
            assert changed <= {"block", "depth"} or len(changed - {"export"}) == 1


def test_a_mapping_is_advised_where_any_memory_will_do_and_held_against_others() -> None:
    for into in EVERY:
        plan, rule = planned(into=into)
        engines = {case.id: case.parameters["engine"] for case in plan.cases}
        assert ("mmap" in {engines[case] for case in rule.first}) == (into is Into.ANY)
        plain = {engines[case] for case in rule.plain}
        assert plain == {"mmap", "mmap-copy", "pread"}


def test_into_a_dma_buf_is_into_nothing_else() -> None:
    plan, rule = planned(into=Into.DMA_BUF)
    kinds = {
        str(case.parameters["destination"]).split("-")[0].split(":")[0]
        for case in plan.cases
        if case.id in {*rule.first, *rule.neighbours}
    }
    assert kinds == {"dma", "udmabuf"}


def test_it_has_no_warm_up_and_ends_by_its_budget() -> None:
    plan, rule = planned(budget_s=90.0)
    assert (plan.warmups, plan.rounds, plan.until) == (0, rule.most_rounds, None)
    assert (rule.limit_s, rule.finals) == (90.0, {})


def test_a_workload_without_ways_to_one_end_is_refused() -> None:
    with pytest.raises(UsageError, match="no ways to one end"):
        make_race_plan(Request(what="calibration"), RaceRequest())
