"""The sensors of heat and power: thermal zones, cooling devices, CPU frequency limits, battery.

The files are found once; all of them are read in one round trip.
Sources: Documentation/ABI/testing/sysfs-class-thermal, sysfs-class-power, sysfs-devices-system-cpu.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from loadstone.core.remote_files import Execute, list_names
from loadstone.cpu_list import parse_cpu_list
from loadstone.environment import ReadTexts
from loadstone.environment.cooling_device import CoolingDevice
from loadstone.environment.sysfs import parse_number, parse_word
from loadstone.model import Noun

_THERMAL = "/sys/class/thermal"
_SUPPLIES = "/sys/class/power_supply"
_CPUFREQ = "/sys/devices/system/cpu/cpufreq"
# Android's name for it, tried also where the directory may not be listed.
_USUAL_BATTERY = "battery"
_WINDOW = 64
_SUPPLY_NAME = re.compile(r"[A-Za-z0-9._:-]+")
_LONGEST = 64
# In m°C. A zone that reads less than a degree reports in °C, or nothing.
_CREDIBLE_MC = range(1_000, 150_000)
_CREDIBLE_BATTERY_MC = range(-40_000, 100_000)

_NEAR_THE_WORK = re.compile(
    r"cpu|soc[-_]|x86_pkg|b0d4|acpitz|tsens|cluster|skin|quiet|ap[-_]?therm"
    r"|(^|[-_ ])(big|mid|little)[0-9]*($|[-_ ])",
    re.IGNORECASE,
)
# Zones that report amperes, volts or levels, and those that repeat another's temperature.
_NO_TEMPERATURE = re.compile(r"bat|bcl|lvl|charg|limit|mitigation|[-_]step$", re.IGNORECASE)


class Policy(Noun, frozen=True, kw_only=True):
    """CPUs that share a frequency, and the highest that their hardware has."""

    path: str
    cpus: frozenset[int]
    hardware_khz: int


class Sensors(Noun, frozen=True, kw_only=True):
    """What can be read. ``zones`` has types by path, of the zones near CPUs and memory."""

    zones: Mapping[str, str] = {}
    cooling: tuple[CoolingDevice, ...] = ()
    policies: tuple[Policy, ...] = ()
    battery: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of a Reading."""
        battery = () if self.battery is None else _BATTERY_FILES
        return (
            *(f"{zone}/temp" for zone in self.zones),
            *(f"{device.path}/cur_state" for device in self.cooling),
            *(f"{policy.path}/{file}" for policy in self.policies for file in _POLICY_FILES),
            *(f"{self.battery}/{file}" for file in battery),
        )


class Battery(Noun, frozen=True, kw_only=True):
    """``power_uw`` is current by voltage, charging or not: drivers differ in the current's sign."""

    temperature_mc: int | None = None
    level_percent: int | None = None
    status: str | None = None
    power_uw: int | None = None
    charge_uah: int | None = None


class Reading(Noun, frozen=True, kw_only=True):
    """The values of Sensors at one time; what could not be read is left out, or None.

    Temperatures are in m°C by the path of their zone, ``states`` by that of the cooling device,
    frequencies in kHz by that of the policy.
    """

    zones_mc: Mapping[str, int] = {}
    states: Mapping[str, int] = {}
    limits_khz: Mapping[str, int] = {}
    current_khz: Mapping[str, int] = {}
    battery: Battery = Battery()


_POLICY_FILES = ("scaling_max_freq", "scaling_cur_freq")
_BATTERY_FILES = ("temp", "capacity", "status", "current_now", "voltage_now", "charge_counter")


def find_sensors(read_texts: ReadTexts, execute: Execute, cpus: Iterable[int]) -> Sensors:
    """Find the sensors, in a few round trips; there need not be any.

    Args:
        cpus: the numbers of the CPUs, after one of which a policy is named.
    """
    zones = _near_the_work(read_texts, _numbered(read_texts, "thermal_zone"))
    return Sensors(
        zones=zones,
        cooling=tuple(_cooling(read_texts, _numbered(read_texts, "cooling_device"))),
        policies=tuple(_policies(read_texts, cpus)),
        battery=_battery(read_texts, execute),
    )


def parse_reading(sensors: Sensors, texts: Mapping[str, str]) -> Reading:
    """A Reading from the texts of ``sensors.paths``."""
    zones = {zone: parse_number(texts.get(f"{zone}/temp")) for zone in sensors.zones}
    states = {one.path: parse_number(texts.get(f"{one.path}/cur_state")) for one in sensors.cooling}
    limits, current = (
        {one.path: parse_number(texts.get(f"{one.path}/{file}")) for one in sensors.policies}
        for file in _POLICY_FILES
    )
    return Reading(
        zones_mc={zone: mc for zone, mc in _known(zones).items() if mc in _CREDIBLE_MC},
        states=_known(states),
        limits_khz=_known(limits),
        current_khz=_known(current),
        battery=_parse_battery(
            {file: texts.get(f"{sensors.battery}/{file}") for file in _BATTERY_FILES}
        ),
    )


def _parse_battery(texts: Mapping[str, str | None]) -> Battery:
    """From its temperature in tenths of °C, current in µA and voltage in µV."""
    tenths, current_ua, voltage_uv = (
        parse_number(texts[file]) for file in ("temp", "current_now", "voltage_now")
    )
    mc = None if tenths is None else tenths * 100
    power_pw = None if current_ua is None or voltage_uv is None else abs(current_ua) * voltage_uv
    return Battery(
        temperature_mc=mc if mc in _CREDIBLE_BATTERY_MC else None,
        level_percent=parse_number(texts["capacity"]),
        status=parse_word(texts["status"], _LONGEST),
        power_uw=None if power_pw is None else power_pw // 1_000_000,
        charge_uah=parse_number(texts["charge_counter"]),
    )


def _numbered(read_texts: ReadTexts, kind: str) -> dict[str, str]:
    """The types of all ``KIND0``, ``KIND1``, … by path: a shell may read what it may not list."""
    types: dict[str, str] = {}
    first = 0
    while True:
        window = [f"{_THERMAL}/{kind}{number}" for number in range(first, first + _WINDOW)]
        texts = read_texts([f"{path}/type" for path in window])
        for path in window:
            if word := parse_word(texts.get(f"{path}/type"), _LONGEST):
                types[path] = word
        if not texts:
            return types
        first += _WINDOW


def _near_the_work(read_texts: ReadTexts, types: Mapping[str, str]) -> dict[str, str]:
    """The zones that report a temperature of CPUs or of what is around them."""
    chosen = {
        path: type_
        for path, type_ in types.items()
        if _NEAR_THE_WORK.search(type_) and not _NO_TEMPERATURE.search(type_)
    }
    texts = read_texts([f"{path}/temp" for path in chosen]) if chosen else {}
    return {
        path: type_
        for path, type_ in chosen.items()
        if parse_number(texts.get(f"{path}/temp")) in _CREDIBLE_MC
    }


def _cooling(read_texts: ReadTexts, types: Mapping[str, str]) -> Iterator[CoolingDevice]:
    texts = read_texts([f"{path}/max_state" for path in types]) if types else {}
    for path, type_ in types.items():
        if max_state := parse_number(texts.get(f"{path}/max_state")):
            yield CoolingDevice(path=path, type=type_, max_state=max_state)


def _policies(read_texts: ReadTexts, cpus: Iterable[int]) -> Iterator[Policy]:
    paths = [f"{_CPUFREQ}/policy{number}" for number in sorted(cpus)]
    files = ("related_cpus", "cpuinfo_max_freq")
    texts = read_texts([f"{path}/{file}" for path in paths for file in files]) if paths else {}
    for path in paths:
        related, hardware = (texts.get(f"{path}/{file}") for file in files)
        hardware_khz = parse_number(hardware)
        if related is not None and hardware_khz:
            yield Policy(path=path, cpus=_related(related), hardware_khz=hardware_khz)


def _related(text: str) -> frozenset[int]:
    """``related_cpus`` has blanks between numbers."""
    try:
        return parse_cpu_list(",".join(text.split()))
    except ValueError:
        return frozenset()


def _battery(read_texts: ReadTexts, execute: Execute) -> str | None:
    """The machine's own battery: those of a mouse or a pen have the scope ``Device``."""
    listed = list_names(execute, _SUPPLIES)
    names = dict.fromkeys([_USUAL_BATTERY, *filter(_SUPPLY_NAME.fullmatch, listed)])
    paths = [f"{_SUPPLIES}/{name}" for name in names]
    texts = read_texts([f"{path}/{file}" for path in paths for file in ("type", "scope")])
    for path in paths:
        kind, scope = (
            parse_word(texts.get(f"{path}/{file}"), _LONGEST) for file in ("type", "scope")
        )
        if kind == "Battery" and scope != "Device":
            return path
    return None


def _known(found: Mapping[str, int | None]) -> dict[str, int]:
    return {path: number for path, number in found.items() if number is not None}
