"""Runs whose figures are made up, so that each Workload's picture has something to show."""

from collections.abc import Iterator, Mapping

from loadstone.model import Case, Kind, Run, Trial, Value
from loadstone.workloads import Workload, make_cases, workloads
from sample_runs import manifest_of, plan_of, run_of, trial_of

ROUNDS = 3
PICTURED = [one for one in workloads().values() if one.picture is not None]


def choices(chosen: Workload) -> Iterator[Mapping[str, Value]]:
    """Its default Cases, each with some values of the parameter that the picture is over."""
    assert chosen.picture is not None
    over = {one.name: one for one in chosen.parameters}.get(chosen.picture.x.name)
    for case in chosen.default_cases():
        if over is None or over.kind not in (Kind.SIZE, Kind.COUNT):
            yield case
        else:
            base = max(over.minimum, 4096 if over.kind is Kind.SIZE else 1)
            yield from ({**case, over.name: base * 4**power} for power in range(4))


def run_of_workload(chosen: Workload, name: str = "") -> Run:
    """Every metric grows from Case to Case; so does what the picture takes from the evidence.

    Args:
        name: that each Case's label begins with.
    """
    cases, _ = make_cases(chosen, list(choices(chosen)))
    cases = tuple(_renamed(case, name) for case in cases)
    plan = plan_of(cases, rounds=ROUNDS)
    manifest = manifest_of(plan, metrics=chosen.metrics)
    trials = [
        _trial(chosen, case, place, number)
        for number in range(ROUNDS)
        for place, case in enumerate(cases, 1)
    ]
    return run_of(manifest, trials)


def _renamed(case: Case, name: str) -> Case:
    label = f"{name}{case.label}"
    return Case(workload=case.workload, label=label, parameters=case.parameters, id=case.id)


def _trial(chosen: Workload, case: Case, place: int, number: int) -> Trial:
    assert chosen.picture is not None
    figures = {one.name: place * 10.0 + number for one in chosen.metrics}
    wanted = [chosen.picture.x, *chosen.picture.y, chosen.picture.colour]
    evidence = {one.name: 4096.0 * place for one in wanted if one and one.name not in figures}
    return trial_of(case, number, figures, evidence=evidence)
