"""Zram devices and swap on them by the core: under both compilers' sanitizers."""

from collections.abc import Iterator
from typing import Any

import pytest

from native import places
from native.programs import Program
from zrams import needs_loaded_zram, somebody_elses, zram_swaps, zrams

pytestmark = [
    pytest.mark.native,
    pytest.mark.root,
    needs_loaded_zram,
    pytest.mark.usefixtures("nothing_is_left"),
]

_TRIES = 20
_PAGES = 2049


@pytest.fixture
def device(checked: Program) -> Iterator[dict[str, Any]]:
    """The options that name a device which was made, and is not there afterwards."""
    places.need_root()
    for _ in range(_TRIES):
        told = checked.run("zram-device", action="inspect").values
        named = {"number": told["number"], "bytes": _PAGES * told["page_bytes"]}
        failure = checked.run("zram-device", action="make", algorithm="lz4", **named).failure
        if failure is None:
            break
        # Another test was faster.
        assert failure[:2] == ("EAGAIN", "zram number")
    yield named
    for _ in range(2):
        assert checked.run("zram-device", action="remove", **named).failure is None


def test_a_device_is_swapped_on_and_no_longer(checked: Program, device: dict[str, Any]) -> None:
    listed = f"zram{device['number']} {device['bytes']}"
    assert listed in zrams()
    assert checked.run("zram-swap", action="on", priority=0, **device).failure is None
    assert listed in zram_swaps()
    again = checked.run("zram-swap", action="on", priority=0, **device).failure
    assert again is not None
    assert again[:2] == ("EBUSY", "make swap area")
    for _ in range(2):
        assert checked.run("zram-swap", action="off", **device).failure is None
        assert listed not in zram_swaps()
    # Removed with swap on.
    assert checked.run("zram-swap", action="on", priority=0, **device).failure is None


def test_a_device_of_another_size_is_left_alone(checked: Program) -> None:
    places.need_root()
    with somebody_elses("3M") as number:
        path = f"/sys/block/zram{number}/disksize"
        for operation, action in (
            ("zram-device", "remove"),
            ("zram-swap", "on"),
            ("zram-swap", "off"),
        ):
            answer = checked.run(operation, action=action, number=number, bytes=4096)
            assert answer.failure == ("EPERM", "owner of zram", path, -1)
        assert f"zram{number} {3 << 20}" in zrams()
