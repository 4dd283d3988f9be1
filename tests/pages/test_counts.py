"""The core's answer, line by line."""

import pytest

from loadstone.pages.counts import DECILES, parse_kinds, parse_zram


def _line(word: str, thresholds: int, name: str) -> str:
    numbers = range(1, 5 + 3 * (1 + DECILES + thresholds))
    return f"{word} {' '.join(map(str, numbers))} {name}\n"


@pytest.mark.parametrize("thresholds", [0, 2])
def test_every_number_finds_its_place_and_a_name_may_have_blanks(thresholds: int) -> None:
    text = _line("own", thresholds, "[anon: a name]") + _line("shared", thresholds, "/dev/zero")
    own, shared = parse_kinds(text, thresholds)
    assert (own.name, own.is_shared) == ("[anon: a name]", False)
    assert (shared.name, shared.is_shared) == ("/dev/zero", True)
    assert (own.present, own.swapped, own.seen, own.lost) == (1, 2, 3, 4)
    assert (own.same.pages, own.same.bytes, own.same.ns) == (5, 6, 7)
    assert [decile.pages for decile in own.deciles] == list(range(8, 8 + 3 * DECILES, 3))
    assert len(own.from_threshold) == thresholds


def test_the_kernels_line_is_no_kind() -> None:
    text = _line("own", 2, "anon") + _line("zram", 1, "zram")
    assert len(parse_kinds(text, 2)) == 1
    values = {"zram_equal_pages": 1, "zram_most_stored_bytes": 2, "zram_least_huge_bytes": 3}
    zram = parse_zram(text, values)
    assert zram is not None
    assert (zram.seen, zram.equal, zram.least_huge_bytes) == (3, 1, 3)
    assert zram.huge.pages == 8 + 3 * DECILES


def test_without_a_device_there_is_none() -> None:
    assert parse_zram(_line("own", 2, "anon"), {}) is None
