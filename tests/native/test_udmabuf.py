"""Every time at which a udmabuf can be made: what an importer of it sees is the file."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadstone.core import native
from loadstone.model import Job, Outcome, Span
from native.programs import Model, load_options

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(
        not Path("/dev/udmabuf").exists(),
        reason="needs /dev/udmabuf: modprobe udmabuf; tests/lab/test_inside.py has a guest with it",
    ),
]

_MIB = 1 << 20
_HUGE = 2 << 20
_SIZES = ((3 << 20) + 13, 512 * 3 + 7)
_EXPORTS = ("after", "beside", "before")
_LANES = {"after": 0, "beside": 1001, "before": 0}
_OVERLAPPED_LANES = {"after": 0, "beside": 1000, "before": 1000}

_READS: tuple[dict[str, Any], ...] = (
    {"engine": "pread", "io": "direct"},
    {"engine": "pread", "io": "direct", "threads": 3, "buffers": 3, "block": 65536},
    {"engine": "uring", "io": "direct", "fixed": "on", "buffers": 2, "block": 65536},
    {"engine": "sendfile"},
    {"engine": "pread", "io": "direct", "overlap": _MIB, "buffers": 3, "block": 65536},
    {"engine": "uring", "io": "direct", "overlap": _MIB, "threads": 2, "block": 65536},
)
_FEW_READS = (_READS[1], _READS[4])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, ...]:
    place = tmp_path_factory.mktemp("udmabuf")
    return tuple(_make_model(place / str(size), size) for size in _SIZES)


def _make_model(file: Path, size_bytes: int) -> Model:
    """By the core itself: a guest has no compiler's time to lose."""
    model = Model(file, file.with_suffix(".sums"), size_bytes)
    for operation, options in (
        ("make-file", {"file": file, "bytes": size_bytes}),
        ("checksum", {"file": file, "output": model.checksums}),
    ):
        words = {key: str(value) for key, value in options.items()}
        assert native.run_job(Job(operation=operation, options=words)).error is None
    return model


def _load(model: Model, **options: object) -> Outcome:
    words = {key: str(value) for key, value in load_options(model, **options).items()}
    return native.run_job(Job(operation="model-load", options=words))


@pytest.mark.parametrize("export", _EXPORTS)
def test_what_an_importer_sees_is_the_file(models: tuple[Model, ...], export: str) -> None:
    large, small = models
    for model, read in (*((large, read) for read in _READS), (small, _READS[0])):
        _check_load(model, {"destination": "udmabuf", "export": export, **read})


@pytest.mark.parametrize("export", _EXPORTS)
def test_so_it_is_where_its_pages_are_of_hugetlbfs(
    models: tuple[Model, ...], export: str, huge_pages: None
) -> None:
    """Never beside faults on them, which would harm the kernel (``engines.mismatch``)."""
    del huge_pages
    reads = [read for read in _FEW_READS if export != "beside" or "overlap" in read]
    for model, read in ((model, read) for model in models for read in reads):
        where = {"destination": "udmabuf-hugetlb", "export": export, **read}
        outcome = _check_load(model, where)
        assert outcome.values["huge_bytes"] == -(-model.bytes // _HUGE) * _HUGE, where


@pytest.mark.parametrize("export", _EXPORTS)
def test_so_it_is_where_faults_bring_huge_pages(models: tuple[Model, ...], export: str) -> None:
    """A udmabuf that takes the pages before they were faulted in gets small ones."""
    with _shmem_enabled("advise"):
        for read in _FEW_READS:
            where = {"destination": "udmabuf-thp", "export": export, **read}
            outcome = _check_load(models[0], where)
            assert outcome.values["huge_by_collapse"] == 0
            if export == "after":
                assert outcome.values["huge_bytes"] == 2 * _HUGE, where


@pytest.mark.parametrize("export", _EXPORTS)
def test_so_it_is_where_huge_pages_are_collapsed(models: tuple[Model, ...], export: str) -> None:
    """They are there before anything else, unless memory is allocated chunk by chunk."""
    with _shmem_enabled("never"):
        for read in _FEW_READS:
            where = {"destination": "udmabuf-thp", "export": export, **read}
            outcome = _check_load(models[0], where)
            assert outcome.values["huge_by_collapse"] == 1
            if export == "after" or "overlap" not in read:
                assert outcome.values["huge_bytes"] == 2 * _HUGE, where


def test_no_huge_pages_of_shmem_are_told(models: tuple[Model, ...]) -> None:
    with _shmem_enabled("deny"):
        for destination in ("memfd-thp", "udmabuf-thp"):
            error = _load(models[0], destination=destination).error
            assert error is not None
            assert (error.code, error.step) == (errno.ENOTSUP, "huge pages of shmem")


@contextlib.contextmanager
def _shmem_enabled(mode: str) -> Iterator[None]:
    """Of the guest, which no other test is in."""
    knob = Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled")
    before = knob.read_text().partition("[")[2].partition("]")[0]
    knob.write_text(mode)
    yield
    knob.write_text(before)


def _check_load(model: Model, where: dict[str, Any]) -> Outcome:
    outcome = _load(model, **where)
    assert outcome.error is None, (where, outcome.error)
    assert outcome.values["verified_bytes"] == model.bytes, where
    lanes = _OVERLAPPED_LANES if "overlap" in where else _LANES
    exports = [span for span in outcome.spans if span.name == "export"]
    assert len(exports) == outcome.values["segments"]
    assert {span.lane for span in exports} == {lanes[where["export"]]}, where
    return outcome


def test_when_it_is_exported_shows_in_the_spans(models: tuple[Model, ...]) -> None:
    for export in ("after", "before"):
        spans = _load(models[0], destination="udmabuf", buffers=3, export=export).spans
        begins = {name: _begin_ns(spans, name) for name in ("export", "read")}
        assert (begins["export"] > begins["read"]) == (export == "after")


def _begin_ns(spans: tuple[Span, ...], name: str) -> int:
    return min(span.start_ns for span in spans if span.name == name)


@pytest.fixture
def tiny_udmabufs() -> Iterator[None]:
    """One of more than 1 MiB is refused."""
    limit = Path("/sys/module/udmabuf/parameters/size_limit_mb")
    before = limit.read_text()
    limit.write_text("1")
    yield
    limit.write_text(before)


@pytest.mark.usefixtures("tiny_udmabufs")
@pytest.mark.parametrize("export", _EXPORTS)
@pytest.mark.parametrize("overlap", [0, _MIB])
def test_a_udmabuf_that_the_kernel_refuses_stops_the_readers_and_is_told_once(
    models: tuple[Model, ...], export: str, overlap: int
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    outcome = _load(models[0], destination="udmabuf", export=export, overlap=overlap, threads=3)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.step) == (errno.EINVAL, "UDMABUF_CREATE")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
