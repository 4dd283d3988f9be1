"""The line of each key and table header of a TOML text, for errors that name it."""

import re
import tomllib
from collections.abc import Iterator, Mapping

Keys = tuple[str | int, ...]
"""A place in a plan file, such as ``("rounds",)``, ``("set", "io")``, ``("case", 0, "io")``."""


_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|\#[^\n]*|\n|[^\S\n]+|[\[\]{}=.,]|[^\s\[\]{}=.,\#\"']+",
    re.DOTALL,
)


def find_lines(text: str) -> dict[Keys, int]:
    """The line of each key and table header of a text that is known to be TOML."""
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
