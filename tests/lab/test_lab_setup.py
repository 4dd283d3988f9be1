"""What is asked of the lab that only a machine of one's own has."""

import pytest

from loadstone.errors import UsageError
from loadstone.lab.setup import lab_plan
from loadstone.model import Conditions
from loadstone.plan.request import Request


def test_a_guest_has_no_clusters_and_no_heat_and_that_is_said() -> None:
    plan, remarks = lab_plan(Request(what="calibration", pin="big", cool_below_c=38))
    assert plan.conditions == Conditions()
    assert "pin and cool-below have no meaning in a guest of the lab: left out" in remarks
    assert not [words for words in lab_plan(Request(what="calibration"))[1] if "pin" in words]


def test_a_guest_adds_no_rounds() -> None:
    with pytest.raises(UsageError, match="until: in the lab the rounds are divided among boots"):
        lab_plan(Request(what="calibration", until=0.02))
