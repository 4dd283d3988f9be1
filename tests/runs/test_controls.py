"""Controls: how often they are measured, what of, and that none of them disturbs a Run."""

from pathlib import Path

import pytest

from loadstone.model import Case, Conditions, Input, Job, Outcome, Plan, Step, Value
from loadstone.provision.journal import Journal
from loadstone.result_names import CONTROL_READ
from loadstone.runs.conditions import resolve_conditions
from loadstone.runs.controls import Controls, NoControls, prepared_controls
from loadstone.runs.runner import Silence, run_plan
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload

MIB = 1 << 20
FIGURES = {"control.cpu_ns", "control.memory_ns", "control.read_ns"}


class Counting(LocalTarget):
    """A Target that remembers its Jobs and answers a control at once."""

    def __init__(self, results: Path, answer: Outcome) -> None:
        super().__init__(results)
        self.jobs: list[Job] = []
        self.answer = answer

    def execute(self, job: Job) -> Outcome:
        if job.operation != "control":
            return super().execute(job)
        self.jobs.append(job)
        return self.answer


def plan_of(cases: int, input: Input) -> Plan:
    chosen = workload("model-load")
    axes: list[dict[str, Value]] = [
        {"engine": "pread", "block": (number + 1) * 4096} for number in range(cases)
    ]
    made, _ = make_cases(chosen, axes)
    return Plan(
        name="p", workload=chosen.name, cases=made, rounds=2, warmups=0, seed=1, input=input
    )


def controls_of(target: LocalTarget, plan: Plan, results: Path) -> tuple[Controls, list[str]]:
    """The controls of a Plan, and the files that there were meanwhile."""
    conditions = resolve_conditions(Conditions(), target)
    with (
        Journal(results, target.name, target.execute) as journal,
        prepared_controls(target, conditions, plan, journal) as controls,
    ):
        names = [path.name for path in target.scratch().iterdir()]
    return controls, [name for name in names if "control" in name]


@pytest.mark.parametrize(("cases", "measured"), [(1, 1), (2, 2), (3, 3), (4, 2), (8, 3), (10, 3)])
def test_at_most_three_a_round_evenly_between_the_trials(
    place: Path, cases: int, measured: int
) -> None:
    target = Counting(place, Outcome(values={"cpu_ns": 30, "cpu_units": 3}))
    plan = plan_of(cases, Input(devices=("ufs40",)))
    controls, _ = controls_of(target, plan, place)
    for number in (0, 1):
        steps = [Step(case=case, round=number, warmup=False) for case in plan.cases]
        found = [controls.measure(step) for step in steps]
        assert found.count({"control.cpu_ns": 10.0}) == measured
        assert found.count({}) == cases - measured
        assert found[0]
    target.close()


def test_none_before_a_warm_up(place: Path) -> None:
    target = Counting(place, Outcome(values={"cpu_ns": 30, "cpu_units": 3}))
    plan = plan_of(1, Input())
    controls, _ = controls_of(target, plan, place)
    assert controls.measure(Step(case=plan.cases[0], round=0, warmup=True)) == {}
    target.close()


def test_a_file_of_our_own_is_read_and_goes(place: Path) -> None:
    target = Counting(place, Outcome())
    controls, files = controls_of(target, plan_of(1, Input()), place)
    assert len(files) == 1
    assert controls.facts == {CONTROL_READ: "direct"}
    assert target.jobs[-1].options["file"].endswith(files[0])
    assert not list(target.scratch().glob("*control*"))
    target.close()


@pytest.mark.parametrize(
    ("input", "why"),
    [
        (Input(devices=("ufs40",)), "none: devices are taken whole"),
        (
            Input(file="/proc/version"),
            "none: the file lies on another device than files can be made on",
        ),
    ],
)
def test_where_there_can_be_no_file_the_reason_is_a_fact(
    place: Path, input: Input, why: str
) -> None:
    target = Counting(place, Outcome())
    controls, files = controls_of(target, plan_of(1, input), place)
    assert (files, controls.facts) == ([], {CONTROL_READ: why})
    target.close()


def test_a_run_has_them_in_its_evidence(place: Path) -> None:
    target = LocalTarget(place)
    run = run_plan(plan_of(4, Input(size_bytes=MIB)), target, place, Silence())
    target.close()
    having = [trial for trial in run.trials if "control.cpu_ns" in trial.evidence]
    assert len(having) == 4
    reads = run.manifest.environment.facts[CONTROL_READ]
    for trial in having:
        assert FIGURES >= trial.evidence.keys() & FIGURES >= FIGURES - {"control.read_ns"}
        assert ("control.read_ns" in trial.evidence) == (reads == "direct")
        assert all(trial.evidence[name] > 0 for name in trial.evidence.keys() & FIGURES)


def test_none_where_they_could_tell_nothing(place: Path) -> None:
    target = Counting(place, Outcome())
    run = run_plan(plan_of(1, Input(size_bytes=MIB)), target, place, Silence(), with_controls=False)
    target.close()
    assert not target.jobs
    assert not any("control.cpu_ns" in trial.evidence for trial in run.trials)
    assert CONTROL_READ not in run.manifest.environment.facts
    assert NoControls().measure(Step(case=Case.of("w", "l", {}), round=0, warmup=False)) == {}
