"""Which Cases of two Runs can be held against each other, and with which of their Trials."""

from itertools import pairwise

from loadstone.model import Metric, Noun, Run, Trial
from loadstone.summary import CaseSummary, counted_trials, summarise


class _Side(Noun, frozen=True, kw_only=True):
    """One Case in one Run: the Trials that count, in order of rounds, or why there are none."""

    label: str = ""
    trials: tuple[Trial, ...] = ()
    why_not: str = "not in its plan"


class Match(Noun, frozen=True, kw_only=True):
    """One Case measured in both Runs; where paired, in the same rounds."""

    label: str
    base: tuple[Trial, ...]
    new: tuple[Trial, ...]
    is_paired: bool

    def values(self, metric: Metric) -> tuple[list[float], list[float]]:
        """The metric's figures in BASE and in NEW."""
        base, new = (
            [trial.metrics[metric.name] for trial in side] for side in (self.base, self.new)
        )
        return base, new

    @property
    def rounds(self) -> int:
        """How many rounds the side with fewer has."""
        return min(len(self.base), len(self.new))


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
    """Whether each round of both Runs had ended, in both, before the next one started."""
    windows: dict[int, list[str]] = {}
    rounds = [{trial.round for trial in run.trials if not trial.warmup} for run in (base, new)]
    for trial in base.trials + new.trials:
        if not trial.warmup:
            windows.setdefault(trial.round, []).append(trial.started)
    in_order = [windows[number] for number in sorted(windows)]
    is_apart = all(max(before) < min(after) for before, after in pairwise(in_order))
    return rounds[0] == rounds[1] and len(in_order) > 1 and is_apart


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
    """Pair by the rounds that were good on both sides; without any, there are no pairs."""
    both = {trial.round for trial in base} & {trial.round for trial in new}
    if not is_paired or not both:
        return Match(label=label, base=base, new=new, is_paired=False)
    base, new = (tuple(trial for trial in side if trial.round in both) for side in (base, new))
    return Match(label=label, base=base, new=new, is_paired=True)
