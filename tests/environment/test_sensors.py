"""The sensors of a machine are found once, and what they say is taken for no more than it is."""

import errno
from pathlib import Path

import pytest

from fake_phone import BATTERY, CPU, LARGE_KHZ, SMALL_KHZ, THERMAL, Phone
from loadstone.environment.cooling_device import Throttles
from loadstone.environment.sensors import Battery, Reading, Sensors, find_sensors, parse_reading
from loadstone.model import CoreError, Outcome

REFUSED = CoreError(code=errno.EACCES, step="open", path="/sys/class/power_supply")


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def sensors_of(phone: Phone) -> Sensors:
    return find_sensors(phone.read_texts, phone.execute, range(8))


def reading_of(phone: Phone) -> Reading:
    sensors = sensors_of(phone)
    return parse_reading(sensors, phone.read_texts(sensors.paths))


def test_zones_are_those_of_the_cpus_and_around_that_tell_a_temperature(phone: Phone) -> None:
    assert list(sensors_of(phone).zones.values()) == [
        "cpu-0-0-usr",
        "cpu-1-3-usr",
        "skin-msm-therm",
    ]
    assert sorted(reading_of(phone).zones_mc.values()) == [34000, 36200, 41700]


def test_zones_beyond_a_gap_and_beyond_the_first_many_are_found(phone: Phone) -> None:
    for number in (63, 100):
        phone.put(f"{THERMAL}/thermal_zone{number}/type", f"cpu-{number}\n")
        phone.put(f"{THERMAL}/thermal_zone{number}/temp", "50000\n")
    assert {"cpu-63", "cpu-100"} <= set(sensors_of(phone).zones.values())


def test_cooling_devices_are_told_by_what_they_do(phone: Phone) -> None:
    throttless = {device.type: device.throttles for device in sensors_of(phone).cooling}
    assert throttless == {
        "thermal-cpufreq-0": Throttles.YES,
        "thermal-cpufreq-4": Throttles.YES,
        "pwm-fan": Throttles.NO,
        "battery": Throttles.NO,
        "vendor-thing": Throttles.UNKNOWN,
    }


def test_a_reading_is_in_units_of_the_kernel(phone: Phone) -> None:
    reading = reading_of(phone)
    assert set(reading.limits_khz.values()) == {SMALL_KHZ, LARGE_KHZ}
    assert set(reading.current_khz.values()) == {300_000}
    assert reading.battery == Battery(
        temperature_mc=31_200,
        level_percent=87,
        status="Charging",
        power_uw=1_890_000,
        charge_uah=3_481_000,
    )


def test_a_reading_is_one_round_trip_and_so_are_few_of_the_search(phone: Phone) -> None:
    sensors = sensors_of(phone)
    assert phone.round_trips <= 10
    before = phone.round_trips
    parse_reading(sensors, phone.read_texts(sensors.paths))
    assert phone.round_trips == before + 1


def test_the_battery_is_the_machines_own(tmp_path: Path) -> None:
    supplies = "/sys/class/power_supply"
    texts = {
        f"{supplies}/AC/type": "Mains\n",
        f"{supplies}/BAT0/type": "Battery\n",
        f"{supplies}/BAT0/scope": "System\n",
        f"{supplies}/hidpp_battery_0/type": "Battery\n",
        f"{supplies}/hidpp_battery_0/scope": "Device\n",
    }
    assert sensors_of(Phone(tmp_path, texts)).battery == f"{supplies}/BAT0"


def test_a_mouses_battery_alone_is_none(tmp_path: Path) -> None:
    mouse = "/sys/class/power_supply/hidpp_battery_0"
    phone = Phone(tmp_path, {f"{mouse}/type": "Battery\n", f"{mouse}/scope": "Device\n"})
    assert sensors_of(phone) == Sensors()


def test_a_battery_is_found_where_its_directory_may_not_be_listed(phone: Phone) -> None:
    refused = find_sensors(phone.read_texts, lambda _: Outcome(error=REFUSED), range(8))
    assert refused == sensors_of(phone)


@pytest.mark.parametrize("text", ["", "-2730\n", "99999\n", "warm\n", "31.2\n", "9" * 40])
def test_what_no_battery_can_have_is_no_temperature(phone: Phone, text: str) -> None:
    phone.put(f"{BATTERY}/temp", text)
    assert reading_of(phone).battery.temperature_mc is None


def test_what_can_no_longer_be_read_is_left_out(phone: Phone) -> None:
    sensors = sensors_of(phone)
    for path in sensors.paths:
        phone.take_away(path)
    assert parse_reading(sensors, phone.read_texts(sensors.paths)) == Reading()


def test_a_machine_without_sensors_has_none_to_read(tmp_path: Path) -> None:
    sensors = sensors_of(Phone(tmp_path, {}))
    assert sensors == Sensors()
    assert sensors.paths == ()


def test_hostile_types_are_plain_and_short(phone: Phone) -> None:
    phone.put(f"{THERMAL}/thermal_zone1/type", "cpu<script>\x1b[2J\n" + "x" * 10_000)
    phone.put(f"{THERMAL}/cooling_device0/type", "cpu\x00\x9b")
    sensors = sensors_of(phone)
    zone = sensors.zones[f"{THERMAL}/thermal_zone1"]
    assert zone.startswith(r"cpu<script>\x1b[2J\nxxx")
    assert len(zone) < 100
    assert all(device.type.isprintable() for device in sensors.cooling)


def test_garbage_in_every_file_is_no_reading(phone: Phone) -> None:
    sensors = sensors_of(phone)
    for path in sensors.paths:
        phone.put(path, "\x00\xff[] 1e5 ٣\n")
    found = parse_reading(sensors, phone.read_texts(sensors.paths))
    assert (found.zones_mc, found.states, found.limits_khz) == ({}, {}, {})
    assert found.battery.power_uw is None


def test_policies_of_cpus_that_share_a_clock_have_all_of_them(phone: Phone) -> None:
    policies = {tuple(sorted(one.cpus)): one.hardware_khz for one in sensors_of(phone).policies}
    assert policies == {(0, 1, 2, 3): SMALL_KHZ, (4, 5, 6, 7): LARGE_KHZ}
    phone.put(f"{CPU}/cpufreq/policy4/cpuinfo_max_freq", "<unsupported>\n")
    assert [sorted(one.cpus) for one in sensors_of(phone).policies] == [[0, 1, 2, 3]]
