"""What every Workload makes of an Outcome, whatever it times."""

from collections.abc import Mapping, Sequence

from loadstone.core.evidence import counter_deltas
from loadstone.core.explain import Rule, crashed, explain
from loadstone.model import Finding, Outcome, Status, Value


def failure(outcome: Outcome, values: Mapping[str, Value], rules: Sequence[Rule]) -> Finding | None:
    """The Finding for a Job that did not end well, or None where it did.

    Args:
        values: the Case's parameters, and what the rules name besides.
        rules: the Workload's.
    """
    if outcome.crash:
        return crashed(outcome.crash)
    return explain(outcome.error, values, rules) if outcome.error else None


def evidence_of(outcome: Outcome) -> dict[str, float]:
    """What the core counted and the kernel's counters moved by, by name."""
    counted = {name: float(value) for name, value in outcome.values.items()}
    return counted | counter_deltas(outcome.before, outcome.after)


def measured(
    metrics: Mapping[str, float],
    evidence: Mapping[str, float],
    why_invalid: tuple[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Finding:
    """The Finding for a Job that was carried out.

    Args:
        why_invalid: reason and remedy, where the conditions of the Case were not met.
    """
    reason, remedy = why_invalid or (None, None)
    return Finding(
        status=Status.INVALID if why_invalid else Status.OK,
        reason=reason,
        remedy=remedy,
        metrics=metrics,
        evidence=evidence,
        notes=notes,
    )
