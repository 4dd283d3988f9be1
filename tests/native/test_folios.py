"""Operation folio-write: what is written is there, and the folios that took it are told."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from native import places
from native.programs import Answer, Program, finish

pytestmark = pytest.mark.native

_TOTAL = 1 << 20
_PAYLOADS = ("random", "zero", "same-filled", "text", "pointer", "fp16", "half", "bf16", "int4")


def _write(program: Program, directory: Path, **options: object) -> Answer:
    file = directory / "loadstone-write"
    asked = {"size": 65536, "total": _TOTAL} | options
    answer = program.run("folio-write", file=file, **asked)
    assert not list(directory.glob("loadstone-*"))
    return answer


def _order_bytes(values: Mapping[str, int], witness: str = "folio") -> dict[int, int]:
    return {
        int(name.split("_")[2]): count
        for name, count in values.items()
        if name.startswith(f"{witness}_order_")
    }


def _for_stranger(program: Program, directory: Path, *words: str) -> Program:
    """The program for a user without rights, who may reach it in ``directory``."""
    path = directory / "program"
    path.write_bytes(program.path.read_bytes())
    path.chmod(0o755)
    stranger = places.as_stranger()
    return program._replace(path=path).under(*words, *stranger, finds_leaks=not words)


@pytest.fixture
def disk() -> Iterator[Path]:
    with places.open_directory() as directory:
        yield directory


@pytest.mark.parametrize("size", [8, 511, 4096, 5000, 65536, _TOTAL])
@pytest.mark.parametrize("pattern", ["fresh", "overwrite", "append"])
def test_every_size_is_read_back_as_it_was_written(
    sanitized: Program, tmp_path: Path, size: int, pattern: str
) -> None:
    total = min(_TOTAL, size * 3000)
    answer = _write(sanitized, tmp_path, size=size, total=total, pattern=pattern)
    assert answer.failure is None
    values = answer.values
    assert values["writes"] == total // size
    assert values["bytes"] == values["verified_bytes"] == total // size * size
    assert values["elapsed_ns"] == values["durable_ns"] >= values["write_ns"] > 0


@pytest.mark.parametrize("io", ["buffered", "dontcache", "dsync", "direct"])
@pytest.mark.parametrize("sync", ["end", "none", "every"])
def test_every_way_of_writing_works_or_is_refused_by_name(
    sanitized: Program, tmp_path: Path, io: str, sync: str
) -> None:
    answer = _write(sanitized, tmp_path, io=io, sync=sync, every=3)
    if answer.failure:
        assert answer.failure.step in ("RWF_DONTCACHE write", "O_DIRECT open", "O_DIRECT write")
        assert answer.failure.code in ("EOPNOTSUPP", "ENOTSUP", "EINVAL")
        return
    assert answer.values["verified_bytes"] == _TOTAL
    assert ("durable_ns" in answer.values) == (sync != "none")
    assert answer.histograms == (1 if sync == "none" else 2)
    assert answer.spans == (1 if sync == "none" else 2)


@pytest.mark.parametrize("pattern", ["fresh", "overwrite", "append"])
@pytest.mark.parametrize("sync", ["end", "none", "every"])
def test_threads_share_the_writes_and_race_for_nothing(
    thread_sanitized: Program, tmp_path: Path, pattern: str, sync: str
) -> None:
    """16 writes among 5: one has 4, the others 3, so with fsyncs after each 2 all have two."""
    options = {"pattern": pattern, "sync": sync, "every": 2}
    answer = _write(thread_sanitized, tmp_path, threads=5, **options)
    assert answer.failure is None
    assert answer.values["writes"] == 16
    assert answer.values["bytes"] == answer.values["verified_bytes"] == _TOTAL
    assert answer.spans == {"end": 6, "none": 5, "every": 10}[sync]
    assert answer.histograms == (1 if sync == "none" else 2)


@pytest.mark.parametrize("io", ["buffered", "dontcache", "dsync", "direct"])
@pytest.mark.parametrize("pattern", ["fresh", "overwrite", "append"])
def test_a_ring_writes_all_that_calls_write(
    sanitized: Program, disk: Path, io: str, pattern: str
) -> None:
    """Also with more in flight than there are writes, with threads, and with fsyncs between."""
    for size, total, options in (
        (4096, _TOTAL, {"depth": 16, "sync": "none"}),
        (65536, _TOTAL, {"depth": 1}),
        (65536, _TOTAL, {"depth": 64, "threads": 3}),
        (65536, _TOTAL, {"depth": 4, "sync": "every", "every": 3}),
        (5 * 4096, 100 * 4096, {"depth": 3, "prealloc": "fallocate"}),
        (_TOTAL, 3 * _TOTAL, {"depth": 2}),
    ):
        if pattern == "append" and io == "direct" and options["depth"] != 1:
            # Some file systems lose those.
            continue
        answer = _write(
            *(sanitized, disk),
            engine="uring",
            io=io,
            pattern=pattern,
            size=size,
            total=total,
            **options,
        )
        if answer.failure and io in ("dontcache", "direct"):
            assert answer.failure.step in ("io_uring RWF_DONTCACHE write", "O_DIRECT open")
            return
        assert answer.failure is None
        assert answer.values["verified_bytes"] == answer.values["bytes"] == total // size * size
        assert answer.values["durable_ns" if "sync" not in options else "write_ns"] > 0


@pytest.mark.parametrize("sync", ["end", "none", "every"])
def test_rings_of_threads_race_for_nothing(
    thread_sanitized: Program, tmp_path: Path, sync: str
) -> None:
    answer = _write(
        *(thread_sanitized, tmp_path), engine="uring", depth=4, threads=5, sync=sync, every=2
    )
    assert answer.failure is None
    assert answer.values["verified_bytes"] == _TOTAL
    assert answer.spans == {"end": 6, "none": 5, "every": 10}[sync]


@pytest.mark.parametrize("payload", _PAYLOADS)
@pytest.mark.parametrize("pattern", ["fresh", "overwrite", "append"])
def test_every_payload_is_read_back_whichever_thread_came_first(
    sanitized: Program, tmp_path: Path, payload: str, pattern: str
) -> None:
    for size, threads in ((8, 1), (4096, 3), (5000, 7), (_TOTAL // 2, 2)):
        answer = _write(
            sanitized, tmp_path, payload=payload, pattern=pattern, size=size, threads=threads
        )
        assert answer.failure is None
        assert answer.values["verified_bytes"] == _TOTAL // size * size


@pytest.mark.parametrize("pattern", ["fresh", "append"])
def test_space_that_is_there_before_changes_nothing_of_the_data(
    sanitized: Program, disk: Path, pattern: str
) -> None:
    for threads in (1, 3):
        values = _write(
            sanitized, disk, pattern=pattern, prealloc="fallocate", threads=threads
        ).values
        assert values["verified_bytes"] == _TOTAL


@pytest.mark.root
def test_a_file_system_that_cannot_preallocate_is_named(sanitized: Program, tmp_path: Path) -> None:
    """ext4 without extents."""
    with places.file_system("ext4", tmp_path, "-O", "^extent,^64bit") as place:
        failure = _write(sanitized, place, prealloc="fallocate").failure
    assert failure is not None
    assert (failure.code, failure.step) == ("ENOTSUP", "fallocate")


@pytest.mark.root
def test_a_disk_that_runs_full_stops_all_threads(thread_sanitized: Program, tmp_path: Path) -> None:
    with places.tiny_tmpfs(tmp_path, 1 << 20) as place:
        failure = _write(thread_sanitized, place, size=4096, total=4 << 20, threads=4).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("ENOSPC", "write")


@pytest.mark.root
def test_a_ring_s_short_write_goes_on_where_it_ended(sanitized: Program, tmp_path: Path) -> None:
    """The one that meets the end of the disk writes what there is room for, and then nothing."""
    with places.tiny_tmpfs(tmp_path, 1 << 20) as place:
        asked = {"engine": "uring", "size": 3 * 16384, "total": 3 << 20, "sync": "none"}
        for depth in (1, 16):
            failure = _write(sanitized, place, depth=depth, **asked).failure
            assert failure is not None
            assert (failure.code, failure.step) == ("ENOSPC", "io_uring write")
            assert depth > 1 or failure.offset == 1 << 20


@pytest.mark.parametrize(
    ("rule", "code", "step"),
    [
        ("io_uring_setup:error=EPERM", "EPERM", "io_uring_setup"),
        ("io_uring_setup:error=EINVAL:when=2+", "", ""),
        ("io_uring_register:error=EBADFD", "EBADFD", "io_uring enable"),
        ("io_uring_enter:error=EAGAIN:when=2", "", ""),
        ("io_uring_enter:error=EINTR:when=1..9+2", "", ""),
        ("io_uring_enter:error=ENXIO:when=3", "ENXIO", "io_uring_enter"),
        ("fsync:error=EIO", "EIO", "fsync"),
    ],
)
def test_a_ring_s_broken_call_is_named_or_made_up_for(
    job: Program, disk: Path, rule: str, code: str, step: str
) -> None:
    places.need_tool("strace", "strace")
    program = job.under(
        *("strace", "-f", "-qq", "-o", "/dev/null"),
        *("-e", f"trace={rule.partition(':')[0]}", "-e", f"inject={rule}"),
    )
    answer = _write(program, disk, engine="uring", depth=4, sync="every", every=3)
    if not code:
        assert answer.values["verified_bytes"] == _TOTAL
        return
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.step) == (code, step)


@pytest.mark.root
def test_threads_that_cannot_be_started_are_an_error(sanitized: Program) -> None:
    places.need_root()
    with places.open_directory() as directory:
        directory.chmod(0o777)
        failure = _write(
            _for_stranger(sanitized, directory, "prlimit", "--nproc=2"), directory, threads=4
        ).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EAGAIN", "start thread")


@pytest.mark.alone
@pytest.mark.root
@pytest.mark.parametrize("pattern", ["fresh", "overwrite", "append"])
@pytest.mark.parametrize("size", [4096, 65536, _TOTAL])
def test_the_tracepoint_sees_the_folios_that_the_survey_finds(
    sanitized: Program, tmp_path: Path, pattern: str, size: int
) -> None:
    with places.file_system("xfs", tmp_path) as place:
        values = _write(sanitized, place, size=size, pattern=pattern, total=4 * _TOTAL).values
    assert _order_bytes(values, "traced") == _order_bytes(values)
    assert values["traced_folio_mean_bytes"] == values["folio_mean_bytes"]


@pytest.mark.root
def test_the_tracepoint_sees_what_no_page_cache_keeps(job: Program, disk: Path) -> None:
    """Of direct writes it sees nothing, of those that are dropped at once all."""
    places.need_root()
    direct = _write(job, disk, io="direct")
    if direct.failure is None:
        assert not _order_bytes(direct.values, "traced")
        assert "traced_folio_mean_bytes" not in direct.values
    dropped = _write(job, disk, io="dontcache", total=16 * _TOTAL)
    if dropped.failure is None:
        assert sum(_order_bytes(dropped.values, "traced").values()) == 8 * _TOTAL


@pytest.mark.root
def test_a_kernel_whose_tracepoint_tells_no_order_leaves_it_unknown(
    job: Program, disk: Path
) -> None:
    """Its filter is refused with EINVAL."""
    places.need_root()
    places.need_tool("strace", "strace")
    program = job.under(
        *("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=ioctl"),
        *("-e", "inject=ioctl:error=EINVAL:when=1+"),
    )
    values = _write(program, disk).values
    assert values["traced_folio_mean_bytes"] == -1
    assert not _order_bytes(values, "traced")
    assert values["verified_bytes"] == _TOTAL


@pytest.mark.alone
def test_what_is_not_synced_stays_dirty_and_what_is_does_not(job: Program, disk: Path) -> None:
    left = {sync: _write(job, disk, sync=sync).values["dirty_bytes"] for sync in ("end", "none")}
    if left["end"] < 0:
        pytest.skip("needs root or cachestat(2): run as root, or on Linux 6.5")
    assert left == {"end": 0, "none": _TOTAL}


@pytest.mark.alone
def test_what_is_overwritten_was_not_cached_before(job: Program, disk: Path) -> None:
    for pattern in ("overwrite", "append"):
        values = _write(job, disk, pattern=pattern).values
        assert values["cached_before_bytes"] == 0
        assert values["cached_after_bytes"] == _TOTAL


@pytest.mark.alone
@pytest.mark.root
def test_a_file_system_of_small_folios_has_them_whatever_the_size(
    job: Program, tmp_path: Path
) -> None:
    """tmpfs without huge=: the survey may not take neighbours for one folio."""
    places.need_root()
    with places.tiny_tmpfs(tmp_path, 4 << 20) as place:
        for size in (4096, _TOTAL):
            values = _write(job, place, size=size, sync="none").values
            assert _order_bytes(values) == {0: _TOTAL}
            assert values["folio_mean_bytes"] * values["folios"] == _TOTAL


@pytest.mark.alone
@pytest.mark.root
@pytest.mark.parametrize("size", [4096, 16384, 65536])
def test_folios_of_xfs_are_as_large_as_the_writes(
    sanitized: Program, tmp_path: Path, size: int
) -> None:
    with places.file_system("xfs", tmp_path) as place:
        values = _write(sanitized, place, size=size).values
    orders = _order_bytes(values)
    assert sum(orders.values()) == values["cached_after_bytes"] == _TOTAL
    assert orders == {(size // 4096).bit_length() - 1: _TOTAL}


@pytest.mark.root
def test_folios_that_went_while_they_were_counted_are_unknown(job: Program, disk: Path) -> None:
    """The file is dropped from the page cache between the look at what is there and the map."""
    places.need_root()
    places.need_tool("strace", "strace")
    delay = ("-e", "trace=mincore", "-e", "inject=mincore:delay_exit=4000000")
    program = job.under("strace", "-f", "-qq", "-o", "/dev/null", *delay)
    file = disk / "loadstone-write"
    process = program.start("folio-write", file=file, size=65536, total=_TOTAL)
    time.sleep(2)
    with file.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    values = finish(process).values
    assert values["folio_mean_bytes"] == -1
    assert not _order_bytes(values)
    assert values["verified_bytes"] == _TOTAL


@pytest.mark.root
def test_a_user_without_rights_learns_no_folios_but_the_rest(sanitized: Program) -> None:
    places.need_root()
    with places.open_directory() as directory:
        directory.chmod(0o777)
        values = _write(_for_stranger(sanitized, directory), directory).values
    for witness in ("folio", "traced"):
        assert not _order_bytes(values, witness)
    assert values["folio_mean_bytes"] == values["traced_folio_mean_bytes"] == -1
    assert values["verified_bytes"] == _TOTAL


@pytest.mark.parametrize(
    ("options", "code", "step", "path"),
    [
        ({"size": 7}, "ERANGE", "option", "size"),
        ({"size": 1 << 40}, "ERANGE", "option", "size"),
        ({"size": 4096, "total": 4095}, "ERANGE", "option", "total"),
        ({"sync": "every", "every": 0}, "ERANGE", "option", "every"),
        ({"threads": 0}, "ERANGE", "option", "threads"),
        ({"threads": 257, "size": 8}, "ERANGE", "option", "threads"),
        ({"threads": 17}, "ERANGE", "option", "threads"),
        ({"size": 8, "total": 1 << 43}, "ERANGE", "option", "total"),
        ({"depth": 2}, "ERANGE", "option", "depth"),
        ({"engine": "uring", "depth": 0}, "ERANGE", "option", "depth"),
        ({"engine": "uring", "depth": 4097}, "ERANGE", "option", "depth"),
        ({"engine": "steam"}, "EINVAL", "option", "engine"),
        ({"payload": "gold"}, "EINVAL", "option", "payload"),
        ({"pattern": "sideways"}, "EINVAL", "option", "pattern"),
    ],
)
def test_what_cannot_be_done_is_named(
    sanitized: Program,
    tmp_path: Path,
    options: dict[str, object],
    code: str,
    step: str,
    path: str,
) -> None:
    failure = _write(sanitized, tmp_path, **options).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.path) == (code, step, path)


def test_a_size_that_direct_io_cannot_write_is_named_with_one_that_it_can(
    sanitized: Program, disk: Path
) -> None:
    failure = _write(sanitized, disk, io="direct", size=1000).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EINVAL", "size for O_DIRECT")
    assert failure.offset in (512, 4096)
    answer = _write(sanitized, disk, io="direct", size=failure.offset, total=64 * 4096)
    assert answer.failure is None


def test_a_file_that_is_there_is_not_touched(sanitized: Program, tmp_path: Path) -> None:
    file = tmp_path / "loadstone-x"
    file.write_text("mine")
    failure = sanitized.run("folio-write", file=file, size=4096, total=4096).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.path) == ("EEXIST", "create", str(file))
    assert file.read_text() == "mine"


@pytest.mark.root
def test_a_full_file_system_is_an_error_at_its_offset(sanitized: Program, tmp_path: Path) -> None:
    places.need_root()
    with places.tiny_tmpfs(tmp_path, 1 << 20) as place:
        failure = _write(sanitized, place, size=65536, total=4 << 20).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.offset) == ("ENOSPC", "write", 1 << 20)


def test_data_that_the_disk_does_not_give_back_is_wrong(job: Program, disk: Path) -> None:
    """The 40th pread, of those that verify, comes back short and empty: the file seems cut off."""
    places.need_tool("strace", "strace")
    program = job.under(
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=pread64",
        "-e",
        "inject=pread64:retval=0:when=10+",
    )
    failure = _write(program, disk).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("ENODATA", "read back")


def test_a_write_that_was_lost_is_wrong_data(job: Program, disk: Path) -> None:
    """Of the writes the third says that it wrote, and did not."""
    places.need_tool("strace", "strace")
    program = job.under(
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=pwrite64",
        "-e",
        "inject=pwrite64:retval=65536:when=3",
    )
    failure = _write(program, disk).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.offset) == ("EBADMSG", "verify written", 2 * 65536)


def test_an_append_that_was_lost_is_wrong_data_whichever_thread_lost_it(
    job: Program, disk: Path
) -> None:
    """One of 16 never comes: the file ends early."""
    places.need_tool("strace", "strace")
    program = job.under(
        *("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64"),
        *("-e", "inject=pwrite64:retval=65536:when=4"),
    )
    failure = _write(program, disk, pattern="append", threads=2).failure
    assert failure is not None
    assert failure.code in ("ENODATA", "EBADMSG")
    assert failure.step in ("read back", "verify written")


def test_a_failed_fsync_is_an_error(job: Program, disk: Path) -> None:
    places.need_tool("strace", "strace")
    program = job.under(
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync",
        "-e",
        "inject=fsync:error=EIO:when=1",
    )
    failure = _write(program, disk).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EIO", "fsync")
