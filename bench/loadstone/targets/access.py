"""How a Target is reached; each kind of Target uses the settings that apply to it."""

from enum import StrEnum

from loadstone.model import Noun

DEFAULT_WAIT_DEVICE_S = 120.0


class Root(StrEnum):
    """How to become root on a device."""

    AUTO = "auto"
    ADB = "adb"
    SU = "su"
    NO = "no"


class Access(Noun, frozen=True, kw_only=True):
    """How a Target is reached.

    ``limit_s`` is how long any Job may take, instead of its own limit.
    ``wait_device_s`` is how long a device that went away is waited for. ``root``: ``auto`` is
    root where adbd is, or where ``su`` works, else adbd's own user; ``adb`` restarts adbd as root;
    ``su`` requires ``su``; ``no`` stays adbd's own user.
    """

    limit_s: float | None = None
    wait_device_s: float = DEFAULT_WAIT_DEVICE_S
    root: Root = Root.AUTO
