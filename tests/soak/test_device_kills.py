"""The kill storm over workloads that stand on device-mapper, which a guest has where this kernel
has none: ``tests/lab/test_inside.py`` carries this out in one."""

from collections import Counter
from random import Random

import pytest

from commands import Command
from loadstone.errors import CannotMeasureError
from loadstone.provision.device_mapper import require_device_mapper
from loadstone.targets.local import LocalTarget
from soak.storm import Storm
from soak.subjects import ON_DEVICES, SLOW_ON_DEVICES, those_that_run_here
from soak.warm import Warm

# All devices of device-mapper are looked at.
pytestmark = [pytest.mark.soak, pytest.mark.root, pytest.mark.alone]

# As `make soak` has.
_MANY = 10
_REMEDY = "tests/lab/test_inside.py runs this in a guest that has it"


def test_no_table_or_loop_is_left(
    loadstone: Command, figures: Counter[str], soak_seed: int, pytestconfig: pytest.Config
) -> None:
    target = LocalTarget(loadstone.results)
    try:
        require_device_mapper(target)
    except CannotMeasureError as error:
        pytest.skip(f"{error}; {_REMEDY}")
    finally:
        target.close()
    kills = int(pytestconfig.getoption("--device-kills"))
    subjects = those_that_run_here(ON_DEVICES if kills < _MANY else (*ON_DEVICES, *SLOW_ON_DEVICES))
    with Warm(loadstone) as warm:
        storm = Storm(subjects, loadstone, warm, Random(soak_seed), figures)
        storm.measure()
        storm.rage(kills)
