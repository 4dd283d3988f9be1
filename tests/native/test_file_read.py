"""Operation file-read: what is read cold of a file, and what came of it."""

import os
from pathlib import Path

import psutil
import pytest

from commands import MIB
from native.programs import Program

pytestmark = pytest.mark.native

_BYTES = 3 * MIB + 4096


@pytest.fixture
def file(checked: Program, place: Path) -> Path:
    """A text, and the checksums of its blocks."""
    file = place / "text"
    answer = checked.run("make-file", file=file, bytes=_BYTES, content="text")
    assert answer.failure is None
    assert checked.run("checksum", file=file, output=place / "sums").failure is None
    return file


@pytest.mark.parametrize(
    ("options", "reads", "verified"),
    [
        ({"total": _BYTES, "block": 4096}, _BYTES // 4096, 3 * MIB),
        ({"total": 2 * MIB}, 16, 2 * MIB),
        ({"total": MIB + 1, "block": 300_000}, 3, MIB),
        ({"total": _BYTES, "block": 4096, "pattern": "random"}, _BYTES // 4096, None),
        ({"total": MIB, "block": 16384, "pattern": "mmap"}, 64, None),
    ],
)
def test_as_much_is_read_as_was_asked_and_it_is_what_the_file_holds(
    checked: Program, file: Path, options: dict[str, int | str], reads: int, verified: int | None
) -> None:
    answer = checked.run("file-read", file=file, checksums=file.with_name("sums"), **options)
    assert answer.failure is None
    values = answer.values
    assert values["reads"] == reads
    assert values["bytes"] == reads * int(options.get("block", 128 << 10))
    assert values["cached_before_bytes"] == 0
    assert values["file_bytes"] == _BYTES
    assert values["elapsed_ns"] > 0
    assert values["verified_bytes"] > 0
    assert verified is None or values["verified_bytes"] == verified
    assert answer.histograms == answer.spans == 1


def test_random_reads_of_all_blocks_leave_all_of_them_in_the_page_cache(
    checked: Program, file: Path
) -> None:
    # With a repeated one another would be missing; read-ahead is of mappings.
    for pattern in ("random", "mmap"):
        answer = checked.run(
            "file-read", file=file, total=_BYTES, block=4096, pattern=pattern, seed=3
        )
        assert answer.values["cached_after_bytes"] >= _BYTES
        assert answer.values["verified_bytes"] == 0


def test_data_that_differ_from_their_checksums_are_found(checked: Program, file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(2 * MIB + 5)
        stream.write(b"\0")
    sums = file.with_name("sums")
    answer = checked.run("file-read", file=file, checksums=sums, total=2 * MIB)
    assert answer.failure is None
    failure = checked.run("file-read", file=file, checksums=sums, total=3 * MIB).failure
    assert failure == ("EBADMSG", "verify", str(file), 2 * MIB)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"total": _BYTES + 4096, "block": 4096}, ("ENODATA", "total of the file", _BYTES)),
        ({"total": 4096}, ("ERANGE", "option", 4096)),
        ({"total": MIB, "block": 511}, ("ERANGE", "option", 511)),
        ({"total": 1 << 62, "block": 512}, ("ERANGE", "option", 1 << 62)),
    ],
)
def test_sizes_that_do_not_fit_are_refused(
    checked: Program, file: Path, options: dict[str, int], expected: tuple[str, str, int]
) -> None:
    failure = checked.run("file-read", file=file, **options).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.offset) == expected


def test_memory_is_locked_until_only_so_much_is_available(checked: Program, file: Path) -> None:
    if os.geteuid():
        pytest.skip("locks memory: run as root")
    for _ in range(5):
        before = psutil.virtual_memory().available
        answer = checked.run("file-read", file=file, total=MIB, available=before - 256 * MIB)
        assert answer.failure is None
        # Others get and give back memory meanwhile.
        if held := answer.values["pressure_bytes"]:
            break
    assert 0 < held < before
    assert answer.values["pressure_killed_by"] == 0
    assert answer.values["cached_before_bytes"] == 0
    enough = checked.run("file-read", file=file, total=MIB, available=1 << 62)
    assert enough.values["pressure_bytes"] == 0


def test_a_function_that_the_kernel_lacks_or_cannot_trace_is_named(
    checked: Program, file: Path
) -> None:
    names = "no_such_function,nor_this_one"
    failure = checked.run("file-read", file=file, total=MIB, **{"trace-calls": names}).failure
    assert failure is not None
    assert (failure.step, failure.path) == ("trace calls", names)
    has_kprobes = Path("/sys/bus/event_source/devices/kprobe").exists()
    # Who may not trace is told so first.
    expected = "ENODEV" if not has_kprobes else "EACCES" if os.geteuid() else "ENOENT"
    assert failure.code == expected


def test_calls_of_the_kernel_are_traced(checked: Program, file: Path) -> None:
    if os.geteuid() or not Path("/sys/bus/event_source/devices/kprobe").exists():
        pytest.skip("traces the kernel: run as root, on a kernel with CONFIG_KPROBE_EVENTS")
    wanted = {"trace-calls": "no_such_function,vfs_read", "total": MIB, "block": 4096}
    for pattern in ("sequential", "random"):
        answer = checked.run("file-read", file=file, pattern=pattern, **wanted)
        assert answer.failure is None
        values = answer.values
        # pread(2) calls it once each; others of the machine do, too.
        assert values["traced_calls"] >= values["reads"]
        assert values["traced_calls_ns"] >= values["traced_slow_calls_ns"]
        assert values["traced_slow_calls"] <= values["traced_calls"]
        assert values["traced_missed"] == 0
        assert answer.histograms == 2


def test_what_is_no_file_is_refused(checked: Program, place: Path) -> None:
    (place / "empty").touch()
    os.mkfifo(place / "fifo")
    for name, code in (("", "EISDIR"), ("empty", "ENODATA"), ("fifo", "EINVAL"), ("no", "ENOENT")):
        failure = checked.run("file-read", file=place / name, total=MIB).failure
        assert failure is not None
        assert (failure.code, failure.step) == (code, "open")
    for sums in ("empty", "no"):
        file = place / "file"
        file.write_bytes(bytes(MIB))
        failure = checked.run(
            "file-read", file=file, total=MIB, block=MIB, checksums=place / sums
        ).failure
        assert failure is not None
        assert failure.step == "read checksums"
