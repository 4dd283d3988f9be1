"""The devices that adb's server knows of, and which of them ``--target`` means."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Sequence

from msgspec import structs

from loadstone.errors import CannotMeasureError, LoadstoneError, TargetError, UsageError
from loadstone.model import Noun
from loadstone.targets.android.bridge import is_announced, is_network, require_adb, run_adb
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
    "rescue": "reboot the device (`adb reboot`): in rescue nothing can be measured",
    "connecting": "wait until it is connected",
    "detached": "`adb attach` has the server take it again",
    "host": "name a device, not the server",
}
_NAMELESS = "(no serial number)"

# As adb's server writes a line (append_transport and to_string(ConnectionState) of its sources):
# the serial, which may have blanks, padded to 22; a state; then what is known, in this order.
_STATES = (
    r"device|offline|unauthorized|authorizing|connecting|recovery|rescue|sideload|bootloader|host"
    r"|detached|unknown|no device|no permissions"
)
_KNOWN = (
    r"(?: (?!product:|model:|device:|transport_id:)(?P<path>[^\s:]+:\S+))?"
    r"(?: product:.*?)?(?: model:(?P<model>\S+))?(?: device:.*?)?(?: transport_id:\d+)?\s*"
)
_WHY = r"(?:(?<=permissions)(?: \(.*\))?(?:; see \[.*\])?)?"
_LINES = tuple(
    re.compile(rf"(?P<serial>\S.*?)\s+(?P<state>{states}){_WHY}{_KNOWN}")
    # One that a later adb has is a single word.
    for states in (_STATES, r"\S+")
)


class AdbDevice(Noun, frozen=True, kw_only=True):
    """A line of ``adb devices``; ``state`` is ``device`` where commands can be run on it.

    ``serial`` is what ``adb -s`` takes: the path of its port where it reports none of its own.
    """

    serial: str
    state: str
    model: str | None = None
    path: str | None = None

    @property
    def remedy(self) -> str | None:
        """What to do so that commands can be run on it; None where they can be."""
        if self.serial == _NAMELESS or not _is_text(self.serial):
            return "connect it by network: `adb tcpip 5555`, then `adb connect HOST:5555`"
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
    found = [device for line in text.splitlines() if (device := _parse_line(line))]
    count = Counter(device.serial for device in found)
    return tuple(
        structs.replace(device, serial=device.path)
        if device.path and (device.serial == _NAMELESS or count[device.serial] > 1)
        else device
        for device in found
    )


def _parse_line(line: str) -> AdbDevice | None:
    if line.startswith(("*", "List of devices", "adb server")):
        return None
    matches = (pattern.fullmatch(line) for pattern in _LINES)
    for match in filter(None, matches):
        return AdbDevice(**match.groupdict())
    return None


def _is_text(serial: str) -> bool:
    """Whether it can be written down."""
    return not any("\udc80" <= char <= "\udcff" for char in serial)


def choose_device(serial: str) -> AdbDevice:
    """The device of that serial; where it is empty that of ``ANDROID_SERIAL``, or the only one.

    Raises:
        UsageError: there is none of that serial, or there are several and none was named.
        CannotMeasureError: there is none at all, or commands cannot be run on it.
    """
    devices = list_devices()
    serial = serial or os.environ.get("ANDROID_SERIAL", "")
    if not serial and len(devices) > 1:
        names = " or ".join(f"--target {_quoted(device.serial)}" for device in devices)
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


def _quoted(serial: str) -> str:
    """What ``--target`` takes for it, as a shell would have it."""
    return printable(shlex.quote(f"adb:{serial}"))


def _none_found(serial: str, devices: Sequence[AdbDevice]) -> LoadstoneError:
    if not serial:
        return CannotMeasureError("--target adb: no device is there", remedy=HOW_TO_CONNECT)
    there = ", ".join(printable(device.serial) for device in devices)
    known = f"there are: {there}" if there else "there is none at all"
    remedy = "see `loadstone devices`"
    if is_announced(serial):
        remedy = "turn wireless debugging on, in this host's network; see `adb mdns services`"
    elif is_network(serial):
        remedy = f"`adb connect {shlex.quote(serial)}` first"
    return UsageError(f"--target adb:{printable(serial)}: no such device, {known}", remedy=remedy)
