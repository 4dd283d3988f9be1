"""Cases told apart by their parameters, in as few words as that takes."""

from collections.abc import Collection, Mapping, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import Kind, Parameter, Value
from loadstone.text import knob_words
from loadstone.units import format_bytes
from loadstone.workloads import Workload, parameters_of

KNOB = "knob."


def axes_of(summary: CaseSummary) -> Mapping[str, Value]:
    """All that its Case may differ in from others, parameters that were added since among it."""
    return {**summary.case.axes, **parameters_of(summary.case)}


def distinguishing(
    cases: Sequence[Mapping[str, Value]],
    left_out: Collection[str] = (),
    given: Sequence[str] = (),
) -> tuple[str, ...]:
    """The fewest axes, from the first on, that tell Cases apart which differ in any but some.

    Args:
        given: what tells them apart already, so that what follows from it is none of them.
    """
    every = dict.fromkeys(name for one in cases for name in one)
    found = list(given)
    count = len({values_of(one, found) for one in cases})
    for name in every:
        wider = len({values_of(one, [*found, name]) for one in cases})
        if wider > count and name not in left_out:
            found.append(name)
            count = wider
    return tuple(found[len(given) :])


def words_of(workload: Workload, axes: Mapping[str, Value], names: Sequence[str]) -> str:
    """What a Case has in some axes, for a legend."""
    known = {one.name: one for one in workload.parameters}
    words = (_word(known.get(name), name, axes[name]) for name in names if name in axes)
    return " ".join(words)


def numeric(workload: Workload, name: str) -> bool:
    """Whether a parameter's values are numbers."""
    return any(
        one.name == name and one.kind in (Kind.SIZE, Kind.COUNT) for one in workload.parameters
    )


def values_of(axes: Mapping[str, Value], names: Sequence[str]) -> tuple[Value | None, ...]:
    """What a Case has in some axes, to be compared with others."""
    return tuple(axes.get(name) for name in names)


def _word(parameter: Parameter | None, name: str, value: Value) -> str:
    if parameter is None:
        return f"{name.removeprefix(KNOB)} {knob_words(str(value))}"
    match parameter.kind:
        case Kind.SIZE if isinstance(value, int):
            return f"{name} {format_bytes(value)}"
        case Kind.FLAG:
            return name if value else f"no {name}"
        case Kind.COUNT:
            return f"{name} {value}"
    return str(value)
