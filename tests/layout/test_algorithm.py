"""Compressors by their names and levels."""

import pytest

from loadstone.errors import UsageError
from loadstone.layout.algorithm import Algorithm, parse_algorithms


def test_levels_are_those_given_or_usual() -> None:
    assert [one.label for one in parse_algorithms("lz4,lz4hc,zstd,zstd:19")] == [
        "lz4",
        "lz4hc:9",
        "zstd:3",
        "zstd:19",
    ]
    assert parse_algorithms("zstd")[0].library(10504) == "libzstd 1.5.4"
    assert parse_algorithms("lz4") == (Algorithm(name="lz4", level=0),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lz5", "no such algorithm"),
        ("", "no such algorithm"),
        ("lz4:1", "lz4 has none"),
        ("lz4hc:13", "lz4hc has 1 to 12"),
        ("zstd:0", "zstd has 1 to 22"),
        ("zstd:", "zstd has 1 to 22"),
        ("zstd:9999999999", "zstd has 1 to 22"),
        ("zstd,zstd:3", "given twice"),
    ],
)
def test_others_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_algorithms(text)
