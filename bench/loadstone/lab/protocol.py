"""What host and guest say to each other: one Assignment in, one JSON line a Message out."""

from collections.abc import Mapping

import msgspec

from loadstone.durable import UNDECODABLE
from loadstone.errors import RunError
from loadstone.model import Manifest, Noun, Plan, Step, Trial, Value
from loadstone.provision.simulated.profile import Profile

Fact = Value | float | None

CALIBRATED = "calibration.boot"
"""The fact that tells in which boot the costs of known work were measured."""
THIS_BOOT = "this one"
EARLIER_BOOT = "an earlier one of the same kernel, QEMU, machine and core"


class FileSystem(Noun, frozen=True, kw_only=True):
    """The file system made on the simulated device: a type, and options for mkfs and mount."""

    type: str
    mkfs: str = ""
    mount: str = ""


class Assignment(Noun, frozen=True, kw_only=True):
    """What a guest is to do: set up storage, and carry out a Plan there if there is one.

    ``device_bytes`` are the sizes of the devices that the Plan takes whole, each of the sort that
    ``storage`` is; without any, one is made with the file system on it. ``calibration`` is what
    an earlier guest like this one took for known work; without any, this one measures it.
    """

    storage: Profile
    file_system: FileSystem
    memory_bytes: int
    device_bytes: tuple[int, ...] = ()
    calibration: Mapping[str, float] = {}
    plan: Plan | None = None


class Said(Noun, frozen=True, kw_only=True, tag="said"):
    """A sentence on what is being prepared."""

    text: str


class Ready(Noun, frozen=True, kw_only=True, tag="ready"):
    """The storage is there; ``place`` is where its file system is mounted, None without one.

    ``facts`` are about it and about the clock.
    """

    place: str | None
    facts: Mapping[str, Fact]


class Began(Noun, frozen=True, kw_only=True, tag="began"):
    """A Run is on (the guest's) disk; this many Steps lie ahead."""

    manifest: Manifest
    steps: int


class Starting(Noun, frozen=True, kw_only=True, tag="starting"):
    """A Step begins."""

    step: Step


class Ended(Noun, frozen=True, kw_only=True, tag="ended"):
    """It ended; None where the Case had been skipped before."""

    step: Step
    trial: Trial | None


class Over(Noun, frozen=True, kw_only=True, tag="over"):
    """The assignment has ended: done, or by an error; ``remedy`` is the error's."""

    error: str | None = None
    remedy: str | None = None
    exit_code: int = 0


Message = Said | Ready | Began | Starting | Ended | Over

_HEAD = b'{"type":'
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """One line."""
    return _ENCODER.encode(message) + b"\n"


def decode(line: bytes) -> Message | None:
    """The Message of a line, or None: others than Loadstone may write to that port too.

    Raises:
        RunError: it was meant as a Message, but is none that this loadstone knows.
    """
    if not line.startswith(_HEAD):
        return None
    try:
        return _DECODER.decode(line)
    except UNDECODABLE as error:
        raise RunError(
            f"the guest's word cannot be understood: {error}",
            remedy="was loadstone changed while it ran?",
        ) from error
