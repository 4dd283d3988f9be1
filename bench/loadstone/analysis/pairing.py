"""Which Cases of two Runs can be compared, and by which of their Trials."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from statistics import median

from loadstone.analysis.comparison import IncompleteCase
from loadstone.analysis.coverage import Coverage, coverage, incomplete, missing_from_plan
from loadstone.model import Case, Metric, Noun, Run, Trial
from loadstone.text import knob_words

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
) -> tuple[list[Match], list[IncompleteCase]]:
    """Pair up the Cases that both Runs measured, and say what came of those that were not, or
    of which Trials failed."""
    ids = [{case.id for case in run.manifest.plan.cases} for run in (base, new)]
    by_id = not ids[0].isdisjoint(ids[1])
    bases, news = (_by_key(coverage(run, metric), by_id) for run in (base, new))
    matches, troubled = [], []
    for key in dict.fromkeys([*bases, *news]):
        before = bases.get(key) or missing_from_plan(news[key])
        after = news.get(key) or missing_from_plan(before)
        if before.is_measured and after.is_measured:
            matches.append(aligned(before.label, before.trials, after.trials, is_paired))
        if trouble := incomplete(before, after):
            troubled.append(trouble)
    return matches, troubled


def _by_key(cases: Mapping[str, Coverage], by_id: bool) -> dict[str, Coverage]:
    return {case.id if by_id else case.label: case for case in cases.values()}


def is_interleaved(base: Run, new: Run) -> bool:
    """Whether each round of both Runs had ended, in both, before the next one started.

    Where both had several boots, the same of each boot. By the time since the machine booted
    where both Runs have that of one boot; else by the clock, where that was not set back.
    """
    windows: dict[float, list[tuple[int, str]]] = {}
    counted = [[trial for trial in run.trials if not trial.warmup] for run in (base, new)]
    key = _boot if all(len(boots(trials)) > 1 for trials in counted) else _round
    is_one_boot = _is_one_boot(base, new)
    if not is_one_boot and any(map(clock_step_back, (base, new))):
        return False
    for trial in counted[0] + counted[1]:
        start = (trial.boottime_ns, "") if is_one_boot else (0, trial.started)
        windows.setdefault(key(trial), []).append(start)
    in_order = [windows[number] for number in sorted(windows)]
    is_apart = all(max(before) < min(after) for before, after in pairwise(in_order))
    in_both = [{key(trial) for trial in trials} for trials in counted]
    return in_both[0] == in_both[1] and len(in_order) > 1 and is_apart


def clock_step_back(run: Run) -> tuple[Trial, Trial] | None:
    """The first two Trials of which the later, by its line, starts earlier by the clock."""
    return next((both for both in pairwise(run.trials) if both[1].started < both[0].started), None)


def order_unknown_warnings(base: Run, new: Run) -> list[str]:
    """That Runs cannot be known to be interleaved, as the clock was set back in one of them."""
    if _is_one_boot(base, new):
        return []
    steps = (("BASE", clock_step_back(base)), ("NEW", clock_step_back(new)))
    return [
        f"the clock was set back during {name}, from {step[0].started} to {step[1].started}: "
        "whether the Runs were interleaved cannot be told, so no rounds are paired"
        for name, step in steps
        if step
    ]


def _is_one_boot(base: Run, new: Run) -> bool:
    """Whether all Trials have a time since one boot in common."""
    boots = {trial.boot for run in (base, new) for trial in run.trials}
    return len(boots) == 1 and "" not in boots


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


def aligned(label: str, base: tuple[Trial, ...], new: tuple[Trial, ...], is_paired: bool) -> Match:
    """A Match, paired by the rounds, or boots, good on both sides; without any, not paired."""
    key = _boot if all(len(boots(side)) > 1 for side in (base, new)) else _round
    both = {key(trial) for trial in base} & {key(trial) for trial in new}
    if not is_paired or not both:
        return Match(label=label, base=base, new=new, is_paired=False)
    base, new = (tuple(trial for trial in side if key(trial) in both) for side in (base, new))
    return Match(label=label, base=base, new=new, is_paired=True)


def change_label(base: Case, new: Case, by: str = "") -> str:
    """One Case beside another: what is the first's, and what each has of its own.

    Args:
        by: the parameter in which they differ; empty where they may differ in several.
    """
    return f"{base.label}: {_own_words(base, new, by)} → {_own_words(new, base, by)}"


def _own_words(case: Case, other: Case, by: str) -> str:
    """What a Case's label has of its own; a default is in no label."""
    own = [word for word in _words(case.label) if word not in _words(other.label)]
    value = case.axes.get(by, "default")
    text = ("on" if value else "off") if isinstance(value, bool) else knob_words(str(value))
    return " ".join(own) or f"{by} {text}".strip()


def _words(label: str) -> list[str]:
    """Without the brackets of commands, which the first and the last of their words would have."""
    return [word for part in label.split() if (word := part.strip("[]"))]
