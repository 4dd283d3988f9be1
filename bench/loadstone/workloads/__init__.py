"""What can be timed. Each package in this one with a ``WORKLOAD`` is one Workload."""

import os
import pkgutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Protocol

from loadstone.core.explain import Rule
from loadstone.errors import UsageError
from loadstone.model import (
    Case,
    Column,
    Companion,
    Curves,
    Finding,
    Input,
    Job,
    Metric,
    Outcome,
    Parameter,
    Picture,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.workloads.entrants import Entrants, Into


class Prepared(Protocol):
    """A Workload made ready on a Target: its file or device is there."""

    path: str | None
    input: Input
    """As it turned out: the same input again would be measured on the same bytes."""
    facts: Mapping[str, Value]
    """What decides whether another Run was made on the same thing."""

    def skip_reason(self, case: Case) -> Finding | None:
        """Why a Case need not be tried here, or None."""

    def job(self, case: Case) -> Job:
        """The Job that times a Case."""

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        """What came of it: status, reason and remedy, metrics, evidence."""


class Workload(Protocol):
    """One thing to time. The first of ``metrics`` is what Cases are ranked and compared by."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    metrics: tuple[Metric, ...]
    columns: tuple[Column, ...]
    """What the table of a Run shows of a Case after the first metric."""
    bars: tuple[Column, ...]
    """What a report draws of the Cases side by side, a column for each; may be empty."""
    curves: Curves | None
    """What a report draws of how a Trial of each Case went, if its Trials have series."""
    picture: Picture | None
    """What a report draws of its Cases by a parameter, or by two figures."""
    rules: tuple[Rule, ...]
    """What the core's errors mean in a Trial of it; the first that fits is taken."""
    operation: str
    """The core's operation that times a Case."""
    set_up_parameters: frozenset[str]
    """The parameters of what is set up before; the operation has an option for each other."""
    is_ranked: bool
    """Whether its Cases are ways to one end, so that the fastest is worth naming."""
    companion: Companion | None
    """Another Workload, Cases of which may stand beside its own."""

    def devices(self, input: Input, cases: Sequence[Case]) -> tuple[int, ...]:
        """The least size in bytes of each block device that the Cases take whole; empty for a
        Workload that works in a directory."""

    def entrants(self, into: Into) -> Entrants | None:
        """What `advise` races; None where the Cases are no ways to one end."""

    def default_cases(self) -> Sequence[Mapping[str, Value]]:
        """The curated few, as the parameters that differ from the defaults."""

    def complete(self, chosen: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        """Fix every parameter. Those that have no meaning with the others fall back.

        Returns:
            All parameters, and a sentence for each choice that was dropped.
        """

    def label(self, parameters: Mapping[str, Value]) -> str:
        """For people: short, and different for different parameters."""

    def prepare(
        self, target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
    ) -> AbstractContextManager[Prepared]:
        """Find or make what is measured; whatever was made is gone when the context ends."""


@cache
def workloads() -> Mapping[str, Workload]:
    """All Workloads by name."""
    modules = (import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = [module.WORKLOAD for module in modules if hasattr(module, "WORKLOAD")]
    return {workload.name: workload for workload in found}


def workload(name: str) -> Workload:
    """The Workload of that name.

    Raises:
        UsageError: there is none.
    """
    known = workloads()
    if name not in known:
        hint = "; a model file goes behind --file" if os.path.exists(name) else ""  # noqa: PTH110  # Path.exists raises where it may not look
        raise UsageError(
            f"{printable(name)}: no such workload",
            remedy=f"there are {', '.join(sorted(known))}, or a plan file (….toml){hint}",
        )
    return known[name]


def settable_parameters(chosen_workload: Workload) -> tuple[Parameter, ...]:
    """Those of its Cases, and the one that asks for Cases of its companion."""
    companion = chosen_workload.companion
    return (*chosen_workload.parameters, *((companion.parameter,) if companion else ()))


def make_case(chosen_workload: Workload, choice: Mapping[str, Value]) -> tuple[Case, list[str]]:
    """A Case from partial parameters, and remarks that say what was dropped."""
    parameters, dropped = chosen_workload.complete(choice)
    left_out = _at_added_defaults(chosen_workload, parameters)
    label = chosen_workload.label(parameters)
    return Case.of(chosen_workload.name, label, parameters, left_out), dropped


def make_cases(
    chosen_workload: Workload, choices: Sequence[Mapping[str, Value]]
) -> tuple[tuple[Case, ...], list[str]]:
    """Cases from partial parameters; equal ones are one, remarks say what was dropped."""
    cases: dict[str, Case] = {}
    remarks: list[str] = []
    for choice in choices:
        case, dropped = make_case(chosen_workload, choice)
        cases.setdefault(case.id, case)
        remarks += [remark for remark in dropped if remark not in remarks]
    return tuple(cases.values()), remarks


def parameters_of(case: Case) -> Mapping[str, Value]:
    """A Case's parameters, and its defaults of those that were added since its Run was made."""
    chosen = workloads().get(case.workload)
    known = {one.name: one for one in chosen.parameters} if chosen is not None else {}
    added = {name for name, one in known.items() if one.is_added} - case.parameters.keys()
    if chosen is None or not added:
        return case.parameters
    named = {name: value for name, value in case.parameters.items() if name in known}
    try:
        complete, _ = chosen.complete(named)
    except KeyError:
        # A value that only another Loadstone knows: what follows from it is unknown.
        return case.parameters
    return {name: complete[name] for name in added} | dict(case.parameters)


def _at_added_defaults(chosen_workload: Workload, parameters: Mapping[str, Value]) -> set[str]:
    added = {one.name for one in chosen_workload.parameters if one.is_added}
    chosen = {name: value for name, value in parameters.items() if name not in added}
    defaults, _ = chosen_workload.complete(chosen)
    return {name for name in added if parameters[name] == defaults[name]}
