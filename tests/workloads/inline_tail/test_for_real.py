"""inline-tail on F2FS, on trees that are made and on the user's own."""

import os
from pathlib import Path

import pytest

from commands import MIB, needs_root
from file_systems import needs_f2fs
from loadstone import run as run_workload
from loadstone.errors import LoadstoneError
from loadstone.model import Run, Status, Trial

pytestmark = [
    needs_root,
    needs_f2fs,
    pytest.mark.root,
    pytest.mark.usefixtures("nothing_is_left"),
]

_BLOCK_BYTES = 4096
# Of an F2FS of its own: directories that are large, and what is there before.
_OTHER_BLOCKS = 16


def run_copies(place: Path, file: Path | None = None, **axes: object) -> Run:
    return run_workload(
        "inline-tail",
        axes=axes,  # type: ignore[arg-type]
        file=None if file is None else str(file),
        size=None if file else MIB,
        directory=str(place),
        rounds=1,
        warmups=0,
        results=place / "results",
    )


def trials(run: Run) -> dict[tuple[object, ...], Trial]:
    cases = {case.id: case.parameters for case in run.manifest.plan.cases}
    return {(cases[one.case]["inline"], cases[one.case]["phase"]): one for one in run.trials}


def test_inline_data_saves_the_blocks_that_the_sizes_say(place: Path) -> None:
    found = trials(run_copies(place, inline=[True, False], phase=["copy", "read"]))
    assert {one.status for one in found.values()} == {Status.OK}, [
        one.reason for one in found.values()
    ]
    used = {inline: found[inline, "copy"].metrics["used_bytes"] for inline in (True, False)}
    for inline, used_bytes in used.items():
        predicted = found[inline, "copy"].evidence["predicted_bytes"]
        assert 0 <= used_bytes - predicted <= _OTHER_BLOCKS * _BLOCK_BYTES
    saved = [one.evidence["predicted_bytes"] for one in (found[False, "copy"], found[True, "copy"])]
    assert used[False] - used[True] == saved[0] - saved[1] > 0
    for phase in ("copy", "read"):
        moved = [found[inline, phase].metrics["device_bytes"] for inline in (True, False)]
        assert 0 < moved[0] < moved[1]


def test_the_limits_of_inline_data_are_those_of_layout(place: Path) -> None:
    tree = place / "tree"
    tree.mkdir()
    used = {}
    for size in (3452, 3453):
        (tree / "file").write_bytes(os.urandom(size))
        (one,) = run_copies(place, tree, phase="copy").trials
        assert one.status is Status.OK, one.reason
        used[size] = (one.metrics["used_bytes"], one.evidence["predicted_bytes"])
    assert used[3453][0] - used[3452][0] == used[3453][1] - used[3452][1] == _BLOCK_BYTES


def test_a_directory_of_the_users_is_copied_and_left_alone(place: Path) -> None:
    tree = place / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / os.fsdecode(b"no-utf-8-\xff")).write_bytes(b"small")
    (tree / "below" / "large").write_bytes(os.urandom(MIB))
    os.link(tree / "below" / "large", tree / "again")
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "fifo")
    run = run_copies(place, tree, phase=["copy", "read"])
    assert run.manifest.environment.facts["tree.left_out"] == 1
    found = trials(run)
    for one in found.values():
        assert one.status is Status.OK, one.reason
        evidence = one.evidence
        assert (evidence["files"], evidence["hard_links"], evidence["symbolic_links"]) == (2, 1, 1)
        assert evidence["bytes"] == MIB + 5
    assert len(list(tree.iterdir())) == 5
    assert (tree / "again").samefile(tree / "below" / "large")


@pytest.mark.parametrize(
    ("file", "size", "complaint"),
    [
        ("file", None, "is no directory, and inline-tail copies one"),
        ("nothing", None, "No such file or directory"),
        ("empty", None, "no data in"),
        (None, "900t", "has to lie in memory: at most 40%"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    place: Path, file: str | None, size: str | None, complaint: str
) -> None:
    (place / "file").write_bytes(b"x")
    (place / "empty").mkdir()
    with pytest.raises(LoadstoneError, match=complaint):
        run_workload(
            "inline-tail",
            file=file and str(place / file),
            size=size,
            directory=str(place),
            results=place / "results",
        )
