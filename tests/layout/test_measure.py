"""Files through the core."""

import errno
import os
from pathlib import Path

import pytest

from loadstone.errors import CannotMeasureError, TargetError
from loadstone.layout.algorithm import Algorithm
from loadstone.layout.measure import MeasuredFile, measure
from loadstone.layout.walk import RegularFile, Unseen
from loadstone.model import CoreError, Job, Outcome
from loadstone.targets.local import LocalTarget

LZ4 = Algorithm(name="lz4", level=0)


def _file(path: Path, file_bytes: int, *, is_sparse: bool = False) -> RegularFile:
    return RegularFile(
        path=os.fsencode(path), file_bytes=file_bytes, is_sparse=is_sparse, has_wide_owner=False
    )


def test_files_come_back_in_their_order_with_what_reading_them_met(
    local: LocalTarget, tmp_path: Path
) -> None:
    """Those of one batch are read largest first."""
    files = []
    for size in (5000, 200_000, 9000):
        path = tmp_path / f"{size} \udcff"
        path.write_bytes(b"a" * size)
        files.append(_file(path, size))
    absent = _file(tmp_path / "absent", 10)
    gone = _file(tmp_path / "gone", 10, is_sparse=True)
    shorter = _file(tmp_path / "5000 \udcff", 6000)
    empty = _file(tmp_path / "empty", 0)
    found = list(measure(local, [*files, absent, gone, shorter, empty], [LZ4]))
    (first, *rest), unseen = found[1:], found[0]
    assert unseen == Unseen(path=gone.path, code=errno.ENOENT)
    assert isinstance(first, MeasuredFile)
    assert [one.file for one in (first, *rest[:2]) if isinstance(one, MeasuredFile)] == files
    assert first.sizes[0].clusters[0].blocks == 2
    assert rest[2] == Unseen(path=absent.path, code=errno.ENOENT)
    assert rest[3] == Unseen(path=shorter.path, code=errno.ENODATA)
    last = rest[4]
    assert isinstance(last, MeasuredFile)
    assert last.sizes[0].segment_bytes == 0


class _Broken(LocalTarget):
    """Has one Outcome for every Job."""

    def __init__(self, place: Path, outcome: Outcome) -> None:
        super().__init__(place)
        self._outcome = outcome

    def execute(self, job: Job) -> Outcome:
        del job
        return self._outcome


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (Outcome(crash="killed by SIGBUS"), TargetError, "killed by SIGBUS; see dmesg"),
        (
            Outcome(error=CoreError(code=errno.ENOMEM, step="reserve memory", path="memory")),
            CannotMeasureError,
            "not enough memory",
        ),
    ],
)
def test_a_job_that_fails_is_said(
    outcome: Outcome, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words):
        list(measure(_Broken(tmp_path, outcome), [_file(tmp_path / "a", 1)], [LZ4]))
