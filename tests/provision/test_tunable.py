"""Tunables are put back as they were, whatever ends the use of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.errors import RunError
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.tunable import kept_tunable
from loadstone.targets.local import LocalTarget

LAPTOP_MODE = Path("/proc/sys/vm/laptop_mode")


@pytest.fixture
def value() -> Iterator[str]:
    """What the tunable is, and is again after the test."""
    before = LAPTOP_MODE.read_text().strip()
    yield before
    LAPTOP_MODE.write_text(before)


def changed(target: LocalTarget, value: str) -> str:
    other = str(int(value) + 1)
    target.write_text(str(LAPTOP_MODE), other)
    assert LAPTOP_MODE.read_text().strip() == other
    return other


@needs_root
def test_a_tunable_is_put_back(tmp_path: Path, value: str) -> None:
    target = LocalTarget(tmp_path)
    with Journal(tmp_path) as journal:
        with kept_tunable(target, journal, str(LAPTOP_MODE)) as kept:
            assert kept == value
            changed(target, value)
        assert LAPTOP_MODE.read_text().strip() == value
    assert clean(tmp_path) == []


@needs_root
def test_it_is_put_back_as_well_when_an_error_goes_on(tmp_path: Path, value: str) -> None:
    target = LocalTarget(tmp_path)
    with (
        pytest.raises(KeyError),
        Journal(tmp_path) as journal,
        kept_tunable(target, journal, str(LAPTOP_MODE)),
    ):
        changed(target, value)
        raise KeyError
    assert LAPTOP_MODE.read_text().strip() == value


def test_a_tunable_that_this_kernel_has_not_is_none(tmp_path: Path) -> None:
    missing = "/sys/module/dm_none/parameters/none"
    with Journal(tmp_path) as journal:
        with kept_tunable(LocalTarget(tmp_path), journal, missing) as kept:
            assert kept is None
        assert journal.take_down() == []


def test_a_file_that_is_no_tunable_is_told_and_left(tmp_path: Path) -> None:
    """The journal decides what it writes to; what it would not restore stays as it is."""
    file = tmp_path / "file"
    file.write_text("text")
    with (
        pytest.raises(RunError, match="it is no tunable that Loadstone changes"),
        Journal(tmp_path / "results") as journal,
        kept_tunable(LocalTarget(tmp_path), journal, str(file)),
    ):
        pass
    assert file.read_text() == "text"
