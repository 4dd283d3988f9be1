"""The tables of images with damaged blocks."""

import pytest

from commands import MIB
from loadstone.model import Input
from loadstone.provision.verity_image import Layout, layout_of
from loadstone.workloads.dm_verity_fec.devices import damaged_start, damaged_table, most_blocks

IMAGE_SECTORS = 8 * MIB // 512
HALF = IMAGE_SECTORS // 2


@pytest.fixture
def layout() -> Layout:
    """An image of 2048 blocks, and a tree of 17."""
    return layout_of(Input(size_bytes=8 * MIB), [4096])


def pieces(table: str) -> list[tuple[int, int, str]]:
    words = [line.split() for line in table.splitlines()]
    return [(int(start), int(sectors), kind) for start, sectors, kind, *_ in words]


@pytest.mark.parametrize("damage", ["none", "corrupt", "error", "suspended"])
@pytest.mark.parametrize("blocks", [1, 17, 40, 1024])
def test_a_table_covers_the_image_without_a_gap(layout: Layout, damage: str, blocks: int) -> None:
    at = 0
    for start, sectors, _ in pieces(damaged_table(layout, "7:1", damage, blocks)):
        assert start == at
        at += sectors
    assert at == IMAGE_SECTORS


def test_corrupt_blocks_are_those_of_the_hash_tree(layout: Layout) -> None:
    assert damaged_table(layout, "7:1", "corrupt", 20).splitlines() == [
        f"0 {HALF} linear 7:1 0",
        f"{HALF} {17 * 8} linear 7:1 {IMAGE_SECTORS}",
        f"{HALF + 17 * 8} {3 * 8} linear 7:1 {IMAGE_SECTORS}",
        f"{HALF + 20 * 8} {HALF - 20 * 8} linear 7:1 {HALF + 20 * 8}",
    ]


def test_blocks_that_cannot_be_read_are_in_the_middle(layout: Layout) -> None:
    assert damaged_start(layout) == 4 * MIB
    assert pieces(damaged_table(layout, "7:1", "error", 20)) == [
        (0, HALF, "linear"),
        (HALF, 160, "error"),
        (HALF + 160, HALF - 160, "linear"),
    ]


@pytest.mark.parametrize("damage", ["none", "suspended"])
def test_what_is_only_suspended_holds_the_image(layout: Layout, damage: str) -> None:
    assert damaged_table(layout, "7:1", damage, 20) == f"0 {IMAGE_SECTORS} linear 7:1 0"


def test_an_image_of_one_block_has_one_to_damage() -> None:
    layout = layout_of(Input(size_bytes=4096), [4096])
    assert most_blocks(layout) == 1
    assert damaged_table(layout, "7:1", "error", 1) == "0 8 error"
