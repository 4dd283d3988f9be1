"""The Steps of one sitting at a Run: those of its Plan, of added rounds, or of a race."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from loadstone.analysis.race import are_finals_begun
from loadstone.analysis.stopping import precisions, rounds_expected, rounds_made
from loadstone.model import Manifest, RaceRule, Step, StopRule, Trial
from loadstone.plan.order import whole_rounds
from loadstone.plan.stop_rule import look_words
from loadstone.runs.resuming import missing_finals, missing_steps, skipped_cases

_SAID_EVERY = 1.5
# How much longer than usual a Trial may take that is to end within a limit of time.
_SLOW = 2.0
# Of the time of a race, where something comes after it.
_RACE_SHARE = 0.7


class Listener(Protocol):
    """Is told what is to be expected, where rounds are added."""

    def say(self, text: str) -> None:
        """A sentence for the user."""

    def expect(self, steps: int) -> None:
        """So many Steps are likely to lie ahead."""


class Sitting:
    """Hands out the Steps of a Run, as long as its rule and its limit of time allow.

    A rule that adds rounds has its time from the first Step on; a race from now on, what is set up
    for it included.

    Args:
        rule: that of the Plan.
        clock: the time in seconds, from whenever.
    """

    def __init__(
        self, rule: StopRule | RaceRule | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rule = rule
        self._clock = clock
        self._begun_s = clock() if isinstance(rule, RaceRule) else None
        self._said_at = 0.0

    def is_time_over(self, ahead_s: float = 0.0, share: float = 1.0) -> bool:
        """Whether the limit of time, or a share of it, will be over so long from now."""
        if self._rule is None or self._rule.limit_s is None or self._begun_s is None:
            return False
        return self._clock() + ahead_s - self._begun_s >= share * self._rule.limit_s

    def steps(
        self, manifest: Manifest, trials: Sequence[Trial], listener: Listener
    ) -> Iterator[Step]:
        """The Steps that the Run lacks, one by one; when the time is over, no round begins.

        The first rounds of a Run are begun in any case: without them it would say nothing. Of a
        race no Step begins that would end too late.

        Args:
            trials: those that the Run has; whoever carries out a Step adds what came of it.
        """
        if isinstance(self._rule, RaceRule):
            yield from self._steps_of_race(manifest, trials, listener)
            return
        if self._begun_s is None:
            self._begun_s = self._clock()
        together = whole_rounds(manifest.plan, 1)
        while steps := missing_steps(manifest, trials):
            self._tell(manifest, trials, listener)
            for (is_warmup, number), some in groupby(
                steps, key=lambda step: (step.warmup, step.round // together)
            ):
                if self.is_time_over() and number and not is_warmup:
                    return
                yield from some

    def _steps_of_race(
        self, manifest: Manifest, trials: Sequence[Trial], listener: Listener
    ) -> Iterator[Step]:
        plan, pace = manifest.plan, _Pace(self._clock)
        assert plan.race is not None, "only a race has its Steps"
        is_ahead = bool(plan.race.finals) and not are_finals_begun(plan, trials)
        share = _RACE_SHARE if is_ahead else 1.0
        yield from self._in_time(lambda: missing_steps(manifest, trials), share, pace, listener)
        yield from self._in_time(lambda: missing_finals(manifest, trials), 1.0, pace, listener)

    def _in_time(
        self,
        missing: Callable[[], list[Step]],
        share: float,
        pace: "_Pace",
        listener: Listener,
    ) -> Iterator[Step]:
        """The Steps that are missing, until a share of the time is over."""
        while steps := missing():
            listener.expect(len(steps))
            for step in steps:
                if self.is_time_over(_SLOW * pace.usual_s(), share):
                    return
                yield step
                pace.made += 1

    def _tell(self, manifest: Manifest, trials: Sequence[Trial], listener: Listener) -> None:
        """Say what is to be expected, where the Plan's own rounds are made and more are added."""
        plan, rounds = manifest.plan, rounds_made(trials)
        if not isinstance(self._rule, StopRule) or rounds < plan.rounds:
            return
        found = precisions(plan, next(iter(manifest.metrics), None), trials)
        expected = rounds_expected(found, rounds, self._rule.within)
        cases = len(plan.cases) - len(skipped_cases(trials))
        more = min(expected or self._rule.most_rounds, self._rule.most_rounds) - rounds
        listener.expect(max(more, 1) * cases)
        if rounds >= _SAID_EVERY * self._said_at:
            self._said_at = rounds
            listener.say(look_words(self._rule, rounds, found))


class _Pace:
    """How long a Step usually takes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun_s = clock()
        self.made = 0

    def usual_s(self) -> float:
        """The mean so far; nothing before the first."""
        return (self._clock() - self._begun_s) / self.made if self.made else 0.0
