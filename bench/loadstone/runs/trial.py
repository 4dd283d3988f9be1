"""One Trial: one execution of a Case on a Target, and its evaluation."""

import os
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto

import msgspec

from loadstone.core.evidence import inherent_ns
from loadstone.errors import TargetLostError, TrialFailedError, for_user
from loadstone.model import Case, Finding, Outcome, Status, Step, Trial
from loadstone.result_names import TARGET_LOST
from loadstone.runs.conditions import Measurement, TrialConditions
from loadstone.runs.moment import Moment, now
from loadstone.targets import Say, Target
from loadstone.workloads import Prepared


class NextAction(Enum):
    """How a Run goes on after a Trial."""

    CONTINUE = auto()
    WAIT_FOR_TARGET = auto()
    STOP = auto()


def run_trial(
    step: Step,
    target: Target,
    prepared: Prepared,
    conditions: TrialConditions,
    say: Say,
    control: Callable[[Step], Mapping[str, float]] = lambda _: {},
) -> tuple[Trial, NextAction]:
    """Carry out a Step: its Trial, however it ended, and how the Run goes on.

    Args:
        control: called right before the Trial is prepared; what it returns is evidence.
    """
    finding = prepared.skip_reason(step.case)
    outcome, (started, start_ns) = Outcome(), _now()
    if finding is None:
        try:
            waited = {**conditions.await_cool(say), **control(step)}
            started, start_ns = _now()
            measured = conditions.measure(target.execute, prepared.job(step.case))
            outcome = measured.outcome
            finding = _finding(step.case, target, prepared, measured, waited)
        except TrialFailedError as error:
            finding = Finding(status=Status.FAILED, reason=error.what, remedy=error.remedy)
        except TargetLostError as error:
            outcome = Outcome(crash=error.what, target_lost=True)
            finding = _target_lost(error.what, error.remedy or target.lost_remedy)
    trial = Trial(
        case=step.case.id,
        round=step.round,
        warmup=step.warmup,
        started=started.clock_text,
        status=finding.status,
        reason=finding.reason,
        remedy=for_user(finding.remedy, is_root=target.is_this_machine and os.geteuid() == 0),
        metrics=finding.metrics,
        evidence=finding.evidence,
        notes=finding.notes,
        spans=outcome.spans,
        histograms=outcome.histograms,
        overhead_ns=time.monotonic_ns() - start_ns - inherent_ns(finding.evidence, outcome.spans),
        boot=started.boot,
        boottime_ns=started.boottime_ns,
        series=finding.series,
    )
    if outcome.target_lost:
        return trial, NextAction.WAIT_FOR_TARGET
    return trial, NextAction.STOP if finding.ends_run else NextAction.CONTINUE


def _finding(
    case: Case,
    target: Target,
    prepared: Prepared,
    measured: Measurement,
    waited: Mapping[str, float],
) -> Finding:
    outcome = measured.outcome
    if outcome.target_lost:
        return _target_lost(outcome.crash, target.lost_remedy)
    found = measured.applied_to(prepared.evaluate(case, outcome))
    return msgspec.structs.replace(found, evidence={**found.evidence, **waited})


def _now() -> tuple[Moment, int]:
    return now(), time.monotonic_ns()


def _target_lost(reason: str | None, remedy: str) -> Finding:
    return Finding(
        status=Status.FAILED,
        reason=reason,
        remedy=f"{remedy}; the Run goes on when it is back",
        evidence={TARGET_LOST: 1},
    )
