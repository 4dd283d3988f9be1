"""A Trial waits until the Target is cool, and gives up in the end."""

from pathlib import Path

import pytest

from fake_phone import BATTERY, THERMAL, Phone
from loadstone.errors import CannotMeasureError
from runs.cooling import Clock, conditions_on


def test_a_cool_machine_is_not_waited_for(phone: Phone) -> None:
    said: list[str] = []
    assert conditions_on(phone, cool_below_c=31.3).await_cool(said.append) == {"heat.waited_ns": 0}
    assert conditions_on(phone).await_cool(said.append) == {}
    assert said == []


def test_a_hot_machine_is_waited_for_and_that_is_said_rarely(phone: Phone) -> None:
    clock = Clock(phone, [380] * 20 + [350, 312, 299])
    conditions = conditions_on(phone, clock, cool_below_c=30)
    said: list[str] = []
    phone.put(f"{BATTERY}/temp", "380\n")
    assert conditions.await_cool(said.append) == {"heat.waited_ns": 115e9}
    assert said == ["waiting for 30 °C: battery 38.0 °C"] * 2


def test_a_machine_that_stays_hot_ends_the_run_after_a_quarter_of_an_hour(phone: Phone) -> None:
    clock = Clock(phone)
    conditions = conditions_on(phone, clock, cool_below_c=30)
    with pytest.raises(CannotMeasureError, match=r"battery 31.2 °C still after 15 min"):
        conditions.await_cool(lambda _: None)
    assert clock.now == 1000 + 15 * 60


def test_a_battery_that_falls_silent_is_not_taken_for_cool_nor_for_a_zone(phone: Phone) -> None:
    conditions = conditions_on(phone, Clock(phone, [None]), cool_below_c=30)
    with pytest.raises(CannotMeasureError, match="no sensor answers after 15 min"):
        conditions.await_cool(lambda _: None)


def test_without_a_battery_the_hottest_zone_is_waited_for(phone: Phone) -> None:
    phone.take_away(f"{BATTERY}/temp")
    conditions = conditions_on(phone, cool_below_c=41)
    with pytest.raises(CannotMeasureError, match=r"zone cpu-1-3-usr 41.7 °C still"):
        conditions.await_cool(lambda _: None)
    phone.put(f"{THERMAL}/thermal_zone2/temp", "40900\n")
    assert conditions.await_cool(lambda _: None) == {"heat.waited_ns": 0}


def test_a_machine_without_sensors_cannot_be_waited_for(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match="--cool-below 38C: neither a battery nor a"):
        conditions_on(Phone(tmp_path, {}), cool_below_c=38)
