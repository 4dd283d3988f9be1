"""Which changes still count as the same: one share for all, or by metric and Case from a file."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from loadstone.errors import UsageError
from loadstone.model import Noun
from loadstone.toml_file import TomlFile, read_toml

DEFAULT = 0.03

_THRESHOLD, _CASES = "threshold", "cases"


class Thresholds(Noun, frozen=True, kw_only=True):
    """Shares by the labels of Cases, as patterns in which ``*`` stands for anything; the first
    that fits is taken, else ``share``."""

    share: float = DEFAULT
    cases: Mapping[str, float] = {}

    def of(self, label: str) -> float:
        """The share of a Case."""
        fitting = (share for pattern, share in self.cases.items() if fnmatchcase(label, pattern))
        return next(fitting, self.share)


def thresholds_of(threshold: "float | Thresholds") -> Thresholds:
    """One share as Thresholds.

    Raises:
        UsageError: it is negative.
    """
    found = threshold if isinstance(threshold, Thresholds) else Thresholds(share=threshold)
    for share in (found.share, *found.cases.values()):
        if share < 0:
            raise UsageError(
                f"a threshold of {share} is negative", remedy="give a share such as 0.03"
            )
    return found


def read_thresholds(path: Path) -> dict[str, Thresholds]:
    """The Thresholds of each metric that a TOML file names.

    Raises:
        UsageError: it cannot be read, or states what is no share.
    """
    toml = read_toml(path, remedy="name a file of thresholds")
    if not toml.table:
        raise toml.error((), "names no metric", remedy="write [METRIC] and threshold = 0.03 below")
    return {name: _of_metric(toml, name, table) for name, table in toml.table.items()}


def _of_metric(toml: TomlFile, name: str, table: Any) -> Thresholds:
    if not isinstance(table, dict):
        raise toml.error((name,), f"{name}: is no table", remedy=f"write [{name}]")
    for key in table.keys() - {_THRESHOLD, _CASES}:
        raise toml.error(
            (name, key), f"{key}: no such key", remedy=f"there are {_THRESHOLD} and [{name}.cases]"
        )
    cases = table.get(_CASES, {})
    if not isinstance(cases, dict):
        raise toml.error((name, _CASES), f"{_CASES}: is no table", remedy=f"write [{name}.cases]")
    return Thresholds(
        share=_share(toml, (name, _THRESHOLD), table.get(_THRESHOLD, DEFAULT)),
        cases={
            pattern: _share(toml, (name, _CASES, pattern), share)
            for pattern, share in cases.items()
        },
    )


def _share(toml: TomlFile, keys: tuple[str, ...], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise toml.error(
            keys, f"{keys[-1]}: {value!r} is no share", remedy="write one between 0 and 1"
        )
    return float(value)
