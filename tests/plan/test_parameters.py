"""Values and axes as people write them."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Parameter
from loadstone.plan.parameters import parse_axes, parse_value
from sample_parameters import BLOCK, DEPTH, DESTINATION, ENGINE, FIXED, MOUNT, PARAMETERS


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (ENGINE, "uring", "uring"),
        (DESTINATION, "dma-heap:system", "dma-heap:system"),
        (DESTINATION, "dma-heap:qcom,display", "dma-heap:qcom,display"),
        (MOUNT, "noatime,discard", "noatime,discard"),
        (BLOCK, "4k", 4096),
        (BLOCK, " 1.5MiB ", 3 << 19),
        (DEPTH, "32", 32),
        (FIXED, "on", True),
        (FIXED, "0", False),
    ],
)
def test_a_value_is_read_by_its_kind(parameter: Parameter, text: str, value: object) -> None:
    read = parse_value(parameter, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        (ENGINE, "prad", ["engine", "'prad'", "did you mean 'pread'", "pread, uring, mmap"]),
        (ENGINE, "PREAD", ["did you mean 'pread'"]),
        (ENGINE, "", ["''", "pread, uring, mmap"]),
        (DESTINATION, "dma-heap", ["did you mean 'dma-heap:NAME'"]),
        (DESTINATION, "dma-heap:", ["destination", "dma-heap:NAME"]),
        (DESTINATION, "dma-heap:../../etc", ["destination"]),
        (DESTINATION, "dma-heap:a b", ["destination"]),
        (MOUNT, "", ["mount", "any text"]),
        (BLOCK, "4x", ["block", "'4x'", "4k, 1MiB"]),
        (BLOCK, "511", ["block", "'511'", "512 or more"]),
        (BLOCK, "0.3", ["block", "whole number of bytes"]),
        (BLOCK, "9" * 400, ["block", "write less"]),
        (BLOCK, "8388608t", ["block", "write less"]),
        (DEPTH, "-1", ["depth", "'-1'", "whole number"]),
        (DEPTH, "0", ["depth", "1 or more"]),
        (DEPTH, "9" * 5000, ["depth", "whole number"]),
        (DEPTH, str(1 << 63), ["depth", "write less"]),
        (DEPTH, "²", ["depth", "whole number"]),
        (FIXED, "maybe", ["fixed", "'maybe'", "neither on nor off"]),
    ],
)
def test_a_bad_value_is_refused_with_the_allowed_ones(
    parameter: Parameter, text: str, words: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_value(parameter, text)
    for word in words:
        assert word in str(caught.value)


def test_axes_are_lists_whose_duplicates_collapse_in_the_order_given() -> None:
    axes = parse_axes(
        PARAMETERS, ["engine=uring,pread,uring", "block = 4k, 4096,1MiB", "fixed=on,1"]
    )
    assert axes == {"engine": ["uring", "pread"], "block": [4096, 1 << 20], "fixed": [True]}


def test_an_escaped_comma_belongs_to_the_value() -> None:
    axes = parse_axes(PARAMETERS, [r"destination=anon,dma-heap:qcom\,display"])
    assert axes == {"destination": ["anon", "dma-heap:qcom,display"]}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["engin=pread"], ["engin", "did you mean 'engine'", "block", "depth"]),
        (["engine"], ["engine", "engine=VALUE"]),
        (["=pread"], ["no such parameter"]),
        (["engine=pread", "engine=uring"], ["engine", "twice"]),
        (["engine=pread,"], ["engine", "''"]),
        (["engine="], ["engine", "''"]),
    ],
)
def test_a_bad_axis_is_refused(texts: list[str], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_axes(PARAMETERS, texts)
    for word in words:
        assert word in str(caught.value)
