"""A plan file that repeats what was advised, beside the plain ways."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loadstone.analysis.advice import Advice, WayFound
from loadstone.durable import write_named
from loadstone.errors import CannotMeasureError
from loadstone.model import Kind, Run, Value
from loadstone.units import format_bytes
from loadstone.workloads import Workload, workload

SUFFIX = ".toml"
_ROUNDS = 10


def choice_of(chosen: Workload, parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Those of a Case's parameters that have to be said for the others to follow."""
    said: dict[str, Value] = {}
    while missing := _not_following(chosen, parameters, said):
        said |= dict([missing])
    return said


def _not_following(
    chosen: Workload, parameters: Mapping[str, Value], said: Mapping[str, Value]
) -> tuple[str, Value] | None:
    """The first parameter that is another than what follows from those said; None of none."""
    completed, _ = chosen.complete(said)
    wrong = (
        (one.name, parameters[one.name])
        for one in chosen.parameters
        if one.name in parameters
        and one.name not in said
        and parameters[one.name] != completed[one.name]
    )
    return next(wrong, None)


def parameter_words(chosen: Workload, parameters: Mapping[str, Value]) -> str:
    """The same for people, as on a command line; the engine always."""
    kinds = {one.name: one.kind for one in chosen.parameters}
    said = {"engine": parameters["engine"], **choice_of(chosen, parameters)}
    return " ".join(f"{name}={_word(value, kinds[name])}" for name, value in said.items())


def _word(value: Value, kind: Kind) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return format_bytes(int(value)) if kind is Kind.SIZE else str(value)


def write_plan(path: Path, run: Run, advice: Advice) -> None:
    """Write the plan file that `loadstone run` takes; an earlier one is replaced.

    Raises:
        CannotMeasureError: no way could be measured.
        UsageError: another file, or a directory, has that name.
        RunError: it cannot be written.
    """
    write_named(path, plan_text(run, advice).encode(), "plan file", (SUFFIX,))


def plan_text(run: Run, advice: Advice) -> str:
    """The text of that plan file.

    Raises:
        CannotMeasureError: no way could be measured.
    """
    if advice.best is None:
        raise CannotMeasureError(
            f"{run.id}: no way could be measured, so there is none to repeat",
            remedy=f"`loadstone show {run.id}` has the reasons",
        )
    plan = run.manifest.plan
    lines = [
        f"# What `loadstone advise` found best, and the plain ways; from {run.id}.",
        f'workload = "{plan.workload}"',
        f"rounds = {_ROUNDS}",
    ]
    if plan.input.file is not None:
        lines.append(f"file = {_toml(plan.input.file)}")
    elif plan.input.size_bytes is not None:
        lines.append(f"size = {plan.input.size_bytes}")
    ways = dict.fromkeys((advice.best.id, *(one.other.id for one in advice.plain)))
    found = {one.id: one for one in (advice.best, *(plain.other for plain in advice.plain))}
    lines += _cases(workload(plan.workload), [found[way] for way in ways])
    return "\n".join(lines) + "\n"


def _cases(chosen: Workload, ways: Sequence[WayFound]) -> Iterator[str]:
    for way in ways:
        said = {"engine": way.parameters["engine"], **choice_of(chosen, way.parameters)}
        yield ""
        yield f"[[case]]  # {way.label}"
        yield from (f"{name} = {_toml(value)}" for name, value in said.items())


def _toml(value: Value) -> str:
    # A basic string of TOML has the escapes of JSON.
    return json.dumps(value, ensure_ascii=False)
