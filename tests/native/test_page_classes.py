"""Operation page-classes on a real zram device: what each page became, and what is refused."""

import fcntl
import mmap
import os
import random
import resource
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import loop
from loadstone.core import native
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import ZramDevice, zram_device, zram_swap
from loadstone.targets.local import LocalTarget
from native import places
from native.programs import Program
from native.test_devices import Traced, failure_of, traced
from zrams import needs_zram

__all__ = ["traced"]

pytestmark = [pytest.mark.native, pytest.mark.root, needs_zram]

_MIB = 1 << 20
# linux/fs.h
_BLKDISCARD = 0x1277
_PAGE = resource.getpagesize()
_STORED = ("same", "zsp", "zmp", "zhp")
# What lz4 and lzo make of each: its kind, and the most of a page that it takes.
_CLASSES = {
    "zero": ("same", 0),
    "same": ("same", 0),
    "half": ("zmp", 0.56),
    "text": ("zmp", 0.72),
    "pointers": ("zmp", 0.72),
    "fp16": ("zhp", 1),
    "bf16": ("zhp", 1),
    "int4": ("zhp", 1),
    "random": ("zhp", 1),
}


@pytest.fixture(scope="module")
def zram(local: LocalTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZramDevice]:
    """A device of 16 MiB or more."""
    places.need_root()
    with (
        Journal(tmp_path_factory.mktemp("zram")) as journal,
        zram_device(local, journal, algorithm=None, level=0, size_bytes=16 * _MIB) as device,
    ):
        yield device


def mm_stat(zram: ZramDevice) -> list[int]:
    return list(map(int, Path(zram.mm_stat).read_text().split()))


@pytest.mark.parametrize("name", _CLASSES)
def test_every_page_is_told_as_the_device_stored_it(
    sanitized: Program, zram: ZramDevice, name: str
) -> None:
    answer = sanitized.run("page-classes", device=zram.path, total=_MIB + 5, **{"class": name})
    assert answer.failure is None
    values = answer.values
    kind, most = _CLASSES[name]
    pages = _MIB // _PAGE
    assert {one: values[f"{one}_pages"] for one in _STORED} == {
        one: pages if one == kind else 0 for one in _STORED
    }
    assert values["pages"] == pages
    assert (values["escaped_pages"], values["unstored_pages"]) == (0, 0)
    # All of it is there still.
    original, compressed, _, _, _, same, _, huge, *_ = mm_stat(zram)
    assert (original, compressed) == (_MIB, values["compressed_bytes"])
    assert (same, huge) == (values["same_pages"], values["zhp_pages"])
    assert values["saved_bytes"] == _MIB - compressed
    assert compressed <= most * _MIB
    assert values["verified_bytes"] == _MIB
    assert values["floor_write_ns"] > 0
    assert (answer.histograms, answer.spans) == (2, 2)


def huge_class_size(chain: int) -> int:
    """As zsmalloc has it: the first class, from the largest, of which a group of pages holds more
    objects than pages. Source: mm/zsmalloc.c, zs_create_pool and calculate_zspage_chain_size."""
    for size in range(_PAGE, 32, -(_PAGE >> 8)):
        group = min(range(1, chain + 1), key=lambda pages: pages * _PAGE % size)
        if group != 1:
            return size - 7
    return _PAGE


def test_the_threshold_of_huge_pages_is_one_that_the_allocator_can_have(
    job: Program, zram: ZramDevice
) -> None:
    values = job.run("page-classes", device=zram.path, total=_PAGE).values
    # CONFIG_ZSMALLOC_CHAIN_SIZE.
    assert values["huge_class_size"] in {huge_class_size(chain) for chain in range(4, 17)}


def test_pages_of_a_file_lie_evenly_in_it(
    sanitized: Program, zram: ZramDevice, tmp_path: Path
) -> None:
    rng = random.Random(1)
    pages = [rng.randbytes(_PAGE) for _ in range(10)]
    file = tmp_path / "dump"
    file.write_bytes(b"".join(pages) + b"tail")
    for count, numbers in ((3, [0, 3, 6]), (10, range(10)), (12, [*range(10), 0, 1])):
        answer = sanitized.run(
            "page-classes", device=zram.path, file=file, total=count * _PAGE, **{"class": "file"}
        )
        assert answer.failure is None
        expected = native.crc32c(b"".join(pages[number] for number in numbers))
        assert answer.values["payload_crc32c"] == expected
        assert answer.values["zhp_pages"] == count


def test_a_page_that_comes_back_as_another_is_found(traced: Traced, zram: ZramDevice) -> None:
    answer = traced(
        "page-classes",
        f"pread64:retval={_PAGE}:when=100",
        path=zram.path,
        device=zram.path,
        total=_MIB,
    )
    failure = failure_of(answer)
    assert (failure.code, failure.step, failure.path) == ("EBADMSG", "verify pages", zram.path)
    # The first 64 reads find out what one takes.
    assert failure.offset == 35 * _PAGE


def write_and_discard(path: str, stop: threading.Event) -> None:
    """Over and over, the pages from 12 to 16 MiB."""
    page = mmap.mmap(-1, _PAGE)
    fd = os.open(path, os.O_RDWR | os.O_DIRECT)
    try:
        while not stop.is_set():
            for at in range(12 * _MIB, 16 * _MIB, _PAGE):
                os.pwrite(fd, page, at)
            fcntl.ioctl(fd, _BLKDISCARD, struct.pack("QQ", 12 * _MIB, 4 * _MIB))
    finally:
        os.close(fd)


def test_a_device_that_others_write_to_tells_nothing(job: Program, zram: ZramDevice) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=write_and_discard, args=(zram.path, stop))
    thread.start()
    try:
        answer = job.run("page-classes", device=zram.path, total=8 * _MIB)
    finally:
        stop.set()
        thread.join()
    if answer.failure is None:
        values = answer.values
        assert values["disturbed_pages"] > 0
        assert values["disturbed_pages"] + values["zmp_pages"] == 8 * _MIB // _PAGE
    else:
        assert (answer.failure.code, answer.failure.step) == ("EBUSY", "empty device")


def test_another_device_and_another_size_are_refused(
    sanitized: Program, zram: ZramDevice, tmp_path: Path
) -> None:
    def refused(device: object, **options: object) -> tuple[str, str]:
        failure = failure_of(sanitized.run("page-classes", device=device, **options))
        return failure.code, failure.step

    with loop(tmp_path / "image") as other:
        before = Path(other).read_bytes()
        assert refused(other) == ("ENOENT", "open mm_stat")
        assert Path(other).read_bytes() == before
    assert refused(tmp_path / "absent") == ("ENOENT", "query device")
    assert refused(zram.path, total=1 << 40) == ("ENOSPC", "query device")
    assert refused(zram.path, total=_PAGE - 1) == ("EINVAL", "total for pages")
    for file, code in ((tmp_path, "EISDIR"), (tmp_path / "absent", "ENOENT")):
        assert refused(zram.path, file=file, **{"class": "file"}) == (code, "stat pages")
    held = os.open(zram.path, os.O_RDWR | os.O_EXCL)
    try:
        assert refused(zram.path) == ("EBUSY", "open device")
    finally:
        os.close(held)


@pytest.mark.alone
@pytest.mark.parametrize("thp", ["off", "on"])
def test_pages_that_are_swapped_out_become_what_the_same_pages_written_became(
    sanitized: Program, local: LocalTarget, zram: ZramDevice, tmp_path: Path, thp: str
) -> None:
    if thp == "on" and not Path("/sys/kernel/mm/transparent_hugepage").exists():
        pytest.skip("needs huge pages: a kernel with CONFIG_TRANSPARENT_HUGEPAGE")
    size, options = 4 * _MIB, {"class": "text", "total": 4 * _MIB}
    written = sanitized.run("page-classes", device=zram.path, **options).values
    with Journal(tmp_path) as journal:
        device = zram_device(local, journal, algorithm=None, level=0, size_bytes=8 * _MIB)
        with device as swap, zram_swap(local, journal, swap, priority=32767):
            answer = sanitized.run(
                "page-classes", device=swap.path, path="swap", thp=thp, **options
            )
    assert answer.failure is None
    values = answer.values
    pages = values["pages"]
    assert pages + values["escaped_pages"] == size // _PAGE
    assert pages > 0.9 * size // _PAGE
    mean = written["compressed_bytes"] / written["pages"]
    assert values["compressed_bytes"] / pages == pytest.approx(mean, rel=0.001)
    assert values["zmp_pages"] == pages
    assert values["verified_bytes"] == size
    assert (answer.histograms, answer.spans) == (2, 2)


def test_pages_that_all_stay_in_memory_tell_nothing(job: Program, zram: ZramDevice) -> None:
    """As where a control group may not swap."""
    places.need_tool("strace", "strace")
    words = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=madvise:retval=0")
    program = job.under(*words, finds_leaks=False)
    failure = failure_of(program.run("page-classes", device=zram.path, path="swap", total=_MIB))
    assert (failure.code, failure.step) == ("EAGAIN", "swap out pages")
