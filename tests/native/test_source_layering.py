"""The C core's folders depend in one direction only, and no two of its files on each other.

A unit is a source with the header of its name, or one of the two alone. It depends on a unit whose
header it includes, and on one that defines a function or an object which its source names.
"""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from native.programs import SOURCE

# From the ground up. Folders of one row know nothing of each other.
_ROWS = (
    {"core"},
    {"system"},
    {
        "block",
        "calibrate",
        "command",
        "layout",
        "load",
        "page",
        "read",
        "service",
        "steady",
        "tree",
        "write",
    },
)

_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
# At the beginning of a line: a function up to its body, an object up to its value.
_DEFINITION = re.compile(
    r"^(?!static\b|extern\b|typedef\b|#)\w[^;{}()=]*?\b(ls_\w+)"
    r"(?:\([^;{}]*\)\s*\{|(?:\[\w*\])*\s*=)",
    re.MULTILINE,
)
_NAME = re.compile(r"\bls_\w+")


def code_of(path: Path) -> str:
    """A file without its comments and string literals, but for the names of what it includes."""
    text = path.read_text()
    return _COMMENT_OR_TEXT.sub(lambda found: found[0] if found[0].endswith('.h"') else " ", text)


def dependencies(directory: Path) -> dict[str, set[str]]:
    """What each unit below a folder depends on; units are named by their path, without suffix."""
    codes = {path: code_of(path) for path in sorted(directory.rglob("*.[ch]"))}
    units = {path: str(path.relative_to(directory).with_suffix("")) for path in codes}
    owners = {
        name: units[path]
        for path, code in codes.items()
        if path.suffix == ".c"
        for name in _DEFINITION.findall(code)
    }
    found: dict[str, set[str]] = {unit: set() for unit in units.values()}
    for path, code in codes.items():
        found[units[path]] |= {name.removesuffix(".h") for name in _INCLUDE.findall(code)}
        if path.suffix == ".c":
            found[units[path]] |= {owners[name] for name in _NAME.findall(code) if name in owners}
    return {unit: (others & set(found)) - {unit} for unit, others in found.items()}


def upward(found: Mapping[str, set[str]]) -> Iterator[str]:
    """Each dependency on a row above, or on another folder of the same."""
    rows = {folder: row for row, folders in enumerate(_ROWS) for folder in folders}
    for unit, others in found.items():
        folder = unit.split("/")[0]
        for other in sorted(others):
            beneath = other.split("/")[0]
            if beneath != folder and rows[beneath] >= rows[folder]:
                yield f"{unit} depends on {other}"


def circle(found: Mapping[str, set[str]]) -> list[str]:
    """The units of one circle, in its order; none where there is no circle."""
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def core() -> dict[str, set[str]]:
    """The units of the C core."""
    return dependencies(SOURCE / "src")


def test_every_folder_has_a_row() -> None:
    folders = {path.name for path in (SOURCE / "src").iterdir()}
    assert folders == set().union(*_ROWS)


def test_no_folder_depends_on_one_above_or_beside_it(core: dict[str, set[str]]) -> None:
    assert not list(upward(core))


def test_no_files_depend_on_each_other_in_a_circle(core: dict[str, set[str]]) -> None:
    assert not circle(core)


def test_the_ground_asks_nothing_of_the_kernel() -> None:
    """What lies in core/ works on memory alone."""
    asks = re.compile(r"^#include <(?:fcntl|unistd|pthread|linux/.*|sys/.*)\.h>", re.MULTILINE)
    # One closes what others have opened, the other asks for the processor's instructions.
    allowed = {"core/guard.h", "core/crc32c.c"}
    found = {
        str(path.relative_to(SOURCE / "src"))
        for path in (SOURCE / "src" / "core").iterdir()
        if asks.search(path.read_text())
    }
    assert found == allowed


def test_who_calls_whom_is_read_from_the_sources(core: dict[str, set[str]]) -> None:
    """Through a header that many share, by a table of objects, and by a header of its own."""
    assert {"write/error", "write/io_mode"} <= core["write/file"]
    assert {"load/engine_uring", "load/engine_pread"} <= core["load/engines"]
    assert "system/uring_queue" in core["load/engine_uring"]
    assert "system/clock" in core["system/thread_group"]


def _write(directory: Path, **files: str) -> dict[str, set[str]]:
    for name, text in files.items():
        folder, file, suffix = name.split("__")
        path = directory / folder / f"{file}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return dependencies(directory)


def test_a_call_back_through_a_shared_header_is_a_circle(tmp_path: Path) -> None:
    found = _write(
        tmp_path,
        load__load__h="int ls_load_read(int fd);\nint ls_load_fail(int code);\n",
        load__reader__c='#include "load/load.h"\nint ls_load_read(int fd)\n{\n'
        "\treturn ls_load_fail(fd);\n}\n",
        load__op_load__c='#include "load/load.h"\nint ls_load_fail(int code)\n{\n'
        "\treturn code;\n}\nstatic int run(void)\n{\n\treturn ls_load_read(0);\n}\n",
    )
    assert set(circle(found)) == {"load/reader", "load/op_load"}
    assert not list(upward(found))


def test_headers_that_include_each_other_are_a_circle(tmp_path: Path) -> None:
    found = _write(
        tmp_path,
        core__one__h='#include "core/two.h"\n',
        core__two__h='#include "core/one.h"\n',
    )
    assert set(circle(found)) == {"core/one", "core/two"}


@pytest.mark.parametrize(
    ("folder", "other"), [("core", "system"), ("system", "load"), ("write", "load")]
)
def test_an_include_of_what_lies_above_or_beside_is_found(
    folder: str, other: str, tmp_path: Path
) -> None:
    files = {f"{folder}__a__c": f'#include "{other}/b.h"\n', f"{other}__b__h": "\n"}
    assert list(upward(_write(tmp_path, **files))) == [f"{folder}/a depends on {other}/b"]


def test_a_call_without_an_include_is_found(tmp_path: Path) -> None:
    found = _write(
        tmp_path,
        core__a__c="extern int ls_b_read(int);\nint ls_a_read(int fd)\n{\n"
        "\treturn ls_b_read(fd);\n}\n",
        system__b__c="int ls_b_read(int fd)\n{\n\treturn fd;\n}\n",
    )
    assert list(upward(found)) == ["core/a depends on system/b"]


def test_comments_and_texts_call_nobody(tmp_path: Path) -> None:
    found = _write(
        tmp_path,
        core__a__c='/* ls_b_read(1) */\nconst char *const ls_a = "ls_b_read";\n',
        system__b__c="int ls_b_read(int fd)\n{\n\treturn fd;\n}\n",
    )
    assert found == {"core/a": set(), "system/b": set()}
