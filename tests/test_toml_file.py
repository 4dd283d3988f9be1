"""TOML files of users: read as they are written, wrong ones refused with file, line and key."""

import re
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.model import Noun
from loadstone.toml_file import Keys, convert_table, find_lines, read_toml, refuse_unknown_keys

TEXT = """\
# a file
name = "a"
table.key = [
  1, # table.key = 2
]
[set]
'io' = \"""
x = 1
\"""
[[case]]
depth = 1
[[case]]
[case.sub]
depth = { low = 1 }
"""
LINES: dict[Keys, int] = {
    ("name",): 2,
    ("table",): 3,
    ("table", "key"): 3,
    ("set",): 6,
    ("set", "io"): 7,
    ("case",): 10,
    ("case", 0): 10,
    ("case", 0, "depth"): 11,
    ("case", 1): 12,
    ("case", 1, "sub"): 13,
    ("case", 1, "sub", "depth"): 14,
}


class Disk(Noun, frozen=True, kw_only=True):
    size_bytes: int
    name: str = ""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def test_every_key_and_header_has_its_line(path: Path) -> None:
    path.write_text(TEXT)
    assert read_toml(path, remedy="none").lines == LINES
    assert find_lines(TEXT) == LINES


def test_a_byte_order_mark_and_dos_line_ends_change_nothing(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    toml = read_toml(path, remedy="none")
    assert toml.lines == LINES
    assert toml.table["case"] == [{"depth": 1}, {"sub": {"depth": {"low": 1}}}]


def test_a_file_that_cannot_be_read_is_told_with_the_systems_words(
    path: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        read_toml(path, remedy="name another")
    assert caught.value.what == f"{path}: No such file or directory (ENOENT)"
    assert caught.value.remedy == "name another"
    with pytest.raises(UsageError, match="EISDIR"):
        read_toml(tmp_path, remedy="name another")


def test_what_is_not_utf_8_is_refused_at_its_line(path: Path) -> None:
    path.write_bytes(b'workload = "w"\nname = "\xff"\n')
    with pytest.raises(UsageError, match=rf"{path}:2: is not UTF-8; save it as UTF-8 text"):
        read_toml(path, remedy="none")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb =\n", 2),
        ("a = 1\n\na = 2\n", 3),
        ("a = 1\nb = " + "[" * 100_000, 2),
        ("a = " + "9" * 5000 + "\nb = 1\n", 2),
    ],
)
def test_what_is_not_toml_is_refused_at_its_line(path: Path, text: str, line: int) -> None:
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"{path}:{line}: is not TOML: .+; fix that line"):
        read_toml(path, remedy="none")


def test_an_error_is_at_its_key_and_at_the_table_of_one_that_is_missing(path: Path) -> None:
    path.write_text(TEXT)
    toml = read_toml(path, remedy="none")
    places = [("case", 1, "sub", "depth"), ("case", 1, "sub", "other"), ("set", "x"), ("other",)]
    told = [str(toml.error(keys, "is wrong", remedy="right it")) for keys in places]
    assert told == [f"{path}:{line}: is wrong; right it" for line in (14, 13, 6, 1)]


def test_an_unknown_key_is_told_with_the_nearest_known() -> None:
    refuse_unknown_keys("here", {"size": 1}, ("size", "name"))
    words = "here: sise: no such key (did you mean 'size'?); there are size, name"
    with pytest.raises(UsageError, match=re.escape(words)):
        refuse_unknown_keys("here", {"sise": 1}, ("size", "name"))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "here: size: is missing; write size = …"),
        ({"size_bytes": "1"}, "here: size: Expected `int`, got `str`; change that value"),
        ({"size_bytes": 1, "name": 2}, "here: name: Expected `str`, got `int`"),
    ],
)
def test_a_value_that_is_not_the_fields_is_told_by_its_key(
    table: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        convert_table("here", table, Disk, {"size": "size_bytes"})


def test_a_table_becomes_the_noun() -> None:
    assert convert_table("here", {"size_bytes": 1}, Disk, {}) == Disk(size_bytes=1)
