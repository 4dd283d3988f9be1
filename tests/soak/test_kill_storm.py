"""Commands killed at random times: a few by ``make test``, a thousand by ``make soak``."""

from collections import Counter
from random import Random

import pytest

from commands import Command
from soak.storm import Storm
from soak.subjects import HERE, those_that_run_here
from soak.warm import Warm

pytestmark = pytest.mark.soak

# Where there are so many kills, they are parted for several processes.
_MANY = 50
_PARTS = 8


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kills = int(metafunc.config.getoption("--kills"))
    parts = max(1, min(_PARTS, kills // _MANY))
    metafunc.parametrize(
        ("part", "kills"), [(part, len(range(part, kills, parts))) for part in range(parts)]
    )


def test_nothing_is_lost_or_left(
    loadstone: Command, figures: Counter[str], soak_seed: int, part: int, kills: int
) -> None:
    subjects = those_that_run_here(HERE)
    rng = Random(f"{soak_seed} {part}")
    with Warm(loadstone) as warm:
        Storm(subjects, loadstone, warm, rng, figures).rage(kills)
