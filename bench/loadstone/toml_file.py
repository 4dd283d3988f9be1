"""TOML files that users write: reading one, and errors that name file, line and key."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from loadstone.errors import UsageError, system_words
from loadstone.model import Noun
from loadstone.text import did_you_mean

Keys = tuple[str | int, ...]
"""A place in a file, such as ``("rounds",)``, ``("set", "io")``, ``("case", 0, "io")``."""

_Noun = TypeVar("_Noun", bound=Noun)

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|\#[^\n]*|\n|[^\S\n]+|[\[\]{}=.,]|[^\s\[\]{}=.,\#\"']+",
    re.DOTALL,
)


class TomlFile(Noun, frozen=True, kw_only=True):
    """A TOML file: its text, and the table that it holds."""

    path: Path
    text: str
    table: Mapping[str, Any]

    @property
    def lines(self) -> Mapping[Keys, int]:
        """The line, from 1, of each key and table header."""
        return find_lines(self.text)

    def error(self, keys: Keys, what: str, *, remedy: str | None) -> UsageError:
        """An error with file and line in front; a missing key has the line of its table."""
        lines = self.lines
        while keys and keys not in lines:
            keys = keys[:-1]
        return UsageError(f"{self.path}:{lines.get(keys, 1)}: {what}", remedy=remedy)


def read_toml(path: Path, *, remedy: str) -> TomlFile:
    """Read a TOML file.

    Args:
        remedy: what to do where the file cannot be read: what else to name.

    Raises:
        UsageError: it cannot be read, is not UTF-8, or is not TOML.
    """
    text = _read_text(path, remedy)
    return TomlFile(path=path, text=text, table=_parse(path, text))


def refuse_unknown_keys(where: str, table: Mapping[str, Any], keys: Collection[str]) -> None:
    """Raise for the first key of a table that is not one of ``keys``.

    Raises:
        UsageError: there is one; ``where`` stands in front.
    """
    for key in table:
        if key not in keys:
            raise UsageError(
                f"{where}: {key}: no such key{did_you_mean(key, keys)}",
                remedy=f"there are {', '.join(keys)}",
            )


def convert_table(
    where: str, table: Mapping[str, Any], kind: type[_Noun], fields: Mapping[str, str]
) -> _Noun:
    """A table as a noun.

    Args:
        fields: by key of the file, the field where it has another name.

    Raises:
        UsageError: a value is missing or not the field's; ``where`` and the key stand in front.
    """
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        missing = re.search(r"missing required field `(\w+)`", what)
        field = missing[1] if missing else at.strip(".`")
        key = next((key for key, other in fields.items() if other == field), field)
        raise UsageError(
            f"{where}: {key}: {'is missing' if missing else what}", remedy=_remedy(key, missing)
        ) from None


def _remedy(key: str, missing: object) -> str:
    return f"write {key} = …" if missing else "change that value"


def _read_text(path: Path, remedy: str) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: {system_words(error.errno or 0)}", remedy=remedy) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8", remedy="save it as UTF-8 text") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at = re.search(r" \(at line ([0-9]+), column [0-9]+\)$", str(error))
        line = int(at[1]) if at else text.rstrip("\n").count("\n") + 1
        raise UsageError(f"{path}:{line}: is not TOML: {error}", remedy="fix that line") from error


def find_lines(text: str) -> dict[Keys, int]:
    """The line, from 1, of each key and table header of a text that is known to be TOML."""
    lines: dict[Keys, int] = {}
    counts: dict[Keys, int] = {}
    table: Keys = ()
    for line, tokens in _statements(text):
        is_header = tokens[0] == "["
        end = tokens.index("]") if is_header else tokens.index("=")
        names = [_unquoted(token) for token in tokens[:end] if token not in ("[", ".")]
        keys = (*_placed(() if is_header else table, names[:-1], counts), names[-1])
        if tokens[:2] == ["[", "["]:
            counts[keys] = counts.get(keys, 0) + 1
            keys += (counts[keys] - 1,)
        for length in range(1, len(keys) + 1):
            lines.setdefault(keys[:length], line)
        table = keys if is_header else table
    return lines


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """The key-values and headers of a TOML text as (first line, tokens without blanks)."""
    line, depth = 1, 0
    start, tokens = 1, list[str]()
    for token in _TOKEN.findall(f"{text}\n"):
        if token == "\n" and depth == 0 and tokens:
            yield start, tokens
            tokens = []
        elif not token.isspace() and not token.startswith("#"):
            start = start if tokens else line
            tokens.append(token)
            depth += (token in ("[", "{")) - (token in ("]", "}"))
        line += token.count("\n")


def _placed(table: Keys, names: list[str], counts: Mapping[Keys, int]) -> Keys:
    """A path of names, with the running index behind each that is an array of tables."""
    for name in names:
        table = (*table, name)
        if table in counts:
            table = (*table, counts[table] - 1)
    return table


def _unquoted(token: str) -> str:
    return str(tomllib.loads(f"key = {token}")["key"]) if token[0] in "\"'" else token
