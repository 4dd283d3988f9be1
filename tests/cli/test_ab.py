"""``ab``: two sets of options in one Run, and what is no set of options."""

import json
from pathlib import Path

import pytest

from commands import Command


def test_both_sides_are_in_one_run_and_compared_again_by_its_name(
    loadstone: Command, place: Path
) -> None:
    (place / "model").write_bytes(bytes(range(256)) * 256)
    sides = ("--set engine=pread --set block=4k", "--set engine=mmap-copy --set block=8k")
    common = ("model-load", "--file", place / "model", "--rounds", "2", "--warmups", "0")
    done = loadstone("ab", *sides, *common, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    (run,), (comparison,) = said["runs"], said["comparisons"]
    assert [case["parameters"]["engine"] for case in run["cases"]] in (
        ["pread", "mmap-copy"],
        ["mmap-copy", "pread"],
    )
    assert comparison["by"] == "ab"
    (effect,) = comparison["cases"]
    assert " → " in effect["label"]
    again = loadstone("compare", "last", "--by", "ab", "--json")
    assert json.loads(again.out)["cases"] == comparison["cases"]
    assert "B against A; paired by round" in loadstone("compare", "last", "--by", "ab").out
    assert len(list(loadstone.results.glob("runs/*"))) == 1


@pytest.mark.parametrize(
    ("sides", "complaint"),
    [
        (("--set engine=pread",), "Missing argument 'B'"),
        (("--set engine=pread", "--rounds 3"), "B: --rounds: a side has only --set and --knob"),
        (("--set 'engine=pread", "--set engine=mmap"), "A: --set 'engine=pread: No closing"),
        (("--set ", "--set engine=mmap"), "A: --set: has no value"),
        (("--set engine=pread", "--set engine=pread"), "A and B are the same Case: pread"),
        (("--set engine=pread,uring", "--set engine=mmap"), "A is 2 Cases, and B 1"),
        (("--set engine=pread", "--knob x=1"), "--knob x: no such knob"),
    ],
)
def test_what_makes_no_pair_is_refused(
    loadstone: Command, sides: tuple[str, ...], complaint: str
) -> None:
    done = loadstone("ab", *sides)
    assert done.code == 2
    assert done.complaint.startswith(complaint), done.complaint
    assert not loadstone.results.exists()
