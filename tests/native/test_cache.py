"""The page cache of a file: brought into the state asked for, and proven to be in it."""

import contextlib
import ctypes
import mmap
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone.core import native
from loadstone.model import Job
from native import places
from native.programs import Model, Program

pytestmark = pytest.mark.native

_PAGE = os.sysconf("SC_PAGESIZE")
_BYTES = (3 << 20) + 13
_CACHED_BYTES = -(-_BYTES // _PAGE) * _PAGE
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_BARE_ROOT = ("setpriv", "--reuid=0", "--inh-caps=-all", "--bounding-set=-all")
_CACHESTAT = 451


@pytest.fixture(scope="module", params=["the test's own", "overlay"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory that every user may enter: plain, and below an overlayfs."""
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(places.open_directory())
        if request.param == "overlay":
            path, _ = stack.enter_context(places.overlay(path))
            path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def model(job: Program, place: Path) -> Model:
    model = job.make_model(place, _BYTES)
    for path in (model.file, model.checksums):
        path.chmod(0o644)
    return model


def _load(job: Program, model: Model, cache: str) -> int:
    """Bytes of the file that were found in the page cache before the load."""
    answer = job.load(model, cache=cache)
    assert answer.failure is None
    return answer.values["cached_before_bytes"]


def _find(job: Program, model: Model, cache: str, expected_bytes: int) -> bool:
    """Whether a load finds that much cached; tried again, as others may drop caches meanwhile."""
    return any(_load(job, model, cache) == expected_bytes for _ in range(5))


def test_the_file_alone_can_be_dropped_and_is_gone_all_the_same(job: Program, model: Model) -> None:
    assert job.load(model, cache="warm").failure is None
    answers = [job.load(model, cache="cold", drop="file") for _ in range(5)]
    assert all(answer.values["cached_before_bytes"] == 0 for answer in answers)
    assert 0 in {answer.values["drop_caches"] for answer in answers}


def test_warm_is_all_there_and_cold_is_all_gone(job: Program, model: Model) -> None:
    assert _find(job, model, "warm", _CACHED_BYTES)
    assert _find(job, model, "as-is", _CACHED_BYTES)
    assert _load(job, model, "cold") == 0


def test_a_cold_load_reads_the_whole_file_from_the_device(job: Program, model: Model) -> None:
    _load(job, model, "warm")
    assert _read_from_device(model, "cold") >= _BYTES
    assert min(_read_from_device(model, "warm") for _ in range(5)) < _BYTES * 0.1


def test_what_another_holds_in_the_cache_is_seen(job: Program, model: Model) -> None:
    """Pages that somebody has mapped cannot be dropped: the load was not cold, and says so."""
    _load(job, model, "warm")
    with (
        model.file.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as mapping,
    ):
        assert sum(mapping[at] for at in range(0, _BYTES, _PAGE)) > 0
        assert _load(job, model, "cold") == _CACHED_BYTES
    assert _load(job, model, "cold") == 0


def test_what_is_cached_in_part_is_counted_in_part(job: Program, model: Model) -> None:
    def find_ten_pages() -> bool:
        with model.file.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            os.pread(stream.fileno(), 10 * _PAGE, 4 * _PAGE)
        return job.run("probe", file=model.file).values["cached_bytes"] == 10 * _PAGE

    _load(job, model, "cold")
    assert any(find_ten_pages() for _ in range(5))


@pytest.mark.root
@pytest.mark.parametrize("user", [_NOBODY, _BARE_ROOT], ids=["nobody", "root without rights"])
@pytest.mark.parametrize("cache", ["cold", "warm", "as-is"])
def test_what_the_kernel_hides_from_a_user_is_unknown(
    job: Program, model: Model, cache: str, user: tuple[str, ...]
) -> None:
    """mincore(2) would call all of it resident."""
    places.need_root()
    os.chown(model.file, 1234, 1234)
    try:
        assert _load(_copy(job, model).under(*user), model, cache) == -1
    finally:
        os.chown(model.file, 0, 0)


@pytest.mark.root
def test_an_owner_without_rights_sees_and_drops_his_cache(job: Program, model: Model) -> None:
    places.need_root()
    os.chown(model.file, 65534, 65534)
    program = _copy(job, model).under(*_NOBODY)
    try:
        assert _find(program, model, "warm", _CACHED_BYTES)
        answer = program.load(model, cache="cold")
        assert answer.values["cached_before_bytes"] == answer.values["drop_caches"] == 0
    finally:
        os.chown(model.file, 0, 0)


@pytest.mark.root
def test_cachestat_would_call_a_cached_file_of_an_overlay_cold(
    job: Program, tmp_path: Path
) -> None:
    with places.overlay(tmp_path / "o") as (merged, lower):
        below = lower / "file"
        below.write_bytes(random.Random(1).randbytes(_BYTES))
        above = merged / "file"
        if _cachestat_bytes(above) is None:
            pytest.skip("this kernel has no cachestat(2): Linux 6.5 or newer has")

        def stat_file() -> tuple[int | None, int | None, int]:
            above.read_bytes()
            probed = job.run("probe", file=above).values["cached_bytes"]
            return _cachestat_bytes(above), _cachestat_bytes(below), probed

        assert (0, _CACHED_BYTES, _CACHED_BYTES) in [stat_file() for _ in range(5)]


def test_on_tmpfs_nothing_is_ever_cold(job: Program, tmp_path: Path) -> None:
    places.need_root()
    place = tmp_path / "tmpfs"
    place.mkdir()
    places.command("mount", "-t", "tmpfs", "tmpfs", str(place))
    try:
        model = job.make_model(place, _BYTES)
        assert _load(job, model, "cold") == _CACHED_BYTES
    finally:
        places.command("umount", str(place))


def _copy(program: Program, model: Model) -> Program:
    copy = model.file.parent / "job"
    if not copy.exists():
        copy.write_bytes(program.path.read_bytes())
        copy.chmod(0o755)
    return Program(copy)


def _read_from_device(model: Model, cache: str) -> int:
    """Bytes that the kernel's block layer read for this process during the timed region."""
    counters = "/proc/self/io"
    options = {
        "file": str(model.file),
        "engine": "pread",
        "io": "buffered",
        "destination": "anon",
        "cache": cache,
    }
    outcome = native.run_job(Job(operation="model-load", options=options, samples=(counters,)))
    assert outcome.error is None
    before, after = (
        int(dict(line.split(": ") for line in texts[counters].splitlines())["read_bytes"])
        for texts in (outcome.before, outcome.after)
    )
    return after - before


def _cachestat_bytes(path: Path) -> int | None:
    """What cachestat(2) says of a file; None where there is no such call."""
    span, found = (ctypes.c_uint64 * 2)(0, _BYTES), (ctypes.c_uint64 * 5)()
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("rb") as stream:
        if libc.syscall(_CACHESTAT, stream.fileno(), span, found, 0):
            return None
    return int(found[0]) * _PAGE
