"""What the core's operation ``probe`` tries, as Checks.

The core answers 0 or -errno for each; ``loadstone.core.explain`` has the reason and the remedy, by
the step of a load that the errno would come from.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from loadstone.core.explain import describe, explain
from loadstone.model import CoreError, Noun, Status, Value
from loadstone.workloads import workload

NO_REMEDY = "none is known beyond the system's words"
_MEMORY = "memory"


class Group(StrEnum):
    """What a Check is about."""

    STORAGE = "storage path"
    ENGINES = "engines"
    DESTINATIONS = "destinations"
    DEVICES = "block devices"
    CONDITIONS = "conditions"
    PROGRAMS = "programs"
    FILE_SYSTEMS = "file systems"
    KERNELS = "kernels"
    ROOM = "room"
    PRIVILEGES = "privileges"


class Check(Noun, frozen=True, kw_only=True):
    """One thing that is there, or is not: then with reason and remedy."""

    group: Group
    name: str
    is_met: bool
    detail: str = ""
    reason: str | None = None
    remedy: str | None = None


def met(group: Group, name: str, detail: str) -> Check:
    """A Check of what is there."""
    return Check(group=group, name=name, is_met=True, detail=detail)


def unmet(group: Group, name: str, reason: str, remedy: str) -> Check:
    """A Check of what isn't."""
    return Check(group=group, name=name, is_met=False, reason=reason, remedy=remedy)


class Probe(Noun, frozen=True, kw_only=True):
    """One capability that the operation tries.

    ``steps`` are those that its errno may come from, ``subject`` is what they are tried on
    (None: the file), ``engine`` and ``destination`` are what a Case would say.
    """

    group: Group
    value: str
    name: str
    steps: tuple[str, ...]
    subject: str | None = None
    engine: str = "uring"
    destination: str = "anon"


def read_probes(
    probes: tuple[Probe, ...], values: Mapping[str, int], path: str, huge_pages: int
) -> Iterator[Check]:
    """A Check of every probe that the core answered.

    Args:
        values: the Outcome's, 0 or -errno.
        path: the file that was probed.
        huge_pages: how many a load would take, for the remedy that names them.
    """
    for probe in probes:
        if probe.value not in values:
            continue
        code = -values[probe.value]
        reason, remedy = explain_probe(probe, code, path, huge_pages) if code else (None, None)
        yield Check(
            group=probe.group, name=probe.name, is_met=not code, reason=reason, remedy=remedy
        )


def explain_probe(probe: Probe, code: int, path: str, huge_pages: int) -> tuple[str, str]:
    """Reason and remedy of a probe that answered ``code``, a positive errno."""
    parameters: dict[str, Value] = {
        "engine": probe.engine,
        "destination": probe.destination,
        "huge_pages": huge_pages,
    }
    errors = [CoreError(code=code, step=step, path=probe.subject or path) for step in probe.steps]
    for error in errors:
        finding = explain(error, parameters, workload("model-load").rules)
        if finding.status is Status.SKIPPED and finding.reason:
            return finding.reason, finding.remedy or NO_REMEDY
    return describe(errors[0]), NO_REMEDY


def _engine(value: str, name: str, step: str, subject: str | None = None) -> Probe:
    return Probe(
        group=Group.ENGINES,
        value=value,
        name=name,
        steps=(step,),
        subject=subject,
        engine=value,
        destination="memfd",
    )


def _destination(name: str, *steps: str, subject: str = _MEMORY) -> Probe:
    return Probe(
        group=Group.DESTINATIONS,
        value=name,
        name=name,
        steps=steps,
        subject=subject,
        destination=name,
    )


def heap_probes(heap: str) -> tuple[Probe, ...]:
    """What is tried with one dma-buf heap: itself, and the engines that need one."""
    device, name = f"/dev/dma_heap/{heap}", f"dma-heap:{heap}"

    def engine(value: str, name_: str, step: str) -> Probe:
        return Probe(
            group=Group.ENGINES,
            value=value,
            name=f"{name_} → {name}",
            steps=("open device", step),
            subject=device,
            engine=name_.split(maxsplit=1)[0],
            destination=name,
        )

    return (
        Probe(
            group=Group.DESTINATIONS,
            value="dma-heap",
            name=name,
            steps=("open device", "DMA_HEAP_IOCTL_ALLOC"),
            subject=device,
            destination=name,
        ),
        engine("heap-direct-read", "pread direct", "O_DIRECT read"),
        engine("heap-copy-range", "copy-range", "copy_file_range"),
        engine("heap-alloc-and-read", "heap-alloc-and-read", "DMA_HEAP_IOCTL_ALLOC_AND_READ"),
        engine("heap-alloc-file", "heap-alloc-file", "DMA_HEAP_IOCTL_ALLOC of a file"),
        engine("dmabuf-rw-file", "dmabuf-rw-file", "DMA_BUF_IOCTL_RW_FILE"),
    )


_FILL_DEVICE = "/dev/loadstone_fill"

DIRECT = Probe(group=Group.STORAGE, value="direct", name="O_DIRECT", steps=("O_DIRECT open",))

DONTCACHE = Probe(
    group=Group.STORAGE, value="dontcache", name="RWF_DONTCACHE", steps=("RWF_DONTCACHE read",)
)

PROBES = (
    _engine("uring", "uring", "io_uring_setup", "io_uring"),
    _engine("uring-sqpoll", "uring poll=sq", "io_uring_setup", "io_uring"),
    _engine("sendfile", "sendfile → memfd", "sendfile"),
    _engine("copy-range", "copy-range → memfd", "copy_file_range"),
    Probe(
        group=Group.ENGINES,
        value="kernel-fill",
        name="kernel-fill → dma-buf",
        steps=("open device", "LOADSTONE_FILL"),
        subject=_FILL_DEVICE,
        engine="kernel-fill",
        destination="dma-buf",
    ),
    _destination("anon", "mmap"),
    _destination("thp", "MADV_HUGEPAGE", "mmap"),
    _destination("hugetlb", "mmap hugetlb"),
    _destination("memfd", "memfd_create", "mmap destination"),
    _destination("memfd-thp", "huge pages of shmem", "mmap destination"),
    _destination("memfd-hugetlb", "mmap memfd hugetlb"),
    _destination(
        "udmabuf", "open device", "UDMABUF_CREATE", "mmap destination", subject="/dev/udmabuf"
    ),
    _destination(
        "udmabuf-thp",
        *("open device", "huge pages of shmem", "UDMABUF_CREATE", "mmap destination"),
        subject="/dev/udmabuf",
    ),
    _destination(
        "udmabuf-hugetlb",
        *("open device", "mmap memfd hugetlb", "UDMABUF_CREATE"),
        subject="/dev/udmabuf",
    ),
    _destination(
        "dma-buf",
        "open device",
        "LOADSTONE_FILL of memory",
        "mmap destination",
        subject=_FILL_DEVICE,
    ),
)
