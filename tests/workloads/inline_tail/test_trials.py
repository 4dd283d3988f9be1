"""What inline-tail makes of an Outcome."""

import contextlib
import errno
from collections.abc import Mapping
from pathlib import Path

import pytest

from loadstone.layout.inline import InlineCount
from loadstone.model import Case, CoreError, Finding, Histogram, Input, Outcome, Status, Value
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import LoopDevice
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.inline_tail.tree import Tree
from loadstone.workloads.inline_tail.trials import PreparedTree

INLINE = workload("inline-tail")
VALUES = {"elapsed_ns": 2_000_000, "files": 3, "bytes": 9000}
HISTOGRAM = Histogram(
    name="copy", count=3, min_ns=100, max_ns=900, sum_ns=1, buckets={100: 2, 900: 1}
)
_STAT = "/sys/dev/block/7:9/stat"


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(INLINE, [chosen])
    return case


def prepared(place: Path, is_direct: bool = True) -> PreparedTree:
    """Of three files: inline, with an inline tail, and of two whole blocks; a directory."""
    sizes = InlineCount()
    for file_bytes in (100, 5000, 8192):
        sizes.add_file(file_bytes, -(-file_bytes // 4096))
    sizes.add_inode()
    return PreparedTree(
        LocalTarget(place),
        Input(),
        Journal(place),
        place,
        Tree(path=place, files=3, bytes=13292, inline=sizes.figures()),
        LoopDevice(path="/dev/loop9", number="7:9", is_direct=is_direct),
        contextlib.ExitStack(),
    )


def evaluated(place: Path, sectors: int, used: Mapping[str, int], **chosen: Value) -> Finding:
    outcome = Outcome(
        values={**VALUES, **used},
        histograms=(HISTOGRAM,),
        before={_STAT: "9 0 1000 0 5 0 2000 0 0 0 0"},
        after={_STAT: f"9 0 {1000 + sectors} 0 5 0 {2000 + 2 * sectors} 0 0 0 0"},
    )
    return prepared(place).evaluate(case_of(**chosen), outcome)


@pytest.mark.parametrize(("inline", "blocks"), [(False, 8), (True, 7)])
def test_a_copy_is_held_against_what_its_sizes_say(place: Path, inline: bool, blocks: int) -> None:
    found = evaluated(place, 50, {"used_bytes": 40960}, inline=inline)
    assert found.status is Status.OK
    assert found.notes == ()
    assert found.metrics == {"tree_ns": 2e6, "used_bytes": 40960, "device_bytes": 100 * 512}
    assert found.evidence["predicted_bytes"] == blocks * 4096
    # What no kernel does is said of the Case with inline data alone.
    tail = {name: value for name, value in found.evidence.items() if name.startswith("inline_tail")}
    assert tail == ({"inline_tail_bytes": 6 * 4096, "inline_tail_change": -1 / 8} if inline else {})


def test_a_read_is_what_the_device_read(place: Path) -> None:
    found = evaluated(place, 50, {}, phase="read")
    assert found.metrics == {"tree_ns": 2e6, "device_bytes": 50 * 512}
    assert "predicted_bytes" not in found.evidence
    found = evaluated(place, 0, {}, phase="read")
    assert found.status is Status.INVALID
    assert "not cold: nothing was read of the device" in (found.reason or "")
    assert found.remedy


def test_what_is_not_known_is_told(place: Path) -> None:
    outcome = Outcome(values={**VALUES, "used_bytes": 1}, histograms=(HISTOGRAM,))
    found = prepared(place, is_direct=False).evaluate(case_of(), outcome)
    assert "device_bytes" not in found.metrics
    assert "goes through the page cache" in found.notes[0]
    assert "it counts nothing" in found.notes[1]


@pytest.mark.parametrize(
    ("code", "step", "status", "words"),
    [
        (errno.ENOSPC, "copy", Status.SKIPPED, "has no room for the tree"),
        (errno.ENOSPC, "syncfs", Status.SKIPPED, "has no room for the tree"),
        (errno.EIO, "read", Status.FAILED, "failed, or the disk below it"),
        (errno.EBADMSG, "verify", Status.FAILED, "wrong data: /m/file at 4096 is not what"),
        (errno.ENOMEM, "reserve tree", Status.SKIPPED, "not enough memory for the list"),
    ],
)
def test_what_went_wrong_is_told_with_a_remedy(
    place: Path, code: int, step: str, status: Status, words: str
) -> None:
    error = CoreError(code=code, step=step, path="/m/file", offset=4096)
    found = prepared(place).evaluate(case_of(), Outcome(error=error))
    assert found.status is status
    assert words in (found.reason or "")
    assert found.remedy
