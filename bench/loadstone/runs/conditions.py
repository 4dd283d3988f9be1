"""What must hold for every Trial of a Plan: CPUs, throttling, temperature; read around each Job."""

import time
from collections.abc import Callable, Mapping

import msgspec

from loadstone.core.remote_files import Execute
from loadstone.cpu_list import format_cpu_list, parse_cpu_list
from loadstone.environment.cpu_quota import quota_facts
from loadstone.environment.cpus import NOT_PINNED, ONLINE, cluster_facts, read_cpus, resolve_pin
from loadstone.environment.heat import (
    earlier_limits,
    heat_evidence,
    heat_facts,
    thermometer,
    throttling,
    throttling_remedy,
)
from loadstone.environment.sensors import Reading, Sensors, find_sensors, parse_reading
from loadstone.model import Conditions, Fact, Finding, Job, Noun, Outcome, Status
from loadstone.runs.cool_down import CoolDown, cool_down
from loadstone.targets import Say, Target

_CLOCK_LIMIT_S = 30.0
_BEFORE, _AFTER = "before the Trial", "after the Trial"


class _Reading(Noun, frozen=True, kw_only=True):
    """What was read right before or after a Job; ``offline`` are CPUs that it is pinned to."""

    sensors: Reading = Reading()
    offline: frozenset[int] = frozenset()


class Measurement(Noun, frozen=True, kw_only=True):
    """The Outcome of a Job, and what was read right before and after it.

    ``reason`` and ``remedy`` say which condition was not met; None where all were.
    """

    outcome: Outcome
    evidence: Mapping[str, float] = {}
    reason: str | None = None
    remedy: str | None = None

    def applied_to(self, finding: Finding) -> Finding:
        """A Finding with this evidence; one that was ok is invalid where a condition was not met.

        Args:
            finding: what the Workload makes of the Outcome.
        """
        found = msgspec.structs.replace(finding, evidence={**finding.evidence, **self.evidence})
        if finding.status is not Status.OK or self.reason is None:
            return found
        return msgspec.structs.replace(
            found, status=Status.INVALID, reason=self.reason, remedy=self.remedy
        )


class TrialConditions:
    """The Conditions of a Plan, resolved on a Target, for all Trials of a Run.

    ``facts`` belong into the Environment. On a Target without sensors nothing is read.
    """

    def __init__(
        self,
        target: Target,
        *,
        cpus: str | None,
        sensors: Sensors,
        facts: Mapping[str, Fact],
        then: Mapping[str, Fact],
        cooling: CoolDown | None,
    ) -> None:
        self._target = target
        self._cpus = cpus
        self._pinned = parse_cpu_list(cpus or "")
        self._sensors = sensors
        self._cooling = cooling
        self._first = self._read().sensors
        self._limits_khz = earlier_limits(sensors, self._first, then)
        self.facts = {**facts, **heat_facts(sensors, self._first)}

    def await_cool(self, say: Say) -> dict[str, float]:
        """Wait until the Target is as cool as was asked for.

        Returns:
            How long that took, as evidence.

        Raises:
            CannotMeasureError: it stayed too hot, or no sensor answered, for too long.
        """
        if self._cooling is None:
            return {}
        return {"heat.waited_ns": round(self._cooling.wait(say) * 1e9)}

    def measure(self, execute: Execute, job: Job) -> Measurement:
        """Execute a Job on the CPUs that were asked for, and read the sensors around it.

        Raises:
            TargetLostError: the Target went away while it was read.
        """
        before = self._read()
        outcome = self.execute(execute, job)
        if outcome.target_lost:
            return Measurement(outcome=outcome)
        after = self._read()
        reason, remedy = self._unmet(before, after)
        return Measurement(
            outcome=outcome,
            evidence=heat_evidence(self._sensors, before.sensors, after.sensors),
            reason=reason,
            remedy=remedy,
        )

    def execute(self, execute: Execute, job: Job) -> Outcome:
        """Execute a Job on the CPUs that were asked for, and read nothing around it."""
        pinned = job if self._cpus is None else msgspec.structs.replace(job, cpus=self._cpus)
        return execute(pinned)

    def _read(self) -> _Reading:
        """Read everything, in one round trip."""
        paths = (*self._sensors.paths, *((ONLINE,) if self._pinned else ()))
        texts = self._target.read_texts(paths) if paths else {}
        offline = _offline(self._pinned, texts.get(ONLINE))
        return _Reading(sensors=parse_reading(self._sensors, texts), offline=offline)

    def _unmet(self, before: _Reading, after: _Reading) -> tuple[str | None, str | None]:
        """Reason and remedy of the first condition that was not met."""
        if gone := before.offline | after.offline:
            return (
                f"not on the CPUs asked for: CPU {format_cpu_list(gone)} went offline",
                "--pin CPUs that stay, or let it cool: --cool-below",
            )
        readings = {_BEFORE: before.sensors, _AFTER: after.sensors}
        reason = throttling(self._sensors, self._limits_khz, self._first, readings)
        if reason is None:
            return None, None
        return reason, throttling_remedy(thermometer(self._sensors, before.sensors))


def resolve_conditions(
    conditions: Conditions,
    target: Target,
    then: Mapping[str, Fact] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now_s: Callable[[], float] = time.monotonic,
) -> TrialConditions:
    """Resolve the Conditions of a Plan on a Target, before anything is made there.

    Args:
        then: the facts that a Run which is resumed began with.

    Raises:
        UsageError: the CPUs to pin to do not exist, or are not available.
        CannotMeasureError: a temperature is to be waited for, and no sensor reads it.
    """
    cpus = read_cpus(target.read_texts)
    pinned = None if conditions.pin is None else resolve_pin(conditions.pin, cpus)
    numbers = [cpu.number for cpu in cpus.all]
    sensors = find_sensors(target.read_texts, target.execute, numbers)
    return TrialConditions(
        target,
        cpus=pinned,
        sensors=sensors,
        facts={
            **cluster_facts(cpus),
            **quota_facts(target.read_texts),
            "cpu.pinned": pinned or NOT_PINNED,
            "clock.step_ns": _clock_step_ns(target),
        },
        then=then or {},
        cooling=cool_down(conditions.cool_below_c, target, sensors, sleep, now_s),
    )


def _offline(pinned: frozenset[int], online: str | None) -> frozenset[int]:
    """Pinned CPUs that the kernel's list of online ones lacks; none where it cannot be parsed."""
    try:
        return frozenset() if online is None else pinned - parse_cpu_list(online)
    except ValueError:
        return frozenset()


def _clock_step_ns(target: Target) -> int | None:
    job = Job(operation="clock-step", options={}, timeout_s=_CLOCK_LIMIT_S)
    return target.execute(job).values.get("clock_step_ns")
