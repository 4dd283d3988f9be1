"""What every Workload makes of an Outcome, whatever it times."""

from collections.abc import Mapping, Sequence

from loadstone.core.evidence import counter_deltas, parse_block_stat
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


def counted_by_device(
    outcome: Outcome, stats: Mapping[str, str], keys: Sequence[str]
) -> dict[str, float]:
    """The counters that moved, those of each block device under names of its own.

    Args:
        stats: the path of each device's ``stat``, by the device's name.
        keys: which of a device's counters.
    """
    found: dict[str, float] = {}
    for name, path in stats.items():
        before, after = (
            parse_block_stat(texts.get(path, "")) for texts in (outcome.before, outcome.after)
        )
        for key in keys:
            found[f"{name}_{key}"] = after[f"block.{key}"] - before[f"block.{key}"]
    own = set(stats.values())
    return found | counter_deltas(
        {path: text for path, text in outcome.before.items() if path not in own},
        {path: text for path, text in outcome.after.items() if path not in own},
    )


def pressure_gone(evidence: Mapping[str, float], less: str) -> tuple[str, str] | None:
    """Reason and remedy where memory was not held as long as it should have been.

    Args:
        less: how the user has less held, for the remedy.
    """
    signal = int(evidence.get("pressure_killed_by", 0))
    if not signal:
        return None
    return (
        f"the pressure was gone: the process that held it was killed meanwhile (signal {signal}: "
        "out of memory, or another process)",
        f"see dmesg; {less}, or leave the processes of loadstone alone",
    )


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
