"""The zram devices of page-classes: one for each compressor and path that its Cases take."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.explain import describe, skipped
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Finding, Job, Noun, Value
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import ZramDevice, zram_algorithms, zram_device
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.workloads.set_up import entered_or_skipped

OPERATION = "page-classes"

# The header of a swap area, and what the kernel leaves free beside it.
_MORE_BYTES = 1 << 20
_PROBED_BYTES = 1 << 16


class DeviceSpec(Noun, frozen=True, kw_only=True):
    """What a Case asks of its device. What was written to one would lie under a swap area."""

    algorithm: str
    level: int
    path: str

    @staticmethod
    def of(parameters: Mapping[str, Value]) -> "DeviceSpec":
        return DeviceSpec(
            algorithm=str(parameters["algorithm"]),
            level=int(parameters["level"]),
            path=str(parameters["path"]),
        )


class PageDevice(Noun, frozen=True, kw_only=True):
    """A device, and from which compressed size on it stores a page as it is, in bytes."""

    zram: ZramDevice
    huge_class_size: int


@contextlib.contextmanager
def page_devices(
    target: Target, cases: Sequence[Case], journal: Journal, say: Say
) -> Iterator[Mapping[DeviceSpec, PageDevice | Finding]]:
    """Make what the Cases ask for; where that is not possible, a skip says why.

    Raises:
        LoadstoneError: no zram device can be made here at all.
    """
    offered = zram_algorithms(target, journal)
    devices: dict[DeviceSpec, PageDevice | Finding] = {}
    with contextlib.ExitStack() as stack:
        for spec in dict.fromkeys(DeviceSpec.of(case.parameters) for case in cases):
            if spec.algorithm not in offered:
                devices[spec] = skipped(
                    f"zram has no algorithm {printable(spec.algorithm)} here",
                    f"--set algorithm={offered[0]}; this kernel offers {', '.join(offered)}",
                )
                continue
            most = max(
                int(case.parameters["total"])
                for case in cases
                if DeviceSpec.of(case.parameters) == spec
            )
            level = f" at level {spec.level}" if spec.level else ""
            say(f"making a zram device for {spec.path}, {spec.algorithm}{level}")
            devices[spec] = entered_or_skipped(stack, _made(target, journal, spec, most))
        yield devices


@contextlib.contextmanager
def _made(target: Target, journal: Journal, spec: DeviceSpec, most: int) -> Iterator[PageDevice]:
    device = zram_device(
        target,
        journal,
        algorithm=spec.algorithm,
        level=spec.level,
        size_bytes=most + _MORE_BYTES,
    )
    with device as zram:
        yield PageDevice(zram=zram, huge_class_size=_probe(target, zram))


def _probe(target: Target, zram: ZramDevice) -> int:
    """A device that is swapped on cannot be asked any more."""
    options = {"device": zram.path, "class": "zero", "total": str(_PROBED_BYTES)}
    outcome = execute(target, Job(operation=OPERATION, options=options))
    if outcome.error:
        raise CannotMeasureError(
            describe(outcome.error), remedy="see dmesg for what zram says of its device"
        )
    return outcome.values["huge_class_size"]
