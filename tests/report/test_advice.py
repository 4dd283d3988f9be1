"""What a race says, in words that fit a terminal."""

import io

import msgspec
import numpy as np

from analysis.simulate_race import race_trials
from analysis.test_advice import A, B, C, D, E, advised, raced
from analysis.test_race import ruled
from loadstone.analysis.advice import Advice, Ending, LeftOut
from loadstone.model import Status
from loadstone.report.advice import print_advice
from loadstone.report.text import console

WIDTH = 80


def told(advice: Advice) -> str:
    """With a way that model-load has, as its parameters are written out."""
    parameters = {"engine": "mmap-copy", "destination": "thp"}
    best = advice.best and msgspec.structs.replace(advice.best, parameters=parameters)
    out = io.StringIO()
    print_advice(msgspec.structs.replace(advice, best=best), console(out, most=WIDTH))
    assert all(len(line) <= WIDTH for line in out.getvalue().splitlines())
    return " ".join(out.getvalue().split())


def test_the_way_its_share_and_what_it_is_ahead_of_are_told() -> None:
    text = told(raced(1.0, 2.0, 4.0, 1.0, 5.0, first=(A, B, C), plain=(A, D), ceilings=(E,)))
    assert text.startswith("advice: depth 2 for a file that was made engine=mmap-copy ")
    assert "destination=thp" in text
    assert "80% of what the device can do [" in text
    assert "against the plain ways: × 4.0" in text
    assert "not done" not in text
    assert "2 shown to be slower" in text


def test_where_nothing_can_be_told_apart_that_is_said_and_the_plainest_is_named() -> None:
    plan = ruled()
    noise = 1e9 * np.random.default_rng(5).lognormal(0, 1, (4, 7))
    text = told(advised(plan, race_trials(plan, noise.tolist())))
    assert text.startswith("advice: depth 0 ")
    assert "which is fastest is not decided" in text
    assert "nothing can be told apart from anything else so far" in text
    assert "not shown to be slower (3), the nearest first:" in text
    assert "`loadstone resume r` goes on" in text


def test_why_a_way_is_out_is_told_with_its_remedy() -> None:
    advice = raced(1.0, 2.0, 4.0, 1.0, 5.0)
    failed = LeftOut(label="x", status=Status.FAILED, reason="wrong data", remedy="see dmesg")
    absent = [
        LeftOut(label=name, status=Status.SKIPPED, reason="no heap", remedy=None) for name in "yz"
    ]
    text = told(msgspec.structs.replace(advice, failed=(failed,), absent=tuple(absent)))
    assert "failed, and so out: x: wrong data → see dmesg" in text
    assert "not to be had here (2 ways): no heap" in text


def test_without_a_way_it_says_whether_there_is_none_or_time_was_short() -> None:
    advice = msgspec.structs.replace(raced(1.0, 1.0, 1.0, 1.0, 1.0), best=None)
    early = msgspec.structs.replace(advice, ending=Ending.EARLY)
    nothing = msgspec.structs.replace(advice, ending=Ending.NOTHING)
    assert "no way was measured in time" in told(early)
    assert "no way can be measured" in told(nothing)
