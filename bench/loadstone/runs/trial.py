"""One Trial: a Case carried out once on a Target, and what is made of it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, auto

from loadstone.core.evidence import timed_ns
from loadstone.errors import TargetLostError
from loadstone.model import Case, Finding, Outcome, Status, Step, Trial
from loadstone.runs.conditions import HeldConditions
from loadstone.targets import Say, Target
from loadstone.workloads import Prepared


class WayOn(Enum):
    """How a Run goes on after a Trial."""

    FREE = auto()
    AFTER_RETURN = auto()
    NONE = auto()


def attempt(
    step: Step, target: Target, prepared: Prepared, held: HeldConditions, say: Say
) -> tuple[Trial, WayOn]:
    """Carry out a Step: its Trial, whatever came of it, and how the Run goes on."""
    finding = prepared.objection(step.case)
    outcome, (started, start_ns) = Outcome(), _now()
    if finding is None:
        try:
            waited = held.await_cool(say)
            started, start_ns = _now()
            outcome, finding = _carried_out(step.case, target, prepared, held, waited)
        except TargetLostError as error:
            outcome = Outcome(death=str(error), lost=True)
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
    if outcome.lost:
        return trial, WayOn.AFTER_RETURN
    return trial, WayOn.NONE if finding.ends_run else WayOn.FREE


def _carried_out(
    case: Case,
    target: Target,
    prepared: Prepared,
    held: HeldConditions,
    waited: Mapping[str, float],
) -> tuple[Outcome, Finding]:
    before = held.look()
    outcome = target.execute(held.placed(prepared.job(case)))
    if outcome.lost:
        return outcome, _lost(outcome)
    return outcome, held.judged(prepared.judge(case, outcome), before, waited)


def _now() -> tuple[datetime, int]:
    return datetime.now(UTC), time.monotonic_ns()


def _lost(outcome: Outcome) -> Finding:
    return Finding(
        status=Status.FAILED,
        reason=outcome.death,
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
