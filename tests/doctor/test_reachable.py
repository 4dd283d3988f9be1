"""Every device that a kind of Target sees is shown with what it can do, or why it can't."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.answers import ALL_IS_WELL, FakeTarget
from loadstone import targets
from loadstone.doctor.reachable import Reachable, reachable
from loadstone.errors import CannotMeasureError
from loadstone.targets import FoundDevice
from loadstone.targets.access import Access

GOOD = FoundDevice(target="adb:good", about="a phone", problem=None, remedy=None)
OFFLINE = FoundDevice(target="adb:off", about=None, problem="offline", remedy="plug it in again")


class Phone(FakeTarget):
    """One that has room for files."""

    def scratch(self) -> Path:
        return Path("/data/local/tmp")


def examined(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: FakeTarget | CannotMeasureError
) -> tuple[Reachable, ...]:
    """What is shown of a device that is offline, and of one that answers so."""

    @contextlib.contextmanager
    def connect(*_: object) -> Iterator[FakeTarget]:
        if isinstance(answer, CannotMeasureError):
            raise answer
        yield answer

    monkeypatch.setattr(targets, "discover", lambda: (OFFLINE, GOOD))
    monkeypatch.setattr(targets, "connect", connect)
    return reachable(tmp_path, Access())


def test_a_device_that_answers_has_its_facts_its_room_and_io_uring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, found = examined(monkeypatch, tmp_path, Phone(facts={"user.is_root": True}))
    assert (found.target, found.about, found.problem) == ("adb:good", "a phone", None)
    assert found.facts["user.is_root"] is True
    assert found.facts["clock.step_ns"] == 52
    assert (found.io_uring, found.free_bytes) == (None, 0)


def test_io_uring_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    phone = Phone({**ALL_IS_WELL, "uring": -errno.EPERM})
    _, found = examined(monkeypatch, tmp_path, phone)
    assert "refused" in (found.io_uring or "")


def test_one_that_cannot_be_connected_to_has_its_problem_and_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = CannotMeasureError("no agent for riscv64", remedy="make agents")
    offline, found = examined(monkeypatch, tmp_path, error)
    assert (offline.problem, offline.remedy) == ("offline", "plug it in again")
    assert (found.problem, found.remedy) == ("no agent for riscv64", "make agents")
    assert found.facts == {}
