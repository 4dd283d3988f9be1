"""Runs that nobody made, for what reads Runs: built of Cases, figures and facts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from loadstone.model import (
    Better,
    Case,
    Environment,
    Manifest,
    Metric,
    Plan,
    Run,
    Status,
    Trial,
    Value,
)
from loadstone.result_names import CONTROL_READ

SPEED = Metric(name="throughput", unit="B/s", better=Better.HIGHER)
READY = Metric(name="ready_ns", unit="ns", better=Better.LOWER)
DELAY = Metric(name="delay", unit="ns", better=Better.LOWER)

NEAR_ONE = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002)
LAB: dict[str, Value] = {"clock.name": "instructions", "clock.ns_per_instruction": 1}

Facts = Mapping[str, Value | float | None]


def trial_of(case: Case, number: int, metrics: Mapping[str, float], /, **changes: object) -> Trial:
    """A good Trial of a round.

    Args:
        changes: fields that are not as in a good Trial.
    """
    trial = Trial(
        case=case.id,
        round=number,
        warmup=False,
        started=start_of(number),
        status=Status.OK,
        metrics=metrics,
    )
    return msgspec.structs.replace(trial, **changes)


def start_of(number: int, hour: int = 0) -> str:
    """When a round begins that takes a minute, the first of them at the given hour."""
    return f"2026-01-01T{hour:02}:{number:02}:00Z"


def trials_of(
    case: Case, metric: Metric, figures: Sequence[float], hour: int = 0
) -> tuple[Trial, ...]:
    """A good Trial for each figure."""
    return tuple(
        trial_of(case, number, {metric.name: float(figure)}, started=start_of(number, hour))
        for number, figure in enumerate(figures)
    )


def plan_of(cases: Sequence[Case], *, rounds: int = 3, warmups: int = 0, seed: int = 1) -> Plan:
    """A Plan of Cases of one workload."""
    workload = cases[0].workload
    return Plan(
        name="p", workload=workload, cases=tuple(cases), rounds=rounds, warmups=warmups, seed=seed
    )


def manifest_of(
    plan: Plan,
    *,
    id_: str = "r",
    metrics: Sequence[Metric] = (SPEED,),
    facts: Facts | None = None,
    target: str = "local",
) -> Manifest:
    """The head of a Run of a Plan."""
    return Manifest(
        schema=1,
        id=id_,
        created="2026-01-01T10:20:30.123+00:00",
        plan=plan,
        metrics=tuple(metrics),
        environment=Environment(target=target, facts={CONTROL_READ: "direct", **(facts or {})}),
        loadstone="0.1.0",
        core="abc",
    )


def run_of(manifest: Manifest, trials: Sequence[Trial]) -> Run:
    """A Run with these Trials; it is on no disk."""
    return Run(manifest=manifest, trials=tuple(trials), path=Path("/runs") / manifest.id)


def measured_run(
    figures: Sequence[tuple[Case, Sequence[float]]],
    metric: Metric,
    id_: str = "r",
    hour: int = 0,
    facts: Facts | None = None,
) -> Run:
    """A Run of one metric in which each Case has these figures, round by round."""
    plan = plan_of([case for case, _ in figures], rounds=max(len(own) for _, own in figures))
    trials = (trial for case, own in figures for trial in trials_of(case, metric, own, hour))
    return run_of(manifest_of(plan, id_=id_, metrics=(metric,), facts=facts), tuple(trials))


def write_run(run: Run, results: Path) -> None:
    """Put a Run on disk."""
    path = results / "runs" / run.id
    path.mkdir(parents=True)
    (path / "manifest.json").write_bytes(msgspec.json.encode(run.manifest))
    lines = (msgspec.json.encode(trial) + b"\n" for trial in run.trials)
    (path / "trials.jsonl").write_bytes(b"".join(lines))
