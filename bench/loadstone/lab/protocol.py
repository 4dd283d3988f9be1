"""Messages between host and guest: one Assignment in, one JSON line per Message out."""

from collections.abc import Mapping

import msgspec

from loadstone.durable import UNDECODABLE
from loadstone.errors import RunError
from loadstone.model import Fact, Manifest, Noun, Plan, Step, Trial
from loadstone.provision.simulated.profile import Profile

CALIBRATED = "calibration.boot"
"""The fact that names the boot in which the calibration was measured."""
THIS_BOOT = "this one"
EARLIER_BOOT = "an earlier one of the same kernel, QEMU, machine and core"


class FileSystem(Noun, frozen=True, kw_only=True):
    """The file system made on the simulated device: a type, and options for mkfs and mount."""

    type: str
    mkfs: str = ""
    mount: str = ""


class Assignment(Noun, frozen=True, kw_only=True):
    """What a guest has to do: set up storage, and carry out a Plan there if there is one.

    ``device_bytes`` are the sizes of the whole devices that the Plan takes, each made from the
    profile ``storage``; if empty, one device with the file system on it is made. ``calibration``
    was measured in an earlier guest of the same kernel, QEMU, machine and core; if empty, this
    guest measures it. ``modules`` are of the user's own, to be loaded before all else.
    """

    storage: Profile
    file_system: FileSystem
    memory_bytes: int
    device_bytes: tuple[int, ...] = ()
    calibration: Mapping[str, float] = {}
    plan: Plan | None = None
    modules: tuple[str, ...] = ()


class Notice(Noun, frozen=True, kw_only=True, tag="notice"):
    """A line for the user on what is being prepared."""

    text: str


class StorageReady(Noun, frozen=True, kw_only=True, tag="storage-ready"):
    """The storage is set up; ``place`` is where its file system is mounted, None without one.

    ``facts`` describe it and the clock.
    """

    place: str | None
    facts: Mapping[str, Fact]


class RunCreated(Noun, frozen=True, kw_only=True, tag="run-created"):
    """The guest has created its Run, which has this many Steps."""

    manifest: Manifest
    steps: int


class StepStarted(Noun, frozen=True, kw_only=True, tag="step-started"):
    """A Step begins."""

    step: Step


class StepEnded(Noun, frozen=True, kw_only=True, tag="step-ended"):
    """A Step ended; ``trial`` is None where its Case was skipped earlier."""

    step: Step
    trial: Trial | None


class Failure(Noun, frozen=True, kw_only=True):
    """A LoadstoneError of the guest, with its details and the notes that were added to it."""

    what: str
    remedy: str | None
    exit_code: int
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


class Finished(Noun, frozen=True, kw_only=True, tag="finished"):
    """The last Message: the Assignment is done, or failed."""

    failure: Failure | None = None


Message = Notice | StorageReady | RunCreated | StepStarted | StepEnded | Finished

_HEAD = b'{"type":'
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """One line."""
    return _ENCODER.encode(message) + b"\n"


def decode(line: bytes) -> Message | None:
    """The Message in a line, or None: other programs may write to the same port.

    Raises:
        RunError: it looks like a Message, but this version of loadstone does not know it.
    """
    if not line.startswith(_HEAD):
        return None
    try:
        return _DECODER.decode(line)
    except UNDECODABLE as error:
        raise RunError(
            f"cannot decode a message of the guest: {error}",
            remedy="run it again, and do not change loadstone while it runs",
        ) from error
