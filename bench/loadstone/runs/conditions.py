"""What holds for every Trial of a Plan beside its Case, on a Target: CPUs, heat, temperature."""

import time
from collections.abc import Callable, Mapping

import msgspec

from loadstone.cpu_list import format_cpu_list, parse_cpu_list
from loadstone.environment import Fact
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
from loadstone.errors import TargetError
from loadstone.model import Conditions, Finding, Job, Noun, Status
from loadstone.runs.cool_down import CoolDown, cool_down
from loadstone.targets import Say, Target

_CLOCK_LIMIT_S = 30.0
_BEFORE, _AFTER = "before the Trial", "after the Trial"


class ConditionsReading(Noun, frozen=True, kw_only=True):
    """What was seen right before or after a Trial; ``offline`` are CPUs that it is pinned to."""

    reading: Reading = Reading()
    offline: frozenset[int] = frozenset()


class TrialConditions:
    """Conditions as they turned out on a Target, kept up over the Trials of a Run.

    ``facts`` belong into the Environment. Where nothing can be read, nothing is.
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
        self._first = self.read().reading
        self._limits_khz = earlier_limits(sensors, self._first, then)
        self.facts = {**facts, **heat_facts(sensors, self._first)}

    def await_cool(self, say: Say) -> dict[str, float]:
        """Wait until it is as cool as was asked for.

        Returns:
            How long that took, as evidence.

        Raises:
            CannotMeasureError: it stayed too hot, or could no longer be told, for too long.
        """
        if self._cooling is None:
            return {}
        return {"heat.waited_ns": round(self._cooling.wait(say) * 1e9)}

    def pin(self, job: Job) -> Job:
        """The same Job, on the CPUs that were asked for."""
        return job if self._cpus is None else msgspec.structs.replace(job, cpus=self._cpus)

    def read(self) -> ConditionsReading:
        """Read everything, in one round trip."""
        paths = (*self._sensors.paths, *((ONLINE,) if self._pinned else ()))
        texts = self._target.read_texts(paths) if paths else {}
        offline = _offline(self._pinned, texts.get(ONLINE))
        return ConditionsReading(reading=parse_reading(self._sensors, texts), offline=offline)

    def check_after(
        self, finding: Finding, before: ConditionsReading, evidence: Mapping[str, float]
    ) -> Finding:
        """A Finding with what was seen around its Trial; one that was ok is invalid by it.

        Args:
            before: what was seen before it; what is to be seen after it is read now.
            evidence: more of it.
        """
        after = self.read()
        readings = {_BEFORE: before.reading, _AFTER: after.reading}
        seen = heat_evidence(self._sensors, before.reading, after.reading)
        told = msgspec.structs.replace(finding, evidence={**finding.evidence, **evidence, **seen})
        if finding.status is not Status.OK:
            return told
        if gone := before.offline | after.offline:
            return msgspec.structs.replace(
                told,
                status=Status.INVALID,
                reason=f"not on the CPUs asked for: CPU {format_cpu_list(gone)} went offline",
                remedy="--pin CPUs that stay, or let it cool: --cool-below",
            )
        reason = throttling(self._sensors, self._limits_khz, self._first, readings)
        if reason is None:
            return told
        remedy = throttling_remedy(thermometer(self._sensors, before.reading))
        return msgspec.structs.replace(told, status=Status.INVALID, reason=reason, remedy=remedy)


def resolve_conditions(
    conditions: Conditions,
    target: Target,
    then: Mapping[str, Fact] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now_s: Callable[[], float] = time.monotonic,
) -> TrialConditions:
    """Find out what Conditions come to on a Target, before anything is made there.

    Args:
        then: the facts that a Run which is resumed began with.

    Raises:
        UsageError: the CPUs to pin to are none, or cannot be had.
        CannotMeasureError: a temperature was asked for that no sensor here tells.
    """
    cpus = read_cpus(target.read_texts)
    pinned = None if conditions.pin is None else resolve_pin(conditions.pin, cpus)
    numbers = [cpu.number for cpu in cpus.all]
    sensors = find_sensors(target.read_texts, lambda *words: _output(target, words), numbers)
    return TrialConditions(
        target,
        cpus=pinned,
        sensors=sensors,
        facts={
            **cluster_facts(cpus),
            "cpu.pinned": pinned or NOT_PINNED,
            "clock.step_ns": _clock_step_ns(target),
        },
        then=then or {},
        cooling=cool_down(conditions.cool_below_c, target, sensors, sleep, now_s),
    )


def _offline(pinned: frozenset[int], online: str | None) -> frozenset[int]:
    """Those that the kernel's list does not have; nothing is said where it cannot be read."""
    try:
        return frozenset() if online is None else pinned - parse_cpu_list(online)
    except ValueError:
        return frozenset()


def _output(target: Target, words: tuple[str, ...]) -> str | None:
    try:
        return target.run_command(*words)
    except TargetError:
        return None


def _clock_step_ns(target: Target) -> int | None:
    job = Job(operation="clock-step", options={}, timeout_s=_CLOCK_LIMIT_S)
    return target.execute(job).values.get("clock_step_ns")
