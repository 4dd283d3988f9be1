"""The devices that adb's server knows of, and the one that is meant."""

import re
from collections.abc import Sequence

from loadstone.errors import CannotMeasureError, TargetError, UsageError
from loadstone.model import Noun
from loadstone.targets.android.bridge import is_network, require_adb, run_adb
from loadstone.text import printable

_SERVER_LIMIT_S = 20.0
_REMEDIES = {
    "unauthorized": "unlock the device and allow USB debugging for this computer",
    "authorizing": "unlock the device and allow USB debugging for this computer",
    "offline": "pull the cable and plug it in again, or `adb reconnect offline`",
    "no permissions": "give this user access to USB devices (the Debian package "
    "android-sdk-platform-tools-common has the udev rules), then `adb kill-server`",
    "recovery": "reboot the device (`adb reboot`): in recovery nothing can be measured",
    "sideload": "reboot the device (`adb reboot`): in sideload nothing can be measured",
    "bootloader": "start its system (`fastboot reboot`)",
    "host": "name a device, not the server",
}


class Listed(Noun, frozen=True, kw_only=True):
    """A line of ``adb devices``; ``state`` is ``device`` where it can be worked with."""

    serial: str
    state: str
    model: str | None = None

    @property
    def remedy(self) -> str | None:
        """What to do so that it can be worked with; None where it can be."""
        if self.state == "device":
            return None
        known = (words for state, words in _REMEDIES.items() if self.state.startswith(state))
        return next(known, "see `adb devices`, and plug it in again")


def listed() -> tuple[Listed, ...]:
    """The devices that adb's server knows of.

    Raises:
        CannotMeasureError: there is no adb, it is too old, or its server does not start.
    """
    command = [str(require_adb()), "devices", "-l"]
    try:
        said = run_adb(command, _SERVER_LIMIT_S)
    except TargetError as error:
        raise CannotMeasureError(
            f"adb's server does not answer: {error}",
            remedy="see what holds its port (5037, or $ANDROID_ADB_SERVER_PORT)",
        ) from error
    if said.code:
        raise CannotMeasureError(f"adb devices: {said.last_words}", remedy="see to adb's server")
    return parse_devices(said.out)


def parse_devices(text: str) -> tuple[Listed, ...]:
    """Read what ``adb devices -l`` prints."""
    found = []
    for line in text.splitlines():
        # A state may have a space in it, and serials are of any length.
        match = re.match(r"(\S+)\s+(no permissions|\S+)(.*)$", line)
        if match and not line.startswith(("*", "List of devices", "adb server")):
            model = re.search(r"(?:^|\s)model:(\S+)", match[3])
            found.append(Listed(serial=match[1], state=match[2], model=model[1] if model else None))
    return tuple(found)


def choose(serial: str) -> Listed:
    """The device of that serial, or the only one where it is empty.

    Raises:
        UsageError: there is none of that serial, or there are several and none was named.
        CannotMeasureError: there is none at all, or it can't be worked with; says why.
    """
    devices = listed()
    if not serial and len(devices) > 1:
        raise UsageError(
            f"--target adb: there are {len(devices)} devices; name one: "
            + " or ".join(f"--target adb:{device.serial}" for device in devices)
        )
    chosen = [device for device in devices if serial in ("", device.serial)]
    if not chosen:
        raise _nothing_chosen(serial, devices)
    device = chosen[0]
    if device.remedy is not None:
        raise CannotMeasureError(
            f"adb:{printable(device.serial)} is {printable(device.state)}",
            remedy=f"{device.remedy}",
        )
    return device


def _nothing_chosen(serial: str, devices: Sequence[Listed]) -> Exception:
    if not serial:
        return CannotMeasureError(
            "--target adb: no device is there",
            remedy="plug one in, with USB debugging on, or `adb connect HOST:PORT`",
        )
    there = ", ".join(device.serial for device in devices)
    known = f"there are: {there}" if there else "there is none at all"
    remedy = f"`adb connect {serial}` first" if is_network(serial) else "see `loadstone devices`"
    return UsageError(f"--target adb:{printable(serial)}: no such device, {known}", remedy=remedy)
