"""A UFS device and its link: descriptors, flags, attributes.

Source: Documentation/ABI/testing/sysfs-driver-ufs. Reading one of these queries the device and
wakes it: never do it around a Trial.
"""

import re
from pathlib import PurePosixPath

from loadstone.environment import ReadTexts
from loadstone.environment.sysfs import parse_count, parse_word
from loadstone.model import Fact

_LONGEST = 64
_HEX = re.compile(r"0x([0-9A-Fa-f]{1,8})")
_HOST = re.compile(r"host[0-9]+")
_TENTHS = 10

_NUMBERS = {
    "ufs.manufacturer_id": "device_descriptor/manufacturer_id",
    "ufs.queue_depth": "device_descriptor/queue_depth",
    "ufs.wb_type": "device_descriptor/wb_type",
    "ufs.lifetime_used_a": "health_descriptor/life_time_estimation_a",
    "ufs.lifetime_used_b": "health_descriptor/life_time_estimation_b",
    "ufs.end_of_life": "health_descriptor/eol_info",
    "ufs.wb_flush_status": "attributes/wb_flush_status",
    "ufs.reference_clock": "attributes/reference_clock_frequency",
}
_FLAGS = {
    "ufs.wb_is_enabled": "flags/wb_enable",
    "ufs.wb_flushes": "flags/wb_flush_en",
    "ufs.clkscale_is_enabled": "clkscale_enable",
    "ufs.wb_flushes_in_hibernation": "flags/wb_flush_during_h8",
}
_WORDS = {
    "ufs.gear": "power_info/gear",
    "ufs.rate": "power_info/rate",
    "ufs.lanes": "power_info/lane",
    "ufs.auto_hibern8_us": "auto_hibern8",
    "ufs.power_control": "power/control",
}
# Of the host's clock, in Hz: Documentation/ABI/testing/sysfs-class-devfreq.
_CLOCK = {
    "ufs.devfreq_hz": "cur_freq",
    "ufs.devfreq_min_hz": "min_freq",
    "ufs.devfreq_max_hz": "max_freq",
}
_VERSION = "device_descriptor/specification_version"
_IS_ON = "wb_on"
_AVAILABLE = "attributes/wb_avail_buf"


def ufs_facts(read_texts: ReadTexts, disk: str) -> dict[str, Fact]:
    """The facts of the UFS host of a disk; none where the disk is not UFS.

    ``ufs.lifetime_used_*`` and ``ufs.end_of_life`` are JESD220's codes: 1 is up to a tenth used,
    and normal. ``ufs.wb_available_percent`` is the free share of the WriteBooster buffer.
    ``ufs.devfreq_hz`` is the host's clock at this moment, which lags behind a burst of reads.

    Args:
        disk: its real path in /sys.
    """
    host = _host_controller(disk)
    if host is None:
        return {}
    devfreq = f"devfreq/{PurePosixPath(host).name}"
    clock = {name: f"{devfreq}/{file}" for name, file in _CLOCK.items()}
    words = {**_WORDS, "ufs.devfreq_governor": f"{devfreq}/governor"}
    files = (
        *_NUMBERS.values(),
        *_FLAGS.values(),
        *words.values(),
        *clock.values(),
        _VERSION,
        _IS_ON,
        _AVAILABLE,
    )
    found = read_texts([f"{host}/{file}" for file in files])
    texts = {file: found.get(f"{host}/{file}", "").strip() for file in files}
    facts: dict[str, Fact | None] = {
        "ufs.specification": _version(texts[_VERSION]),
        **{name: _hexadecimal(texts[file]) for name, file in _NUMBERS.items()},
        **{name: _flag(texts[file]) for name, file in _FLAGS.items()},
        **{name: parse_word(texts[file], _LONGEST) for name, file in words.items()},
        **{name: parse_count(texts[file]) for name, file in clock.items()},
        "ufs.wb_on": _flag(texts[_IS_ON]),
        "ufs.wb_available_percent": _percent(texts[_AVAILABLE]),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _host_controller(disk: str) -> str | None:
    """The directory above the SCSI host of a disk: UFS and its files are the controller's."""
    parents = PurePosixPath(disk).parents
    return next((str(path.parent) for path in parents if _HOST.fullmatch(path.name)), None)


def _hexadecimal(text: str) -> int | None:
    match = _HEX.fullmatch(text)
    return int(match[1], 16) if match else None


def _version(text: str) -> str | None:
    """``0x0310`` is 3.1: binary coded decimals, the last one a suffix that is mostly 0."""
    code = _hexadecimal(text)
    if code is None:
        return None
    suffix = f".{code & 0xF:x}" if code & 0xF else ""
    return f"{code >> 8:x}.{code >> 4 & 0xF:x}{suffix}"


def _flag(text: str) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(text)


def _percent(text: str) -> int | None:
    """The attribute counts in tenths."""
    tenths = _hexadecimal(text)
    return tenths * _TENTHS if tenths is not None and tenths <= _TENTHS else None
