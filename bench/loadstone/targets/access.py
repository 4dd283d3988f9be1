"""How a Target is reached; each kind of Target heeds what it can."""

from enum import StrEnum

from loadstone.model import Noun

DEFAULT_WAIT_DEVICE_S = 120.0


class Root(StrEnum):
    """Where root's rights come from on a device."""

    AUTO = "auto"
    ADB = "adb"
    SU = "su"
    NO = "no"


class Access(Noun, frozen=True, kw_only=True):
    """How a Target is reached.

    ``limit_s`` is how long any Job may take, where its own limit can't be kept.
    ``wait_device_s`` is how long a device that went away is waited for. ``root``: ``auto`` takes
    what there is without asking for more (adbd's own user, else ``su``), ``adb`` restarts adbd
    as root, ``su`` wants it, ``no`` stays adbd's own user.
    """

    limit_s: float | None = None
    wait_device_s: float = DEFAULT_WAIT_DEVICE_S
    root: Root = Root.AUTO
