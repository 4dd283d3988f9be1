"""Which Cases of two Runs can be compared, and by which of their Trials."""

from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from loadstone.analysis.summary import CaseSummary, counted_trials, summarise
from loadstone.model import Metric, Noun, Run, Trial


class _Side(Noun, frozen=True, kw_only=True):
    """One Case in one Run: the Trials that count, in order of rounds, or why there are none."""

    label: str = ""
    trials: tuple[Trial, ...] = ()
    why_not: str = "not in its plan"


BOOT = "lab.boot"
"""The evidence that holds the number of the boot in which a Trial ran."""


class Match(Noun, frozen=True, kw_only=True):
    """One Case measured in both Runs; where paired, in the same rounds or the same boots."""

    label: str
    base: tuple[Trial, ...]
    new: tuple[Trial, ...]
    is_paired: bool

    def values(self, metric: Metric) -> tuple[list[float], list[float]]:
        """The metric's figures in BASE and in NEW; of several boots, each boot's median.

        The rounds of one boot share its memory layout: they are one draw, not many.
        """
        base, new = (_figures(side, metric) for side in (self.base, self.new))
        return base, new

    @property
    def rounds(self) -> int:
        """How many independent figures the side with fewer has."""
        return min(len(_draws(self.base)), len(_draws(self.new)))


def match_cases(
    base: Run, new: Run, metric: Metric, is_paired: bool
) -> tuple[list[Match], list[str]]:
    """Pair up the Cases that both Runs measured, and say why not where only one did."""
    ids = [{case.id for case in run.manifest.plan.cases} for run in (base, new)]
    by_id = not ids[0].isdisjoint(ids[1])
    bases, news = (_sides(run, metric, by_id) for run in (base, new))
    matches, unmatched = [], []
    for key in dict.fromkeys([*bases, *news]):
        before, after = bases.get(key, _Side()), news.get(key, _Side())
        label = before.label or after.label
        if before.trials and after.trials:
            matches.append(_aligned(label, before.trials, after.trials, is_paired))
        elif before.trials:
            unmatched.append(f"{label} (NEW: {after.why_not})")
        elif after.trials:
            unmatched.append(f"{label} (BASE: {before.why_not})")
    return matches, unmatched


def is_interleaved(base: Run, new: Run) -> bool:
    """Whether each round of both Runs had ended, in both, before the next one started.

    Where both had several boots, the same of each boot.
    """
    windows: dict[float, list[str]] = {}
    counted = [[trial for trial in run.trials if not trial.warmup] for run in (base, new)]
    key = _boot if all(len(boots(trials)) > 1 for trials in counted) else _round
    for trial in counted[0] + counted[1]:
        windows.setdefault(key(trial), []).append(trial.started)
    in_order = [windows[number] for number in sorted(windows)]
    is_apart = all(max(before) < min(after) for before, after in pairwise(in_order))
    in_both = [{key(trial) for trial in trials} for trials in counted]
    return in_both[0] == in_both[1] and len(in_order) > 1 and is_apart


def boots(trials: Iterable[Trial]) -> set[float]:
    """The numbers of the boots that Trials are of; empty but in the lab."""
    return {trial.evidence[BOOT] for trial in trials if BOOT in trial.evidence}


def _boot(trial: Trial) -> float:
    return trial.evidence.get(BOOT, 0)


def _round(trial: Trial) -> float:
    return trial.round


def _draws(trials: tuple[Trial, ...]) -> list[list[Trial]]:
    """Trials in groups of which one is independent of the next: boots, or single Trials."""
    numbers = sorted(boots(trials))
    if len(numbers) < 2:
        return [[trial] for trial in trials]
    return [[trial for trial in trials if _boot(trial) == number] for number in numbers]


def _figures(trials: tuple[Trial, ...], metric: Metric) -> list[float]:
    return [median(trial.metrics[metric.name] for trial in draw) for draw in _draws(trials)]


def _sides(run: Run, metric: Metric, by_id: bool) -> dict[str, _Side]:
    counted = counted_trials(run)
    summaries = {summary.case.id: summary for summary in summarise(run)}
    return {
        case.id if by_id else case.label: _side(counted[case.id], summaries[case.id], metric)
        for case in run.manifest.plan.cases
    }


def _side(counted: tuple[Trial, ...], summary: CaseSummary, metric: Metric) -> _Side:
    label = summary.case.label
    trials = [trial for trial in counted if metric.name in trial.metrics]
    if any(trial.metrics[metric.name] <= 0 for trial in trials):
        return _Side(label=label, why_not=f"{metric.name} of zero has no ratio")
    if trials:
        in_order = sorted(trials, key=lambda trial: trial.round)
        return _Side(label=label, trials=tuple(in_order))
    if summary.skipped is not None:
        return _Side(label=label, why_not=f"skipped, {summary.skipped}")
    return _Side(label=label, why_not="; ".join(("no good trial", *summary.reasons)))


def _aligned(label: str, base: tuple[Trial, ...], new: tuple[Trial, ...], is_paired: bool) -> Match:
    """Pair by the rounds, or boots, good on both sides; without any, there are no pairs."""
    key = _boot if all(len(boots(side)) > 1 for side in (base, new)) else _round
    both = {key(trial) for trial in base} & {key(trial) for trial in new}
    if not is_paired or not both:
        return Match(label=label, base=base, new=new, is_paired=False)
    base, new = (tuple(trial for trial in side if key(trial) in both) for side in (base, new))
    return Match(label=label, base=base, new=new, is_paired=True)
