"""The devices that adb's server knows of, and which of them ``--target`` means."""

import re
from collections.abc import Sequence

from loadstone.errors import CannotMeasureError, LoadstoneError, TargetError, UsageError
from loadstone.model import Noun
from loadstone.targets.android.bridge import is_network, require_adb, run_adb
from loadstone.text import printable

HOW_TO_CONNECT = (
    "plug one in with USB debugging on, or `adb connect HOST:PORT`; `adb devices` must list it"
)
"""What to do where there is no device."""

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


class AdbDevice(Noun, frozen=True, kw_only=True):
    """A line of ``adb devices``; ``state`` is ``device`` where commands can be run on it."""

    serial: str
    state: str
    model: str | None = None

    @property
    def remedy(self) -> str | None:
        """What to do so that commands can be run on it; None where they can be."""
        if self.state == "device":
            return None
        known = (words for state, words in _REMEDIES.items() if self.state.startswith(state))
        return next(known, "see `adb devices`, and plug it in again")


def list_devices() -> tuple[AdbDevice, ...]:
    """The devices that adb's server knows of.

    Raises:
        CannotMeasureError: there is no adb, it is too old, or its server does not start.
    """
    command = [str(require_adb()), "devices", "-l"]
    try:
        result = run_adb(command, _SERVER_LIMIT_S)
    except TargetError as error:
        raise CannotMeasureError(
            f"adb's server does not answer: {error.what}",
            remedy="see what holds its port (5037, or $ANDROID_ADB_SERVER_PORT)",
        ) from error
    if result.code:
        raise CannotMeasureError(
            f"adb devices: {result.message}",
            remedy="restart adb's server: `adb kill-server`, then `adb start-server`",
        )
    return parse_devices(result.out)


def parse_devices(text: str) -> tuple[AdbDevice, ...]:
    """Read what ``adb devices -l`` prints."""
    found = []
    for line in text.splitlines():
        # A state may have a space in it, and serials are of any length.
        match = re.match(r"(\S+)\s+(no permissions|\S+)(.*)$", line)
        if match and not line.startswith(("*", "List of devices", "adb server")):
            model = re.search(r"(?:^|\s)model:(\S+)", match[3])
            found.append(
                AdbDevice(serial=match[1], state=match[2], model=model[1] if model else None)
            )
    return tuple(found)


def choose_device(serial: str) -> AdbDevice:
    """The device of that serial, or the only one where it is empty.

    Raises:
        UsageError: there is none of that serial, or there are several and none was named.
        CannotMeasureError: there is none at all, or commands cannot be run on it.
    """
    devices = list_devices()
    if not serial and len(devices) > 1:
        names = " or ".join(f"--target adb:{device.serial}" for device in devices)
        raise UsageError(
            f"--target adb: there are {len(devices)} devices", remedy=f"name one: {names}"
        )
    chosen = [device for device in devices if serial in ("", device.serial)]
    if not chosen:
        raise _none_found(serial, devices)
    device = chosen[0]
    if device.remedy is not None:
        raise CannotMeasureError(
            f"adb:{printable(device.serial)} is {printable(device.state)}",
            remedy=device.remedy,
        )
    return device


def _none_found(serial: str, devices: Sequence[AdbDevice]) -> LoadstoneError:
    if not serial:
        return CannotMeasureError("--target adb: no device is there", remedy=HOW_TO_CONNECT)
    there = ", ".join(device.serial for device in devices)
    known = f"there are: {there}" if there else "there is none at all"
    remedy = f"`adb connect {serial}` first" if is_network(serial) else "see `loadstone devices`"
    return UsageError(f"--target adb:{printable(serial)}: no such device, {known}", remedy=remedy)
