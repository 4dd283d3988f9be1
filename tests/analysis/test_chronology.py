"""Which of two Runs was made first, and what tells so."""

from typing import Any

import msgspec
import pytest

from analysis.runs import STEADY, run_with
from loadstone.analysis.chronology import Basis, beginning_of, compare_beginnings
from loadstone.analysis.compare import compare
from loadstone.model import Run


def _begun(name: str, created: str, hour: int, **changes: Any) -> Run:
    run = run_with(name, {"block 0": STEADY}, hour=hour)
    manifest = msgspec.structs.replace(run.manifest, created=created, **changes)
    trials = tuple(
        msgspec.structs.replace(trial, boot=manifest.boot, boottime_ns=manifest.boottime_ns + 1)
        for trial in run.trials
    )
    return msgspec.structs.replace(run, manifest=manifest, trials=trials)


EARLY, LATE = "2026-01-01T00:00:00.000+00:00", "2026-01-01T05:00:00.000+00:00"
BY_NUMBER = (
    _begun("a", LATE, 5, series="s", sequence=1, boot="one", boottime_ns=5),
    _begun("b", EARLY, 0, series="s", sequence=2, boot="two", boottime_ns=3),
)
BY_BOOT = (
    _begun("a", LATE, 5, series="s", sequence=3, boot="one", boottime_ns=5),
    _begun("b", EARLY, 0, series="t", sequence=2, boot="one", boottime_ns=9),
)
BY_CLOCK = (_begun("a", EARLY, 0), _begun("b", LATE, 5))


@pytest.mark.parametrize(
    ("runs", "basis", "words"),
    [
        (BY_NUMBER, Basis.SEQUENCE, "NEW was made before BASE: it is number 1 of its results"),
        (BY_BOOT, Basis.BOOT_TIME, "NEW was made before BASE, in the same boot; by the clock"),
        (BY_CLOCK, Basis.CLOCK, "NEW was made first, unless the clock was set in between"),
    ],
)
def test_a_new_that_was_made_before_base_is_told_with_both_times(
    runs: tuple[Run, Run], basis: Basis, words: str
) -> None:
    first, second = runs
    order, known_by = compare_beginnings(beginning_of(first), beginning_of(second))
    assert order < 0
    assert known_by is basis
    assert not any("NEW was" in note for note in compare(first, second).warnings)
    note = compare(second, first).warnings[0]
    assert words in note
    assert "2026-01-01 00:00:00 UTC" in note
    assert "2026-01-01 05:00:00 UTC" in note


def test_runs_that_were_made_together_have_no_order_to_tell_of() -> None:
    base = _begun("a", LATE, 5, series="s", sequence=2, boot="one", boottime_ns=50)
    new = _begun("b", EARLY, 0, series="s", sequence=1, boot="one", boottime_ns=49)
    assert not any("NEW was" in note for note in compare(base, new).warnings)
    apart = msgspec.structs.replace(
        new, manifest=msgspec.structs.replace(new.manifest, boottime_ns=9), trials=new.trials
    )
    earlier = tuple(msgspec.structs.replace(trial, boottime_ns=10) for trial in new.trials)
    apart = msgspec.structs.replace(apart, trials=earlier)
    assert any("NEW was" in note for note in compare(base, apart).warnings)


def test_a_copy_of_a_run_is_neither_before_nor_after_it() -> None:
    for run in (*BY_NUMBER, *BY_CLOCK):
        assert not any("NEW was" in note for note in compare(run, run).warnings)
