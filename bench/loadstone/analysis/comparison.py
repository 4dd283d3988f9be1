"""What comes of comparing two Runs: the nouns of a Comparison."""

from collections.abc import Mapping
from enum import StrEnum

from loadstone.analysis.controls import ControlChange
from loadstone.model import Clock, Noun


class Verdict(StrEnum):
    """What a Comparison says of one metric of one Case."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"


class Design(StrEnum):
    """What a Comparison rests on, the most trustworthy first."""

    WITHIN_RUN = "within one Run"
    INTERLEAVED_RUNS = "interleaved Runs"
    SEVERAL_RUNS = "several Runs against several"
    ONE_AGAINST_ONE = "one Run against one"


class CaseOutcome(StrEnum):
    """What came of a Case in a Run.

    ``missing``: not in its Plan, or no Trial of it was made. ``no-figure``: no figure of the
    metric, or none that a ratio can be made of.
    """

    MEASURED = "measured"
    MISSING = "missing"
    SKIPPED = "skipped"
    FAILED = "failed"
    INVALID = "invalid"
    NO_FIGURE = "no-figure"


class CaseState(Noun, frozen=True, kw_only=True):
    """What came of a Case in a Run: ``trials`` count, ``failed`` did not, and why.

    A Case that was measured has a reason where some of its Trials failed.
    """

    outcome: CaseOutcome
    trials: int
    failed: int
    reason: str | None
    remedy: str | None


class IncompleteCase(Noun, frozen=True, kw_only=True):
    """A Case that not both of two Runs measured without a failed Trial."""

    id: str
    label: str
    base: CaseState
    new: CaseState

    @property
    def is_compared(self) -> bool:
        """Whether both have figures of it all the same."""
        return self.base.outcome is self.new.outcome is CaseOutcome.MEASURED


class Effect(Noun, frozen=True, kw_only=True):
    """One Case's change from BASE to NEW.

    ``ratio`` is NEW over BASE, of medians, or the median of the pairs' own where they are
    paired, turned so that above 1 is better, with its 95 % interval. ``p`` is that of the test
    of ranks, or of signs where paired, corrected for the number of Cases compared. ``evidence``
    are counters that moved beyond their noise, and ``cause`` what that means, if it is known.
    """

    label: str
    metric: str
    ratio: float
    low: float
    high: float
    p: float
    verdict: Verdict
    rounds_needed: int | None
    evidence: Mapping[str, tuple[float, float]]
    cause: str | None = None


class Comparison(Noun, frozen=True, kw_only=True):
    """Two Runs, Case by Case; ``unmatched`` are the labels that only one of them measured.

    ``incomplete`` are those Cases, and all that failed in part, with what came of them.
    ``by`` is the parameter whose values are compared within one Run; else None. ``controls`` are
    how the machine itself changed between one Run and another, by what both did of the same work.
    ``clock`` is that of both; ``base_kernel`` and ``new_kernel`` are what each ran on.
    """

    base: str
    new: str
    effects: tuple[Effect, ...]
    unmatched: tuple[str, ...]
    warnings: tuple[str, ...]
    clock: Clock | None = None
    base_kernel: str | None = None
    new_kernel: str | None = None
    incomplete: tuple[IncompleteCase, ...] = ()
    design: Design = Design.ONE_AGAINST_ONE
    by: str | None = None
    controls: tuple[ControlChange, ...] = ()
