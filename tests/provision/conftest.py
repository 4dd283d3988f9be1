"""Fixtures of the journal's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone.core.remote_files import Execute
from loadstone.errors import RunError
from loadstone.provision.removers import REMOVERS, Remover


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a remover of the kind ``probe`` was asked to take down; it refuses ``stuck``."""
    names: list[str] = []

    def remove(_: Execute, name: str, __: str) -> None:
        names.append(name)
        if name == "stuck":
            raise RunError("it is busy")

    monkeypatch.setitem(REMOVERS, "probe", Remover(remove=remove, is_local=True))
    return names


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "results").mkdir()
    yield tmp_path / "results"
    assert not list(tmp_path.rglob("*.tmp"))
