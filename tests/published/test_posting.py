"""Which Cases a published figure is of."""

from collections.abc import Mapping

import pytest

from loadstone.model import Value
from loadstone.published.posting import matches_case

CASE: Mapping[str, Value] = {"block": 4096, "fixed": True, "sync": "end", "depth": 1}


@pytest.mark.parametrize(
    ("wanted", "is_its"),
    [
        ({}, True),
        ({"block": ("4k",)}, True),
        ({"block": (4096,)}, True),
        ({"block": ("8k",)}, False),
        ({"block": ("8k", "4KiB")}, True),
        ({"block": ("many",)}, False),
        ({"fixed": (True,)}, True),
        ({"fixed": ("on",)}, True),
        ({"fixed": (False,)}, False),
        ({"depth": (True,)}, False),
        ({"sync": ("end", "none")}, True),
        ({"sync": ("none",)}, False),
        ({"sync": (1,)}, False),
        ({"sync": ("e*",)}, True),
        ({"sync": ("n*",)}, False),
        ({"block": ("4*",)}, False),
        ({"block": ("4k",), "sync": ("none",)}, False),
        ({"tasklet": (True,)}, False),
    ],
)
def test_a_case_is_matched_by_all_the_parameters_that_are_named(
    wanted: Mapping[str, tuple[Value, ...]], is_its: bool
) -> None:
    assert matches_case(wanted, CASE) is is_its
