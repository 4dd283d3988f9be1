"""Every engine into every destination: what arrives is the file, byte for byte."""

import contextlib
import errno
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadstone.core import native
from loadstone.model import Job, Outcome
from loadstone.targets.local import LocalTarget
from native import places
from native.programs import Model, Program, load_options

pytestmark = pytest.mark.native

Load = Callable[..., Outcome]

_MIB = 1 << 20
_SIZES = ((5 << 20) + 13, 512 * 3 + 7)
_MEMORY = ("anon", "thp", "hugetlb", "memfd", "memfd-thp", "memfd-hugetlb")

_COMMON: tuple[dict[str, Any], ...] = (
    {},
    {"block": 16384, "threads": 3},
    {"buffers": 3, "block": 65536},
    {"overlap": _MIB, "block": 65536},
    {"overlap": _MIB, "block": 49152, "buffers": 3, "threads": 2},
)
_RINGS: tuple[dict[str, Any], ...] = (
    {"depth": 1, "block": 16384},
    {"depth": 64, "block": 4096},
    {"fixed": "on", "block": 65536},
    {"fixed": "on", "overlap": _MIB, "buffers": 3, "block": 65536},
    {"fixed": "on", "overlap": _MIB, "threads": 3, "block": 65536},
    {"poll": "sq", "block": 65536},
    {"poll": "sq", "fixed": "on", "overlap": _MIB, "depth": 2, "block": 65536},
)
_MAPS: tuple[dict[str, Any], ...] = (
    {"advice": "populate"},
    {"advice": "willneed", "overlap": _MIB},
    {"advice": "populate-read", "threads": 2, "block": 65536},
)
_SERIAL = tuple(options for options in _COMMON if "threads" not in options)
_BOTH = ("direct", "buffered")
_ENGINES = {
    "pread": (_MEMORY, _BOTH, _COMMON),
    "uring": (_MEMORY, _BOTH, _COMMON + _RINGS),
    "mmap-copy": (_MEMORY, ("buffered",), _COMMON + _MAPS),
    "mmap": (("mapping",), ("buffered",), ({}, {"threads": 3, "block": 65536}, *_MAPS)),
    "sendfile": (("memfd",), _BOTH, _SERIAL),
    "splice": (("memfd",), _BOTH, _COMMON),
}
_COMBINATIONS = [
    (engine, destination)
    for engine, (destinations, _, _) in _ENGINES.items()
    for destination in destinations
]


@pytest.fixture(scope="module", params=["the test's own", "xfs", "btrfs"])
def directory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A directory on a file system; beside the one that tests have, XFS and btrfs."""
    path = tmp_path_factory.mktemp("engines")
    with contextlib.ExitStack() as stack:
        if request.param != "the test's own":
            path = stack.enter_context(places.file_system(request.param, path))
        yield path


@pytest.fixture(scope="module")
def models(job: Program, directory: Path) -> tuple[Model, ...]:
    return tuple(job.make_model(directory, size, str(size)) for size in _SIZES)


def _job(model: Model, samples: tuple[str, ...] = (), **options: object) -> Job:
    words = {key: str(value) for key, value in load_options(model, **options).items()}
    return Job(operation="model-load", options=words, samples=samples)


@pytest.fixture
def load(local: LocalTarget) -> Load:
    """Loads a model by the core, in a process of its own."""

    def execute(model: Model, samples: tuple[str, ...] = (), **options: object) -> Outcome:
        return local.execute(_job(model, samples, **options))

    return execute


def _huge_pages_for(destination: str, request: pytest.FixtureRequest) -> None:
    if "hugetlb" in destination:
        request.getfixturevalue("huge_pages")


@pytest.mark.parametrize(("engine", "destination"), _COMBINATIONS)
def test_what_arrives_is_the_file(
    load: Load,
    models: tuple[Model, ...],
    engine: str,
    destination: str,
    request: pytest.FixtureRequest,
) -> None:
    _huge_pages_for(destination, request)
    _, ways, variants = _ENGINES[engine]
    may_lock = places.may_lock_memory()
    variants = tuple(variant for variant in variants if may_lock or "fixed" not in variant)
    for model, io, variant in itertools.product(models, ways, variants):
        where = {"engine": engine, "destination": destination, "io": io, **variant}
        outcome = load(model, **where)
        refusal = outcome.error and errno.errorcode[outcome.error.code]
        assert outcome.crash is None, where
        assert outcome.error is None, (where, refusal, outcome.error)
        assert outcome.values["verified_bytes"] == outcome.values["file_bytes"] == model.bytes
    if engine == "uring":
        places.need_locked_memory()


@pytest.mark.parametrize("engine", ["pread", "uring"])
def test_a_direct_load_into_memory_that_is_there_leaves_the_page_cache_empty(
    load: Load, models: tuple[Model, ...], engine: str
) -> None:
    """Into memory that must be faulted in first, btrfs reads through the page cache."""
    outcome = load(models[0], engine=engine, io="direct", cache="cold", overlap=_MIB)
    if outcome.values["cached_before_bytes"]:
        pytest.skip("the file does not leave the page cache: set TMPDIR to a directory on a disk")
    assert outcome.values["cached_after_bytes"] == 0


@pytest.mark.parametrize("engine", ["pread", "uring"])
def test_a_load_that_drops_what_it_read_is_the_file(
    load: Load, models: tuple[Model, ...], engine: str
) -> None:
    """A kernel or a file system without RWF_DONTCACHE says so."""
    variants: tuple[dict[str, Any], ...] = ({}, {"block": 65536, "threads": 3}, {"overlap": _MIB})
    for model, variant in itertools.product(models, variants):
        outcome = load(model, engine=engine, io="dontcache", cache="cold", **variant)
        if outcome.error and outcome.error.code == errno.EOPNOTSUPP:
            assert outcome.error.step.endswith("RWF_DONTCACHE read")
            pytest.skip("needs a kernel whose file system has RWF_DONTCACHE: Linux 6.14")
        assert outcome.error is None, outcome.error
        assert outcome.values["verified_bytes"] == model.bytes
        assert "direct_align_bytes" not in outcome.values


@pytest.mark.parametrize("engine", ["pread", "uring"])
def test_all_of_the_file_is_read_into_a_small_buffer_again_and_again(
    load: Load, job: Program, tmp_path: Path, engine: str
) -> None:
    """Of a file that is larger than the buffer, by blocks that do not divide it, too."""
    model = job.make_model(tmp_path, 40 * _MIB + 13)
    variants: list[dict[str, Any]] = [
        {"io": "direct", "cache": "cold", "block": 3 * _MIB},
        {"block": 2 * _MIB, "threads": 3},
    ]
    if engine == "uring" and places.may_lock_memory():
        variants.append({"io": "direct", "fixed": "on", "block": _MIB, "depth": 16})
    for variant in variants:
        outcome = load(model, engine=engine, destination="reused", verify="off", **variant)
        assert (outcome.error, outcome.crash) == (None, None), variant
        (histogram,) = outcome.histograms
        assert histogram.count == -(-model.bytes // variant["block"])
        assert outcome.values["file_bytes"] == model.bytes


def test_what_makes_no_sense_with_a_buffer_that_is_used_again_is_refused(
    load: Load, job: Program, tmp_path: Path
) -> None:
    model = job.make_model(tmp_path, _MIB)
    wrong = ({"verify": "full"}, {"overlap": _MIB}, {"buffers": 2}, {"engine": "mmap-copy"})
    for options in wrong:
        outcome = load(model, destination="reused", **{"verify": "off", **options})
        assert outcome.error is not None
        assert outcome.error.code == errno.EOPNOTSUPP


def test_memory_beyond_the_destination_is_what_the_file_is_mapped_in(
    load: Load, job: Program, tmp_path: Path
) -> None:
    """A mapping that is copied takes the model twice; all else takes little."""
    model = job.make_model(tmp_path, 32 * _MIB)
    for where, least in (
        ({"engine": "mmap-copy"}, 32),
        ({"engine": "mmap-copy", "destination": "memfd", "overlap": 8 * _MIB}, 32),
        ({"engine": "mmap", "destination": "mapping"}, 0),
        ({"engine": "pread", "io": "direct"}, 0),
        ({"engine": "pread", "destination": "thp", "threads": 3}, 0),
        ({"engine": "uring", "io": "direct", "destination": "memfd", "fixed": "on"}, 0),
        ({"engine": "sendfile", "destination": "memfd"}, 0),
    ):
        values = load(model, **where).values
        for name in ("peak_memory_bytes", "resident_memory_bytes"):
            assert least - 4 < values[name] / _MIB < least + 8, (where, name, values[name])


@pytest.mark.parametrize(("engine", "destination"), _COMBINATIONS)
@pytest.mark.parametrize("directory", ["the test's own"], indirect=True)
def test_one_wrong_bit_is_found_where_it_is(
    load: Load,
    models: tuple[Model, ...],
    engine: str,
    destination: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    _huge_pages_for(destination, request)
    model = models[0]
    for block in (0, 2, 5):
        sums = bytearray(model.checksums.read_bytes())
        sums[4 * block] ^= 1
        (tmp_path / "wrong").write_bytes(sums)
        wrong = model._replace(checksums=tmp_path / "wrong")
        outcome = load(wrong, engine=engine, destination=destination, buffers=1)
        assert outcome.error is not None
        assert outcome.error.code == errno.EBADMSG
        assert outcome.error.step == "verify"
        assert outcome.error.offset == block * _MIB


@pytest.mark.parametrize("engine", ["sendfile", "splice"])
def test_what_the_kernel_cannot_fill_is_an_error_that_says_so(
    load: Load, model: Model, engine: str, request: pytest.FixtureRequest
) -> None:
    """hugetlbfs has no write: what is sent to it is refused."""
    request.getfixturevalue("huge_pages")
    outcome = load(model, engine=engine, destination="memfd-hugetlb")
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.step) == (errno.EINVAL, engine)


@pytest.fixture
def model(job: Program, tmp_path: Path) -> Model:
    return job.make_model(tmp_path, _SIZES[0])


def test_the_checksums_are_those_of_the_bytes(model: Model) -> None:
    content = model.file.read_bytes()
    sums = [
        native.crc32c(content[start : start + _MIB], portable=True)
        for start in range(0, len(content), _MIB)
    ]
    assert model.checksums.read_bytes() == b"".join(crc.to_bytes(4, "little") for crc in sums), (
        "native byte order; this test knows little-endian machines only"
    )


def test_a_made_file_follows_from_its_seed(job: Program, tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        job.run("make-file", file=tmp_path / name, bytes=100_001, seed=seed)
    first, same, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert len(first) == 100_001
    assert first == same != other


def test_sampled_verification_reads_the_first_every_16th_and_the_last_mebibyte(
    load: Load, job: Program, tmp_path: Path
) -> None:
    model = job.make_model(tmp_path, 20 * _MIB + 5)
    outcome = load(model, engine="pread", verify="sampled")
    assert outcome.values["verified_bytes"] == 2 * _MIB + 5


def test_every_block_is_counted_once_in_the_histogram(load: Load, model: Model) -> None:
    variants: tuple[dict[str, Any], ...] = (
        {"engine": "pread"},
        {"engine": "pread", "threads": 3},
        {"engine": "uring", "io": "direct", "overlap": _MIB},
        {"engine": "uring", "threads": 3, "poll": "sq"},
        {"engine": "mmap-copy"},
        {"engine": "splice", "destination": "memfd"},
    )
    for variant in variants:
        (histogram,) = load(model, block=65536, **variant).histograms
        assert histogram.count == sum(histogram.buckets.values()) == 81, variant
        assert 0 < histogram.min_ns <= histogram.max_ns <= histogram.sum_ns


def test_spans_lie_within_the_trial_and_overlap_where_asked(load: Load, model: Model) -> None:
    outcome = load(model, engine="pread", overlap=65536, block=65536)
    ready_ns = outcome.values["ready_ns"]
    for span in outcome.spans:
        assert 0 <= span.start_ns <= span.end_ns
        assert span.name == "release" or span.end_ns <= ready_ns
    allocator = {span.lane for span in outcome.spans if span.name == "allocate"}
    assert allocator == {1000}
    assert {span.name for span in outcome.spans} >= {"open", "allocate", "read", "release"}


def test_huge_pages_that_were_got_are_told(
    load: Load, model: Model, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("huge_pages")
    for destination in ("hugetlb", "memfd-hugetlb"):
        outcome = load(model, engine="pread", destination=destination)
        assert outcome.values["huge_bytes"] == 6 * _MIB
    assert load(model, engine="pread", destination="memfd").values["huge_bytes"] == 0


@pytest.mark.root
def test_memory_is_back_when_the_trial_ends(
    job: Program, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A ring that is only closed keeps its registered buffers pinned for some time.

    Another program may take a page meanwhile, so not every look must find all of them.
    """
    request.getfixturevalue("huge_pages")
    model = job.make_model(tmp_path, 5 * _MIB)
    for threads, fixed in itertools.product((1, 4), ("off", "on")):
        where: dict[str, Any] = {"engine": "uring", "io": "direct", "destination": "hugetlb"}
        load = _job(model, threads=threads, fixed=fixed, block=65536, **where)
        missing = 0
        for _ in range(20):
            free = _free_huge_pages()
            assert native.run_job(load).error is None
            missing += _free_huge_pages() < free
        assert missing < 3, (threads, fixed)


def test_nothing_is_left_in_the_process(model: Model, tmp_path: Path) -> None:
    """Descriptors, threads and mappings; heap memory is what LeakSanitizer looks for."""
    wrong = {"checksums": tmp_path / "none"}
    variants: tuple[dict[str, Any], ...] = (
        {"engine": "uring", "threads": 3, "overlap": _MIB, "fixed": "on", "destination": "memfd"},
        {"engine": "uring", "poll": "sq", **wrong},
        {"engine": "splice", "threads": 3, "destination": "memfd", "buffers": 3},
        {"engine": "mmap-copy", "destination": "thp", "threads": 3, **wrong},
        {"engine": "mmap", "destination": "mapping"},
        {"engine": "pread", "overlap": 65536, "threads": 4, **wrong},
        {"engine": "pread", "destination": "dma-heap", "heap": "none"},
    )
    handles = _handles()
    for variant in variants:
        native.run_job(_job(model, **variant))
    mapped_bytes = _mapped_bytes()
    for variant in variants * 10:
        native.run_job(_job(model, **variant))
    assert _mapped_bytes() - mapped_bytes < model.bytes
    _wait_until(lambda: _handles() == handles, "a descriptor or thread is left")


def test_jobs_may_run_side_by_side(model: Model) -> None:
    errors = []

    def load_by_each() -> None:
        for engine in ("uring", "pread", "mmap-copy"):
            errors.append(native.run_job(_job(model, engine=engine, overlap=65536)).error)

    threads = [threading.Thread(target=load_by_each) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [None] * 12


def test_a_sample_that_is_too_long_ends_with_a_whole_line(
    load: Load, model: Model, tmp_path: Path
) -> None:
    lines = "".join(f"counter{number} 1234567\n" for number in range(4000))
    (tmp_path / "long").write_text(lines)
    (tmp_path / "short").write_text("one line without an end")
    paths = (str(tmp_path / "long"), str(tmp_path / "short"), str(tmp_path / "none"))
    texts = load(model, samples=paths, engine="pread").after
    assert 32000 < len(texts[paths[0]]) < len(lines)
    assert lines.startswith(texts[paths[0]])
    assert texts[paths[0]].endswith(" 1234567\n")
    assert texts[paths[1]] == "one line without an end"
    assert texts[paths[2]] == ""


def _free_huge_pages() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("HugePages_Free"))


def _handles() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    fds, tasks = (list(Path("/proc/self", name).iterdir()) for name in ("fd", "task"))
    return len(fds), len(tasks)


def _mapped_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGESIZE")


def _wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """The kernel ends the polling thread of a closed ring when it comes to it."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)
