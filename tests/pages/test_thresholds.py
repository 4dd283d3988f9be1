"""Sizes that kernels store whole, against what was read off them."""

import pytest

from loadstone.pages.thresholds import thresholds_of


@pytest.mark.parametrize(("page_bytes", "sizes"), [(4096, [3257, 3625]), (16384, [13081, 14553])])
def test_they_are_the_kernels(page_bytes: int, sizes: list[int]) -> None:
    assert [threshold.bytes for threshold in thresholds_of(page_bytes)] == sizes


def test_those_of_other_pages_are_near_the_same_shares() -> None:
    for threshold, share in zip(thresholds_of(65536), (4 / 5, 8 / 9), strict=True):
        assert 0 < share - threshold.bytes / 65536 < 0.01
