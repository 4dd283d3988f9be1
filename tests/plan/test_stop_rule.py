"""The rule by which rounds are added, and what came of it, in words."""

import math

import pytest

from loadstone.analysis.stopping import Ending, Precision, Stop
from loadstone.model import StopRule
from loadstone.plan.stop_rule import look_words, rule_words, stop_words

RULE = StopRule(within=0.02, most_rounds=200, limit_s=90)
NARROW = Precision(label="a", figures=12, width=0.013)
WIDE = Precision(label="b", figures=12, width=0.0341)
WIDER = Precision(label="c", figures=12, width=0.2)
FEW = Precision(label="d", figures=7, width=0.001)
UNKNOWN = Precision(label="e", figures=1, width=math.inf)


def words(
    ending: Ending, *found: Precision, rule: StopRule = RULE, is_time_over: bool = False
) -> str:
    return stop_words(Stop(rule=rule, rounds=12, ending=ending, found=found), is_time_over)


def test_a_rule_names_its_width_and_its_limits() -> None:
    assert rule_words(RULE) == "until ±2 %, at most 200 rounds or 90s"
    assert rule_words(StopRule(within=0.005, most_rounds=240)) == "until ±0.5 %, at most 240 rounds"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((NARROW, WIDE), "±2 % not reached by 1 of 2 (b ±3.41 %); some 35 rounds will do"),
        (
            (NARROW, WIDE, WIDER),
            "±2 % not reached by 2 of 3 (c ±20 %, b ±3.41 %); that takes more than the 200 there "
            "may be",
        ),
        ((FEW,), "±2 % not reached by 1 of 1 (d has 7 of 10 good rounds); some 13 rounds will do"),
        ((UNKNOWN,), "±2 % not reached by 1 of 1 (e has 1 of 10 good rounds)"),
    ],
)
def test_a_look_says_what_is_wide_and_how_many_rounds_will_do(
    found: tuple[Precision, ...], said: str
) -> None:
    assert look_words(RULE, 12, found) == f"12 rounds: {said}"


def test_an_ending_says_why_no_more_rounds_were_added() -> None:
    not_reached = "±2 % not reached by 1 of 2 (b ±3.41 %); ended after 12 rounds"
    unlimited = StopRule(within=0.02, most_rounds=200)
    assert words(Ending.NARROW, NARROW) == "±2 % reached by all after 12 rounds"
    assert words(Ending.ROUNDS, NARROW, WIDE) == f"{not_reached}, the most there may be"
    assert words(Ending.EARLY, NARROW, WIDE) == f"{not_reached}, by the limit of 90s or cut off"
    assert (
        words(Ending.EARLY, NARROW, WIDE, is_time_over=True)
        == f"{not_reached}, by the limit of 90s"
    )
    assert words(Ending.EARLY, NARROW, WIDE, rule=unlimited) == not_reached
    assert words(Ending.EARLY) == "no Case has a figure after 12 rounds"


def test_three_are_named_and_the_others_counted() -> None:
    said = words(Ending.ROUNDS, *[WIDE] * 5)
    assert said.startswith(
        "±2 % not reached by 5 of 5 (b ±3.41 %, b ±3.41 %, b ±3.41 % and 2 more)"
    )
