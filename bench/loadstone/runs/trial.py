"""One Trial: a Case carried out once on a Target, and what is made of it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, auto

from loadstone.core.evidence import timed_ns
from loadstone.errors import TargetLostError
from loadstone.model import Case, Finding, Outcome, Status, Step, Trial
from loadstone.runs.conditions import TrialConditions
from loadstone.targets import Say, Target
from loadstone.workloads import Prepared


class NextAction(Enum):
    """How a Run goes on after a Trial."""

    CONTINUE = auto()
    WAIT_FOR_TARGET = auto()
    STOP = auto()


def run_trial(
    step: Step, target: Target, prepared: Prepared, conditions: TrialConditions, say: Say
) -> tuple[Trial, NextAction]:
    """Carry out a Step: its Trial, whatever came of it, and how the Run goes on."""
    finding = prepared.skip_reason(step.case)
    outcome, (started, start_ns) = Outcome(), _now()
    if finding is None:
        try:
            waited = conditions.await_cool(say)
            started, start_ns = _now()
            outcome, finding = _carried_out(step.case, target, prepared, conditions, waited)
        except TargetLostError as error:
            outcome = Outcome(crash=str(error), target_lost=True)
            finding = _lost(outcome)
    trial = Trial(
        case=step.case.id,
        round=step.round,
        warmup=step.warmup,
        started=started.isoformat(timespec="milliseconds"),
        status=finding.status,
        reason=finding.reason,
        remedy=finding.remedy,
        metrics=finding.metrics,
        evidence=finding.evidence,
        notes=finding.notes,
        spans=outcome.spans,
        histograms=outcome.histograms,
        overhead_ns=time.monotonic_ns() - start_ns - inherent_ns(finding, outcome),
    )
    if outcome.target_lost:
        return trial, NextAction.WAIT_FOR_TARGET
    return trial, NextAction.STOP if finding.ends_run else NextAction.CONTINUE


def _carried_out(
    case: Case,
    target: Target,
    prepared: Prepared,
    conditions: TrialConditions,
    waited: Mapping[str, float],
) -> tuple[Outcome, Finding]:
    before = conditions.read()
    outcome = target.execute(conditions.pin(prepared.job(case)))
    if outcome.target_lost:
        return outcome, _lost(outcome)
    return outcome, conditions.check_after(prepared.evaluate(case, outcome), before, waited)


def _now() -> tuple[datetime, int]:
    return datetime.now(UTC), time.monotonic_ns()


def _lost(outcome: Outcome) -> Finding:
    return Finding(
        status=Status.FAILED,
        reason=outcome.crash,
        remedy="see that its cable, battery and adbd hold; the Run goes on when it is back",
    )


def inherent_ns(finding: Finding, outcome: Outcome) -> int:
    """What a Trial takes by its nature: the timed region, the cache's state, what checks it."""
    spans = (span for span in outcome.spans if span.name == "release")
    names = ("set_cache_ns", "set_up_ns", "verify_ns", "trace_ns")
    return (
        int(timed_ns(finding.evidence) or 0)
        + sum(span.end_ns - span.start_ns for span in spans)
        + sum(int(finding.evidence.get(name, 0)) for name in names)
    )
