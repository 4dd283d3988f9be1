"""What other programs read of a Run is what was measured, and by which clock."""

import msgspec
import pytest

from export.runs import COUNTED, MEANING, REAL, rendered, run_with
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.export import find_format, formats


def test_the_formats_are_those_that_are_documented() -> None:
    assert set(formats()) == {"csv", "json", "benchstat", "pyperf"}
    assert all(found.SUMMARY and found.SUFFIX.startswith(".") for found in formats().values())


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="xml: no such format; there are benchstat, csv"):
        find_format("xml")


@pytest.mark.parametrize("name", ["csv", "json", "benchstat", "pyperf"])
def test_every_format_carries_the_clock(name: str) -> None:
    assert MEANING in rendered(name, run_with(COUNTED)).replace('""', '"')
    assert "counted" not in rendered(name, run_with(REAL))


@pytest.mark.parametrize("name", ["csv", "benchstat", "pyperf"])
def test_a_run_without_a_good_trial_is_not_exported(name: str) -> None:
    run = msgspec.structs.replace(run_with(), trials=run_with().trials[:2])
    with pytest.raises(
        CannotMeasureError, match="no good Trial to export; see why with `loadstone show`"
    ):
        rendered(name, run)
