"""f2fs-read on F2FS that is made for the Run, and on the user's own."""

import errno
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB, Command, needs_root, until
from file_systems import needs_f2fs
from immutable import is_immutable, set_immutable
from loadstone import run as run_workload
from loadstone.model import Run, Status, Trial
from loadstone.provision.f2fs_image import f2fs_image
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.workloads.f2fs_read.trials import immutable_error
from loadstone.workloads.f2fs_read.trials import set_immutable as set_on_file

pytestmark = [
    needs_root,
    needs_f2fs,
    pytest.mark.root,
    pytest.mark.usefixtures("nothing_is_left"),
]

PAGE = os.sysconf("SC_PAGESIZE")


def run_reads(
    place: Path, *, directory: Path | None, file: Path | None = None, **axes: object
) -> Run:
    return run_workload(
        "f2fs-read",
        axes={"total": MIB, **axes},  # type: ignore[dict-item]
        file=None if file is None else str(file),
        size=None if file else 4 * MIB,
        directory=None if directory is None else str(directory),
        # Each drops all caches several times, and a guest reads its programs over 9p.
        rounds=1,
        warmups=0,
        results=place / "results",
    )


def trials(run: Run, *names: str) -> Iterator[tuple[tuple[object, ...], Trial]]:
    """With their Cases' values of some parameters."""
    cases = {case.id: case for case in run.manifest.plan.cases}
    for one in run.trials:
        yield tuple(cases[one.case].parameters[name] for name in names), one


@pytest.fixture
def f2fs(place: Path) -> Iterator[Path]:
    """A directory of the user's on F2FS."""
    hold = place / "f2fs"
    hold.mkdir()
    target = LocalTarget(hold / "results")
    with Journal(hold / "results") as journal, f2fs_image(target, journal, hold, 64 * MIB) as made:
        (made.path / "mine").mkdir()
        yield made.path / "mine"
    target.close()
    shutil.rmtree(hold)


def test_an_immutable_file_alone_is_read_into_large_folios_and_all_is_cold_and_verified(
    place: Path,
) -> None:
    run = run_reads(
        place,
        directory=place,
        immutable=[False, True],
        pattern=["sequential", "random"],
        io=["buffered", "direct"],
        total=4 * MIB,
    )
    means: dict[bool, set[float]] = {False: set(), True: set()}
    for (immutable, pattern, io), one in trials(run, "immutable", "pattern", "io"):
        assert one.status is Status.OK, one.reason
        evidence = one.evidence
        assert evidence["cached_before_bytes"] == 0
        assert evidence["verified_bytes"] > 0
        assert one.metrics["throughput"] > 0
        assert 1 <= one.metrics["amplification"] < 1.1
        assert (evidence["cached_after_bytes"] == 0) == (io == "direct")
        if (pattern, io) == ("sequential", "buffered"):
            means[bool(immutable)].add(evidence["folio_mean_bytes"])
        if (pattern, io) == ("random", "buffered"):
            # Blocks that happen to follow each other may be read ahead.
            assert evidence["folio_mean_bytes"] < 2 * PAGE
    assert means[False] == {PAGE}
    if means[True] == {PAGE}:
        pytest.skip("this kernel's F2FS has no large folios: run it on Linux 7")
    assert min(means[True]) > 4 * PAGE


def test_read_ahead_is_of_the_device_below_and_put_back(place: Path, f2fs: Path) -> None:
    number = f2fs.stat().st_dev
    tunable = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/queue/read_ahead_kb")
    tunable.write_text("64")
    run = run_reads(place, directory=f2fs, pattern="mmap", read_ahead=[0, 1 << 20], total=65536)
    found = {key[0]: one.metrics["amplification"] for key, one in trials(run, "read_ahead")}
    assert found[0] < 2 < found[1 << 20]
    assert tunable.read_text().strip() == "64"
    assert list(f2fs.iterdir()) == []


def test_a_file_on_f2fs_is_measured_there_by_a_copy_and_left_as_it_is(
    place: Path, f2fs: Path
) -> None:
    file = f2fs / "model"
    file.write_bytes(os.urandom(2 * MIB + 5))
    set_immutable(file, True)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    run = run_reads(place, directory=None, file=file, immutable=[False, True])
    for _, one in trials(run):
        assert one.status is Status.OK, one.reason
        assert one.evidence["file_bytes"] == 2 * MIB + 5
    assert run.manifest.environment.facts["fs.type"] == "f2fs"
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert is_immutable(file)
    assert list(f2fs.iterdir()) == [file]
    set_immutable(file, False)


def test_what_a_killed_run_left_immutable_is_cleaned(loadstone: Command, f2fs: Path) -> None:
    words = ("run", "f2fs-read", "--dir", f2fs, "--size", "1MiB", "--set", "total=1MiB")
    process = loadstone.start(*words, "--set", "immutable=on", "--rounds", "1000", "--quiet")
    until(loadstone.trials, "a Trial", 300)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (file,) = f2fs.glob("loadstone-read-*")
    assert is_immutable(file)
    with pytest.raises(OSError, match="Operation not permitted"):
        file.unlink()
    until(lambda: not loadstone.processes(), "its worker to be gone", 120)
    done = loadstone("clean")
    assert done.code == 0, done.out + done.err
    assert list(f2fs.iterdir()) == []


def test_an_inode_that_somebody_has_open_is_told(place: Path, f2fs: Path) -> None:
    file = f2fs / "loadstone-file"
    file.write_bytes(bytes(MIB))
    target = LocalTarget(place / "results")
    assert immutable_error(target, str(file), is_immutable=True) is None
    with file.open("rb") as stream:
        stream.read()
        error = immutable_error(target, str(file), is_immutable=False)
        if error is None:
            pytest.skip("this kernel's F2FS has no large folios: run it on Linux 7")
        assert (error.step, error.code) == ("read", errno.EOPNOTSUPP)
        # It is left for the Trial to meet.
        set_on_file(target, str(file), is_immutable=False)
    assert immutable_error(target, str(file), is_immutable=False) is None
    assert file.read_bytes() == bytes(MIB)
    target.close()
