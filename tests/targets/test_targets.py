"""The kinds of Target are those that are found, and each says what those above it ask."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone import targets
from loadstone.errors import UsageError

KINDS = targets.schemes()
PACKAGE = Path(targets.__file__).parents[1]


def test_the_kinds_are_found_by_being_there() -> None:
    assert {"adb", "local"} <= set(KINDS)


@pytest.mark.parametrize("scheme", KINDS)
def test_each_kind_says_what_it_is_and_how_its_targets_are_named(scheme: str) -> None:
    kind = KINDS[scheme]
    assert kind.SUMMARY
    assert isinstance(kind.IS_THIS_MACHINE, bool)
    assert targets.example_file(f"{scheme}:x").startswith("/")
    assert targets.is_this_machine(f"{scheme}:x") is kind.IS_THIS_MACHINE
    assert targets.can_connect(f"{scheme}:x")


@pytest.mark.parametrize("scheme", KINDS)
def test_a_kind_that_lists_its_devices_says_how_to_connect_one(scheme: str) -> None:
    kind = KINDS[scheme]
    assert hasattr(kind, "discover") == hasattr(kind, "HOW_TO_CONNECT")
    if hasattr(kind, "discover"):
        assert kind.HOW_TO_CONNECT in targets.how_to_connect()


@pytest.mark.parametrize("text", ["lab:6.1", "ftp:x", "", "ADB:x"])
def test_a_target_of_no_kind_cannot_be_connected_to(text: str, tmp_path: Path) -> None:
    assert not targets.can_connect(text)
    with pytest.raises(
        UsageError, match=rf"--target {text}: no such kind of target; take one of adb"
    ):
        targets.connect(text, tmp_path)


def texts_of(tree: ast.Module) -> Iterator[ast.Constant]:
    """The texts of a module, less its docstrings."""
    docstrings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in docstrings
        ):
            yield node


def test_nothing_above_the_targets_knows_one_by_name() -> None:
    """Help of the command may give examples; this machine's own name is in journals."""
    names = re.compile(rf"\b({'|'.join(set(KINDS) - {'local'})})(:|d\b|\b)|cable", re.IGNORECASE)
    found = [
        f"{path.relative_to(PACKAGE)}:{text.lineno}: {ast.unparse(text)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("targets", "cli")
        for text in texts_of(ast.parse(path.read_text()))
        if names.search(ast.unparse(text))
    ]
    assert not found
