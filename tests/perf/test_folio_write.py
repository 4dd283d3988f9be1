"""What a buffered write costs here, and in fio."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from perf.conftest import Pairs, execute, keep, take_figures

_TOTAL = 256 << 20
_PAIRS = 10
_LIMIT = 0.97
_UNTIL = ("write_ns", "durable_ns")

Writer = Callable[[Path, int, str], dict[str, float]]

# Ours, fio's name for it, and how many writes are in flight; of io_uring those of the talk.
_ENGINES = {"pwrite": ("psync", 1), "uring": ("io_uring", 16)}


@pytest.fixture(scope="session")
def fio_write() -> Writer:
    """fio on a new file: GB/s of its writes, and of all to the end of the fsync."""
    program = shutil.which("fio")
    if program is None:
        pytest.skip("fio is not installed: apt-get install fio")

    def write(path: Path, block: int, engine: str) -> dict[str, float]:
        name, depth = _ENGINES[engine]
        # A buffer of random bytes, filled once: fio's default would change it for each write. And
        # at the start of a page, as ours: 16 bytes behind it, where malloc puts it, copying into
        # the page cache takes a tenth longer.
        buffer = ["--refill_buffers=0", "--scramble_buffers=0", "--iomem_align=4096"]
        shape = [f"--bs={block}", f"--size={_TOTAL}", "--rw=write"]
        shape += [f"--ioengine={name}", f"--iodepth={depth}"]
        # Like ours: no space set aside, a new file, one fsync at the end.
        file = ["--fallocate=none", "--end_fsync=1", "--create_on_open=1", "--overwrite=0"]
        done = subprocess.run(
            [
                *(program, "--name=write", f"--filename={path}", "--output-format=json"),
                *(*buffer, *shape, *file, "--direct=0"),
            ],
            capture_output=True,
            check=True,
        )
        path.unlink()
        job = msgspec.json.decode(done.stdout)["jobs"][0]
        assert job["error"] == 0
        figures = job["write"]
        assert figures["io_bytes"] == _TOTAL
        # Its runtime ends with the fsync. Of the writes alone it has only what each took, which
        # leaves out its loop around them, and takes its ring for full at all times: that is to its
        # favour.
        latency = figures["lat_ns"]
        return {
            "write_ns": _TOTAL / (latency["mean"] * latency["N"] / depth),
            "durable_ns": _TOTAL / (figures["runtime"] * 1e6),
        }

    return write


@pytest.fixture(
    scope="module",
    params=[(1 << 20, "pwrite"), (64 << 10, "pwrite"), (64 << 10, "uring")],
    ids=lambda shape: f"{shape[0]}-{shape[1]}",
)
def written(
    tmp_path_factory: pytest.TempPathFactory, fio_write: Writer, request: pytest.FixtureRequest
) -> dict[str, Pairs]:
    """GB/s of ours and of fio's, of the writes and to the end of the fsync: each run tells both."""
    block, engine = request.param
    way = {"engine": engine, "depth": _ENGINES[engine][1], "size": block, "total": _TOTAL}
    directory = tmp_path_factory.mktemp("written")
    numbers = itertools.count()

    def new_file() -> Path:
        return directory / f"loadstone-{next(numbers)}"

    def ours() -> dict[str, float]:
        values = execute("folio-write", file=new_file(), **way).values
        return {until: values["bytes"] / values[until] for until in _UNTIL}

    def theirs() -> dict[str, float]:
        # As ours does by itself: what went before is on the disk when the writes begin.
        os.sync()
        return fio_write(new_file(), block, engine)

    return take_figures(ours, theirs, _PAIRS, at_least=_LIMIT)


@pytest.mark.parametrize("until", _UNTIL)
def test_a_fresh_file_is_written_as_fast_as_fio_does(
    benchmark: BenchmarkFixture, written: dict[str, Pairs], until: str
) -> None:
    pairs = keep(benchmark, lambda: written[until], unit="GB/s")
    assert not pairs.fall_short_of(_LIMIT)
