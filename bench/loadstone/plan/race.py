"""The Plan of a race: which ways there are, who begins, and who is near whom."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from loadstone.errors import UsageError
from loadstone.model import Case, Noun, Plan, RaceRule
from loadstone.plan.request import Request, make_plan
from loadstone.units import format_duration
from loadstone.workloads import Workload, make_case, workload
from loadstone.workloads.entrants import Choice, Entrants, Grid, Into, are_neighbours

DEFAULT_BUDGET_S = 300.0
MOST_ROUNDS = 100
_NAME = "advise"


class RaceRequest(Noun, frozen=True, kw_only=True):
    """What was asked of a race besides what it is run on."""

    into: Into = Into.ANY
    budget_s: float = DEFAULT_BUDGET_S
    is_thorough: bool = False


def make_race_plan(request: Request, race: RaceRequest) -> tuple[Plan, list[str]]:
    """Make the Plan of a race on what a Request names.

    Raises:
        UsageError: as for ``make_plan``; or the Request names a workload that has no such ways,
            or Cases of its own.
    """
    plan, remarks = make_plan(msgspec.structs.replace(request, rounds=MOST_ROUNDS, warmups=0))
    chosen = workload(plan.workload)
    found = chosen.entrants(race.into)
    if found is None:
        raise UsageError(
            f"{plan.workload}: its Cases are no ways to one end, of which one could be advised",
            remedy="leave it out: ways of loading are advised",
        )
    cases, rule = race_of(chosen, found, race)
    return msgspec.structs.replace(plan, name=_NAME, cases=cases, race=rule), remarks


def race_of(
    chosen: Workload, found: Entrants, race: RaceRequest
) -> tuple[tuple[Case, ...], RaceRule]:
    """The Cases of a race, the plainest first, and its rule."""
    cases: dict[str, Case] = {}

    def ids_of(choices: Sequence[Choice]) -> tuple[str, ...]:
        made = [make_case(chosen, choice)[0] for choice in choices]
        cases.update({case.id: cases.get(case.id, case) for case in made})
        return tuple(dict.fromkeys(case.id for case in made))

    first, plain, ceilings = map(ids_of, (found.first, found.plain, found.ceilings))
    neighbours = _neighbours(chosen, found.grids, cases)
    ways = [*dict.fromkeys((*first, *plain, *neighbours))]
    finals = (
        {way: ids_of(_under(cases[way], found.finals)) for way in ways} if race.is_thorough else {}
    )
    rule = RaceRule(
        first=first,
        neighbours=neighbours,
        plain=plain,
        ceilings=ceilings,
        finals=finals,
        most_rounds=MOST_ROUNDS,
        limit_s=race.budget_s,
    )
    return tuple(cases.values()), rule


def _under(case: Case, finals: Sequence[Choice]) -> list[Choice]:
    return [dict(case.parameters) | dict(final) for final in finals]


def _neighbours(
    chosen: Workload, grids: Sequence[Grid], cases: dict[str, Case]
) -> Mapping[str, tuple[str, ...]]:
    """Those of each Case of a grid; the Cases are added to the others."""
    near: dict[str, tuple[str, ...]] = {}
    for grid in grids:
        placed = list(_placed(chosen, grid))
        cases.update({case.id: cases.get(case.id, case) for _, case in placed})
        for place, case in placed:
            around = [other.id for at, other in placed if are_neighbours(place, at)]
            near[case.id] = tuple(dict.fromkeys((*near.get(case.id, ()), *around)))
    return near


def _placed(chosen: Workload, grid: Grid) -> Iterator[tuple[tuple[int, ...], Case]]:
    for place, choice in grid.points():
        yield place, make_case(chosen, choice)[0]


def race_words(rule: RaceRule) -> str:
    """The rule for people."""
    limit = "" if rule.limit_s is None else f", for {format_duration(rule.limit_s)} at most"
    ways = len({*rule.first, *rule.plain})
    return f"a race of {ways} ways and what is near the best{limit}"
