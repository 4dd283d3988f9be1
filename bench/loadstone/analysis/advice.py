"""What a race says: which way to take, ahead of what it is, and how near the device's limit."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from statistics import median

import msgspec

from loadstone.analysis.elimination import LOOKS, Way
from loadstone.analysis.race import FEWEST, SAME, best_of, standing
from loadstone.analysis.stats import Interval, median_interval, ratio_interval, rounds_needed
from loadstone.analysis.stopping import CONFIDENCE
from loadstone.analysis.summary import evidence_medians
from loadstone.model import Case, Metric, Noun, Plan, Run, Status, Trial, Value

_NS = 1e9
_ABILITIES: Mapping[str, Mapping[str, Value]] = {
    "O_DIRECT": {"io": "direct", "engine": "pread", "destination": "reused"},
    "io_uring": {"engine": "uring", "destination": "reused"},
}
"""By what is asked for, what Cases that tell of it have among their parameters."""


class Ending(StrEnum):
    """How sure the advice is.

    ``decided``: nothing is left to be told that matters. ``early``: the time was over, or the Run
    was cut off. ``rounds``: there may be no more of them. ``nothing``: no way could be measured.
    """

    DECIDED = "decided"
    EARLY = "early"
    ROUNDS = "rounds"
    NOTHING = "nothing"


class WayFound(Noun, frozen=True, kw_only=True):
    """A way in figures: of ``rounds`` that count, the metric's median with its 95 % interval.

    ``memory_bytes`` is what the process needed beyond the destination at most, ``cached_bytes``
    what stayed in the page cache, ``cpu_per_gb`` seconds of CPU for 1e9 bytes; None where unknown.
    """

    id: str
    label: str
    parameters: Mapping[str, Value]
    rounds: int
    figure: Interval
    memory_bytes: float | None = None
    cached_bytes: float | None = None
    cpu_per_gb: float | None = None


class Against(Noun, frozen=True, kw_only=True):
    """The best way held against another: above 1 it is ahead; with a 95 % interval.

    Paired by ``rounds`` that both have.
    """

    other: WayFound
    rounds: int
    ahead: Interval


class LeftOut(Noun, frozen=True, kw_only=True):
    """A way that is out for another reason than its speed."""

    label: str
    status: Status
    reason: str
    remedy: str | None


class Ability(Noun, frozen=True, kw_only=True):
    """Whether loads of some sort work on this file here; ``reason`` is why not."""

    name: str
    is_there: bool
    reason: str | None = None
    remedy: str | None = None


class Advice(Noun, frozen=True, kw_only=True):
    """What a race says of the ways there are.

    ``best`` is the one to take: the plainest of those that can't be told from what ``leads``,
    which is None where that is the same. ``unit`` is that of figures. ``rivals`` are all that were
    not shown to be slower, ``plain`` what everybody does. ``share`` is what the best reaches of
    ``ceiling``, paired by round. ``more_s`` is how much longer it would take until the rest can
    be told apart, None where that is unknown or nothing is left. ``finals`` are the best and the
    plain ways under other conditions, which ``again`` and ``pressure`` among their parameters say.
    """

    run: str
    file: str | None
    file_bytes: int | None
    unit: str
    ending: Ending
    rounds: int
    trials: int
    entered: int
    slower: int
    best: WayFound | None = None
    leads: Against | None = None
    plain: tuple[Against, ...] = ()
    rivals: tuple[Against, ...] = ()
    ceiling: WayFound | None = None
    share: Interval | None = None
    more_s: float | None = None
    failed: tuple[LeftOut, ...] = ()
    absent: tuple[LeftOut, ...] = ()
    finals: tuple[WayFound, ...] = ()
    abilities: tuple[Ability, ...] = ()


def advice_of(run: Run) -> Advice | None:
    """What the Run of a race says; None of any other Run."""
    plan = run.manifest.plan
    if plan.race is None or not run.manifest.metrics:
        return None
    return _Found(run, plan, run.manifest.metrics[0]).advice()


class _Found:
    """The figures of a race, and what is said of them."""

    def __init__(self, run: Run, plan: Plan, metric: Metric) -> None:
        assert plan.race is not None, "a Plan without a race has no advice"
        self._run, self._plan, self._metric, self._rule = run, plan, metric, plan.race
        self._cases = {case.id: case for case in plan.cases}
        self._counted: dict[str, list[Trial]] = {}
        for trial in run.trials:
            if trial.status is Status.OK and not trial.warmup and metric.name in trial.metrics:
                self._counted.setdefault(trial.case, []).append(trial)
        self._now = standing(plan, metric, run.trials)

    def advice(self) -> Advice:
        facts, now = self._run.manifest.environment.facts, self._now
        size = facts.get("file.bytes")
        best = self._best()
        advice = Advice(
            run=self._run.id,
            file=self._plan.input.file,
            file_bytes=size if isinstance(size, int) else None,
            unit=self._metric.unit,
            ending=self._ending(best),
            rounds=now.rounds,
            trials=sum(trial.status is not Status.SKIPPED for trial in self._run.trials),
            entered=len(self._entered()),
            slower=sum(gone.way is Way.SLOWER for gone in now.out.values()),
            failed=tuple(self._left_out((Status.FAILED,))),
            absent=tuple(self._left_out((Status.SKIPPED, Status.INVALID))),
            abilities=tuple(self._abilities()),
        )
        return advice if best is None else self._with_best(advice, best)

    def _entered(self) -> set[str]:
        ways = {*self._now.entered, *self._rule.plain}
        tried = {t.case for t in self._run.trials if t.status is not Status.SKIPPED}
        return tried & ways

    def _best(self) -> str | None:
        best = best_of(self._plan, self._metric, self._run.trials, self._now)
        if best is not None:
            return best
        # Not one round is whole: what there is of it says which is ahead by chance or not.
        known = [
            case
            for case in self._now.entered
            if case in self._counted and not self._has_failed(case)
        ]
        return max(known, key=lambda case: median(self._figures(case).values()), default=None)

    def _has_failed(self, case: str) -> bool:
        return any(t.case == case and t.status is Status.FAILED for t in self._run.trials)

    def _ending(self, best: str | None) -> Ending:
        if best is None:
            done = {trial.case for trial in self._run.trials}
            return Ending.EARLY if {*self._now.active} - done else Ending.NOTHING
        if self._now.is_decided:
            return Ending.DECIDED
        is_last = self._now.rounds >= self._rule.most_rounds
        return Ending.ROUNDS if is_last else Ending.EARLY

    def _with_best(self, advice: Advice, best: str) -> Advice:
        leader = self._now.leader
        rivals = tuple(self._against(best, [one for one in self._now.alive if one != best]))
        ceiling = self._ceiling()
        fields = {
            "best": self._way(best),
            "leads": next((one for one in rivals if one.other.id == leader), None),
            "plain": tuple(self._against(best, [p for p in self._rule.plain if p != best])),
            "rivals": tuple(sorted(rivals, key=lambda one: one.ahead.median)),
            "ceiling": self._way(ceiling) if ceiling else None,
            "share": self._ratio(ceiling, best)[1] if ceiling else None,
            "more_s": self._more_s(best, rivals) if advice.ending is Ending.EARLY else None,
            "finals": tuple(self._finals(best)),
        }
        return msgspec.structs.replace(advice, **fields)

    def _figures(self, case: str) -> dict[int, float]:
        return {t.round: t.metrics[self._metric.name] for t in self._counted.get(case, ())}

    def _way(self, case: str) -> WayFound:
        trials = self._counted[case]
        evidence = evidence_medians(trials)
        cpu = [t.metrics["cpu_per_gb"] for t in trials if "cpu_per_gb" in t.metrics]
        return WayFound(
            id=case,
            label=self._cases[case].label,
            parameters=self._cases[case].parameters,
            rounds=len(trials),
            figure=median_interval(list(self._figures(case).values()), CONFIDENCE),
            memory_bytes=evidence.get("peak_memory_bytes"),
            cached_bytes=evidence.get("cached_after_bytes"),
            cpu_per_gb=median(cpu) if cpu else None,
        )

    def _ratio(self, base: str, new: str) -> tuple[int, Interval | None]:
        """New over base by the rounds that both have, and how many those are; None of none."""
        one, other = self._figures(base), self._figures(new)
        both = sorted(one.keys() & other.keys())
        if not both:
            return 0, None
        sides = [one[at] for at in both], [other[at] for at in both]
        return len(both), ratio_interval(*sides, paired=True, confidence=CONFIDENCE)

    def _against(self, best: str, others: Sequence[str]) -> Iterator[Against]:
        for other in others:
            rounds, ahead = self._ratio(other, best) if other in self._counted else (0, None)
            if ahead is not None:
                yield Against(other=self._way(other), rounds=rounds, ahead=ahead)

    def _ceiling(self) -> str | None:
        known = [case for case in self._rule.ceilings if len(self._counted.get(case, ())) > 1]
        return max(known, key=lambda case: median(self._figures(case).values()), default=None)

    def _more_s(self, best: str, rivals: Sequence[Against]) -> float | None:
        """How much longer, if a Trial takes what it took, and intervals shrink as they do."""
        usual_s = self._usual_s()
        if usual_s is None:
            return None
        needs = [
            rounds_needed(one.ahead, one.rounds, SAME, True, len(rivals), CONFIDENCE) or FEWEST
            for one in rivals
            if one.rounds >= LOOKS[0]
        ]
        more = max([FEWEST, *needs]) - len(self._figures(best))
        return max(more, 1) * len(self._now.active) * usual_s

    def _usual_s(self) -> float | None:
        """From the beginning of one Trial to that of the next."""
        pairs = zip(self._run.trials, self._run.trials[1:], strict=False)
        apart = [
            (after.boottime_ns - before.boottime_ns) / _NS
            for before, after in pairs
            if after.boot == before.boot and before.status is not Status.SKIPPED
        ]
        found = median(apart) if apart else 0.0
        return found if found > 0 else None

    def _finals(self, best: str) -> Iterator[WayFound]:
        for way in dict.fromkeys((best, *self._rule.plain)):
            for case in self._rule.finals.get(way, ()):
                if case in self._counted:
                    yield self._way(case)

    def _abilities(self) -> Iterator[Ability]:
        """By Cases that depend on nothing else: a buffer of plain memory."""
        for name, wanted in _ABILITIES.items():
            trials = [t for t in self._run.trials if _has(self._case(t).parameters, wanted)]
            if not trials:
                continue
            bad = [trial for trial in trials if trial.status is not Status.OK]
            is_there = len(bad) < len(trials)
            yield Ability(
                name=name,
                is_there=is_there,
                reason=None if is_there else bad[0].reason,
                remedy=None if is_there else bad[0].remedy,
            )

    def _left_out(self, statuses: Sequence[Status]) -> Iterator[LeftOut]:
        """Of each Case its first Trial that ended so; of invalid ones where none counts."""
        seen: set[str] = set()
        for trial in self._run.trials:
            is_news = trial.status in statuses and trial.case not in seen
            if not is_news or (trial.status is Status.INVALID and trial.case in self._counted):
                continue
            seen.add(trial.case)
            yield LeftOut(
                label=self._case(trial).label,
                status=trial.status,
                reason=trial.reason or "no reason known",
                remedy=trial.remedy,
            )

    def _case(self, trial: Trial) -> Case:
        return self._cases[trial.case]


def _has(parameters: Mapping[str, Value], wanted: Mapping[str, Value]) -> bool:
    return all(parameters.get(name) == value for name, value in wanted.items())
