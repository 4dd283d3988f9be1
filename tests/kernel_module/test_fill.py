"""What arrives in a dma-buf that the module fills, and what the module says about it."""

import contextlib
import itertools
import mmap
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_module.conftest import FILE_BYTES, MIB
from kernel_module.fill_device import (
    ASYNC,
    OVERLAPPED,
    PAGE,
    PINNABLE,
    SERIAL,
    Filled,
    filled,
    mapping,
)

pytestmark = pytest.mark.root

_MODES = (SERIAL, OVERLAPPED, ASYNC)
_IO = (0, os.O_DIRECT)
_OFFSETS = (0, PAGE, MIB, 2 * MIB + 7 * PAGE, FILE_BYTES - FILE_BYTES % PAGE)
_BATCHES = (1, 5 * PAGE, MIB, MIB + PAGE, 64 * MIB)
_BLOCKS = (16 * PAGE, 16 * PAGE + 512, 3 * MIB // 2, MIB, 8 * MIB)
_DEPTHS = (1, 2, 7, 64)
_SAMPLES = 36


@contextlib.contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | flags)
    try:
        yield fd
    finally:
        os.close(fd)


def _arrived(buffer: Filled, data: bytes) -> bool:
    offset, length = buffer.told["offset"], buffer.told["length"]
    expected = data[offset : offset + length]
    return buffer.content() == expected.ljust(buffer.size, b"\0")


def test_every_mix_arrives_byte_for_byte(model: Path, data: bytes) -> None:
    mixes = list(itertools.product(_MODES, _IO, _OFFSETS, _BATCHES, _BLOCKS, _DEPTHS, (0, 77)))
    for mode, io, offset, batch, block, depth, less in random.Random(model.parent.name).sample(
        mixes, _SAMPLES
    ):
        length = FILE_BYTES - offset - less
        with (
            opened(model, io) as fd,
            filled(
                fd,
                offset=offset,
                length=length,
                batch=batch,
                block=block,
                depth=depth,
                mode=mode,
            ) as buffer,
        ):
            mix = (mode, io, offset, batch, block, depth, less)
            assert _arrived(buffer, data), mix
            orders = (buffer.told["order_8"] * 256, buffer.told["order_4"] * 16)
            assert sum(orders) + buffer.told["order_0"] == buffer.size // PAGE, mix


@pytest.mark.parametrize("io", _IO)
@pytest.mark.parametrize("mode", _MODES)
def test_what_lies_behind_the_range_is_zero(
    plain_model: Path, data: bytes, mode: int, io: int
) -> None:
    """Also where the file goes on, and where the buffer is much larger."""
    for length, size in ((1, PAGE), (PAGE + 1, 2 * PAGE), (PAGE, 8 * PAGE), (5000, 2 * MIB)):
        with (
            opened(plain_model, io) as fd,
            filled(fd, length=length, size=size, block=PAGE, mode=mode) as buffer,
        ):
            assert _arrived(buffer, data)


@pytest.mark.parametrize("mode", _MODES)
def test_without_a_range_there_is_zeroed_memory(mode: int) -> None:
    with filled(size=3 * MIB + PAGE, mode=mode) as buffer:
        assert buffer.content() == bytes(buffer.size)
        assert buffer.told["queued"] == buffer.told["last_read_at"] == 0


def test_any_offset_is_read_through_the_page_cache(plain_model: Path, data: bytes) -> None:
    with opened(plain_model) as fd, filled(fd, offset=12345, length=2 * MIB + 1) as buffer:
        assert _arrived(buffer, data)


def test_times_are_in_the_order_of_events(plain_model: Path) -> None:
    for mode, io in itertools.product(_MODES, _IO):
        with (
            opened(plain_model, io) as fd,
            filled(fd, length=FILE_BYTES, block=64 << 10, depth=8, mode=mode) as buffer,
        ):
            told = buffer.told
            assert 0 < told["allocate_ns"] <= told["allocated_at"]
            assert 0 < told["first_sent_at"] < told["first_read_at"] < told["last_read_at"]
            assert max(told["allocated_at"], told["last_read_at"]) < told["total_ns"]
            assert told["allocated_at"] + told["wait_ns"] + told["export_ns"] <= told["total_ns"]
            if mode == SERIAL:
                assert told["allocated_at"] <= told["first_sent_at"]
            if mode == ASYNC:
                assert told["first_sent_at"] < told["allocated_at"]


def test_direct_requests_are_completed_while_others_are_sent(plain_model: Path) -> None:
    for mode in _MODES:
        with (
            opened(plain_model, os.O_DIRECT) as fd,
            filled(fd, length=FILE_BYTES, block=64 << 10, depth=64, mode=mode) as buffer,
        ):
            assert buffer.told["queued"] > 0


@pytest.mark.parametrize("flags", [0, PINNABLE])
def test_a_part_is_mapped_where_it_lies(plain_model: Path, data: bytes, flags: int) -> None:
    with opened(plain_model) as fd, filled(fd, length=FILE_BYTES, flags=flags) as buffer:
        for offset in (PAGE, MIB - PAGE, MIB, 2 * MIB + 5 * PAGE, 3 * MIB):
            length = min(MIB + PAGE, buffer.size - offset)
            with mmap.mmap(buffer.fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset) as at:
                assert at[:] == data[offset : offset + length].ljust(length, b"\0")


@pytest.mark.parametrize("flags", [0, PINNABLE])
def test_nothing_is_mapped_beyond_the_buffer_nor_privately(flags: int) -> None:
    with filled(size=2 * PAGE, flags=flags) as buffer:
        for length, offset, kind in (
            (3 * PAGE, 0, mmap.MAP_SHARED),
            (PAGE, 2 * PAGE, mmap.MAP_SHARED),
            (2 * PAGE, PAGE, mmap.MAP_SHARED),
            (2 * PAGE, 0, mmap.MAP_PRIVATE),
        ):
            with pytest.raises(OSError, match="Invalid argument"):
                mmap.mmap(buffer.fd, length, kind, mmap.PROT_READ, offset=offset)


@pytest.mark.parametrize("flags", [0, PINNABLE])
def test_what_is_written_in_one_mapping_is_seen_in_another(flags: int) -> None:
    with (
        filled(size=MIB + PAGE, flags=flags) as buffer,
        mapping(buffer, mmap.PROT_READ | mmap.PROT_WRITE) as view,
    ):
        view[MIB - 3 : MIB + 3] = b"across"
        assert buffer.content()[MIB - 3 : MIB + 3] == b"across"


def test_a_pinnable_mapping_takes_a_direct_read_and_another_does_not(
    plain_model: Path, data: bytes
) -> None:
    def read(flags: int) -> bytes:
        with (
            opened(plain_model, os.O_DIRECT) as fd,
            filled(size=4 * MIB, flags=flags) as buffer,
            mapping(buffer, mmap.PROT_READ | mmap.PROT_WRITE) as view,
        ):
            assert os.preadv(fd, [view], 0) == FILE_BYTES
            return view[:FILE_BYTES]

    assert read(PINNABLE) == data
    with pytest.raises(OSError, match="Bad address"):
        read(0)


def test_a_mapping_outlives_the_descriptor_and_a_child_has_it_too() -> None:
    with filled(size=2 * MIB, flags=PINNABLE) as buffer:
        view = mmap.mmap(buffer.fd, buffer.size, mmap.MAP_SHARED)
    view[MIB : MIB + 4] = b"here"
    child = os.fork()
    if not child:
        os._exit(view[MIB : MIB + 4] != b"here")
    assert os.waitpid(child, 0)[1] == 0
    view.close()
