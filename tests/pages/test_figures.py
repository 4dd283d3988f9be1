"""Shares, what they are sure to, and what-ifs, of counts that are known."""

import random

import pytest

from loadstone.pages.figures import (
    byte_shares,
    estimate,
    half_byte_share,
    half_share,
    huge_byte_share,
    huge_share,
    own_kinds,
    page_shares,
    ratio,
    shared_kinds,
    what_if,
)
from sample_pages import kind_of, pages_of

PAGE = 4096


def test_shares_are_of_all_pages_and_same_filled_ones_are_the_smallest() -> None:
    found = estimate([kind_of(by_decile={0: 10, 5: 20, 10: 40}, same=30)], PAGE)
    assert found is not None
    assert page_shares(found)[0] == pytest.approx(0.4)
    assert sum(page_shares(found)) == pytest.approx(1)
    assert sum(byte_shares(found)) == pytest.approx(1)
    assert huge_share(found, 0).share == pytest.approx(0.4)
    assert half_share(found).share == pytest.approx(0.6)
    total = 10 * 205 + 20 * 2255 + 40 * 4096
    assert huge_byte_share(found, 0) == pytest.approx(40 * 4096 / total)
    assert half_byte_share(found) == pytest.approx((20 * 2255 + 40 * 4096) / total)
    assert ratio(found, 0) == pytest.approx(total / (100 * PAGE))


def test_a_huge_page_takes_a_whole_one() -> None:
    found = estimate([kind_of(by_decile={9: 10})], PAGE)
    assert found is not None
    assert ratio(found, 0) == 1
    assert huge_byte_share(found, 0) == 1


def test_kinds_count_by_what_they_have_and_not_by_what_was_seen() -> None:
    half_seen = kind_of(by_decile={10: 50}, present=300)
    whole = kind_of(by_decile={1: 100})
    found = estimate([half_seen, whole], PAGE)
    assert found is not None
    assert found.pages == 400
    assert huge_share(found, 0).share == pytest.approx(0.75)


def test_nothing_seen_is_no_figure() -> None:
    assert estimate([kind_of(present=7)], PAGE) is None


def test_what_was_seen_as_a_whole_has_no_interval() -> None:
    found = estimate([kind_of(by_decile={10: 1, 1: 9})], PAGE)
    assert found is not None
    share = huge_share(found, 0)
    assert share.low == share.share == share.high


def test_a_sample_without_a_huge_page_does_not_say_that_there_is_none() -> None:
    found = estimate([kind_of(by_decile={1: 100}, present=10_000)], PAGE)
    assert found is not None
    share = huge_share(found, 0)
    assert share.low == share.share == 0
    assert 0.02 < share.high < 0.06


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_95_of_100_intervals_hold_the_share(share: float) -> None:
    """Of two strata of unlike size and content, drawn without replacement."""
    rng = random.Random(1)
    sizes = (2000, 500)
    pages = [[i < size * share for i in range(size)] for size in sizes]
    pages[1] = [not huge for huge in pages[1]]
    truth = sum(map(sum, pages)) / sum(sizes)
    hits = 0
    for _ in range(400):
        drawn = [sum(rng.sample(page, 200)) for page in pages]
        kinds = [
            kind_of(by_decile={10: huge, 1: 200 - huge}, present=size)
            for huge, size in zip(drawn, sizes, strict=True)
        ]
        found = estimate(kinds, PAGE)
        assert found is not None
        interval = huge_share(found, 0)
        hits += interval.low <= truth <= interval.high
    assert hits >= 370


def test_what_ifs_are_saved_bytes_by_time() -> None:
    """1 µs a page, and 0.1 µs where it is same-filled."""
    found = estimate([kind_of(by_decile={1: 10, 6: 10, 10: 10}, same=10)], PAGE)
    assert found is not None
    speed = what_if(found, 0)
    small = 10 * (PAGE - 615) + 10 * PAGE
    middle = 10 * (PAGE - 2665)
    assert speed.all_pages == pytest.approx((small + middle) / 31e-6)
    assert speed.small_first == pytest.approx(small / 11e-6)
    assert speed.huge_skipped == pytest.approx((small + middle) / 21e-6)


def test_own_and_shared_memory_stand_apart() -> None:
    kinds = [
        kind_of(by_decile={1: 3}),
        kind_of("heap", {2: 4}),
        kind_of("m", {3: 5}, is_shared=True),
    ]
    look = pages_of(1, kinds)
    assert own_kinds(look).seen == 7
    assert shared_kinds(look).seen == 5
    assert shared_kinds(pages_of(1, kinds[:2])).present == 0
