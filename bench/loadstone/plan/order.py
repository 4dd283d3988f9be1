"""The order in which a Plan's Cases are run."""

import random
from collections.abc import Iterator

from loadstone.model import Conditions, Plan, Step

LIMITS = {"rounds": (1, 10_000), "warmups": (0, 10_000), "seed": (0, (1 << 63) - 1)}
"""The least and the most that each number of a Plan may be."""


def order(plan: Plan) -> Iterator[Step]:
    """The Steps of a Plan: its warm-ups, then its rounds, both numbered from 0.

    Each runs every Case once, shuffled. What shuffles it is made from the seed, the sort and the
    number of the round alone, so one round's order never depends on how many there are. A text
    seed goes through SHA-512 and a shuffle through ``getrandbits``; CPython has kept both since
    3.2, so the same Plan has the same order everywhere.
    """
    for kind, count in (("warmup", plan.warmups), ("round", plan.rounds)):
        for number in range(count):
            cases = list(plan.cases)
            random.Random(f"{plan.seed}:{kind}:{number}").shuffle(cases)
            for case in cases:
                yield Step(case=case, round=number, warmup=kind == "warmup")


def conditions_words(conditions: Conditions) -> tuple[str, ...]:
    """The Conditions of a Plan for people; empty where none were asked for."""
    pin, below_c = conditions.pin, conditions.cool_below_c
    return (
        *(() if pin is None else (f"pinned to CPUs {pin}",)),
        *(() if below_c is None else (f"each Trial when it is below {below_c:g} °C",)),
    )
