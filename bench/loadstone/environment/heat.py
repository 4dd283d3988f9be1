"""Heat and throttling of a Trial, from the Sensors' Readings right before and right after it."""

from collections.abc import Iterator, Mapping

from loadstone.cpu_list import format_cpu_list, parse_cpu_list
from loadstone.environment.cooling_device import CoolingDevice, Throttles
from loadstone.environment.sensors import Policy, Reading, Sensors
from loadstone.model import Fact, Noun

_MOST_NAMED = 3
_MOST_ZONES = 6


class Thermometer(Noun, frozen=True, kw_only=True):
    """The temperature that stands for a whole machine, and where it was measured."""

    name: str
    mc: int

    def __str__(self) -> str:
        return f"{self.name} {celsius(self.mc)}"


def celsius(mc: int) -> str:
    """Write m°C for reading: ``38.2 °C``."""
    return f"{mc / 1000:.1f} °C"


def thermometer(sensors: Sensors, reading: Reading) -> Thermometer | None:
    """The battery's temperature; without a battery, the hottest zone's.

    A zone next to a CPU follows its load within a second. A battery takes minutes, as does the
    heat that makes a phone throttle.
    """
    if reading.battery.temperature_mc is not None:
        return Thermometer(name="battery", mc=reading.battery.temperature_mc)
    if not reading.zones_mc:
        return None
    hottest = max(reading.zones_mc, key=lambda zone: reading.zones_mc[zone])
    return Thermometer(name=f"zone {sensors.zones[hottest]}", mc=reading.zones_mc[hottest])


def heat_facts(sensors: Sensors, reading: Reading) -> dict[str, Fact]:
    """Heat, power and limits when a Run begins; what a machine does not report is left out."""
    hottest = sorted(reading.zones_mc.items(), key=lambda item: -item[1])[:_MOST_ZONES]
    zones = [f"{sensors.zones[zone]} {celsius(mc)}" for zone, mc in hottest]
    found: dict[str, Fact] = {
        "heat.zones": ", ".join(zones) or None,
        "heat.cooling": _cooling_words(sensors, reading),
        "battery.temperature_mc": reading.battery.temperature_mc,
        "battery.level_percent": reading.battery.level_percent,
        "battery.status": reading.battery.status,
        "cpu.limits_khz": _limits_text(sensors, reading),
    }
    return {name: fact for name, fact in found.items() if fact is not None}


def earlier_limits(
    sensors: Sensors, reading: Reading, facts: Mapping[str, Fact]
) -> Mapping[str, int]:
    """The frequency limits to compare a resumed Run with: the higher of now and its beginning."""
    then = _limits_of(str(facts.get("cpu.limits_khz") or ""))
    return {
        policy.path: max(limit_khz, *(then.get(cpu, 0) for cpu in policy.cpus), 0)
        for policy in sensors.policies
        if (limit_khz := reading.limits_khz.get(policy.path)) is not None
    }


def heat_evidence(sensors: Sensors, before: Reading, after: Reading) -> dict[str, float]:
    """Temperatures, limits and power right before and after a Trial, as far as they could be read.

    ``battery.power_*_mw`` is what the whole machine drew or was charged with, as its gauge
    averages it (over a second to ten): it shows load and charging, not one Trial's energy.
    ``battery.charge_uah`` is a counter: over many Trials its fall is what they took together.
    """
    found: dict[str, float | None] = {}
    for when, reading in (("before", before), ("after", after)):
        found |= {
            f"heat.hottest_{when}_mc": max(reading.zones_mc.values(), default=None),
            f"heat.battery_{when}_mc": reading.battery.temperature_mc,
            f"cpu.limit_{when}_percent": _limit_percent(sensors, reading),
            f"battery.power_{when}_mw": _milliwatts(reading.battery.power_uw),
        }
    found |= {
        "cpu.fastest_after_khz": max(after.current_khz.values(), default=None),
        "battery.level_percent": after.battery.level_percent,
        "battery.charge_uah": after.battery.charge_uah,
    }
    found |= dict(_states(sensors, before, after))
    return {name: float(value) for name, value in found.items() if value is not None}


def throttling(
    sensors: Sensors, limits_khz: Mapping[str, int], first: Reading, readings: Mapping[str, Reading]
) -> str | None:
    """Why a Trial was throttled, by heat or by a limit that the Run did not begin with.

    A cooling device that throttles counts whenever it is active, one of unknown type when its
    state is above that of the Run's beginning; fans never count. A frequency limit counts where it
    was lowered since: one that was there before is a fact of the Run.

    Args:
        limits_khz: the frequency limits that the Run began with, by policy.
        first: the Reading when the Run began.
        readings: by words for when they were made (``before the Trial``).
    """
    found: dict[str, str] = {}
    for when, reading in readings.items():
        for device in sensors.cooling:
            state = reading.states.get(device.path, 0)
            if state > _allowed_state(device, first):
                words = f"cooling device {device.type} was at {state} of {device.max_state} {when}"
                found.setdefault(device.path, words)
        for policy in sensors.policies:
            then_khz = limits_khz.get(policy.path, 0)
            limit_khz = reading.limits_khz.get(policy.path, then_khz)
            if limit_khz < then_khz:
                found.setdefault(policy.path, _limited(policy, limit_khz, then_khz, when))
    if not found:
        return None
    named = list(found.values())[:_MOST_NAMED]
    more = f"; and {len(found) - len(named)} more" if len(found) > len(named) else ""
    return f"throttled: {'; '.join(named)}{more}"


def throttling_remedy(at: Thermometer | None) -> str:
    """What to do about Trials that were throttled; ``at`` is the temperature before them."""
    if at is None:
        return (
            "let it rest before each Run, as no sensor can be read here, and change no frequency "
            "limits during one"
        )
    below_c = max(1, at.mc // 1000 - 3)
    return f"--cool-below {below_c}C waits before each Trial until it has cooled ({at} before it)"


def _milliwatts(power_uw: int | None) -> float | None:
    return None if power_uw is None else power_uw / 1000


def _allowed_state(device: CoolingDevice, first: Reading) -> float:
    match device.throttles:
        case Throttles.YES:
            return 0
        case Throttles.UNKNOWN:
            return first.states.get(device.path, 0)
        case Throttles.NO:
            return float("inf")


def _limited(policy: Policy, limit_khz: int, then_khz: int, when: str) -> str:
    return (
        f"CPU {format_cpu_list(policy.cpus)} was limited to {limit_khz / 1e6:.2f} GHz {when}, "
        f"{then_khz / 1e6:.2f} GHz when the Run began"
    )


def _states(sensors: Sensors, before: Reading, after: Reading) -> Iterator[tuple[str, float]]:
    """The states of cooling devices that may throttle, by name, where one was above 0."""
    for device in sensors.cooling:
        states = [reading.states.get(device.path, 0) for reading in (before, after)]
        if device.throttles is not Throttles.NO and any(state > 0 for state in states):
            name = device.path.rpartition("/")[2]
            yield f"heat.{name}_before_state", states[0]
            yield f"heat.{name}_after_state", states[1]


def _limit_percent(sensors: Sensors, reading: Reading) -> float | None:
    """The lowest limit of any policy, in percent of its hardware's maximum."""
    shares = [
        100 * reading.limits_khz[policy.path] / policy.hardware_khz
        for policy in sensors.policies
        if policy.path in reading.limits_khz
    ]
    return round(min(shares), 1) if shares else None


def _cooling_words(sensors: Sensors, reading: Reading) -> str | None:
    if not sensors.cooling:
        return None
    active = [
        f"{device.type} {state}/{device.max_state}"
        for device in sensors.cooling
        if (state := reading.states.get(device.path, 0)) > 0
    ]
    return ", ".join(active) or f"none of {len(sensors.cooling)} devices active"


def _limits_text(sensors: Sensors, reading: Reading) -> str | None:
    """``0-3:1800000/1800000 4-7:…``: the CPUs, their limit, and their hardware's maximum."""
    alike: dict[tuple[int, int], frozenset[int]] = {}
    for policy in sensors.policies:
        if (limit_khz := reading.limits_khz.get(policy.path)) is not None:
            key = (limit_khz, policy.hardware_khz)
            alike[key] = alike.get(key, frozenset()) | policy.cpus
    texts = [f"{format_cpu_list(cpus)}:{a}/{b}" for (a, b), cpus in alike.items()]
    return " ".join(texts) or None


def _limits_of(text: str) -> dict[int, int]:
    """The limits by CPU, from a text of ``_limits_text``; empty from any other."""
    limits: dict[int, int] = {}
    for part in text.split():
        numbers, _, rest = part.partition(":")
        limit = rest.partition("/")[0]
        try:
            limits |= dict.fromkeys(parse_cpu_list(numbers), int(limit))
        except ValueError:
            return {}
    return limits
