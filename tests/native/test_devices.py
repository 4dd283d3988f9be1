"""Operations on block devices: under both compilers' sanitizers, and when the kernel refuses."""

import errno
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices import checksum, loop, run
from native import places
from native.programs import SOURCE, Answer, Failure, Program, finish

pytestmark = [pytest.mark.native, pytest.mark.root]

_MIB = 1 << 20
_BYTES = 2 * _MIB
_CONTROL = "/dev/mapper/control"
_OF_READS: dict[str, dict[str, Any]] = {
    "device-read": {"total": _MIB},
    "damaged-read": {"offset": 0, "bytes": 4096},
}
_FLUSH: dict[str, Any] = {"threads": 1, "writes": 8, "io": "direct"}


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    """A loop device of 2 MiB."""
    places.need_root()
    with loop(tmp_path / "image", size_bytes=_BYTES) as device:
        yield device


@pytest.fixture
def baseline(tmp_path: Path) -> Iterator[str]:
    """Another that holds the same."""
    with loop(tmp_path / "baseline", size_bytes=_BYTES) as device:
        yield device


class Traced:
    """A program under strace, which breaks calls on a device and logs them."""

    def __init__(self, program: Program, log: Path) -> None:
        places.need_tool("strace", "strace")
        self._program, self._log = program, log

    def __call__(
        self, operation: str, *injections: str, path: str | None = None, **options: object
    ) -> Answer:
        words = ["strace", "-f", "-qq", "-o", str(self._log)]
        words += ["-P", path] if path else []
        for injection in injections:
            words += ["-e", f"inject={injection}"]
        program = self._program.under(*words, finds_leaks=False)
        answer = finish(program.start(operation, **options))
        assert "(INJECTED" in self.calls, "nothing was broken"
        return answer

    @property
    def calls(self) -> str:
        return self._log.read_text()


@pytest.fixture
def traced(job: Program, tmp_path: Path) -> Traced:
    return Traced(job, tmp_path / "strace.log")


def failure_of(answer: Answer) -> Failure:
    assert answer.failure is not None
    return answer.failure


@pytest.mark.parametrize("io", ["buffered", "direct"])
@pytest.mark.parametrize("sync", ["fdatasync", "fsync", "dsync", "empty"])
def test_every_way_of_syncing_is_clean(checked: Program, device: str, sync: str, io: str) -> None:
    for threads, block in ((1, 512), (3, 4096), (9, 12288)):
        answer = checked.run(
            "dm-flush", device=device, threads=threads, writes=5, block=block, sync=sync, io=io
        )
        assert answer.failure is None
        syncs = answer.values["syncs"]
        assert syncs == threads * 5
        assert answer.values["bytes"] == (0 if sync == "empty" else syncs * block)
        assert (answer.histograms, answer.spans) == (2 if sync.startswith("f") else 1, 1)


def test_flushing_threads_race_for_nothing(thread_checked: Program, device: str) -> None:
    for sync in ("fdatasync", "dsync", "empty"):
        answer = thread_checked.run("dm-flush", device=device, threads=8, writes=20, sync=sync)
        assert answer.failure is None
    answer = thread_checked.run("dm-flush", device=device, threads=4, seconds=1)
    assert answer.values["syncs"] == answer.values["writes"] >= 4


@pytest.mark.parametrize("io", ["buffered", "direct"])
@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_every_way_of_reading_is_clean(
    checked: Program, device: str, baseline: str, pattern: str, io: str
) -> None:
    before = checksum(device)
    for threads, block, stride in ((1, 4096, 0), (3, 12288, 65536), (9, 4096, 4096)):
        answer = checked.run(
            "device-read",
            device=device,
            baseline=baseline,
            threads=threads,
            block=block,
            total=_MIB,
            pattern=pattern,
            io=io,
            warm_stride=stride,
        )
        assert answer.failure is None
        assert answer.values["reads"] == _MIB // block // threads * threads
        assert answer.values["verified_bytes"] == 64 * 4096
        assert (answer.histograms, answer.spans) == (2, 2)
    assert checksum(device) == checksum(baseline) == before


def test_reading_threads_race_for_nothing(
    thread_checked: Program, device: str, baseline: str
) -> None:
    for pattern in ("random", "sequential"):
        answer = thread_checked.run(
            "device-read", device=device, baseline=baseline, threads=8, total=_MIB, pattern=pattern
        )
        assert answer.failure is None


@pytest.mark.parametrize(
    ("operation", "options", "expected"),
    [
        ("dm-flush", {"threads": 0}, ("ERANGE", "option", "threads")),
        ("dm-flush", {"threads": 1025}, ("ERANGE", "option", "threads")),
        ("dm-flush", {"block": 0}, ("ERANGE", "option", "block")),
        ("dm-flush", {"block": (64 << 20) + 1}, ("ERANGE", "option", "block")),
        ("dm-flush", {"writes": 0}, ("ERANGE", "option", "writes")),
        ("dm-flush", {"seconds": 1 << 62}, ("ERANGE", "option", "seconds")),
        ("dm-flush", {"sync": "often"}, ("EINVAL", "option", "sync")),
        ("dm-flush", {"block": 1000}, ("EINVAL", "block of the device", "DEVICE")),
        ("dm-flush", {"block": 2 * _BYTES}, ("ENOSPC", "query device", "DEVICE")),
        ("device-read", {"block": 512}, ("ERANGE", "option", "block")),
        ("device-read", {"block": 4608}, ("EINVAL", "block of the device", "DEVICE")),
        ("device-read", {"total": 4095}, ("ERANGE", "option", "total")),
        ("device-read", {"threads": 300, "total": _MIB}, ("ERANGE", "option", "total")),
        ("device-read", {"total": 1 << 63}, ("ERANGE", "option", "total")),
        ("device-read", {"block": 2 * _BYTES, "total": 2 * _BYTES}, ("ENOSPC", "query", "DEV")),
        ("device-read", {"baseline": "/nowhere"}, ("ENOENT", "query device", "/nowhere")),
        ("damaged-read", {"bytes": 0}, ("ERANGE", "option", "bytes")),
        ("damaged-read", {"bytes": 512}, ("ERANGE", "option", "bytes")),
        ("damaged-read", {"bytes": 128 << 20}, ("ERANGE", "option", "bytes")),
        ("damaged-read", {"offset": 512}, ("ERANGE", "option", "offset")),
        ("damaged-read", {"offset": 1 << 63}, ("ERANGE", "option", "offset")),
        ("damaged-read", {"offset": _BYTES}, ("ENOSPC", "query device", "DEVICE")),
        ("damaged-read", {"suspend": "loadstone-x"}, ("ERANGE", "option", "read")),
        ("damaged-read", {"verity": "vg-root"}, ("EPERM", "device-mapper name", "vg-root")),
        ("damaged-read", {"baseline": "/nowhere"}, ("ENOENT", "query device", "/nowhere")),
    ],
)
def test_what_cannot_be_done_is_named_and_nothing_is_written(
    checked: Program,
    device: str,
    operation: str,
    options: dict[str, Any],
    expected: tuple[str, ...],
) -> None:
    before = checksum(device)
    asked = _OF_READS.get(operation, {})
    asked = {"baseline": device, **asked} if asked else {}
    failure = failure_of(checked.run(operation, **{"device": device, **asked, **options}))
    code, step, path = expected
    assert failure.code == code
    assert failure.step.startswith(step)
    assert failure.path == (device if path.startswith("DEV") else path)
    assert checksum(device) == before


@pytest.mark.parametrize("operation", ["dm-flush", "device-read", "damaged-read", "claim-device"])
@pytest.mark.parametrize(
    ("path", "code"),
    [("/nowhere", "ENOENT"), ("/dev/null", "ENOTBLK"), ("/", "ENOTBLK"), ("FIFO", "ENOTBLK")],
)
def test_what_is_no_block_device_is_refused_without_waiting(
    job: Program, tmp_path: Path, operation: str, path: str, code: str
) -> None:
    if path == "FIFO":
        path = str(tmp_path / "fifo")
        run("mkfifo", path)
    options = _OF_READS.get(operation, {})
    options = {"baseline": path, **options} if options else {}
    failure = failure_of(job.run(operation, device=path, **options))
    assert (failure.code, failure.step, failure.path) == (code, "query device", path)


def test_devices_that_differ_are_told_with_where(
    checked: Program, device: str, baseline: str
) -> None:
    with Path(baseline).open("r+b") as stream:
        stream.write(bytes(_BYTES))
    failure = failure_of(checked.run("device-read", device=device, baseline=baseline, total=_MIB))
    assert (failure.code, failure.step, failure.path) == ("EBADMSG", "verify", device)
    assert failure.offset % 4096 == 0
    assert failure.offset < _BYTES


@pytest.mark.parametrize("code", ["EIO", "ENOSPC"])
@pytest.mark.parametrize(
    ("call", "sync", "step"),
    [("pwrite64", "fdatasync", "write"), ("pwritev2", "dsync", "RWF_DSYNC write")],
)
def test_a_write_that_fails_is_told_with_its_offset(
    traced: Traced, device: str, call: str, sync: str, step: str, code: str
) -> None:
    answer = traced(
        "dm-flush", f"{call}:error={code}:when=3", path=device, device=device, sync=sync, **_FLUSH
    )
    failure = failure_of(answer)
    assert (failure.code, failure.step, failure.path) == (code, step, device)
    (line,) = [line for line in traced.calls.splitlines() if "(INJECTED)" in line]
    assert f", {failure.offset}" in line
    assert len(re.findall(rf"{call}\(", traced.calls)) == 3


@pytest.mark.parametrize(
    ("call", "sync"), [("fdatasync", "fdatasync"), ("fsync", "fsync"), ("fsync", "empty")]
)
def test_a_sync_that_fails_is_told(traced: Traced, device: str, call: str, sync: str) -> None:
    answer = traced(
        "dm-flush", f"{call}:error=EIO:when=3", path=device, device=device, sync=sync, **_FLUSH
    )
    assert failure_of(answer) == ("EIO", call, device, -1)
    assert traced.calls.count(f"{call}(") == 3


def test_an_interrupted_call_is_made_again(traced: Traced, device: str) -> None:
    for call, sync in (
        *(("fdatasync", "fdatasync"), ("fsync", "fsync"), ("fsync", "empty")),
        *(("pwrite64", "fdatasync"), ("pwritev2", "dsync")),
    ):
        # Those behind the timed region may fail: they only count.
        answer = traced(
            "dm-flush",
            f"{call}:error=EINTR:when=1..7+2",
            path=device,
            device=device,
            sync=sync,
            **_FLUSH,
        )
        assert answer.failure is None
        assert answer.values["syncs"] == 8


def test_a_short_write_is_gone_on_with_and_none_at_all_is_an_error(
    traced: Traced, device: str
) -> None:
    options: dict[str, Any] = {"device": device, "block": 8192, **_FLUSH}
    answer = traced("dm-flush", "pwrite64:retval=4096:when=1", path=device, **options)
    assert answer.failure is None
    assert len(re.findall(r"pwrite64\(.*, 4096, \d+\)", traced.calls)) == 1
    failure = failure_of(traced("dm-flush", "pwrite64:retval=0", path=device, **options))
    assert (failure.code, failure.step) == ("EIO", "write")


@pytest.mark.parametrize(
    ("call", "operation", "options"),
    [
        ("pwrite64", "dm-flush", {"writes": 200, "io": "direct"}),
        ("fdatasync", "dm-flush", {"writes": 200, "io": "direct"}),
        ("pread64", "device-read", {"total": 8 * _BYTES}),
    ],
)
def test_one_that_fails_calls_the_others_off(
    traced: Traced, device: str, baseline: str, call: str, operation: str, options: dict[str, Any]
) -> None:
    """strace counts the calls of each thread by itself: left alone, each of them would fail."""
    own = {"baseline": baseline} if operation == "device-read" else {}
    answer = traced(
        operation,
        f"{call}:error=EIO:when=100",
        path=device,
        device=device,
        threads=8,
        **own,
        **options,
    )
    assert failure_of(answer)[0] == "EIO"
    assert failure_of(answer).path == device
    assert traced.calls.count("(INJECTED)") < 8


def test_the_first_block_of_a_read_that_fails_is_named(
    traced: Traced, device: str, baseline: str
) -> None:
    """A read of 64 KiB fails, and so does the third of the blocks of 4 KiB that it is made of."""
    answer = traced(
        "device-read",
        "pread64:error=EIO:when=1+3",
        path=device,
        device=device,
        baseline=baseline,
        block=65536,
        total=65536,
        pattern="sequential",
    )
    assert failure_of(answer) == ("EIO", "O_DIRECT read", device, 2 * 4096)


def test_an_error_of_the_baseline_is_told_as_such(
    traced: Traced, device: str, baseline: str
) -> None:
    answer = traced(
        "device-read",
        "pread64:error=EIO:when=2",
        path=baseline,
        device=device,
        baseline=baseline,
        total=_MIB,
    )
    assert failure_of(answer)[:3] == ("EIO", "baseline read", baseline)


@pytest.mark.parametrize("when", [1, 2, 3])
@pytest.mark.parametrize("operation", ["dm-flush", "device-read"])
def test_no_thread_is_an_error_and_those_that_are_there_end(
    traced: Traced, device: str, operation: str, when: int
) -> None:
    before = checksum(device)
    options: dict[str, Any] = (
        {"baseline": device, "total": _MIB} if operation == "device-read" else {}
    )
    answer = traced(
        operation, f"clone3:error=EAGAIN:when={when}", device=device, threads=4, **options
    )
    assert failure_of(answer)[:2] == ("EAGAIN", "start thread")
    assert checksum(device) == before


def test_no_thread_leaks_nothing(checked: Program, device: str, tmp_path: Path) -> None:
    traced = Traced(checked, tmp_path / "strace.log")
    answer = traced("dm-flush", "clone3:error=EAGAIN:when=3", device=device, threads=4)
    assert failure_of(answer)[:2] == ("EAGAIN", "start thread")


def test_threads_that_fail_race_for_nothing(
    thread_checked: Program, device: str, tmp_path: Path
) -> None:
    traced = Traced(thread_checked, tmp_path / "strace.log")
    answer = traced(
        "dm-flush",
        "fdatasync:error=EIO:when=6+",
        path=device,
        device=device,
        threads=8,
        writes=50,
    )
    assert failure_of(answer) == ("EIO", "fdatasync", device, -1)


@pytest.mark.parametrize("limit", range(5, 10))
@pytest.mark.parametrize("operation", ["dm-flush", "device-read"])
def test_few_descriptors_are_an_error_or_enough(
    job: Program, device: str, operation: str, limit: int
) -> None:
    options: dict[str, Any] = (
        {"baseline": device, "total": _MIB} if operation == "device-read" else {"writes": 2}
    )
    answer = job.under("prlimit", f"--nofile={limit}").run(operation, device=device, **options)
    if answer.failure:
        assert answer.failure.code == "EMFILE"
    else:
        assert answer.values["bytes"] > 0


@pytest.mark.parametrize("read", ["direct", "buffered", "readahead"])
def test_every_way_of_reading_damaged_blocks_is_clean(
    checked: Program, device: str, baseline: str, read: str
) -> None:
    answer = checked.run(
        "damaged-read", device=device, baseline=baseline, offset=_MIB, bytes=81920, read=read
    )
    assert answer.failure is None
    assert answer.values["verified_bytes"] == 81920
    assert answer.values["cached_before_bytes"] == answer.values["read_errno"] == 0
    assert ("later_read_ns" in answer.values) == (read == "readahead")


def test_a_damaged_block_that_cannot_be_read_is_a_result(
    traced: Traced, device: str, baseline: str
) -> None:
    options: dict[str, Any] = {"baseline": baseline, "offset": 4096, "bytes": 4096}
    answer = traced(
        "damaged-read", "pread64:error=EIO:when=1", path=device, device=device, **options
    )
    assert answer.failure is None
    assert answer.values["read_errno"] == 5
    assert "verified_bytes" not in answer.values
    answer = traced(
        "damaged-read", "pread64:error=EINVAL:when=1", path=device, device=device, **options
    )
    assert failure_of(answer) == ("EINVAL", "O_DIRECT read", device, -1)


def test_damaged_blocks_that_come_back_wrong_are_told(
    checked: Program, device: str, baseline: str
) -> None:
    with Path(baseline).open("r+b") as stream:
        stream.seek(2 * 4096)
        stream.write(b"another")
    for read in ("direct", "buffered", "readahead"):
        answer = checked.run(
            "damaged-read", device=device, baseline=baseline, offset=4096, bytes=8192, read=read
        )
        assert failure_of(answer) == ("EBADMSG", "verify", device, 2 * 4096)


@pytest.mark.parametrize("action", ["create", "reload", "remove", "resume", "status"])
@pytest.mark.parametrize(
    ("name", "code"),
    [("", "EPERM"), ("vg-root", "EPERM"), ("Loadstone-x", "EPERM"), ("l" * 128, "ENAMETOOLONG")],
)
def test_a_table_that_is_not_ours_is_never_touched(
    checked: Program, action: str, name: str, code: str
) -> None:
    """Also where there is no device-mapper at all."""
    failure = failure_of(checked.run("dm-table", action=action, name=name, table="0 8 error"))
    assert failure == (code, "device-mapper name", name, -1)


@pytest.mark.parametrize("code", ["ENOENT", "ENODEV"])
@pytest.mark.parametrize("action", ["create", "reload", "remove", "resume", "status", "version"])
def test_without_device_mapper_it_is_named(traced: Traced, action: str, code: str) -> None:
    """No node, or one that a program made where the kernel has no such driver."""
    answer = traced(
        "dm-table",
        f"openat:error={code}",
        path=_CONTROL,
        action=action,
        name="loadstone-x",
        table="0 8 e",
    )
    assert failure_of(answer) == (code, "open device-mapper control", _CONTROL, -1)


@pytest.fixture(scope="module")
def reader(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program around the parser of tables, under sanitizers."""
    program = tmp_path_factory.mktemp(f"table-{compiler}") / "dm-table"
    source = Path(__file__).with_name("dm_table.c")
    words = ("-std=gnu11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined")
    run(compiler, *words, f"-I{SOURCE / 'src'}", "-o", str(program), str(source))
    return program


def parsed(reader: Path, table: str) -> list[str]:
    done = subprocess.run([reader, table], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_table_of_many_targets_reaches_the_kernel_whole(reader: Path) -> None:
    lines = [f"{n * 8000} 8000 linear 253:{n % 7} {n * 16384}" for n in range(3000)]
    assert parsed(reader, "\n".join(lines)) == [
        f"{n * 8000} 8000 linear|253:{n % 7} {n * 16384}|0" for n in range(3000)
    ]


def test_a_target_without_parameters_and_a_last_newline_are_fine(reader: Path) -> None:
    assert parsed(reader, "0 8 error\n8 16 zero\n") == ["0 8 error||0", "8 16 zero||0"]
    assert parsed(reader, f"0 8 verity {'x' * 3000}") == [f"0 8 verity|{'x' * 3000}|0"]


@pytest.mark.parametrize(
    "table", ["", "\n", "0 8", "0 8\nlinear", "0\n8 linear 7:0 0", "a b linear", "0 8 zero\n\n0 8"]
)
def test_what_is_no_table_is_refused(reader: Path, table: str) -> None:
    assert parsed(reader, table) == [str(errno.EINVAL)]
