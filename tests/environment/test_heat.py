"""What heat did to a Trial is told, and what was no heat is not."""

from pathlib import Path

import pytest

from fake_phone import BATTERY, CPU, LARGE_KHZ, THERMAL, Phone
from loadstone.environment.heat import (
    earlier_limits,
    heat_evidence,
    heat_facts,
    thermometer,
    throttling,
    throttling_remedy,
)
from loadstone.environment.sensors import Reading, Sensors, find_sensors, parse_reading

LARGE_LIMIT = f"{CPU}/cpufreq/policy4/scaling_max_freq"


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def sensors_of(phone: Phone) -> Sensors:
    return find_sensors(phone.read_texts, phone.execute, range(8))


def reading_of(phone: Phone, sensors: Sensors) -> Reading:
    return parse_reading(sensors, phone.read_texts(sensors.paths))


def throttled_by(phone: Phone, **changes: str) -> str | None:
    """What is said of a Trial during which these files changed."""
    sensors = sensors_of(phone)
    first = reading_of(phone, sensors)
    limits = earlier_limits(sensors, first, {})
    for path, text in changes.items():
        phone.put(path, text)
    after = reading_of(phone, sensors)
    return throttling(sensors, limits, first, {"before it": first, "after it": after})


def test_a_trial_at_rest_is_not_throttled(phone: Phone) -> None:
    assert throttled_by(phone) is None


def test_a_lowered_limit_is_told_with_its_figures(phone: Phone) -> None:
    assert throttled_by(phone, **{LARGE_LIMIT: "1900800\n"}) == (
        "throttled: CPU 4-7 was limited to 1.90 GHz after it, 2.84 GHz when the Run began"
    )


def test_a_limit_of_the_users_own_is_a_fact_and_no_throttling(phone: Phone) -> None:
    phone.put(LARGE_LIMIT, "1900800\n")
    assert throttled_by(phone) is None
    sensors = sensors_of(phone)
    facts = heat_facts(sensors, reading_of(phone, sensors))
    assert facts["cpu.limits_khz"] == "0-3:1804800/1804800 4-7:1900800/2841600"


def test_a_limit_that_rises_is_no_throttling(phone: Phone) -> None:
    phone.put(LARGE_LIMIT, "1900800\n")
    assert throttled_by(phone, **{LARGE_LIMIT: f"{LARGE_KHZ}\n"}) is None


def test_a_resumed_run_is_held_against_the_limits_that_it_began_with(phone: Phone) -> None:
    sensors = sensors_of(phone)
    then = heat_facts(sensors, reading_of(phone, sensors))
    phone.put(LARGE_LIMIT, "1900800\n")
    now = reading_of(phone, sensors)
    policy = f"{CPU}/cpufreq/policy4"
    assert earlier_limits(sensors, now, then)[policy] == LARGE_KHZ
    for hostile in ({}, {"cpu.limits_khz": "4-7:x/y"}, {"cpu.limits_khz": 7}, {"x": None}):
        assert earlier_limits(sensors, now, hostile)[policy] == 1_900_800


def test_an_active_cooling_device_of_the_cpus_is_throttling_whenever(phone: Phone) -> None:
    phone.put(f"{THERMAL}/cooling_device1/cur_state", "3\n")
    assert throttled_by(phone) == (
        "throttled: cooling device thermal-cpufreq-4 was at 3 of 20 before it"
    )


def test_fans_and_what_protects_a_charging_battery_slow_nothing_down(phone: Phone) -> None:
    fan, battery = (f"{THERMAL}/cooling_device{number}/cur_state" for number in (2, 3))
    assert throttled_by(phone, **{fan: "4\n", battery: "6\n"}) is None


def test_a_device_of_unknown_sort_counts_when_its_state_rises(phone: Phone) -> None:
    assert throttled_by(phone) is None
    words = throttled_by(phone, **{f"{THERMAL}/cooling_device4/cur_state": "2\n"})
    assert words == "throttled: cooling device vendor-thing was at 2 of 5 after it"


def test_of_many_causes_the_first_are_named(phone: Phone) -> None:
    changes = {f"{THERMAL}/cooling_device{number}/cur_state": "5\n" for number in (0, 1, 4)}
    changes |= {f"{CPU}/cpufreq/policy{number}/scaling_max_freq": "300000\n" for number in (0, 4)}
    words = throttled_by(phone, **changes)
    assert words is not None
    assert words.count(" was ") == 3
    assert words.endswith("; and 2 more")


def test_a_workstation_that_tells_only_of_its_processors_is_not_throttled(tmp_path: Path) -> None:
    texts: dict[str, str] = {}
    for number, kind in enumerate(("Processor", "Processor", "intel_powerclamp", "Fan")):
        device = f"{THERMAL}/cooling_device{number}"
        texts |= {
            f"{device}/type": f"{kind}\n",
            f"{device}/cur_state": "1\n",
            f"{device}/max_state": "50\n",
        }
    assert throttled_by(Phone(tmp_path, texts)) is None


def test_the_battery_tells_the_temperature_and_without_one_the_hottest_zone(phone: Phone) -> None:
    sensors = sensors_of(phone)
    assert str(thermometer(sensors, reading_of(phone, sensors))) == "battery 31.2 °C"
    phone.take_away(f"{BATTERY}/temp")
    hottest = thermometer(sensors, reading_of(phone, sensors))
    assert str(hottest) == "zone cpu-1-3-usr 41.7 °C"
    assert thermometer(sensors, Reading()) is None
    assert throttling_remedy(hottest).startswith("--cool-below 38C waits before each Trial")
    assert "no sensor" in throttling_remedy(None)


def test_evidence_has_its_units_and_only_what_was_told(phone: Phone) -> None:
    sensors = sensors_of(phone)
    before = reading_of(phone, sensors)
    phone.put(f"{BATTERY}/temp", "334\n")
    phone.put(f"{THERMAL}/thermal_zone1/temp", "60100\n")
    phone.put(f"{THERMAL}/cooling_device0/cur_state", "2\n")
    phone.put(LARGE_LIMIT, f"{LARGE_KHZ // 2}\n")
    phone.take_away(f"{BATTERY}/current_now")
    after = reading_of(phone, sensors)
    assert heat_evidence(sensors, before, after) == {
        "heat.hottest_before_mc": 41_700,
        "heat.hottest_after_mc": 60_100,
        "heat.battery_before_mc": 31_200,
        "heat.battery_after_mc": 33_400,
        "heat.cooling_device0_before_state": 0,
        "heat.cooling_device0_after_state": 2,
        "heat.cooling_device4_before_state": 1,
        "heat.cooling_device4_after_state": 1,
        "cpu.limit_before_percent": 100,
        "cpu.limit_after_percent": 50,
        "cpu.fastest_after_khz": 300_000,
        "battery.power_before_mw": 1890,
        "battery.level_percent": 87,
        "battery.charge_uah": 3_481_000,
    }
    assert heat_evidence(Sensors(), Reading(), Reading()) == {}


def test_the_facts_of_the_beginning_name_the_hottest_and_what_is_active(phone: Phone) -> None:
    sensors = sensors_of(phone)
    facts = heat_facts(sensors, reading_of(phone, sensors))
    assert facts["heat.zones"] == (
        "cpu-1-3-usr 41.7 °C, cpu-0-0-usr 36.2 °C, skin-msm-therm 34.0 °C"
    )
    assert facts["heat.cooling"] == "pwm-fan 3/4, battery 2/6, vendor-thing 1/5"
    assert facts["battery.status"] == "Charging"
    assert heat_facts(Sensors(), Reading()) == {}
