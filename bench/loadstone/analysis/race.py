"""Who is still in a race, by the Trials so far: successive elimination.

After each round the Cases that are in are held against the one that leads; who is shown to be
slower (``loadstone.analysis.elimination``) is out, and neighbours of what leads enter.

All that is decided follows from the Plan and the Trials alone, so that a Run that was cut off goes
on as it would have gone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median

from loadstone.analysis.elimination import (
    ERROR,
    Figures,
    Ledger,
    Way,
    differences,
    is_slower,
    reach,
)
from loadstone.analysis.stats import ratio_interval
from loadstone.analysis.stopping import CONFIDENCE
from loadstone.model import Metric, Noun, Plan, RaceRule, Trial

FEWEST = 10
"""Rounds that the Case that leads must have before the race is over."""

PLAIN_ROUNDS = 8
"""Rounds in common with the leader that those have that it is held against, out or not."""

SAME = 0.03
"""The share within which what can't be told apart need not be."""

_FEWEST_MET = 2

_FIRST_ENTRY = 3
"""Rounds that the leader must have before its neighbours enter."""
_ROOM = 8
"""Cases in the race below which neighbours enter: before, they would only take time."""


class Exit(Noun, frozen=True, kw_only=True):
    """A Case that is out: how, after which round, and of ``slower`` behind which Case."""

    way: Way
    rounds: int
    behind: str | None = None


class Standing(Noun, frozen=True, kw_only=True):
    """The race after some whole rounds; all by ids of Cases.

    ``entered`` are the Cases in the race so far, in the order of their entry, those of ``out``
    included. ``active`` are those that the next round has: of ceilings and of what is held against
    the leader, too. ``is_decided`` says that nothing is left to be told that matters.
    """

    rounds: int
    entered: tuple[str, ...]
    out: Mapping[str, Exit]
    leader: str | None
    active: tuple[str, ...]
    is_decided: bool

    @property
    def alive(self) -> tuple[str, ...]:
        """Those in the race that are not out."""
        return tuple(one for one in self.entered if one not in self.out)


def standing(plan: Plan, metric: Metric, trials: Iterable[Trial]) -> Standing:
    """The race after its whole rounds so far."""
    assert plan.race is not None, "a Plan without a race has no standing"
    ledger = Ledger(plan, metric, trials)
    race = _Race(plan.race, ledger)
    while race.is_whole_round():
        race.end_round()
    return race.standing()


class _Race:
    """Goes through the rounds of a race, as they went."""

    def __init__(self, rule: RaceRule, ledger: Ledger) -> None:
        self._rule = rule
        self._ledger = ledger
        self._rounds = 0
        self._entered = list(rule.first)
        self._out: dict[str, Exit] = {}
        self._ceilings = list(rule.ceilings)
        self._leader: str | None = None
        self._is_decided = False

    def is_whole_round(self) -> bool:
        """Whether every Case of the round that is to come has its Trial of it."""
        if self._is_decided or self._rounds >= self._rule.most_rounds:
            return False
        wanted = self._active()
        return bool(wanted) and all(self._ledger.has(case, self._rounds) for case in wanted)

    def end_round(self) -> None:
        """Who leads now, who is out, and who enters."""
        self._ledger.add(self._rounds)
        self._rounds += 1
        for case in self._entered:
            way = self._ledger.trouble(case)
            if way is not None and case not in self._out:
                self._out[case] = Exit(way=way, rounds=self._rounds)
        self._leader = self._led(self._alive(), self._leader)
        if self._leader is not None:
            self._drop_slower(self._leader)
            self._enter_neighbours(self._leader)
        self._ceilings = self._fastest(self._ceilings)
        self._is_decided = self._has_decided()

    def standing(self) -> Standing:
        is_over = self._is_decided or self._rounds >= self._rule.most_rounds
        return Standing(
            rounds=self._rounds,
            entered=tuple(self._entered),
            out=self._out,
            leader=self._leader,
            active=() if is_over else self._active(),
            is_decided=self._is_decided,
        )

    def _alive(self) -> list[str]:
        return [case for case in self._entered if case not in self._out]

    def _figures(self, case: str) -> Figures:
        return self._ledger.figures[case]

    def _led(self, cases: Sequence[str], incumbent: str | None) -> str | None:
        """The Case that is ahead of the last leader by most, or that one; by its own figures
        where there is none yet."""
        known = {case: figures for case in cases if (figures := self._figures(case))}
        if not known:
            return None
        if incumbent not in known:
            return max(known, key=lambda case: median(known[case].values()))
        own = known[incumbent]
        ahead = {
            case: _medians_apart(figures, own)
            for case, figures in known.items()
            if len(figures.keys() & own.keys()) >= _FEWEST_MET
        }
        best = max(ahead, key=ahead.__getitem__, default=incumbent)
        return best if ahead.get(best, 0.0) > 0 else incumbent

    def _drop_slower(self, leader: str) -> None:
        own, opponents = self._figures(leader), len(self._entered) - 1
        for case in self._alive():
            if case != leader and is_slower(self._figures(case), own, opponents):
                self._out[case] = Exit(way=Way.SLOWER, rounds=self._rounds, behind=leader)

    def _enter_neighbours(self, leader: str) -> None:
        """As many as there is room for; all where nothing that matters is left to tell apart."""
        if len(self._figures(leader)) < _FIRST_ENTRY:
            return
        near = [c for c in self._rule.neighbours.get(leader, ()) if c not in self._entered]
        room = len(near) if self._is_settled() else max(_ROOM - len(self._alive()), 0)
        self._entered += near[:room]

    def _fastest(self, cases: list[str]) -> list[str]:
        """The ceilings that may still be the highest."""
        sound = [case for case in cases if self._ledger.trouble(case) is None]
        first = self._led(sound, None)
        if first is None:
            return sound
        own, opponents = self._figures(first), len(self._rule.ceilings) - 1
        return [case for case in sound if not is_slower(self._figures(case), own, opponents)]

    def _active(self) -> tuple[str, ...]:
        alive = self._alive()
        rest = [case for case in self._rule.plain if self._is_wanted(case)]
        return tuple(dict.fromkeys((*alive, *rest, *self._ceilings)))

    def _is_wanted(self, plain: str) -> bool:
        """Whether one that the leader is held against has too few rounds with it."""
        if self._ledger.trouble(plain) is not None:
            return False
        if self._leader is None:
            return True
        common = differences(self._figures(plain), self._figures(self._leader))
        return len(common) < PLAIN_ROUNDS

    def _has_decided(self) -> bool:
        alive = self._alive()
        if not alive:
            return True
        if any(self._is_wanted(case) for case in self._rule.plain if case not in alive):
            return False
        return self._is_settled()

    def _is_settled(self) -> bool:
        """Whether what is in the race differs by nothing that matters."""
        leader = self._leader
        if leader is None or len(self._figures(leader)) < FEWEST:
            return False
        own = self._figures(leader)
        return all(case == leader or _is_same(self._figures(case), own) for case in self._alive())


def _medians_apart(one: Figures, other: Figures) -> float:
    """By how much the median of the rounds that both have is higher: what is shown as a ratio."""
    both = one.keys() & other.keys()
    return median(one[at] for at in both) - median(other[at] for at in both)


def _is_same(one: Figures, leader: Figures) -> bool:
    """Whether it can be no slower than the leader by an amount that matters."""
    found = differences(one, leader)
    if len(found) < FEWEST:
        return False
    return not any(found) or fmean(found) - reach(found, ERROR) > -math.log1p(SAME)


FINAL_ROUNDS = 5
"""Of each Case that the winner and the plain ways are tried as in the end."""


def finalists(plan: Plan, metric: Metric, trials: Sequence[Trial]) -> tuple[str, ...]:
    """Which Cases are run in the end: of the best, and of what it is held against."""
    assert plan.race is not None, "a Plan without a race has no finals"
    best = best_of(plan, metric, trials, standing(plan, metric, trials))
    ways = dict.fromkeys((*([best] if best else ()), *plan.race.plain))
    found = (case for way in ways for case in plan.race.finals.get(way, ()))
    return tuple(dict.fromkeys(found))


def are_finals_begun(plan: Plan, trials: Iterable[Trial]) -> bool:
    """Whether the race itself is over, as there is a Trial of what comes after it."""
    assert plan.race is not None, "a Plan without a race has no finals"
    finals = {case for cases in plan.race.finals.values() for case in cases}
    return any(trial.case in finals for trial in trials)


def best_of(plan: Plan, metric: Metric, trials: Iterable[Trial], now: Standing) -> str | None:
    """The Case to take: the leader, or a plainer one that can't be told from it.

    That is any, where the race is decided or nothing was told apart yet; else, as more rounds may
    tell, one of what everybody does.
    """
    assert plan.race is not None, "a Plan without a race has no best"
    if now.leader is None:
        return None
    ledger = Ledger(plan, metric, trials)
    for number in range(now.rounds):
        ledger.add(number)
    own = ledger.figures[now.leader]
    order = {case.id: place for place, case in enumerate(plan.cases)}
    is_any = now.is_decided or all(gone.way is not Way.SLOWER for gone in now.out.values())
    plainer = [case for case in now.alive if is_any or case in plan.race.plain]
    as_good = (case for case in plainer if not _is_behind(ledger.figures[case], own))
    return min((now.leader, *as_good), key=order.__getitem__)


def _is_behind(one: Figures, leader: Figures) -> bool:
    """Whether the interval of their ratio, as it is shown, says so; or they hardly ever met."""
    both = [at for at in one if at in leader]
    if len(both) < _FEWEST_MET:
        return True
    sides = [math.exp(one[at]) for at in both], [math.exp(leader[at]) for at in both]
    return ratio_interval(*sides, paired=True, confidence=CONFIDENCE).low > 1
