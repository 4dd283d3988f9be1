"""Knobs: tunables of the kernel that are set for a Trial, by names that people know them by."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.remote_files import list_names
from loadstone.errors import CannotMeasureError, TargetError, TargetLostError, UsageError
from loadstone.model import Noun
from loadstone.provision.journal import Journal
from loadstone.provision.tunable import kept_tunable, selected
from loadstone.targets import Target
from loadstone.text import did_you_mean

_GOVERNOR = "governor"
_READ_AHEAD = "read_ahead_kb"
_QUEUE = (
    *(_READ_AHEAD, "scheduler", "nr_requests", "max_sectors_kb", "nomerges", "rq_affinity"),
    *("wbt_lat_usec", "io_poll", "write_cache"),
)
_THP = (
    "transparent_hugepage/enabled",
    "transparent_hugepage/shmem_enabled",
    "transparent_hugepage/defrag",
)
_KNOWN = (*_QUEUE, *_THP, _GOVERNOR)
_SYSCTL = re.compile(r"vm\.(?P<name>\w+)")
_POLICY = "/sys/devices/system/cpu/cpufreq"
_SWITCH = "/queue/iostats"
# Those of the file system's own device, and those of the lowest below it.
_OWN, _LOWEST = "/sys/dev/block/", "/sys/class/block/"


class Knob(Noun, frozen=True, kw_only=True):
    """A tunable on a Target: the kernel's files that are written, all to the same value."""

    name: str
    files: tuple[str, ...]

    def set(self, target: Target, value: str) -> None:
        """Write a value, and read it back.

        Raises:
            CannotMeasureError: the kernel refuses it, or makes another one of it.
            TargetLostError: the Target went away.
        """
        for file in self.files:
            try:
                target.write_text(file, value)
            except TargetLostError:
                raise
            except TargetError as error:
                raise CannotMeasureError(
                    f"--knob {self.name}={value}: {error.what}",
                    remedy=f"run as root, or name a value that {file} takes",
                ) from error
        if (found := self.other_value(target, value)) is not None:
            raise CannotMeasureError(
                f"--knob {self.name}={value}: the kernel made {found} of it",
                remedy=f"name {found}, or another value",
            )

    def other_value(self, target: Target, value: str) -> str | None:
        """What one of its files has, if that is another value."""
        texts = target.read_texts(self.files)
        found = (selected(texts.get(file, "")) for file in self.files)
        return next((one for one in found if one != value), None)


def require_knob(name: str) -> None:
    """Refuse a name that stands for no tunable.

    Raises:
        UsageError: it is none.
    """
    if not is_knob(name):
        raise UsageError(
            f"--knob {name}: no such knob{did_you_mean(name, _KNOWN)}",
            remedy=f"there are {', '.join(_KNOWN)}, vm.NAME for /proc/sys/vm/NAME, and commands of "
            f"yours: --knob '{name}=[COMMAND],[COMMAND]'",
        )


def is_knob(name: str) -> bool:
    """Whether a name stands for a tunable."""
    return name in _KNOWN or _SYSCTL.fullmatch(name) is not None


@contextlib.contextmanager
def kept_knobs(
    target: Target, journal: Journal, names: Sequence[str], path: str | None
) -> Iterator[Mapping[str, Knob]]:
    """Find knobs on a Target; at the end each of their files has its old value again.

    Args:
        path: of what is measured: attributes of block queues are those of the device it lies on.

    Raises:
        CannotMeasureError: there is no such tunable here.
        RunError: the journal cannot be written.
    """
    with contextlib.ExitStack() as stack:
        knobs = {name: Knob(name=name, files=_files(target, name, path)) for name in names}
        for knob in knobs.values():
            for file in knob.files:
                if stack.enter_context(kept_tunable(target, journal, file)) is None:
                    raise _no_such(knob.name, file)
        yield knobs


def _files(target: Target, name: str, path: str | None) -> tuple[str, ...]:
    if found := _SYSCTL.fullmatch(name):
        return (f"/proc/sys/vm/{found['name']}",)
    if name in _THP:
        return (f"/sys/kernel/mm/{name}",)
    files = _governors(target) if name == _GOVERNOR else _queue_files(target, name, path)
    if not files:
        raise _no_such(name, "cpufreq" if name == _GOVERNOR else f"queue/{name}")
    return files


def _governors(target: Target) -> tuple[str, ...]:
    policies = list_names(target.execute, _POLICY)
    return tuple(
        f"{_POLICY}/{one}/scaling_governor" for one in policies if one.startswith("policy")
    )


def _queue_files(target: Target, name: str, path: str | None) -> tuple[str, ...]:
    """Read-ahead is the file system's device's; requests are queued at the lowest."""
    switches = [file for file in target.samples(path) if file.endswith(_SWITCH)]
    lowest = [file for file in switches if file.startswith(_LOWEST)]
    own = [file for file in switches if file.startswith(_OWN)]
    chosen = own if name == _READ_AHEAD or not lowest else lowest
    return tuple(f"{file.removesuffix('iostats')}{name}" for file in chosen)


def _no_such(name: str, what: str) -> CannotMeasureError:
    if name not in _QUEUE:
        return CannotMeasureError(
            f"--knob {name}: this kernel has no {what}", remedy="leave it out"
        )
    return CannotMeasureError(
        f"--knob {name}: this kernel has no {what}, or what is measured lies on no block device",
        remedy="leave it out, or name a --dir on a disk",
    )
