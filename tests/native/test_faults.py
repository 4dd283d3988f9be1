"""What becomes of a load when the kernel refuses, interrupts or cuts short (strace --inject)."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from native import places
from native.programs import Answer, Model, Program, describe_exit, finish, kill, load_options

pytestmark = pytest.mark.native

_BLOCK = 65536
_BYTES = 16 * _BLOCK + 13


@pytest.fixture(scope="module")
def model(job: Program, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return job.make_model(tmp_path_factory.mktemp("faults"), _BYTES)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "strace.log"


class Traced:
    """The program under strace, which writes every call to a log and breaks some."""

    def __init__(self, program: Program, log: Path, *within: str) -> None:
        places.need_tool("strace", "strace")
        self._program, self._log, self._within = program, log, within

    def start(
        self, model: Model, *injections: str, path: Path | None = None, **options: object
    ) -> subprocess.Popen[str]:
        """Begin a load; with ``path`` only calls on that file are broken, and counted."""
        words = ["strace", "-f", "-qq", "-o", str(self._log)]
        words += ["-P", str(path)] if path else []
        for injection in injections:
            words += ["-e", f"inject={injection}"]
        return self._program.under(*words, *self._within).start(
            "model-load", **load_options(model, **options)
        )

    def load(
        self, model: Model, *injections: str, path: Path | None = None, **options: object
    ) -> Answer:
        answer = finish(self.start(model, *injections, path=path, **options))
        assert not injections or "(INJECTED" in self.calls, "nothing was broken"
        return answer

    @property
    def calls(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture
def traced(job: Program, log: Path) -> Traced:
    return Traced(job, log)


_RING: dict[str, Any] = {"engine": "uring", "io": "direct", "block": _BLOCK, "depth": 2}
_READ: dict[str, Any] = {"engine": "pread", "io": "direct", "block": _BLOCK}


def _assert_whole(answer: Answer) -> None:
    assert answer.failure is None
    assert answer.values["verified_bytes"] == _BYTES


def _failed(answer: Answer) -> tuple[str, str, int]:
    assert answer.failure is not None
    return answer.failure.code, answer.failure.step, answer.failure.offset


def test_an_interrupted_read_is_tried_again(traced: Traced, model: Model) -> None:
    answer = traced.load(
        model, "pread64:error=EINTR:when=2..40+2", path=model.file, threads=2, **_READ
    )
    _assert_whole(answer)


@pytest.mark.parametrize("code", ["EIO", "EFAULT", "EINVAL"])
def test_a_read_that_fails_is_told_with_its_offset(traced: Traced, model: Model, code: str) -> None:
    answer = traced.load(model, f"pread64:error={code}:when=3", path=model.file, **_READ)
    assert _failed(answer) == (code, "O_DIRECT read", 2 * _BLOCK)
    assert traced.calls.count("pread64") == 3


def test_the_other_readers_stop_when_one_fails(job: Program, log: Path) -> None:
    """There are descriptors for the pipe of one reader; the other fails at once."""
    blocks = 2000
    model = job.make_model(log.parent, blocks * 4096)
    traced = Traced(job, log, "prlimit", "--nofile=8")
    answer = traced.load(model, engine="splice", destination="memfd", threads=2, block=4096)
    assert _failed(answer) == ("EMFILE", "pipe", -1)
    assert traced.calls.count("splice(") < blocks


def test_a_lie_of_the_kernel_is_found_by_verification(traced: Traced, model: Model) -> None:
    """The kernel says that it has read, and has not: the destination is compared, not the file."""
    answer = traced.load(model, f"pread64:retval={_BLOCK}:when=2", path=model.file, **_READ)
    assert _failed(answer) == ("EBADMSG", "verify", 0)


def test_a_short_read_is_gone_on_from_where_it_stopped(
    traced: Traced, job: Program, tmp_path: Path
) -> None:
    """The file begins with zeros, so that the bytes said to be read are right without reading."""
    model = Model(tmp_path / "zeros", tmp_path / "zeros.sums", _BYTES)
    model.file.write_bytes(bytes(_BLOCK) + os.urandom(_BYTES - _BLOCK))
    assert job.run("checksum", file=model.file, output=model.checksums).failure is None
    answer = traced.load(model, "pread64:retval=4096:when=1", path=model.file, **_READ)
    _assert_whole(answer)
    assert re.search(rf"pread64\(.*, {_BLOCK - 4096}, 4096\)", traced.calls)


@pytest.mark.parametrize("code", ["EPERM", "ENOSYS", "ENOMEM", "EMFILE"])
def test_a_refused_ring_is_named(traced: Traced, model: Model, code: str) -> None:
    answer = traced.load(model, f"io_uring_setup:error={code}", **_RING)
    assert _failed(answer) == (code, "io_uring_setup", -1)


def test_a_kernel_that_knows_no_deferred_completions_gets_a_plain_ring(
    traced: Traced, model: Model
) -> None:
    _assert_whole(traced.load(model, "io_uring_setup:error=EINVAL:when=1", **_RING))
    assert traced.calls.count("io_uring_setup(") == 2


def test_refused_registration_is_named(traced: Traced, model: Model) -> None:
    for options, when, step in (
        ({}, "1", "io_uring register file"),
        ({}, "2", "io_uring register buffers"),
        ({"overlap": 4 * _BLOCK}, "2", "io_uring register buffers"),
    ):
        # The ring's own descriptor is the first thing registered, and may be refused.
        count = int(when) + 1
        answer = traced.load(
            model, f"io_uring_register:error=ENOMEM:when={count}", fixed="on", **_RING | options
        )
        assert _failed(answer) == ("ENOMEM", step, -1)
    _assert_whole(traced.load(model, "io_uring_register:error=EINVAL:when=1", fixed="on", **_RING))


def test_reads_in_flight_are_awaited_before_their_memory_goes(traced: Traced, model: Model) -> None:
    answer = traced.load(
        model,
        # Ring descriptor, file, table of buffers, the first chunk; then the second chunk.
        "io_uring_register:error=ENOMEM:when=5",
        # The second chunk's memory is there before the first chunk's reads have all ended.
        "io_uring_enter:delay_exit=50000",
        fixed="on",
        overlap=4 * _BLOCK,
        **_RING,
    )
    assert _failed(answer) == ("ENOMEM", "io_uring register buffers", -1)
    after = traced.calls.split("(INJECTED)", 1)[1]
    assert "io_uring_enter" in after.split("munmap", 1)[0]


def test_an_interrupted_wait_for_completions_is_tried_again(traced: Traced, model: Model) -> None:
    _assert_whole(traced.load(model, "io_uring_enter:error=EINTR:when=1..9+2", **_RING))


def test_a_kernel_without_room_for_requests_is_asked_again_or_given_up(
    traced: Traced, model: Model
) -> None:
    _assert_whole(traced.load(model, "io_uring_enter:error=EBUSY:when=4", **_RING))
    answer = traced.load(model, "io_uring_enter:error=EAGAIN", **_RING)
    assert _failed(answer) == ("EAGAIN", "io_uring_enter", -1)


def test_without_populate_memory_is_made_by_touching_it(traced: Traced, model: Model) -> None:
    for destination in ("anon", "memfd"):
        answer = traced.load(
            model, "madvise:error=EINVAL", destination=destination, overlap=4 * _BLOCK, **_READ
        )
        _assert_whole(answer)


@pytest.mark.parametrize("options", [_RING, _READ | {"threads": 3}])
def test_an_allocator_that_fails_stops_the_readers(
    traced: Traced, model: Model, options: dict[str, Any]
) -> None:
    answer = traced.load(model, "madvise:error=ENOMEM:when=3", overlap=2 * _BLOCK, **options)
    assert _failed(answer) == ("ENOMEM", "MADV_POPULATE_WRITE", -1)


@pytest.mark.parametrize(
    ("destination", "file"),
    [
        ("thp", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"),
        ("memfd-thp", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"),
        ("hugetlb", "/proc/meminfo"),
        ("memfd-hugetlb", "/proc/meminfo"),
    ],
)
def test_a_size_of_huge_pages_that_cannot_be_read_is_not_one_that_is_not_there(
    traced: Traced, model: Model, destination: str, file: str
) -> None:
    options = _READ | {"destination": destination}
    for call, code in (("openat", "EMFILE"), ("openat", "EACCES"), ("read", "EIO")):
        answer = traced.load(model, f"{call}:error={code}", path=Path(file), **options)
        assert _failed(answer) == (code, "huge page size", -1)


def test_huge_pages_that_the_kernel_has_not_are_named(traced: Traced, model: Model) -> None:
    answer = traced.load(model, "madvise:error=EINVAL", **_READ | {"destination": "thp"})
    assert _failed(answer) == ("EINVAL", "MADV_HUGEPAGE", -1)
    answer = traced.load(model, "madvise:error=EINVAL", **_READ | {"destination": "memfd-thp"})
    assert _failed(answer) == ("ENOTSUP", "huge pages of shmem", -1)


def test_memory_too_fragmented_to_collapse_is_small_pages_and_told(
    traced: Traced, model: Model
) -> None:
    options = _READ | {"destination": "memfd-thp"}
    whole = traced.load(model, **options)
    if not whole.values["huge_by_collapse"]:
        pytest.skip("needs shmem_enabled=never: faults bring huge pages here")
    assert whole.values["huge_bytes"] >= model.bytes
    # MADV_HUGEPAGE and MADV_COLLAPSE of the one that is tried, then those of the load.
    answer = traced.load(model, "madvise:error=EAGAIN:when=4", **options)
    _assert_whole(answer)
    assert answer.values["huge_bytes"] == 0


@pytest.mark.parametrize("code", ["ENOSYS", "EINVAL"])
def test_without_statx_the_alignment_is_found_by_reading(
    traced: Traced, model: Model, code: str
) -> None:
    known = traced.load(model, **_READ).values["direct_align_bytes"]
    answer = traced.load(model, f"statx:error={code}", **_READ)
    _assert_whole(answer)
    assert answer.values["direct_align_bytes"] == max(known, model.file.stat().st_blksize)


def test_an_interrupted_try_does_not_count_as_refused(traced: Traced, model: Model) -> None:
    known = traced.load(model, "statx:error=ENOSYS", **_READ).values["direct_align_bytes"]
    interrupted = traced.load(
        model, "statx:error=ENOSYS", "pread64:error=EINTR:when=1..5", path=model.file, **_READ
    )
    assert interrupted.values["direct_align_bytes"] == known


def test_a_file_system_that_refuses_every_direct_read_is_named(
    traced: Traced, model: Model
) -> None:
    answer = traced.load(
        model, "statx:error=ENOSYS", "pread64:error=EINVAL", path=model.file, **_READ
    )
    assert _failed(answer) == ("EINVAL", "O_DIRECT read", -1)


def test_without_cachestat_mincore_counts(traced: Traced, model: Model) -> None:
    words = ["strace", "-e", "trace=cachestat", "true"]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("this strace does not know cachestat: install strace 6.5 or newer")
    model.file.read_bytes()
    answer = traced.load(model, "cachestat:error=ENOSYS", cache="warm", engine="pread")
    assert answer.values["cached_before_bytes"] == _BYTES // 4096 * 4096 + 4096


def test_splice_keeps_its_place_when_interrupted(traced: Traced, model: Model) -> None:
    """Every second call brings bytes out of the pipe: what stays in it must not be lost."""
    for when in ("1..30+3", "2..30+3", "2..30+5"):
        answer = traced.load(
            model,
            f"splice:error=EINTR:when={when}",
            engine="splice",
            destination="memfd",
            block=_BLOCK,
        )
        _assert_whole(answer)


def test_sendfile_is_tried_again_when_interrupted(traced: Traced, model: Model) -> None:
    answer = traced.load(
        model,
        "sendfile:error=EINTR:when=1..9+2",
        engine="sendfile",
        destination="memfd",
        block=_BLOCK,
    )
    _assert_whole(answer)


def test_a_user_without_room_for_pipes_gets_one_of_the_default_size(
    traced: Traced, model: Model
) -> None:
    answer = traced.load(
        model, "fcntl:error=EPERM", engine="splice", destination="memfd", threads=2
    )
    _assert_whole(answer)


def test_checksums_that_cannot_be_read_are_named(traced: Traced, model: Model) -> None:
    answer = traced.load(model, "pread64:error=EIO", path=model.checksums)
    assert _failed(answer) == ("EIO", "read checksums", -1)
    _assert_whole(traced.load(model, "pread64:error=EINTR:when=1", path=model.checksums))


@pytest.mark.parametrize("call", ["getrusage", "clock_gettime"])
@pytest.mark.parametrize("reading", [1, 2])
def test_usage_that_cannot_be_read_is_no_figure(
    traced: Traced, model: Model, call: str, reading: int
) -> None:
    """Whatever lay on the stack was one: faults and switches by the billion."""
    answer = traced.load(model, f"{call}:error=EPERM:when={reading}", **_READ)
    assert _failed(answer) == ("EPERM", call, -1)
    assert not {"cpu_ns", "minor_faults"} & answer.values.keys()


@contextlib.contextmanager
def _stopped(traced: Traced, process: subprocess.Popen[str]) -> Iterator[None]:
    """Wait until an injected SIGSTOP has hit the program; let it go on at the end."""
    deadline = time.monotonic() + 20
    try:
        while not (stop := re.search(r"^(\d+) .*stopped by SIGSTOP", traced.calls, re.MULTILINE)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "never stopped"
            time.sleep(0.01)
        yield
    except BaseException:
        kill(process)
        raise
    os.kill(int(stop[1]), signal.SIGCONT)


_SHRUNK_BYTES = 3 * _BLOCK + 1000


@pytest.fixture
def doomed(job: Program, tmp_path: Path) -> Model:
    return job.make_model(tmp_path, _BYTES)


@pytest.mark.parametrize(
    ("stop", "step", "options"),
    [
        ("pread64", "read", _READ),
        ("pread64", "read", _READ | {"io": "buffered"}),
        ("io_uring_enter", "read", _RING | {"depth": 1}),
        ("io_uring_enter", "read", _RING | {"depth": 1, "fixed": "on", "overlap": 4 * _BLOCK}),
        ("sendfile", "sendfile", {"engine": "sendfile", "destination": "memfd", "block": _BLOCK}),
        ("splice", "splice", {"engine": "splice", "destination": "memfd", "block": _BLOCK}),
    ],
)
def test_a_file_that_shrinks_is_reported_with_where_it_ends(
    traced: Traced, doomed: Model, stop: str, step: str, options: dict[str, Any]
) -> None:
    path = None if stop == "io_uring_enter" else doomed.file
    process = traced.start(doomed, f"{stop}:signal=SIGSTOP:when=1", path=path, **options)
    with _stopped(traced, process):
        os.truncate(doomed.file, _SHRUNK_BYTES)
    assert _failed(finish(process)) == ("ENODATA", step, _SHRUNK_BYTES)


def test_the_end_is_told_also_where_the_kernel_refuses_to_read_on_from_it(
    traced: Traced, doomed: Model
) -> None:
    """Before Linux 6.0 a direct read from an unaligned end is EINVAL, not 0."""
    process = traced.start(
        doomed,
        "statx:signal=SIGSTOP:when=1",
        "pread64:error=EINVAL:when=5",
        path=doomed.file,
        **_READ,
    )
    with _stopped(traced, process):
        os.truncate(doomed.file, _SHRUNK_BYTES)
    assert _failed(finish(process)) == ("ENODATA", "read", _SHRUNK_BYTES)


@pytest.mark.parametrize(("engine", "destination"), [("mmap", "mapping"), ("mmap-copy", "anon")])
def test_a_mapped_file_that_shrinks_ends_the_process_with_sigbus(
    traced: Traced, doomed: Model, engine: str, destination: str
) -> None:
    process = traced.start(
        doomed,
        "mmap:signal=SIGSTOP:when=1",
        path=doomed.file,
        engine=engine,
        destination=destination,
    )
    with _stopped(traced, process):
        os.truncate(doomed.file, _SHRUNK_BYTES)
    assert describe_exit(process) == "killed by SIGBUS"


def test_a_file_that_is_replaced_during_the_load_is_stale(traced: Traced, doomed: Model) -> None:
    facts = doomed.file.stat()
    expected = {
        "expect-bytes": facts.st_size,
        "expect-inode": facts.st_ino,
        "expect-mtime-ns": facts.st_mtime_ns,
    }
    process = traced.start(
        doomed, "pread64:signal=SIGSTOP:when=1", path=doomed.file, **_READ | expected
    )
    with _stopped(traced, process):
        copy = doomed.file.with_suffix(".new")
        copy.write_bytes(doomed.file.read_bytes())
        copy.rename(doomed.file)
    assert _failed(finish(process))[:2] == ("ESTALE", "file identity")
