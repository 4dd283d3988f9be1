"""F2FS inline data and inline tail by sizes."""

import pytest

from loadstone.layout.inline import InlineCount, has_inline_tail, node_blocks


@pytest.mark.parametrize(
    ("file_bytes", "has"),
    [
        (3452, False),
        (3453, False),
        (4096, False),
        (4097, True),
        (4096 + 3428, True),
        (4096 + 3429, False),
        (64 * 1024 + 1, True),
        (68 * 1024 - 4096 + 3428, True),
        (68 * 1024 + 1, False),
    ],
)
def test_which_files_have_a_tail_in_their_inode(file_bytes: int, has: bool) -> None:
    assert has_inline_tail(file_bytes) == has


def test_shares_are_of_what_is_left_with_inline_data() -> None:
    count = InlineCount()
    for _ in range(2):
        count.add_inode()
    count.add_file(3452, 1)
    count.add_file(0, 0)
    count.add_file(5000, 2)
    figures = count.figures()
    assert (figures.inodes, figures.data_blocks, figures.blocks) == (5, 3, 8)
    assert figures.inline_data_change == -1 / 8
    assert figures.inline_tail_change == -1 / 7
    assert figures.both_change == -2 / 8


def test_a_linux_tree_is_as_it_was_counted_by_hand() -> None:
    """Linux 6.1: 78,579 files, 31,322 tails, 7.65 % of what is left with inline data."""
    files, directories, inline, tails, rest = 78_579, 5_267, 26_066, 31_322, 268_204
    count = InlineCount()
    for _ in range(directories + files - inline - tails - 1):
        count.add_inode()
    for _ in range(inline):
        count.add_file(100, 1)
    for _ in range(tails):
        count.add_file(5000, 2)
    count.add_file(rest * 4096, rest - 1)
    assert count.figures().inline_tail_change == pytest.approx(-0.0765, abs=0.005)


@pytest.mark.parametrize(
    ("blocks", "nodes"), [(0, 0), (923, 0), (924, 1), (923 + 2 * 1018, 2), (923 + 3 * 1018, 4)]
)
def test_addresses_that_an_inode_has_no_room_for_take_nodes(blocks: int, nodes: int) -> None:
    assert node_blocks(blocks) == nodes
