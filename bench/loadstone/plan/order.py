"""The order in which a Plan's Cases are run."""

import random
from collections.abc import Iterator

from loadstone.model import Case, Conditions, Plan, Step

LIMITS = {"rounds": (1, 10_000), "warmups": (0, 10_000), "seed": (0, (1 << 63) - 1)}
"""The least and the most that each number of a Plan may be."""


def order(plan: Plan, rounds: int | None = None) -> Iterator[Step]:
    """The Steps of a Plan: its warm-ups, then its rounds, both numbered from 0.

    Each runs every Case once, shuffled. Cases of a pair, or that differ in their knobs alone, stay
    together, in one order in a round and in the opposite one in the next (ABBA). What shuffles is
    made from the seed, the sort and the number of the round alone, so one round's order never
    depends on how many there are: rounds that are added have theirs, too. A text seed goes through
    SHA-512 and a shuffle through ``getrandbits``; CPython has kept both since 3.2, so the same Plan
    has the same order everywhere.

    Args:
        rounds: how many; None for the Plan's.
    """
    in_order = _blocks(plan)
    for kind, count in (("warmup", plan.warmups), ("round", rounds or plan.rounds)):
        for number in range(count):
            blocks = list(in_order)
            random.Random(f"{plan.seed}:{kind}:{number}").shuffle(blocks)
            for block in blocks:
                for case in _turned(block, plan.seed, number):
                    yield Step(case=case, round=number, warmup=kind == "warmup")


def whole_rounds(plan: Plan, rounds: int) -> int:
    """So many rounds, and one more where that leaves an order without its opposite."""
    has_turns = any(len(block) > 1 for block in _blocks(plan))
    return rounds + rounds % 2 if has_turns else rounds


def _blocks(plan: Plan) -> list[list[Case]]:
    """The Cases, those together that are a pair, or alike but for their knobs."""
    partners = {new: base for base, new in plan.pairs}
    blocks: dict[str, list[Case]] = {}
    for case in plan.cases:
        alike = repr(sorted(case.parameters.items()))
        key = alike if case.knobs and not plan.pairs else partners.get(case.id, case.id)
        blocks.setdefault(key, []).append(case)
    return list(blocks.values())


def _turned(block: list[Case], seed: int, number: int) -> list[Case]:
    """The Cases of a block in the order of a round: drawn for every two, and turned in between."""
    if len(block) < 2:
        return block
    drawn = list(block)
    random.Random(f"{seed}:{block[0].id}:{number // 2}").shuffle(drawn)
    return drawn[::-1] if number % 2 else drawn


def conditions_words(conditions: Conditions) -> tuple[str, ...]:
    """The Conditions of a Plan for people; empty where none were asked for."""
    pin, below_c = conditions.pin, conditions.cool_below_c
    return (
        *(() if pin is None else (f"pinned to CPUs {pin}",)),
        *(() if below_c is None else (f"each Trial when it is below {below_c:g} °C",)),
    )
