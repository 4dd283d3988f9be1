"""A plan file: TOML in, what it states out; errors name file, line and key."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loadstone.environment.cpus import require_pin
from loadstone.errors import UsageError
from loadstone.home import require_no_tilde
from loadstone.model import Kind, Noun, Parameter, Value
from loadstone.plan.knobs import knob_text
from loadstone.plan.order import LIMITS
from loadstone.plan.parameters import as_text, distinct, named, parse_value
from loadstone.text import did_you_mean
from loadstone.toml_file import Keys, TomlFile, read_toml
from loadstone.units import parse_celsius, parse_duration, parse_share

_KEYS = (
    *("name", "workload", "rounds", "warmups", "seed", "file", "dir", "size"),
    *("until", "limit", "pin", "cool-below", "knob", "set", "case"),
)
_FILE_SIZE = Parameter(name="size", kind=Kind.SIZE, help="of the file to be made", minimum=1)


class PlanFile(Noun, frozen=True, kw_only=True):
    """What a plan file states, None where it is silent; paths are absolute.

    The values in ``axes`` and ``cases`` are as written; ``resolve_axes`` checks them against the
    parameters of the workload.
    """

    toml: TomlFile
    name: str
    workload: str
    axes: Mapping[str, list[Value]]
    cases: tuple[Mapping[str, Value], ...]
    file: str | None
    directory: str | None
    size_bytes: int | None
    rounds: int | None
    warmups: int | None
    seed: int | None
    pin: str | None
    cool_below_c: float | None
    knobs: tuple[str, ...] = ()
    until: float | None = None
    limit_s: float | None = None


class Selection(Noun, frozen=True, kw_only=True):
    """What to run of a workload: the product of the axes, and Cases given one by one."""

    axes: Mapping[str, list[Value]]
    cases: tuple[Mapping[str, Value], ...]


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan file, all but the names and values of the workload's parameters.

    Raises:
        UsageError: it can't be read, is no TOML, or states what no plan can.
    """
    toml = read_toml(path, remedy="name a workload or a plan file")
    for key in toml.table:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS)
            known = (
                f"{', '.join(_KEYS[:-3])}, knobs under [knob], and parameters under [set] or "
                "[[case]]"
            )
            raise toml.error((key,), f"{key}: no such key{hint}", remedy=f"a plan has {known}")
    axes, cases = _read_axes(toml), _read_cases(toml)
    return PlanFile(
        toml=toml,
        name=_read_string(toml, "name") or path.stem,
        workload=_read_workload(toml),
        axes=axes,
        cases=cases,
        file=_read_path(toml, "file"),
        directory=_read_path(toml, "dir"),
        size_bytes=_read_size(toml),
        rounds=_read_number(toml, "rounds"),
        warmups=_read_number(toml, "warmups"),
        seed=_read_number(toml, "seed"),
        pin=_read_pin(toml),
        cool_below_c=_read_quantity(toml, "cool-below", parse_celsius),
        knobs=_read_knobs(toml),
        until=_read_quantity(toml, "until", parse_share),
        limit_s=_read_quantity(toml, "limit", parse_duration),
    )


def resolve_axes(
    plan_file: PlanFile,
    parameters: Sequence[Parameter],
    parse: Callable[[Parameter, str], Value] = parse_value,
) -> Selection:
    """The parameters and values that a plan file names, as the workload has them.

    Args:
        parse: reads a value as people write it.

    Raises:
        UsageError: a name or a value is not the workload's.
    """

    def resolve(value: Value, *keys: str | int) -> Value:
        try:
            return parse(named(parameters, str(keys[-1])), as_text(value))
        except UsageError as error:
            raise plan_file.toml.error(keys, error.what, remedy=error.remedy) from None

    axes = {
        key: distinct(resolve(value, "set", key) for value in values)
        for key, values in plan_file.axes.items()
    }
    cases = tuple(
        {key: resolve(value, "case", index, key) for key, value in case.items()}
        for index, case in enumerate(plan_file.cases)
    )
    return Selection(axes=axes, cases=cases)


def _shown(value: object) -> str:
    match value:
        case bool() | float():
            return str(value).lower()
        case int():
            # Python refuses to write out a number of thousands of digits.
            return str(value) if value.bit_length() < 64 else "a number beyond 64 bits"
        case str():
            return repr(value)
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _read_string(toml: TomlFile, key: str) -> str | None:
    value = toml.table.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise toml.error((key,), f"{key}: {_shown(value)} is no text", remedy=f'write {key} = "…"')
    return value


def _read_workload(toml: TomlFile) -> str:
    workload = _read_string(toml, "workload")
    if workload is None:
        raise toml.error(
            (), "workload: is missing", remedy='write workload = "…", as `loadstone list` has it'
        )
    return workload


def _read_path(toml: TomlFile, key: str) -> str | None:
    value = _read_string(toml, key)
    try:
        require_no_tilde(key, value or "")
    except UsageError as error:
        raise toml.error((key,), error.what, remedy=error.remedy) from None
    return value and str(toml.path.absolute().parent / value)


def _read_number(toml: TomlFile, key: str) -> int | None:
    value = toml.table.get(key)
    low, high = LIMITS[key]
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise toml.error(
            (key,),
            f"{key}: {_shown(value)} is out of range",
            remedy=f"write a whole number from {low} to {high}",
        )
    return value


def _read_size(toml: TomlFile) -> int | None:
    if "size" not in toml.table:
        return None
    text = as_text(_read_scalar(toml, ("size",), toml.table["size"]))
    try:
        return int(parse_value(_FILE_SIZE, text))
    except UsageError as error:
        raise toml.error(("size",), error.what, remedy=error.remedy) from None


def _read_pin(toml: TomlFile) -> str | None:
    pin = toml.table.get("pin")
    # One CPU is a number to who writes it.
    text = str(pin) if type(pin) is int else _read_string(toml, "pin")
    if text is not None:
        try:
            require_pin(text)
        except UsageError as error:
            raise toml.error(("pin",), error.what, remedy=error.remedy) from None
    return text


def _read_quantity(toml: TomlFile, key: str, parse: Callable[[str], float]) -> float | None:
    if key not in toml.table:
        return None
    value = toml.table[key]
    try:
        return parse(str(value) if type(value) in (int, float, str) else _shown(value))
    except UsageError as error:
        raise toml.error((key,), f"{key}: {error.what}", remedy=error.remedy) from None


def _read_axes(toml: TomlFile) -> dict[str, list[Value]]:
    axes = toml.table.get("set", {})
    if not isinstance(axes, dict):
        raise toml.error(
            ("set",), f"set: {_shown(axes)} is no table", remedy="write [set] and axes below"
        )
    return {key: _read_axis(toml, ("set", key), value) for key, value in axes.items()}


def _read_knobs(toml: TomlFile) -> tuple[str, ...]:
    """As texts ``name=v1,v2``, as on the command line."""
    knobs = toml.table.get("knob", {})
    if not isinstance(knobs, dict):
        raise toml.error(
            ("knob",), f"knob: {_shown(knobs)} is no table", remedy="write [knob] and knobs below"
        )
    return tuple(_read_knob(toml, key, value) for key, value in knobs.items())


def _read_knob(toml: TomlFile, name: str, value: object) -> str:
    values = _read_axis(toml, ("knob", name), value)
    try:
        return knob_text(name, map(as_text, values))
    except UsageError as error:
        raise toml.error(("knob", name), error.what, remedy=error.remedy) from None


def _read_axis(toml: TomlFile, keys: Keys, value: object) -> list[Value]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise toml.error(
            keys, f"{keys[-1]}: has no values", remedy="give at least one or delete the line"
        )
    return [_read_scalar(toml, keys, value) for value in values]


def _read_cases(toml: TomlFile) -> tuple[dict[str, Value], ...]:
    cases = toml.table.get("case", [])
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise toml.error(
            ("case",), "case: is no list of tables", remedy="write [[case]], once for each"
        )
    return tuple(
        {key: _read_scalar(toml, ("case", index, key), value) for key, value in case.items()}
        for index, case in enumerate(cases)
    )


def _read_scalar(toml: TomlFile, keys: Keys, value: object) -> Value:
    if not isinstance(value, (str, int)) or (isinstance(value, int) and value.bit_length() > 63):
        raise toml.error(
            keys,
            f"{keys[-1]}: {_shown(value)} is no value",
            remedy="write a text, a whole number, true or false",
        )
    return value
