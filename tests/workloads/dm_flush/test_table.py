"""Tables of many segments: what their text says, read as the kernel reads it."""

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads.dm_flush.table import (
    SECTOR_BYTES,
    check_geometry,
    flush_table,
    needed_bytes,
)
from loadstone.workloads.dm_flush.workload import WORKLOAD

CHUNK = 32


class Piece(NamedTuple):
    """Sectors of a device that a target lies on."""

    device: str
    start: int
    end: int


class Target(NamedTuple):
    """One line of a table."""

    start: int
    length: int
    type: str
    pieces: tuple[Piece, ...]


def parameters(**chosen: Value) -> dict[str, Value]:
    """All of dm-flush's, with its defaults where nothing is chosen."""
    return {one.name: chosen.get(one.name, one.default or 0) for one in WORKLOAD.parameters}


def read(table: str) -> Iterator[Target]:
    """As the constructors of the targets do: dm-linear.c, dm-stripe.c, dm-delay.c."""
    for line in table.split("\n"):
        start, length, kind, *words = line.split(" ")
        yield Target(int(start), int(length), kind, tuple(_pieces(int(length), kind, words)))


def _pieces(length: int, kind: str, words: list[str]) -> Iterator[Piece]:
    if kind == "striped":
        count, chunk, *places = words
        assert int(chunk) == CHUNK
        assert length % (int(count) * int(chunk)) == 0
        assert len(places) == 2 * int(count)
        for device, offset in zip(places[::2], places[1::2], strict=True):
            yield Piece(device, int(offset), int(offset) + length // int(count))
        return
    if kind == "delay":
        assert words.pop() == "0"
    else:
        assert kind == "linear"
    device, offset = words
    yield Piece(device, int(offset), int(offset) + length)


def made(chosen: dict[str, Value]) -> list[Target]:
    devices = [f"7:{number}" for number in range(int(chosen["devices"]))]
    return list(read(flush_table(chosen, devices)))


def check(chosen: dict[str, Value]) -> list[Target]:
    """Hold a table against what every table must be."""
    targets = made(chosen)
    has_delay = chosen["table"] == "linear+delay"
    assert len(targets) == int(chosen["segments"]) + has_delay
    assert [target.type == "delay" for target in targets] == [False] * int(chosen["segments"]) + [
        True
    ] * has_delay
    end = 0
    for target in targets:
        assert target.start == end
        assert 0 < target.length <= int(chosen["segment"]) // SECTOR_BYTES
        end += target.length
    pieces = sorted(piece for target in targets for piece in target.pieces)
    for one, next_ in itertools.pairwise(pieces):
        assert one.device != next_.device or one.end <= next_.start, "two lie on one place"
    assert max(piece.end for piece in pieces) * SECTOR_BYTES <= needed_bytes(chosen)
    return targets


def some_geometries(count: int, table: str) -> Iterator[dict[str, Value]]:
    """Sound ones, always the same."""
    source = random.Random(table)
    while count:
        segment = source.randint(1, 300)
        chosen = parameters(
            table=table,
            segments=source.choice((1, 2, 3, source.randint(1, 200))),
            devices=source.choice((1, 1, 2, 3, source.randint(1, 9))),
            segment=segment * SECTOR_BYTES,
            stride=(segment + source.choice((0, 1, source.randint(0, 300)))) * SECTOR_BYTES,
        )
        try:
            check_geometry(chosen)
        except UsageError:
            continue
        count -= 1
        yield chosen


@pytest.mark.parametrize("table", ["linear", "stripe", "linear+delay"])
def test_targets_follow_each_other_and_never_share_a_sector(table: str) -> None:
    for chosen in some_geometries(400, table):
        check(chosen)


def test_the_default_is_the_published_geometry() -> None:
    """1024 targets of 8000 sectors, the next one 16384 sectors on."""
    lines = flush_table(parameters(), ["253:0"]).splitlines()
    assert lines == [f"{n * 8000} 8000 linear 253:0 {n * 16384}" for n in range(1024)]
    assert needed_bytes(parameters()) == (1023 * 16384 + 8000) * 512


def test_a_delay_of_no_time_comes_last_and_takes_room_of_its_own() -> None:
    chosen = parameters(segments=2, table="linear+delay", segment=4096, stride=8192)
    assert flush_table(chosen, ["7:1"]) == (
        "0 8 linear 7:1 0\n8 8 linear 7:1 16\n16 8 delay 7:1 32 0"
    )
    assert needed_bytes(chosen) == 2 * 8192 + 4096


def test_segments_alternate_over_two_devices() -> None:
    chosen = parameters(segments=5, devices=2, segment=4096, stride=8192)
    assert flush_table(chosen, ["7:1", "7:2"]).splitlines() == [
        "0 8 linear 7:1 0",
        "8 8 linear 7:2 0",
        "16 8 linear 7:1 16",
        "24 8 linear 7:2 16",
        "32 8 linear 7:1 32",
    ]
    assert needed_bytes(chosen) == 2 * 8192 + 4096


def test_no_segment_continues_another_where_there_is_a_gap() -> None:
    for table in ("linear", "linear+delay"):
        pieces = [one.pieces[0] for one in check(parameters(segments=64, table=table))]
        assert all(one.end < next_.start for one, next_ in itertools.pairwise(pieces))


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_a_stripe_lies_on_all_devices_or_on_two_places_of_one(devices: int) -> None:
    for target in check(parameters(segments=12, table="stripe", devices=devices)):
        assert target.type == "striped"
        assert len(target.pieces) == max(2, devices)
        assert len({piece.device for piece in target.pieces}) == devices
        assert target.length > 8000 - CHUNK * max(2, devices)


def test_more_devices_than_segments_is_a_table_all_the_same() -> None:
    for table in ("linear", "stripe", "linear+delay"):
        check(parameters(segments=1, table=table, devices=5))


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"segment": 1000}, "segment: 1000 is no multiple of a sector; write 512 or a multiple"),
        ({"stride": 16384 * 512 + 1}, "stride: 8388609 is no multiple of a sector; write 512 or"),
        (
            {"segment": 8192, "stride": 4096},
            "stride: 4KiB is less than a segment of 8KiB: they would overlap; write as much",
        ),
        ({"table": "stripe", "segment": 16384, "stride": 16384}, "segment: stripes take 32KiB;"),
        (
            {"table": "stripe", "devices": 3, "segment": 32768, "stride": 32768},
            "segment: stripes take 48KiB; write that or more",
        ),
    ],
)
def test_what_no_table_can_be_is_refused(chosen: dict[str, Value], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_geometry(parameters(**chosen))
    assert str(caught.value).startswith(complaint)


def test_the_least_stripe_is_one_that_a_table_can_have() -> None:
    for devices in (1, 2, 3, 8):
        least = max(2, devices) * CHUNK * SECTOR_BYTES
        chosen = parameters(table="stripe", devices=devices, segment=least, stride=least)
        check_geometry(chosen)
        check(chosen)
