"""From a request to a Plan in which every choice is made and recorded."""

import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadstone import targets
from loadstone.durable import require_unicode
from loadstone.environment.cpus import require_pin
from loadstone.errors import UsageError
from loadstone.home import require_no_tilde
from loadstone.model import Conditions, Input, Noun, Plan, StopRule, Value
from loadstone.plan.choices import planned_cases
from loadstone.plan.file import PlanFile, read_plan_file
from loadstone.plan.knobs import parse_knobs, told_apart, with_knobs
from loadstone.plan.order import LIMITS
from loadstone.plan.stop_rule import make_rule
from loadstone.provision.block_device import is_path, simulated_profile
from loadstone.text import printable
from loadstone.units import require_celsius, require_duration, require_share
from loadstone.workloads import Workload, workload

DEFAULT_WORKLOAD = "model-load"
DEFAULT_ROUNDS = 10
DEFAULT_WARMUPS = 1


class Request(Noun, frozen=True, kw_only=True):
    """What was asked for, on a command line or in a call; None where nothing was.

    ``what`` is a workload's name or a plan file's path; ``axes`` and ``knobs`` are ``key=v1,v2``
    texts; ``until`` is a share, and how wide intervals may be for no more rounds to be added.
    ``cases`` are parameters of Cases to be run with each of the axes' values, ``name`` is what the
    Plan is called then; ``remarks`` are what to say of them.
    """

    what: str | None = None
    axes: tuple[str, ...] = ()
    file: str | None = None
    directory: str | None = None
    size_bytes: int | None = None
    rounds: int | None = None
    warmups: int | None = None
    seed: int | None = None
    devices: tuple[str, ...] = ()
    erase: tuple[str, ...] = ()
    pin: str | None = None
    cool_below_c: float | None = None
    knobs: tuple[str, ...] = ()
    until: float | None = None
    limit_s: float | None = None
    name: str | None = None
    cases: tuple[Mapping[str, Value], ...] = ()
    remarks: tuple[str, ...] = ()


_EMPTY = Request()


def make_plan(request: Request) -> tuple[Plan, list[str]]:
    """Make the Plan of a Request; the plan file fills in what it leaves open, then defaults.

    Returns:
        The Plan, and remarks on choices that have no meaning and were dropped.

    Raises:
        UsageError: a name or a value in it is unknown, unusable or out of range.
    """
    what = request.what if request.what is not None else DEFAULT_WORKLOAD
    _require_names(request)
    plan_file = read_plan_file(Path(what)) if _is_path(what) else None
    chosen = workload(plan_file.workload if plan_file else what)
    cases, remarks = planned_cases(chosen, request.axes, plan_file, request.cases)
    cases = with_knobs(cases, _knobs(request, plan_file))
    planned = plan_file or _EMPTY
    rounds = _number("rounds", request.rounds, planned.rounds, DEFAULT_ROUNDS)
    plan = Plan(
        name=plan_file.name if plan_file else request.name or chosen.name,
        workload=chosen.name,
        cases=cases,
        rounds=rounds,
        warmups=_number("warmups", request.warmups, planned.warmups, DEFAULT_WARMUPS),
        seed=_number("seed", request.seed, planned.seed, secrets.randbelow(1 << 32)),
        input=_input(request, planned),
        conditions=_conditions(request, planned),
        until=_stop_rule(request, planned, rounds),
    )
    _require_use_of_devices(chosen, plan)
    # A plan file's, where that has none for itself.
    require_unicode(plan.name)
    return plan, [*request.remarks, *remarks]


class Side(Noun, frozen=True, kw_only=True):
    """What one of two sides has of its own, written as in a Request."""

    axes: tuple[str, ...] = ()
    knobs: tuple[str, ...] = ()


def make_pair_plan(request: Request, base: Side, new: Side) -> tuple[Plan, list[str]]:
    """Make one Plan of two sides of a Request, each Case of one beside that of the other.

    Returns:
        The Plan with its pairs, and remarks as of ``make_plan``.

    Raises:
        UsageError: as for ``make_plan``; or the sides have not as many Cases, or the same one.
    """
    made = [make_plan(_with_side(request, side)) for side in (base, new)]
    plan, other = (one for one, _ in made)
    if len(plan.cases) != len(other.cases):
        raise UsageError(
            f"A is {len(plan.cases)} Cases, and B {len(other.cases)}",
            remedy="give both as many values",
        )
    pairs = tuple(zip(plan.cases, other.cases, strict=True))
    for one, beside in pairs:
        if one.id == beside.id:
            raise UsageError(
                f"A and B are the same Case: {one.label}", remedy="give B another value"
            )
        for name in {**one.knobs, **beside.knobs}:
            if name not in one.knobs or name not in beside.knobs:
                raise UsageError(
                    f"--knob {name}: only one of A and B has it, so the other would be measured "
                    "with what that one left",
                    remedy="give both a value",
                )
    cases = {case.id: case for case in told_apart([case for pair in pairs for case in pair])}
    remarks = dict.fromkeys(remark for _, told in made for remark in told)
    return msgspec.structs.replace(
        plan,
        cases=tuple(cases.values()),
        pairs=tuple((one.id, beside.id) for one, beside in pairs),
    ), list(remarks)


def _with_side(request: Request, side: Side) -> Request:
    return msgspec.structs.replace(
        request, axes=(*request.axes, *side.axes), knobs=(*request.knobs, *side.knobs)
    )


def require_whole_paths(request: Request, target: str) -> None:
    """Refuse relative paths for a target that is not this machine.

    Raises:
        UsageError: there is one.
    """
    said = (("--file", request.file), ("--dir", request.directory))
    devices = (("--device", name) for name in request.devices if is_path(name))
    for option, name in (*said, *devices):
        if name is not None and not name.startswith("/"):
            raise UsageError(
                f"{option} {printable(name)}: on {target} a path begins with /",
                remedy=f"write the whole one, such as {targets.example_file(target)}",
            )


def _require_names(request: Request) -> None:
    for option, name in (("--file", request.file), ("--dir", request.directory)):
        if name is not None and (not name or "\0" in name):
            raise UsageError(
                f"{option}: {name!r} is no name of a file", remedy="write one, or leave it out"
            )
        require_no_tilde(option, name or "")


def _require_use_of_devices(chosen: Workload, plan: Plan) -> None:
    """Refuse devices that the workload does not use, and too few of them."""
    named = plan.input.devices
    if not named:
        return
    needed = len(chosen.devices(plan.input, plan.cases))
    if not needed:
        raise UsageError(
            f"--device {printable(named[0])}: {chosen.name} works on files and takes no device",
            remedy="leave it out, --dir names where files may be made",
        )
    if len(named) < needed:
        raise UsageError(
            f"--device: {len(named)} named, and the Cases take {needed}",
            remedy=f"name {needed}, or --set devices to less",
        )


def _is_path(what: str) -> bool:
    return what.endswith(".toml") or "/" in what


def _knobs(request: Request, plan_file: PlanFile | None) -> dict[str, list[str]]:
    """Those that were asked for, and those of the plan file that were not."""
    planned = parse_knobs(plan_file.knobs) if plan_file else {}
    return {**planned, **parse_knobs(request.knobs)}


def _number(name: str, said: int | None, planned: int | None, default: int) -> int:
    value = next((number for number in (said, planned) if number is not None), default)
    least, most = LIMITS[name]
    if not least <= value <= most:
        raise UsageError(f"{name}: {value} is out of range", remedy=f"write {least} to {most}")
    return value


def _input(request: Request, planned: Request | PlanFile) -> Input:
    if request.file is not None and request.size_bytes is not None:
        raise UsageError(
            "--file and --size: a file that is there has its size", remedy="take one of them"
        )
    # A size asks for a file to be made, even where the plan file names one.
    file = request.file if request.size_bytes is not None else request.file or planned.file
    directory = request.directory or planned.directory
    size_bytes = request.size_bytes if request.size_bytes is not None else planned.size_bytes
    return Input(
        file=_whole_path(file) if file is not None else None,
        directory=_whole_path(directory) if directory is not None else None,
        size_bytes=size_bytes if file is None else None,
        devices=tuple(map(_absolute, _devices(request))),
        erase=tuple(map(_absolute, request.erase)),
    )


def _whole_path(name: str) -> str:
    """An absolute path: a Run may be resumed from another directory."""
    path = str(Path(name).absolute())
    require_unicode(path)
    return path


def _conditions(request: Request, planned: Request | PlanFile) -> Conditions:
    pin = request.pin if request.pin is not None else planned.pin
    below_c = request.cool_below_c if request.cool_below_c is not None else planned.cool_below_c
    if pin is not None:
        require_pin(pin)
    try:
        below_c = below_c if below_c is None else require_celsius(below_c)
    except UsageError as error:
        raise error.within("cool_below_c") from None
    return Conditions(pin=pin, cool_below_c=below_c)


def _stop_rule(request: Request, planned: Request | PlanFile, rounds: int) -> StopRule | None:
    within = request.until if request.until is not None else planned.until
    limit_s = request.limit_s if request.limit_s is not None else planned.limit_s
    for name, value, require in (
        ("until", within, require_share),
        ("limit", limit_s, require_duration),
    ):
        try:
            if value is not None:
                require(value)
        except UsageError as error:
            raise error.within(name) from None
    return make_rule(within, limit_s, rounds)


def _absolute(device: str) -> str:
    is_file = is_path(device) or ".toml" in device
    return _whole_path(device) if is_file else device


def _devices(request: Request) -> tuple[str, ...]:
    """The devices of a request; one that holds data has to be named with ``--erase`` too."""
    devices, erase = request.devices, request.erase
    for name in (*devices, *erase):
        if not name or "\0" in name:
            raise UsageError(
                f"--device: {name!r} is no name of a device", remedy="write one, or leave it out"
            )
    for device in devices:
        if is_path(device) and device not in erase:
            name = shlex.quote(device)
            raise UsageError(
                f"--device {printable(device)}: all that is on it will be lost",
                remedy=f"if you want that, name it twice: --device {name} --erase {name}",
            )
        if devices.count(device) > 1 and is_path(device):
            raise UsageError(
                f"--device {printable(device)}: is named twice", remedy="name two devices"
            )
        if not is_path(device):
            simulated_profile(device)
    for device in erase:
        if device not in devices:
            raise UsageError(
                f"--erase {printable(device)}: no --device is called so", remedy="write both alike"
            )
    return devices
