"""What holds for every Workload that is found: a new one is tested by being there."""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from loadstone.core import native
from loadstone.errors import UsageError
from loadstone.model import Case, Input, Kind, Parameter, Value
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.units import is_unit
from loadstone.workloads import Workload, make_case, make_cases, workloads
from loadstone.workloads.parameters import core_options

ROOT = Path(__file__).parents[2]


PACKAGE = ROOT / "bench" / "loadstone" / "workloads"


WORKLOADS = list(workloads().values())


of_every_workload = pytest.mark.parametrize("chosen", WORKLOADS, ids=lambda one: one.name)


# What the core has another default for, and why.
OWN_DEFAULTS = {("model-load", "verify"): "there are no checksums but those that the Job names"}


Choice = dict[str, Value]


def values_of(parameter: Parameter) -> Iterator[Value]:
    """Some that it may have, its default among them."""
    if parameter.kind is Kind.FLAG:
        yield from (False, True)
    elif parameter.choices:
        # What follows the colon of an open form is a name, or a number.
        yield from (re.sub(r":[A-Z]+$", ":16", choice) for choice in parameter.choices)
    elif parameter.kind is Kind.CHOICE:
        # A text of its own: a size, or a count.
        yield from (parameter.default or "8k", "8k", "16k", "8", "16")
    else:
        default = int(parameter.default or 0)
        some = (default, 2 * default, 1, 2, 512, 4096, 512 << 10, 1 << 20, 4 << 20)
        yield from (value for value in dict.fromkeys(some) if value >= parameter.minimum)


def choices(chosen: Workload) -> Iterator[Choice]:
    """Every two parameters with every two of their values, and with the default Cases."""
    single = [{one.name: value} for one in chosen.parameters for value in values_of(one)]
    default = [dict(case) for case in chosen.default_cases()]
    for first, second in itertools.product([{}, *default, *single], [{}, *single]):
        yield {**first, **second}


def valid(chosen: Workload) -> Iterator[tuple[Choice, dict[str, Value]]]:
    """Of the choices those that go together, and all parameters of the Case that each makes."""
    for choice in choices(chosen):
        try:
            parameters, remarks = chosen.complete(choice)
        except UsageError:
            continue
        if not remarks:
            yield choice, parameters


@of_every_workload
def test_it_is_a_package_that_goes_by_its_name(chosen: Workload) -> None:
    package = PACKAGE / chosen.name.replace("-", "_")
    assert {path.name for path in package.glob("*.py")} >= {
        *("__init__.py", "workload.py", "trials.py", "errors.py"),
    }
    assert chosen.summary


# What several of them have in common.
_SHARED = {"cold_reads"}


def test_every_package_is_found() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages - _SHARED == {one.name.replace("-", "_") for one in WORKLOADS}


@of_every_workload
def test_it_has_all_that_a_workload_has(chosen: Workload) -> None:
    for name in Workload.__annotations__:
        assert hasattr(chosen, name), name


@of_every_workload
def test_default_cases_are_what_they_say_and_all_different(chosen: Workload) -> None:
    cases, remarks = make_cases(chosen, chosen.default_cases())
    assert remarks == []
    assert len(cases) == len(chosen.default_cases()) > 0
    assert len({case.id for case in cases}) == len({case.label for case in cases}) == len(cases)


@of_every_workload
def test_a_completed_case_completes_to_itself(chosen: Workload) -> None:
    names = [one.name for one in chosen.parameters]
    for _, parameters in valid(chosen):
        assert list(parameters) == names
        assert chosen.complete(parameters) == (parameters, [])


@of_every_workload
def test_every_parameter_shows_in_the_label(chosen: Workload) -> None:
    """Cases that differ in any parameter have labels and ids that differ."""
    labels: dict[str, Choice] = {}
    ids: dict[str, Choice] = {}
    changed: set[str] = set()
    default, _ = chosen.complete({})
    for _, parameters in valid(chosen):
        label = chosen.label(parameters)
        assert labels.setdefault(label, parameters) == parameters, label
        case, _ = make_case(chosen, parameters)
        assert ids.setdefault(case.id, parameters) == parameters
        changed |= {name for name, value in parameters.items() if value != default[name]}
    assert changed == {one.name for one in chosen.parameters}


@of_every_workload
def test_a_case_that_a_run_could_have_before_a_parameter_was_added_keeps_its_id(
    chosen: Workload,
) -> None:
    added = {one.name for one in chosen.parameters if one.is_added}
    for _, parameters in valid(chosen):
        case, _ = make_case(chosen, parameters)
        known = {name: value for name, value in parameters.items() if name not in added}
        has_defaults = chosen.complete(known) == (parameters, [])
        before = Case.of(chosen.name, case.label, known)
        assert (case.id == before.id) == has_defaults, case.label


@of_every_workload
def test_what_a_remark_drops_makes_no_case_of_its_own(chosen: Workload) -> None:
    for choice in choices(chosen):
        try:
            parameters, remarks = chosen.complete(choice)
        except UsageError:
            continue
        dropped = {remark.split()[0] for remark in remarks}
        assert dropped <= set(choice)
        assert all(remark.endswith(": left out there") for remark in remarks)
        assert all(parameters[name] != choice[name] for name in dropped)
        kept = {name: value for name, value in choice.items() if name not in dropped}
        assert chosen.complete(kept) == (parameters, [])


def options_of(chosen: Workload) -> Mapping[str, native.Option]:
    (operation,) = (one for one in native.operations() if one.name == chosen.operation)
    return {option.name: option for option in operation.options}


@of_every_workload
def test_the_core_has_an_option_for_each_parameter_that_it_is_told(chosen: Workload) -> None:
    options = options_of(chosen)
    told = [one for one in chosen.parameters if one.name not in chosen.set_up_parameters]
    assert told
    assert {one.name for one in chosen.parameters} >= chosen.set_up_parameters
    assert not chosen.set_up_parameters & set(options)
    for parameter in told:
        option = options[parameter.name]
        if parameter.kind is Kind.FLAG:
            assert option.choices == ("off", "on")
        elif parameter.kind is Kind.CHOICE:
            closed = {re.sub(r":[A-Z]+$", "", choice) for choice in parameter.choices}
            assert set(option.choices) == closed
        else:
            assert option.kind == "number"


@of_every_workload
def test_what_the_core_must_be_given_its_trials_give(chosen: Workload) -> None:
    """Beyond the parameters: the file or device, by a name that stands in the package."""
    package = PACKAGE / chosen.name.replace("-", "_")
    text = "".join(path.read_text() for path in package.glob("*.py"))
    parameters = {one.name for one in chosen.parameters}
    for option in options_of(chosen).values():
        assert not option.is_required or option.name in parameters or f'"{option.name}"' in text


@of_every_workload
def test_defaults_are_those_of_the_core(chosen: Workload) -> None:
    options = options_of(chosen)
    default, _ = chosen.complete({})
    texts = core_options(default, chosen.set_up_parameters)
    for parameter in chosen.parameters:
        option = options.get(parameter.name)
        if parameter.name not in texts or option is None or option.default is None:
            continue
        is_same = option.default == texts[parameter.name]
        assert is_same != ((chosen.name, parameter.name) in OWN_DEFAULTS), parameter.name


@of_every_workload
def test_a_parameter_says_what_it_is_and_its_default_is_one_of_its_values(
    chosen: Workload,
) -> None:
    for one in chosen.parameters:
        assert one.help
        assert re.fullmatch(r"[a-z][a-z_]*", one.name)
        if one.default is not None and one.choices:
            assert one.default in one.choices
        if one.kind in (Kind.SIZE, Kind.COUNT) and one.default is not None:
            assert int(one.default) >= one.minimum


@of_every_workload
def test_every_figure_has_a_unit(chosen: Workload) -> None:
    assert chosen.metrics
    for name, unit in [
        *((metric.name, metric.unit) for metric in chosen.metrics),
        *((column.name, column.unit) for column in chosen.columns),
    ]:
        assert is_unit(unit), name
    assert len({metric.name for metric in chosen.metrics}) == len(chosen.metrics)
    units = {metric.name: metric.unit for metric in chosen.metrics}
    for column in chosen.columns:
        assert column.heading
        assert column.unit == units.get(column.name, column.unit)


@pytest.mark.parametrize("named", [{"file": "/nonexistent"}, {"size_bytes": 4096}])
def test_a_file_is_refused_before_anything_is_made_where_none_is_measured(
    named: dict[str, Any], takes_files: Mapping[str, bool], place: Path
) -> None:
    refusing = [one for one in WORKLOADS if not takes_files[one.name]]
    assert refusing
    for chosen in refusing:
        target, input = LocalTarget(place / "results"), Input(directory=str(place), **named)
        with (
            Journal(place / "results") as journal,
            pytest.raises(UsageError, match=f"{chosen.name} takes no --file and no --si") as caught,
            chosen.prepare(target, input, (), journal, lambda _: None),
        ):
            pass
        target.close()
        assert caught.value.remedy
        assert not list(place.rglob("*"))


def test_a_skip_is_made_where_a_remedy_must_be_given() -> None:
    """A Finding of its own could leave it out; ``skipped`` and a Rule cannot."""
    for path in PACKAGE.rglob("*.py"):
        if path.name != "errors.py":
            assert "Status.SKIPPED" not in path.read_text(), path
