"""What other programs read of a Run is what was measured, and by which clock."""

import msgspec
import pytest

import pages
from export.runs import COUNTED, MEANING, REAL, run_with
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.export import find_format, formats
from loadstone.model import Run

FORMATS = pages.ROOT / "docs" / "formats.md"
# What is tested with each: latencies, a package.
NEED_MORE = {"fio", "parquet"}


def test_the_formats_are_those_that_are_documented() -> None:
    documented = {row[0].strip("`") for row in pages.rows(FORMATS, "Formats")}
    assert set(formats()) == documented
    assert all(found.SUMMARY and found.SUFFIX.startswith(".") for found in formats().values())


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="xml: no such format; there are benchstat, csv"):
        find_format("xml")


@pytest.mark.parametrize("name", sorted({*formats()} - NEED_MORE))
def test_every_format_carries_the_clock(name: str) -> None:
    counted, real = (text_of(name, run_with(facts)) for facts in (COUNTED, REAL))
    assert MEANING in counted.replace('""', '"')
    assert "counted" not in real


def text_of(name: str, run: Run) -> str:
    """The Run in a format, of which nothing but its strings are text."""
    data = find_format(name).render(run)
    return data if isinstance(data, str) else data.decode(errors="replace")


@pytest.mark.parametrize("name", sorted({*formats()} - {"json"} - NEED_MORE))
def test_a_run_without_a_good_trial_is_not_exported(name: str) -> None:
    run = msgspec.structs.replace(run_with(), trials=run_with().trials[:2])
    with pytest.raises(
        CannotMeasureError, match="no good Trial to export; see why with `loadstone show`"
    ):
        text_of(name, run)
