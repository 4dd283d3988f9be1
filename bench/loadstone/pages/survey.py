"""Several processes, one after the other; memory that they share is looked at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import msgspec

from loadstone.errors import CannotMeasureError, for_user
from loadstone.model import Noun
from loadstone.pages.look import Algorithm, Bounds, NotSeen, ProcessPages, look_at
from loadstone.pages.processes import Process
from loadstone.pages.thresholds import thresholds_of
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import ZramDevice, zram_device
from loadstone.targets import Target

Say = Callable[[str], None]

# What a device holds at any time is one page.
_ZRAM_BYTES = 1 << 20


class Survey(Noun, frozen=True, kw_only=True):
    """What was seen of some processes of one Target, by each of some algorithms.

    ``seen`` has each process once for each of ``algorithms``, in their order.
    """

    target: str
    kernel: str
    page_bytes: int
    thresholds: tuple[int, ...]
    bounds: Bounds
    algorithms: tuple[Algorithm, ...]
    seen: tuple[ProcessPages, ...]
    not_seen: tuple[NotSeen, ...]

    def by(self, algorithm: Algorithm) -> tuple[ProcessPages, ...]:
        """What was seen by one of the algorithms."""
        return tuple(one for one in self.seen if one.algorithm == algorithm)


def survey(
    target: Target,
    processes: Sequence[Process],
    algorithms: Sequence[Algorithm],
    bounds: Bounds,
    journal: Journal | None,
    say: Say,
) -> Survey:
    """Look at processes, which are only read.

    Args:
        journal: given where the kernel is to compress as well: it notes the zram device.
        say: is told of each process before it is looked at.

    Raises:
        CannotMeasureError: none can be looked at, or no zram device be made.
        TargetError: the core's process died of it, or the Target is gone.
    """
    facts = target.environment(None).facts
    page_bytes = int(facts["machine.page_bytes"] or 0)
    thresholds = tuple(threshold.bytes for threshold in thresholds_of(page_bytes))
    is_root = bool(facts["user.is_root"])
    looks: list[ProcessPages | NotSeen] = []
    for algorithm in algorithms:
        with _zram(target, journal, algorithm) as zram:
            looks += _looks(target, processes, algorithm, bounds, thresholds, zram, say)
    found = Survey(
        target=target.name,
        kernel=str(facts["kernel.release"]),
        page_bytes=page_bytes,
        thresholds=thresholds,
        bounds=bounds,
        algorithms=tuple(algorithms),
        seen=tuple(look for look in looks if isinstance(look, ProcessPages)),
        not_seen=tuple(_for_user(look, is_root) for look in looks if isinstance(look, NotSeen)),
    )
    if not found.seen:
        raise _nothing_seen(found.not_seen)
    return found


def _looks(
    target: Target,
    processes: Sequence[Process],
    algorithm: Algorithm,
    bounds: Bounds,
    thresholds: Sequence[int],
    zram: ZramDevice | None,
    say: Say,
) -> Iterator[ProcessPages | NotSeen]:
    known: list[str] = []
    for process in processes:
        say(f"{process.name} ({process.pid})")
        look = look_at(target, process, algorithm, bounds, thresholds, known, zram)
        if isinstance(look, ProcessPages):
            known += look.shared_objects
        yield look


def _zram(
    target: Target, journal: Journal | None, algorithm: Algorithm
) -> AbstractContextManager[ZramDevice | None]:
    if journal is None:
        return nullcontext()
    return zram_device(
        target,
        journal,
        algorithm=algorithm.name,
        level=algorithm.level,
        size_bytes=_ZRAM_BYTES,
    )


def _for_user(look: NotSeen, is_root: bool) -> NotSeen:
    remedy = for_user(look.remedy, is_root=is_root)
    return msgspec.structs.replace(look, remedy=remedy)


def _nothing_seen(not_seen: Sequence[NotSeen]) -> CannotMeasureError:
    """The error of the only process, or that of the first and how many there are."""
    if not not_seen:
        return CannotMeasureError("there is no process to look at", remedy="name one")
    first = not_seen[0]
    more = f", nor {len(not_seen) - 1} others" if len(not_seen) > 1 else ""
    return CannotMeasureError(
        f"cannot look at {first.process.name} ({first.process.pid}){more}: {first.reason}",
        remedy=first.remedy,
    )
