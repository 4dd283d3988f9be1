"""The journal: nothing is set up that is not written down first, and all goes at the end."""

import signal
from pathlib import Path

import pytest

from loadstone.core import native
from loadstone.errors import RunError
from loadstone.model import Job, Outcome
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.record import LOCAL
from provision.journals import Phones


def test_a_context_takes_down_what_still_stands_newest_first(
    results: Path, removed: list[str]
) -> None:
    with Journal(results) as journal:
        for name in ("loop", "dm", "mount", "done"):
            entry = journal.entry("probe", name)
        entry.remove()
    assert removed == ["mount", "dm", "loop"]
    assert list((results / "journal").iterdir()) == []


def test_a_context_takes_down_on_an_error_and_lets_that_error_through(
    results: Path, removed: list[str]
) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, Journal(results) as journal:
        for name in ("a", "stuck", "b"):
            journal.entry("probe", name)
        raise KeyboardInterrupt
    assert removed == ["b", "stuck", "a"]
    assert "probe stuck was left: it is busy" in caught.value.__notes__[0]


def test_an_interrupt_amid_the_taking_down_waits_for_its_end(results: Path, tmp_path: Path) -> None:
    """As SIGTERM does, which the command takes like this; before, the rest was left."""

    def interrupted(job: Job) -> Outcome:
        signal.raise_signal(signal.SIGINT)
        return native.run_job(job)

    files = [tmp_path / f"loadstone-{name}" for name in "abc"]
    with pytest.raises(KeyboardInterrupt), Journal(results, "far:away", interrupted) as journal:
        for file in files:
            journal.entry("file", str(file))
            file.touch()
    assert not list(tmp_path.glob("loadstone-*"))
    assert not list((results / "journal").iterdir())


def test_a_context_that_leaves_something_standing_says_so(
    results: Path, removed: list[str]
) -> None:
    with pytest.raises(RunError, match="probe stuck was left: it is busy"), Journal(results) as it:
        it.entry("probe", "a")
        it.entry("probe", "stuck")
    assert removed == ["stuck", "a"]


def test_nothing_can_be_written_down_that_nobody_could_take_down(results: Path) -> None:
    with pytest.raises(ValueError, match="'zap'"):
        Journal(results).entry("zap", "x")


def test_a_journal_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write .*journal.*--results"):
        Journal(tmp_path / "file").entry("file", "/loadstone-a")
    with pytest.raises(RunError, match="cannot read"):
        clean(tmp_path / "file")


def test_a_journal_for_another_target_takes_down_there(results: Path, tmp_path: Path) -> None:
    phones = Phones("adb:one")
    file = tmp_path / "loadstone-a"
    with phones.reach("adb:one") as there, Journal(results, "adb:one", there.execute) as journal:
        file.touch()
        entry = journal.entry("file", str(file))
        assert entry.record.target == "adb:one"
        with journal.registered("loop", "/data/loadstone-image"):
            pass
        for kind in ("mount", "null_blk", "directory"):
            with pytest.raises(ValueError, match=f"'{kind}' on adb:one"):
                journal.entry(kind, "/loadstone-a")
    assert [job.operation for job in phones.jobs["adb:one"]] == ["loop-device", "remove-file"]
    assert not file.exists()


def test_on_this_machine_no_worker_is_asked(results: Path, tmp_path: Path) -> None:
    def dead(job: Job) -> Outcome:
        raise AssertionError(job)

    file = tmp_path / "loadstone-a"
    with Journal(results, LOCAL, dead) as journal:
        file.touch()
        journal.entry("file", str(file))
    assert not file.exists()
