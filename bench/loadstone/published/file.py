"""Files of published figures: TOML in, postings out; errors name file, posting and key."""

import datetime
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.published.posting import Change, Figure, Posting, Quantity
from loadstone.toml_file import convert_table, read_toml, refuse_unknown_keys
from loadstone.units import parse_bytes

_PLACE = Path("results", "reference")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([^\W\d][^\s]*)")
_SHARED = ("case", "metric", "bytes", "base_is", "new_is")
_ABOUT = ("key", "title", "who", "when", "where", "device", "conditions", "source", "note")
_POSTING = (*_ABOUT, *_SHARED, "figure", "change")
_FIGURE = ("what", "case", "metric", "bytes", "value", "by_bytes", "baseline", "note")
_CHANGE = ("what", *_SHARED, "base", "new", "ratio", "direction", "note")
# Keys of a file that have another name as fields, where the name carries the unit.
_FIELDS = {"bytes": "size_bytes", "baseline": "is_baseline"}


@cache
def built_in_postings() -> tuple[Posting, ...]:
    """Those that come with Loadstone: inside an installed package, or in its checkout."""
    package = Path(__file__).parents[1]
    roots = (package / _PLACE, package.parents[1] / _PLACE)
    return read_references(sorted(path for root in roots for path in root.glob("*.toml")))


def read_references(paths: Iterable[Path]) -> tuple[Posting, ...]:
    """The postings of some files, in their order.

    Raises:
        UsageError: one can't be read, is no TOML, or states what no posting has.
    """
    return tuple(posting for path in paths for posting in read_reference(path))


def read_reference(path: Path) -> tuple[Posting, ...]:
    """The postings of a TOML file: ``workload``, and a ``[[posting]]`` for each.

    Raises:
        UsageError: it can't be read, is no TOML, or states what no posting has.
    """
    table = read_toml(path, remedy="name a file of published figures").table
    refuse_unknown_keys(str(path), table, ("workload", "posting"))
    workload = table.get("workload")
    if not isinstance(workload, str) or not workload:
        raise UsageError(
            f"{path}: workload: is missing",
            remedy='write workload = "…", as `loadstone list` has it',
        )
    tables = _tables(str(path), table, "posting")
    postings = tuple(
        _posting(f"{path}: posting {number}", workload, one)
        for number, one in enumerate(tables, start=1)
    )
    if not postings:
        raise UsageError(
            f"{path}: holds no posting", remedy="write [[posting]] and what was published"
        )
    return postings


def _posting(where: str, workload: str, table: Mapping[str, Any]) -> Posting:
    if isinstance(table.get("key"), str):
        where = f"{where} ({table['key']})"
    refuse_unknown_keys(where, table, _POSTING)
    about = {key: table[key] for key in _ABOUT if key in table}
    if isinstance(about.get("when"), datetime.date):
        about["when"] = about["when"].isoformat()
    figures, changes = (
        [
            _merged(f"{where}, {name} {number}", table, one, keys)
            for number, one in enumerate(_tables(where, table, name), start=1)
        ]
        for name, keys in (("figure", _FIGURE), ("change", _CHANGE))
    )
    return convert_table(
        where,
        {
            **about,
            "workload": workload,
            "figures": tuple(
                convert_table(one["place"], one, Figure, _FIELDS)
                for each in figures
                for one in _sizes(each)
            ),
            "changes": tuple(_change(one) for one in changes),
        },
        Posting,
        _FIELDS,
    )


def _merged(
    where: str, posting: Mapping[str, Any], table: Mapping[str, Any], keys: Collection[str]
) -> dict[str, Any]:
    """A figure or a change with what its posting states for all; without ``case`` it has none."""
    refuse_unknown_keys(where, table, keys)
    shared = {key: posting[key] for key in _SHARED if key in posting and key in keys}
    merged = {"place": where, **shared, **table}
    own = table.get("case")
    merged["case"] = None if own is None else _named(where, posting.get("case", {}), own)
    for key in ("value", "base", "new"):
        if key in merged:
            merged[key] = _quantity(where, key, merged[key])
    if "bytes" in merged:
        merged["bytes"] = _bytes(where, merged["bytes"])
    return {_FIELDS.get(key, key): value for key, value in merged.items()}


def _sizes(figure: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One figure for each size, where it gives a value ``by_bytes``."""
    values = figure.pop("by_bytes", None)
    if values is None:
        yield figure
        return
    where = figure["place"]
    if not isinstance(values, dict) or "value" in figure:
        raise UsageError(
            f"{where}: by_bytes: is no table alone",
            remedy='write by_bytes = { "1GiB" = "520 ms" }, and no value',
        )
    for size, value in values.items():
        quantity = _quantity(where, f"by_bytes.{size}", value)
        yield {**figure, "size_bytes": _bytes(where, size), "value": quantity}


def _named(where: str, *tables: object) -> dict[str, tuple[Value, ...]]:
    named: dict[str, tuple[Value, ...]] = {}
    for table in tables:
        if not isinstance(table, dict):
            raise UsageError(
                f"{where}: case: is no table", remedy='write case = { engine = "pread" }'
            )
        for name, value in table.items():
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(one, str | int) for one in values):
                raise UsageError(
                    f"{where}: case.{name}: is no value",
                    remedy="write a text, a whole number, true or false, or a list of them",
                )
            named[name] = tuple(values)
    return named


def _quantity(where: str, key: str, value: object) -> Quantity:
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 0 < float(found[1]) < math.inf:
        raise UsageError(
            f"{where}: {key}: {value!r} is no figure", remedy='write it with its unit, "30.8 MiB/s"'
        )
    return Quantity(value=float(found[1]), unit=found[2])


def _bytes(where: str, value: object) -> int:
    try:
        return parse_bytes(str(value))
    except UsageError as error:
        raise error.within(f"{where}: bytes") from None


def _change(merged: dict[str, Any]) -> Change:
    where = merged["place"]
    change = convert_table(where, merged, Change, _FIELDS)
    pair = (change.base, change.new)
    ways = (pair != (None, None), change.ratio is not None, change.direction is not None)
    if sum(ways) != 1 or (ways[0] and None in pair):
        raise UsageError(
            f"{where}: does not say how much in one way",
            remedy="write base and new, or ratio alone, or direction alone",
        )
    if change.ratio == math.inf:
        raise UsageError(f"{where}: ratio: is no number", remedy="write what was published")
    return change


def _tables(where: str, table: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    tables = table.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise UsageError(
            f"{where}: {key}: is no list of tables", remedy=f"write [[{key}]], once for each"
        )
    return tables
