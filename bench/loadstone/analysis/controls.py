"""Whether the machine itself changed between two Runs, by the controls of both."""

import math

from loadstone.analysis.stats import ratio_interval
from loadstone.model import Metric, Noun, Run
from loadstone.result_names import CONTROL_READ, CONTROLS

_WORDS = {
    "cpu": "computing",
    "memory": "taking and filling memory",
    "read": "direct read",
}
_TIMES = {"ns", "s"}
_ONE_MACHINE = ("cpu.model", "cpu.count")


class ControlChange(Noun, frozen=True, kw_only=True):
    """What became of a control from BASE to NEW: the ratio of medians, above 1 where the machine
    is faster in NEW, with its 95 % interval."""

    name: str
    ratio: float
    low: float
    high: float

    @property
    def is_seen(self) -> bool:
        """Whether its interval leaves no doubt that the machine changed."""
        return not self.low <= 1 <= self.high

    @property
    def words(self) -> str:
        """In words, with its interval."""
        low, high = self.low - 1, self.high - 1
        return f"its own {_WORDS[self.name]} {self.ratio - 1:+.0%} [{low:+.0%}, {high:+.0%}]"


class MachineChange(Noun, frozen=True, kw_only=True):
    """What the controls of two Runs say; none of Runs that have none."""

    controls: tuple[ControlChange, ...] = ()

    @property
    def seen(self) -> tuple[ControlChange, ...]:
        """The controls by which the machine changed without doubt."""
        return tuple(control for control in self.controls if control.is_seen)

    @property
    def low(self) -> float:
        """The lowest logarithm of a ratio that the machine alone may account for, at most 0.

        Each Case depends on processor, memory and device in a way that is not known: so all
        controls that became slower together, each by its bound.
        """
        return sum(math.log(control.low) for control in self.seen if control.ratio < 1)

    @property
    def high(self) -> float:
        """The highest one, at least 0: likewise all that became faster."""
        return sum(math.log(control.high) for control in self.seen if control.ratio > 1)


def machine_change(base: Run, new: Run, metric: Metric) -> MachineChange:
    """What the controls say of a metric; nothing where it takes no time, which is as it is on any
    machine, or where two machines are compared."""
    if not _TIMES & set(metric.unit.split("/")) or not _is_one_machine(base, new):
        return MachineChange()
    found = []
    for name in CONTROLS:
        before, after = (_figures(run, CONTROLS[name]) for run in (base, new))
        if before and after:
            # In ns: less is faster.
            ratio = ratio_interval(after, before, paired=False)
            found.append(
                ControlChange(name=name, ratio=ratio.median, low=ratio.low, high=ratio.high)
            )
    return MachineChange(controls=tuple(found))


def has_controls(run: Run) -> bool:
    """Whether there were any when a Run was made."""
    return CONTROL_READ in run.manifest.environment.facts


def _figures(run: Run, name: str) -> list[float]:
    return [trial.evidence[name] for trial in run.trials if trial.evidence.get(name, 0.0) > 0]


def _is_one_machine(base: Run, new: Run) -> bool:
    before, after = (run.manifest.environment for run in (base, new))
    return before.target == after.target and all(
        before.facts.get(name) == after.facts.get(name) for name in _ONE_MACHINE
    )
