"""Sizes, times and triples as fio reads them."""

import pytest

from loadstone.errors import UsageError
from loadstone.fio.values import of_direction, parse_flag, parse_seconds, parse_size


@pytest.mark.parametrize(
    ("text", "kb_base", "size"),
    [
        ("4096", 1024, 4096),
        ("0x1000", 1024, 4096),
        ("4096b", 1024, 4096),
        ("4k", 1024, 4096),
        ("4K", 1024, 4096),
        ("4kb", 1024, 4096),
        # Only the whole of it turns fio's meaning round.
        ("4ki", 1024, 4096),
        ("4KiB", 1024, 4000),
        ("1m", 1024, 1 << 20),
        ("2g", 1024, 2 << 30),
        ("4k", 1000, 4000),
        ("4ki", 1000, 4000),
        ("4KiB", 1000, 4096),
        ("010", 1024, 10),
    ],
)
def test_a_size_is_what_fio_takes_it_for(text: str, kb_base: int, size: int) -> None:
    assert parse_size(text, kb_base) == size


@pytest.mark.parametrize("text", ["", "4x", "4.5k", " 4k", "4k-8k", "50%", "-1", "9" * 30, "k"])
def test_what_is_no_size_or_another_to_fio_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        parse_size(text)


def test_a_time_is_in_seconds_without_a_unit() -> None:
    texts = ("30", "30s", "5m", "500ms", "1h")
    assert [parse_seconds(text) for text in texts] == [30, 30, 300, 0.5, 3600]
    with pytest.raises(UsageError, match="is no time"):
        parse_seconds("soon")


def test_a_flag_that_stands_alone_is_on() -> None:
    assert [parse_flag(text) for text in ("", "1", "0")] == [True, True, False]
    with pytest.raises(UsageError, match="neither 0 nor 1"):
        parse_flag("yes")


@pytest.mark.parametrize(
    ("text", "parts"),
    [("4k", ("4k", "4k", "4k")), ("4k,8k", ("4k", "8k", "8k")), (",8k", ("", "8k", "8k"))],
)
def test_a_triple_has_a_part_for_each_direction(text: str, parts: tuple[str, ...]) -> None:
    assert tuple(of_direction(text, one) for one in ("read", "write", "trim")) == parts
