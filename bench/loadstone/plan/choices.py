"""The Cases that were asked for: products of axes, Cases one by one, and those of a companion."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from loadstone.errors import UsageError
from loadstone.model import Case, Companion, Noun, Parameter, Value
from loadstone.plan.file import PlanFile, Selection, resolve_axes
from loadstone.plan.parameters import named, parse_axes, parse_value
from loadstone.workloads import Workload, make_cases, settable_parameters, workload

_MOST_CASES = 10_000

_Choice = Mapping[str, Value]
_Kind = TypeVar("_Kind")


class _Asked(Noun, frozen=True, kw_only=True):
    """Axes, Cases given one by one, and what is fixed in each of these."""

    axes: Mapping[str, list[Value]]
    cases: tuple[_Choice, ...]
    fixed: _Choice

    def choices(self) -> list[_Choice]:
        """The partial parameters of each Case; none where nothing was asked for."""
        products = _product(self.axes) if self.axes else []
        return [*products, *({**case, **self.fixed} for case in self.cases)]


def planned_cases(
    chosen: Workload,
    texts: Iterable[str],
    plan_file: PlanFile | None,
    given: Sequence[_Choice] = (),
) -> tuple[tuple[Case, ...], list[str]]:
    """The Cases of a Workload, and those of its companion after them.

    Args:
        texts: axes written ``key=v1,v2``; each replaces that of the plan file.
        given: parameters of Cases that are run with each of the axes' values, and no others.

    Returns:
        Them, and remarks on choices that have no meaning and were dropped.

    Raises:
        UsageError: a name or a value is unknown, or there are too many.
    """
    if given:
        said = _product(parse_axes(chosen.parameters, texts))
        return make_cases(chosen, [{**case, **more} for case in given for more in said])
    companion = chosen.companion
    asked = _asked(settable_parameters(chosen), texts, plan_file, companion)
    if companion is None:
        return make_cases(chosen, asked.choices() or chosen.default_cases())
    other = workload(companion.workload)
    shared = {one.name for one in chosen.parameters} & {one.name for one in other.parameters}
    if plan_file:
        _require_one_workload(plan_file, companion, shared)
    others, more = make_cases(other, _of_companion(asked, companion, shared))
    choices = _of_workload(asked, chosen, companion).choices() if others else asked.choices()
    cases, remarks = make_cases(chosen, choices or ([] if others else chosen.default_cases()))
    return (*cases, *others), list(dict.fromkeys([*remarks, *more]))


def read_case(companion: Companion, text: str) -> dict[str, Value]:
    """The parameters of a companion's Case, written as ``name=value`` in words.

    Raises:
        UsageError: a word is none, or a name or a value is not that Workload's.
    """
    parameters = workload(companion.workload).parameters
    found: dict[str, Value] = {}
    try:
        for word in text.split():
            name, equals, value = word.partition("=")
            if not equals or not value:
                raise UsageError(
                    f"{word}: has no value",
                    remedy=f"write NAME=VALUE, as `loadstone list {companion.workload}` has them; "
                    "blanks part those of one Case, commas the Cases",
                )
            parameter = named(parameters, name)
            if name in found:
                raise UsageError(f"{name}: is set twice", remedy="write it once in a Case")
            found[name] = parse_value(parameter, value)
    except UsageError as error:
        raise error.within(companion.parameter.name) from None
    return found


def _asked(
    parameters: Sequence[Parameter],
    texts: Iterable[str],
    plan_file: PlanFile | None,
    companion: Companion | None,
) -> _Asked:
    def parse(parameter: Parameter, text: str) -> Value:
        value = parse_value(parameter, text)
        if companion is not None and parameter is companion.parameter:
            # So that a mistake is told with its line.
            read_case(companion, text)
        return value

    said = parse_axes(parameters, texts)
    planned = (
        resolve_axes(plan_file, parameters, parse) if plan_file else Selection(axes={}, cases=())
    )
    fixed = {key: values[0] for key, values in said.items() if len(values) == 1}
    return _Asked(axes={**planned.axes, **said}, cases=planned.cases, fixed=fixed)


def _require_one_workload(
    plan_file: PlanFile, companion: Companion, shared: Collection[str]
) -> None:
    """Refuse a Case of a plan file that is of both Workloads.

    Raises:
        UsageError: there is one.
    """
    name = companion.parameter.name
    for index, case in enumerate(plan_file.cases):
        for key in case:
            if name in case and key != name and key not in shared:
                raise plan_file.toml.error(
                    ("case", index, key),
                    f"{key}: stands beside {name}, and is no parameter of {companion.workload}",
                    remedy="write two Cases",
                )


def _of_companion(asked: _Asked, companion: Companion, shared: Collection[str]) -> list[_Choice]:
    """The choices of its Cases: what both Workloads have holds for those that do not name it."""
    name = companion.parameter.name
    ours = _Asked(
        axes=_of(asked.axes, {name, *shared}) if name in asked.axes else {},
        cases=tuple(case for case in asked.cases if name in case),
        fixed=_of(asked.fixed, shared),
    )
    return [
        {**_of(choice, shared), **read_case(companion, str(choice[name]))}
        for choice in ours.choices()
    ]


def _of_workload(asked: _Asked, chosen: Workload, companion: Companion) -> _Asked:
    """What was asked of the Workload itself where Cases of its companion are."""
    names = {one.name for one in chosen.parameters}
    return _Asked(
        axes=_of(asked.axes, names) if companion.along_with in asked.axes else {},
        cases=tuple(case for case in asked.cases if companion.parameter.name not in case),
        fixed=_of(asked.fixed, names),
    )


def _of(values: Mapping[str, _Kind], names: Collection[str]) -> dict[str, _Kind]:
    return {name: value for name, value in values.items() if name in names}


def _product(axes: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > _MOST_CASES:
        raise UsageError(
            f"the product of the axes has {count} Cases, more than {_MOST_CASES}",
            remedy="give fewer values",
        )
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
