"""The core under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer.

That the sanitizers say nothing is what ``Program.run`` asserts of every run.
"""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from native import places
from native.programs import Model, Program, load_options

pytestmark = pytest.mark.native

_SIZES = (1, 4095, 512 * 3 + 7, 65536 + 1, (5 << 20) + 13)

_PLAIN: dict[str, object] = {}
_SPREAD: dict[str, object] = {"threads": 3, "buffers": 3, "overlap": 65536, "block": 16384}
_OVERLAPPED: dict[str, object] = {"overlap": 65536, "block": 4096}

_VARIANTS: dict[str, tuple[dict[str, object], ...]] = {
    "pread": (_PLAIN, _OVERLAPPED, _SPREAD),
    "uring": (
        _PLAIN,
        _SPREAD,
        {"fixed": "on", "depth": 1},
        {"fixed": "on", "depth": 3, **_SPREAD},
        {"poll": "sq", "depth": 2, "block": 16384},
        {"poll": "sq", "fixed": "on", **_OVERLAPPED},
    ),
    "mmap-copy": (_PLAIN, {"advice": "willneed", **_SPREAD}, {"advice": "populate-read"}),
    "sendfile": (_PLAIN, {"buffers": 3, **_OVERLAPPED}),
    "splice": (_PLAIN, _SPREAD),
}
_MEMORY = ("anon", "thp", "hugetlb", "memfd", "memfd-thp", "memfd-hugetlb")
_COMBINATIONS = [
    *itertools.product(("pread", "uring"), _MEMORY, ("buffered", "direct")),
    *itertools.product(("mmap-copy",), _MEMORY, ("buffered",)),
    *itertools.product(("sendfile", "splice"), ("memfd",), ("buffered", "direct")),
]


@pytest.fixture(scope="module")
def models(sanitized: Program, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, ...]:
    directory = tmp_path_factory.mktemp("models")
    return tuple(sanitized.make_model(directory, size, str(size)) for size in _SIZES)


@pytest.fixture
def model(models: tuple[Model, ...]) -> Model:
    return models[-1]


@pytest.mark.parametrize(("engine", "destination", "io"), _COMBINATIONS)
def test_every_size_arrives_whole(
    sanitized: Program,
    models: tuple[Model, ...],
    engine: str,
    destination: str,
    io: str,
    request: pytest.FixtureRequest,
) -> None:
    if "hugetlb" in destination:
        request.getfixturevalue("huge_pages")
    may_lock = places.may_lock_memory()
    variants = [variant for variant in _VARIANTS[engine] if may_lock or "fixed" not in variant]
    for model, variant in itertools.product(models, variants):
        answer = sanitized.load(model, engine=engine, destination=destination, io=io, **variant)
        assert answer.failure is None, (model.bytes, variant)
        assert answer.values["verified_bytes"] == model.bytes
        assert answer.values["ready_ns"] >= answer.values["first_byte_ns"] > 0
    if engine == "uring":
        places.need_locked_memory()


@pytest.mark.parametrize("advice", ["none", "populate", "willneed", "populate-read"])
def test_a_mapping_of_every_size_is_whole(
    sanitized: Program, models: tuple[Model, ...], advice: str
) -> None:
    for model, threads in itertools.product(models, (1, 3)):
        answer = sanitized.load(
            model, engine="mmap", destination="mapping", advice=advice, threads=threads, block=16384
        )
        assert answer.failure is None
        assert answer.values["verified_bytes"] == model.bytes


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_kernel_thread_that_polls_may_be_slow_to_give_entries_back(
    sanitized: Program, tmp_path: Path, depth: int
) -> None:
    """Seldom it completes a read before the read's place in the submission queue is free."""
    model = sanitized.make_model(tmp_path, 64 << 20)
    options = {"engine": "uring", "poll": "sq", "block": 4096, "threads": 2, "verify": "off"}
    for _ in range(3):
        assert sanitized.load(model, depth=depth, **options).failure is None


@pytest.mark.parametrize("poll", ["io", "sq+io"])
def test_polling_the_device_works_or_is_refused_by_name(
    sanitized: Program, models: tuple[Model, ...], poll: str
) -> None:
    for model, fixed in itertools.product(models, ("off", "on")):
        options = {"engine": "uring", "io": "direct", "poll": poll, "fixed": fixed}
        answer = sanitized.load(model, block=4096, depth=4, overlap=65536, **options)
        if answer.failure:
            assert (answer.failure.code, answer.failure.step) == ("ENOTSUP", "io_uring IOPOLL read")
        else:
            assert answer.values["verified_bytes"] == model.bytes


@pytest.mark.parametrize("engine", ["pread", "uring", "mmap-copy"])
def test_readers_and_allocator_race_for_nothing(
    thread_sanitized: Program, models: tuple[Model, ...], engine: str
) -> None:
    if engine == "uring":
        places.need_locked_memory()
    for model, variant in itertools.product(models[-2:], _VARIANTS[engine]):
        options = {"threads": 4, "overlap": 16384, "block": 4096} | variant
        assert thread_sanitized.load(model, engine=engine, **options).failure is None


@pytest.mark.parametrize("engine", ["pread", "uring", "mmap-copy", "splice"])
def test_threads_that_fail_race_for_nothing(
    thread_sanitized: Program, model: Model, engine: str, tmp_path: Path
) -> None:
    """The pipes, rings or mappings of some readers come into being, the others' do not."""
    program = thread_sanitized.under("prlimit", "--nofile=8")
    options = load_options(model, engine=engine, destination="memfd", threads=12, overlap=65536)
    assert program.run("model-load", **options | {"checksums": tmp_path / "none"}).failure


# In a mount namespace of its own, /dev/udmabuf is what refuses every ioctl: /dev/null.
_REFUSED_UDMABUF = """
set -e
mount -t tmpfs loadstone-test /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/udmabuf c 1 3
exec "$@"
"""


@pytest.mark.root
@pytest.mark.parametrize("export", ["after", "beside", "before"])
@pytest.mark.parametrize("engine", ["pread", "uring"])
def test_a_thread_whose_export_fails_races_for_nothing(
    thread_sanitized: Program, model: Model, engine: str, export: str
) -> None:
    """What it does where it succeeds, tests/native/test_udmabuf.py tries where there is one."""
    places.need_root()
    program = thread_sanitized.under("unshare", "--mount", "sh", "-c", _REFUSED_UDMABUF, "sh")
    for variant in ({"threads": 4, "buffers": 3}, {"threads": 2, "overlap": 2 << 20}):
        options = {"engine": engine, "destination": "udmabuf", "block": 4096, "export": export}
        failure = program.load(model, **options | variant).failure
        assert failure is not None
        assert (failure.code, failure.step) == ("ENOTTY", "UDMABUF_CREATE")


_WRONG_OPTIONS: tuple[tuple[dict[str, object], tuple[str, str]], ...] = (
    ({"engine": "warp"}, ("EINVAL", "option")),
    ({"depth": 0, "engine": "uring"}, ("ERANGE", "option")),
    ({"depth": 5000, "engine": "uring"}, ("ERANGE", "option")),
    ({"threads": 257}, ("ERANGE", "option")),
    ({"block": 0}, ("ERANGE", "option")),
    ({"block": "12k"}, ("EINVAL", "option")),
    ({"buffers": 1 << 63}, ("ERANGE", "option")),
    ({"overlap": (1 << 64) - 1}, ("ERANGE", "option")),
    ({"overlap": 1 << 64}, ("ERANGE", "option")),
    ({"unheard-of": 1}, ("ENOENT", "option")),
    ({"overlap": 1}, ("E2BIG", "chunks of overlap")),
    ({"block": 1000, "io": "direct"}, ("EINVAL", "block for O_DIRECT")),
    ({"engine": "sendfile"}, ("ENOTSUP", "engine and destination")),
    (
        {"engine": "sendfile", "destination": "memfd", "threads": 2},
        ("ENOTSUP", "engine and threads"),
    ),
    ({"engine": "mmap-copy", "io": "dontcache"}, ("ENOTSUP", "engine and io")),
    ({"engine": "heap-alloc-file", "buffers": 2}, ("ENOTSUP", "engine and buffers")),
    ({"checksums": "/nowhere/sums"}, ("ENOENT", "read checksums")),
    ({"expect-bytes": 1}, ("ESTALE", "file identity")),
    ({"destination": "dma-heap", "heap": "no-such-heap"}, ("ENOENT", "open device")),
    ({"destination": "dma-heap", "heap": "x" * 5000}, ("ENOENT", "open device")),
)


@pytest.mark.parametrize(("options", "expected"), _WRONG_OPTIONS)
def test_what_cannot_be_done_is_named(
    sanitized: Program,
    models: tuple[Model, ...],
    options: dict[str, object],
    expected: tuple[str, str],
    tmp_path: Path,
) -> None:
    model = models[-1]
    if options == {"overlap": 1}:
        model = _sparse_model(tmp_path, 16 << 20)
    failure = sanitized.load(model, **options).failure
    assert failure is not None
    assert (failure.code, failure.step) == expected


def test_an_unknown_operation_is_named(sanitized: Program) -> None:
    failure = sanitized.run("teleport").failure
    assert failure is not None
    assert (failure.code, failure.step, failure.path) == ("ENOSYS", "operation", "teleport")


@pytest.mark.parametrize("operation", ["model-load", "checksum"])
@pytest.mark.parametrize(
    ("kind", "code"),
    [("absent", "ENOENT"), ("directory", "EISDIR"), ("fifo", "EINVAL"), ("empty", "ENODATA")],
)
def test_what_is_no_model_is_refused_without_waiting(
    sanitized: Program, operation: str, kind: str, code: str, tmp_path: Path
) -> None:
    path = tmp_path / kind
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()
    options: dict[str, dict[str, object]] = {
        "model-load": {"engine": "pread", "io": "direct", "destination": "anon"},
        "checksum": {"output": tmp_path / "sums"},
    }
    failure = sanitized.run(operation, file=path, **options[operation]).failure
    assert failure is not None
    assert failure.code == code
    assert failure.path == str(path)


def test_probing_a_fifo_does_not_wait(sanitized: Program, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert sanitized.run("probe", file=tmp_path / "fifo").values["open"] < 0


def test_checksums_of_another_size_are_refused(
    sanitized: Program, models: tuple[Model, ...]
) -> None:
    failure = sanitized.load(models[-1], checksums=models[0].checksums).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EINVAL", "read checksums")


def test_checksums_that_cannot_be_read_leak_nothing(sanitized: Program, tmp_path: Path) -> None:
    """A directory of tmpfs has a size, as a file of checksums has, but nothing to read."""
    if not Path("/dev/shm").is_dir():
        pytest.skip("needs a tmpfs: mount one at /dev/shm")
    with tempfile.TemporaryDirectory(prefix="loadstone-test-", dir="/dev/shm") as directory:
        sums = Path(directory)
        model = _sparse_model(tmp_path, sums.stat().st_size // 4 << 20)
        failure = sanitized.load(model, checksums=sums).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EISDIR", "read checksums")


def test_a_file_is_never_overwritten(sanitized: Program, model: Model) -> None:
    failure = sanitized.run("make-file", file=model.file, bytes=1).failure
    assert failure is not None
    assert failure.code == "EEXIST"
    failure = sanitized.run("make-file", file=f"{model.file}.new", bytes=1 << 63).failure
    assert failure is not None
    assert failure.code == "EFBIG"


@pytest.mark.parametrize("limit", range(5, 13))
@pytest.mark.parametrize("engine", ["pread", "uring", "sendfile", "splice", "mmap-copy"])
def test_few_descriptors_are_an_error_or_enough(
    sanitized: Program, model: Model, engine: str, limit: int
) -> None:
    program = sanitized.under("prlimit", f"--nofile={limit}")
    threads = 1 if engine == "sendfile" else 2
    options = {"engine": engine, "threads": threads, "destination": "memfd", "overlap": 65536}
    answer = program.load(model, **options)
    if answer.failure:
        assert answer.failure.code == "EMFILE"
    else:
        assert answer.values["verified_bytes"] == model.bytes


@pytest.mark.usefixtures("huge_pages_untouched")
def test_no_huge_pages_is_an_error_that_says_so(sanitized: Program, tmp_path: Path) -> None:
    free = next(
        int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("HugePages_Free")
    )
    model = _sparse_model(tmp_path, (free + 64) << 21)
    for destination, step in (("hugetlb", "mmap hugetlb"), ("memfd-hugetlb", "mmap memfd hugetlb")):
        for overlap in (0, 2 << 20):
            failure = sanitized.load(model, destination=destination, overlap=overlap).failure
            assert failure is not None
            assert (failure.code, failure.step) == ("ENOMEM", step)


def test_too_little_address_space_is_an_error(job: Program, tmp_path: Path) -> None:
    """AddressSanitizer itself needs more, so this is the program as it is shipped."""
    model = _sparse_model(tmp_path, 64 << 20)
    program = job.under("prlimit", f"--as={32 << 20}")
    for destination in ("anon", "thp", "memfd"):
        failure = program.load(model, destination=destination, verify="off").failure
        assert failure is not None
        assert failure.code == "ENOMEM"


@pytest.fixture
def foreign_model(job: Program) -> Iterator[Model]:
    """A model and a program that another user may reach."""
    places.need_root()
    with places.open_directory() as directory:
        model = job.make_model(directory, (5 << 20) + 13)
        for path in (model.file, model.checksums):
            path.chmod(0o644)
        yield model


def _for_stranger(program: Program, model: Model, *words: str, **options: bool) -> Program:
    copy = model.file.parent / "job"
    copy.write_bytes(program.path.read_bytes())
    copy.chmod(0o755)
    return Program(copy).under(*words, *places.as_stranger(), **options)


@pytest.mark.root
def test_little_locked_memory_refuses_registered_buffers_only(
    sanitized: Program, foreign_model: Model
) -> None:
    program = _for_stranger(sanitized, foreign_model, "prlimit", "--memlock=65536")
    for overlap in (0, 1 << 20):
        options = {"engine": "uring", "io": "direct", "overlap": overlap, "threads": 2}
        assert program.load(foreign_model, **options).failure is None
        failure = program.load(foreign_model, fixed="on", **options).failure
        assert failure is not None
        assert (failure.code, failure.step) == ("ENOMEM", "io_uring register buffers")


@pytest.mark.root
@pytest.mark.parametrize(
    ("options", "step"),
    [
        ({"threads": 4}, "start reader thread"),
        ({"overlap": 65536}, "start allocator thread"),
        ({"overlap": 65536, "threads": 4, "engine": "uring"}, "start allocator thread"),
    ],
)
def test_no_threads_is_an_error(
    sanitized: Program, foreign_model: Model, options: dict[str, object], step: str
) -> None:
    program = _for_stranger(sanitized, foreign_model, "prlimit", "--nproc=2", finds_leaks=False)
    failure = program.load(foreign_model, **options).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EAGAIN", step)


@pytest.mark.root
def test_an_unreadable_file_is_an_error(sanitized: Program, foreign_model: Model) -> None:
    foreign_model.file.chmod(0o600)
    failure = _for_stranger(sanitized, foreign_model).load(foreign_model).failure
    assert failure is not None
    assert (failure.code, failure.path) == ("EACCES", str(foreign_model.file))


def _sparse_model(directory: Path, size_bytes: int) -> Model:
    path = directory / "sparse"
    with path.open("wb") as stream:
        stream.truncate(size_bytes)
    return Model(path, directory / "no-sums", size_bytes)
