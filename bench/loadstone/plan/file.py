"""A plan file: TOML in, what it states out; errors name file, line and key."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadstone.environment.cpus import require_pin
from loadstone.errors import UsageError, system_words
from loadstone.model import Kind, Noun, Parameter, Value
from loadstone.plan.order import LIMITS
from loadstone.plan.parameters import distinct, named, parse_value
from loadstone.plan.toml_lines import Keys, find_lines
from loadstone.text import did_you_mean
from loadstone.units import parse_celsius

_KEYS = (
    *("name", "workload", "rounds", "warmups", "seed", "file", "dir", "size"),
    *("pin", "cool-below", "set", "case"),
)
_FILE_SIZE = Parameter(name="size", kind=Kind.SIZE, help="of the file to be made", minimum=1)


class Source(Noun, frozen=True, kw_only=True):
    """A plan file and the lines, from 1, on which its keys stand."""

    path: Path
    lines: Mapping[Keys, int]

    def error(self, keys: Keys, what: str) -> UsageError:
        """An error with its place in front; a key that isn't there stands where its table does."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return UsageError(f"{self.path}:{self.lines.get(keys, 1)}: {what}")


class PlanFile(Noun, frozen=True, kw_only=True):
    """What a plan file states, None where it is silent; paths are absolute.

    The values in ``axes`` and ``cases`` are as written, until ``resolve_axes`` has held them
    against the parameters of the workload.
    """

    source: Source
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


class Selection(Noun, frozen=True, kw_only=True):
    """What to run of a workload: the product of the axes, and Cases given one by one."""

    axes: Mapping[str, list[Value]]
    cases: tuple[Mapping[str, Value], ...]


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan file, all but the names and values of the workload's parameters.

    Raises:
        UsageError: it can't be read, is no TOML, or states what no plan can.
    """
    text = _read_text(path)
    table = _parse_toml(path, text)
    source = Source(path=path, lines=find_lines(text))
    for key in table:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS)
            known = f"{', '.join(_KEYS[:-2])}, and parameters under [set] or [[case]]"
            raise source.error((key,), f"{key}: no such key{hint}; a plan has {known}")
    axes, cases = _read_axes(source, table), _read_cases(source, table)
    return PlanFile(
        source=source,
        name=_read_string(source, table, "name") or path.stem,
        workload=_read_workload(source, table),
        axes=axes,
        cases=cases,
        file=_read_path(source, table, "file"),
        directory=_read_path(source, table, "dir"),
        size_bytes=_read_size(source, table),
        rounds=_read_number(source, table, "rounds"),
        warmups=_read_number(source, table, "warmups"),
        seed=_read_number(source, table, "seed"),
        pin=_read_pin(source, table),
        cool_below_c=_read_celsius(source, table),
    )


def resolve_axes(plan_file: PlanFile, parameters: Sequence[Parameter]) -> Selection:
    """Hold the parameters that a plan file names against those that the workload has.

    Raises:
        UsageError: a name or a value is not the workload's.
    """

    def resolve(value: Value, *keys: str | int) -> Value:
        try:
            return parse_value(named(parameters, str(keys[-1])), _as_text(value))
        except UsageError as error:
            raise plan_file.source.error(keys, str(error)) from None

    axes = {
        key: distinct(resolve(value, "set", key) for value in values)
        for key, values in plan_file.axes.items()
    }
    cases = tuple(
        {key: resolve(value, "case", index, key) for key, value in case.items()}
        for index, case in enumerate(plan_file.cases)
    )
    return Selection(axes=axes, cases=cases)


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        words = system_words(error.errno or 0)
        raise UsageError(f"{path}: {words}", remedy="name a workload or a plan file") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8", remedy="save it as UTF-8 text") from error


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at = re.search(r" \(at line ([0-9]+), column [0-9]+\)$", str(error))
        line = int(at[1]) if at else text.rstrip("\n").count("\n") + 1
        raise UsageError(f"{path}:{line}: is not TOML: {error}", remedy="mend that line") from error


def _read_string(source: Source, table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise source.error((key,), f'{key}: {_shown(value)} is no text; write {key} = "…"')
    return value


def _read_workload(source: Source, table: Mapping[str, Any]) -> str:
    workload = _read_string(source, table, "workload")
    if workload is None:
        raise source.error(
            (), 'workload: is missing; write workload = "…", as `loadstone list` has it'
        )
    return workload


def _read_path(source: Source, table: Mapping[str, Any], key: str) -> str | None:
    value = _read_string(source, table, key)
    return value and str(source.path.absolute().parent / value)


def _read_number(source: Source, table: Mapping[str, Any], key: str) -> int | None:
    value = table.get(key)
    low, high = LIMITS[key]
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        what = f"{key}: {_shown(value)} is out of range; write a whole number from {low} to {high}"
        raise source.error((key,), what)
    return value


def _read_size(source: Source, table: Mapping[str, Any]) -> int | None:
    if "size" not in table:
        return None
    text = _as_text(_read_scalar(source, ("size",), table["size"]))
    try:
        return int(parse_value(_FILE_SIZE, text))
    except UsageError as error:
        raise source.error(("size",), str(error)) from None


def _read_pin(source: Source, table: Mapping[str, Any]) -> str | None:
    pin = table.get("pin")
    # One CPU is a number to who writes it.
    text = str(pin) if type(pin) is int else _read_string(source, table, "pin")
    if text is not None:
        try:
            require_pin(text)
        except UsageError as error:
            raise source.error(("pin",), str(error)) from None
    return text


def _read_celsius(source: Source, table: Mapping[str, Any]) -> float | None:
    key = "cool-below"
    if key not in table:
        return None
    value = table[key]
    try:
        return parse_celsius(str(value) if type(value) in (int, float, str) else _shown(value))
    except ValueError as error:
        raise source.error((key,), f"{key}: {error}") from None


def _read_axes(source: Source, table: Mapping[str, Any]) -> dict[str, list[Value]]:
    axes = table.get("set", {})
    if not isinstance(axes, dict):
        raise source.error(("set",), f"set: {_shown(axes)} is no table; write [set] and axes below")
    return {key: _read_axis(source, ("set", key), value) for key, value in axes.items()}


def _read_axis(source: Source, keys: Keys, value: object) -> list[Value]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise source.error(keys, f"{keys[-1]}: has no values; give at least one or delete the line")
    return [_read_scalar(source, keys, value) for value in values]


def _read_cases(source: Source, table: Mapping[str, Any]) -> tuple[dict[str, Value], ...]:
    cases = table.get("case", [])
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise source.error(("case",), "case: is no list of tables; write [[case]], once for each")
    return tuple(
        {key: _read_scalar(source, ("case", index, key), value) for key, value in case.items()}
        for index, case in enumerate(cases)
    )


def _read_scalar(source: Source, keys: Keys, value: object) -> Value:
    if not isinstance(value, (str, int)) or (isinstance(value, int) and value.bit_length() > 63):
        what = (
            f"{keys[-1]}: {_shown(value)} is no value; write a text, a whole number, true or false"
        )
        raise source.error(keys, what)
    return value
