"""The Steps of one sitting at a Run: those of its Plan, and of rounds that its rule adds."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from loadstone.analysis.stopping import precisions, rounds_expected, rounds_made
from loadstone.model import Manifest, Step, StopRule, Trial
from loadstone.plan.order import whole_rounds
from loadstone.plan.stop_rule import look_words
from loadstone.runs.resuming import missing_steps, skipped_cases

_SAID_EVERY = 1.5


class Listener(Protocol):
    """Is told what is to be expected, where rounds are added."""

    def say(self, text: str) -> None:
        """A sentence for the user."""

    def expect(self, steps: int) -> None:
        """So many Steps are likely to lie ahead."""


class Sitting:
    """Hands out the Steps of a Run, as long as its rule and its limit of time allow.

    Args:
        rule: that of the Plan.
        clock: the time in seconds, from whenever.
    """

    def __init__(self, rule: StopRule | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rule = rule
        self._clock = clock
        self._begun_s: float | None = None
        self._said_at = 0.0

    def is_time_over(self) -> bool:
        """Whether the limit of time has been reached since the first Step of the sitting."""
        if self._rule is None or self._rule.limit_s is None or self._begun_s is None:
            return False
        return self._clock() - self._begun_s >= self._rule.limit_s

    def steps(
        self, manifest: Manifest, trials: Sequence[Trial], listener: Listener
    ) -> Iterator[Step]:
        """The Steps that the Run lacks, one by one; when the time is over, no round begins.

        The first rounds of a Run are begun in any case: without them it would say nothing.

        Args:
            trials: those that the Run has; whoever carries out a Step adds what came of it.
        """
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

    def _tell(self, manifest: Manifest, trials: Sequence[Trial], listener: Listener) -> None:
        """Say what is to be expected, where the Plan's own rounds are made and more are added."""
        plan, rounds = manifest.plan, rounds_made(trials)
        if self._rule is None or rounds < plan.rounds:
            return
        found = precisions(plan, next(iter(manifest.metrics), None), trials)
        expected = rounds_expected(found, rounds, self._rule.within)
        cases = len(plan.cases) - len(skipped_cases(trials))
        more = min(expected or self._rule.most_rounds, self._rule.most_rounds) - rounds
        listener.expect(max(more, 1) * cases)
        if rounds >= _SAID_EVERY * self._said_at:
            self._said_at = rounds
            listener.say(look_words(self._rule, rounds, found))
