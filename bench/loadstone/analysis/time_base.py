"""What the figures of a Run are counted in: a real machine's time, or a lab guest's clock."""

from collections.abc import Mapping

import msgspec

from loadstone.model import Clock, Environment, Value

_INSTRUCTIONS, _WALL = "instructions", "wall"
_CALIBRATION = "calibration."
_VIRTUAL_UNITS = (
    "its seconds are virtual: GB/s is GB per virtual second, ms and s/GB are virtual likewise"
)
_EMULATED_UNITS = "its seconds are real, what a guest gets done in one is not"


class ClockJson(Clock, frozen=True, kw_only=True):
    """The clock of a lab guest, and in words what its figures mean."""

    meaning: str


def clock_of(environment: Environment) -> Clock | None:
    """The clock that an Environment's figures were taken by; None on a real machine."""
    facts = environment.facts
    name = facts.get("clock.name")
    if name is None:
        return None
    per_instruction = facts.get("clock.ns_per_instruction")
    return Clock(
        name=str(name),
        accelerator=_text(facts.get("clock.accelerator")),
        ns_per_instruction=per_instruction if isinstance(per_instruction, int) else None,
        processor=_text(facts.get("clock.processor")),
        calibration=_calibration(facts),
    )


def title(clock: Clock | None) -> str:
    """What the clock is, with what it depends on."""
    if clock is None:
        return "time of a real machine"
    processor = f"processor {clock.processor}" if clock.processor else ""
    if clock.name == _INSTRUCTIONS:
        step = f"{clock.ns_per_instruction} ns each" if clock.ns_per_instruction else ""
        return "counted instructions" + _in_brackets(step, processor)
    if clock.name != _WALL:
        return f"{clock.name}, unknown to this loadstone" + _in_brackets(processor)
    if _is_emulated(clock):
        return f"wall time of an emulated processor{_in_brackets('TCG', processor)}"
    accelerator = (clock.accelerator or "unknown accelerator").upper()
    return f"wall time of a virtual machine{_in_brackets(accelerator, processor)}"


def words(clock: Clock | None) -> str:
    """What the clock is, and what its figures can be used for."""
    reading = _reading(clock)
    return title(clock) + (f": {reading}" if reading else "")


def units_note(clock: Clock | None) -> str | None:
    """What the units of figures mean under this clock, where they mean anything but themselves."""
    if clock is None or not _is_emulated(clock):
        return None
    return _VIRTUAL_UNITS if clock.name == _INSTRUCTIONS else _EMULATED_UNITS


def tag(clock: Clock | None) -> str:
    """The clock for machines: one word, the same for figures that have a common unit."""
    if clock is None:
        return "real"
    if clock.name == _INSTRUCTIONS:
        return f"{clock.name}:{clock.ns_per_instruction or '?'}ns"
    return f"{clock.name}:{clock.accelerator or 'unknown'}"


def clock_json(clock: Clock | None) -> ClockJson | None:
    """The object ``clock`` of every ``--json``."""
    if clock is None:
        return None
    return ClockJson(**msgspec.structs.asdict(clock), meaning=words(clock))


def _reading(clock: Clock | None) -> str | None:
    if clock is None:
        return None
    if clock.name == _INSTRUCTIONS:
        return "a cost model, not time"
    if clock.name != _WALL:
        return "what its figures can be used for is unknown"
    return (
        "compare orders, not figures"
        if _is_emulated(clock)
        else "real time, less what the host takes"
    )


def _is_emulated(clock: Clock) -> bool:
    return clock.name == _INSTRUCTIONS or clock.accelerator == "tcg"


def _in_brackets(*parts: str) -> str:
    text = ", ".join(part for part in parts if part)
    return f" ({text})" if text else ""


def _calibration(facts: Mapping[str, Value | float | None]) -> dict[str, float]:
    return {
        name.removeprefix(_CALIBRATION): float(value)
        for name, value in facts.items()
        if name.startswith(_CALIBRATION)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    }


def _text(value: Value | float | None) -> str | None:
    return None if value is None else str(value)
