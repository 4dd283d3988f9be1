"""Operation steady-write: what it counts, and that what was written is read back."""

from pathlib import Path

import pytest

from commands import MIB
from native import places
from native.programs import Answer, Failure, Program

pytestmark = pytest.mark.native

_ZONES, _ZONE_BYTES = 3, MIB
_WINDOWS = 24


@pytest.fixture
def stat(place: Path) -> Path:
    """What a block device's would be: of 4096 sectors written."""
    path = place / "stat"
    path.write_text("1 2 3 4 5 6 4096 8 9 10 11\n")
    return path


def write(checked: Program, place: Path, stat: Path, **options: object) -> Answer:
    given = {"file": place / "loadstone-write", "bytes": MIB, "write": 4096, "total": 4 * MIB}
    return checked.run(
        "steady-write", **{"device_stat": stat, "sync": "fdatasync", **given, **options}
    )


def zones(place: Path) -> Path:
    """Files as zonefs has them, as far as another file system can: of a size, in order."""
    directory = place / "loadstone-zones"
    (directory / "seq").mkdir(parents=True)
    for zone in range(_ZONES):
        (directory / "seq" / str(zone)).write_bytes(bytes(_ZONE_BYTES))
    return directory


@pytest.mark.parametrize("sync", ["none", "fdatasync"])
@pytest.mark.parametrize("write_bytes", [4096, 20480])
def test_half_of_it_is_timed_and_all_of_the_file_is_read_back(
    checked: Program, place: Path, stat: Path, sync: str, write_bytes: int
) -> None:
    answer = write(checked, place, stat, sync=sync, write=write_bytes, skew="80/20")
    assert answer.failure is None
    values = answer.values
    writes = 4 * MIB // write_bytes
    assert values["writes"] == writes - writes * 12 // _WINDOWS
    assert values["bytes"] + values["run_up_bytes"] == writes * write_bytes
    assert values["verified_bytes"] == MIB // write_bytes * write_bytes
    assert 0 < values["busy_ns"] <= values["elapsed_ns"]
    of_windows = [values[f"window_{number:02}_bytes"] for number in range(1, _WINDOWS + 1)]
    assert sum(of_windows) == writes * write_bytes
    assert {values[f"window_{number:02}_device_bytes"] for number in (1, _WINDOWS)} == {0}
    assert "window_01_free_segments" not in values
    for number in range(1, _WINDOWS + 1):
        p50, p99, slowest = (
            values[f"window_{number:02}_{name}_ns"] for name in ("p50", "p99", "max")
        )
        assert 0 < p50 <= p99 <= slowest
    assert answer.histograms == 1


def test_zones_are_written_in_order_and_emptied_when_their_turn_comes(
    checked: Program, place: Path, stat: Path
) -> None:
    directory = zones(place)
    # One and a half times all of them.
    total = _ZONES * _ZONE_BYTES * 3 // 2
    options = {"layout": "zones", "bytes": 2 * MIB + 4096, "total": total, "sync": "none"}
    answer = write(checked, place, stat, file=directory, **options)
    assert answer.failure is None
    sizes = [(directory / "seq" / str(zone)).stat().st_size for zone in range(_ZONES)]
    assert sizes == [_ZONE_BYTES, _ZONE_BYTES // 2, _ZONE_BYTES]
    assert answer.values["verified_bytes"] == sum(sizes)


def test_pauses_are_no_part_of_the_writes(checked: Program, place: Path, stat: Path) -> None:
    answer = write(checked, place, stat, write=65536, pause=2, burst=16)
    assert answer.failure is None
    values = answer.values
    pauses = 32 // 16
    assert values["paused_ns"] >= pauses * 2_000_000
    assert values["busy_ns"] + values["paused_ns"] <= values["elapsed_ns"]


def test_free_segments_are_those_of_each_windows_end(
    checked: Program, place: Path, stat: Path
) -> None:
    (place / "free").write_text("17\n")
    answer = write(checked, place, stat, free_segments=place / "free")
    assert {answer.values[f"window_{number:02}_free_segments"] for number in (1, 12, 24)} == {17}


def test_a_write_that_went_nowhere_is_found(checked: Program, place: Path, stat: Path) -> None:
    places.need_tool("strace", "strace")
    file = place / "loadstone-write"
    words = ("strace", "-f", "-qq", "-o", "/dev/null", "-P", str(file))
    # After the fill, which is one call, and when each place has been written over many times.
    lost = "inject=pwrite64:retval=4096:when=900+"
    answer = write(
        checked.under(*words, "-e", lost, finds_leaks=False), place, stat, bytes=64 << 10
    )
    assert answer.failure is not None
    assert answer.failure[:3] == ("EBADMSG", "verify written", str(file))
    assert answer.failure.offset % 4096 == 0


def test_a_counter_that_is_none_is_named(checked: Program, place: Path) -> None:
    (place / "few").write_text("1 2 3\n")
    for name, code in (("absent", "ENOENT"), ("few", "EPROTO")):
        failure = write(checked, place, place / name).failure
        assert failure == Failure(code, "read counter", str(place / name), -1)
        (place / "loadstone-write").unlink()


def test_only_a_new_file_of_our_own_name_is_written(
    checked: Program, place: Path, stat: Path
) -> None:
    for name, code, step in (("data", "EPERM", "create"), ("loadstone-x", "EEXIST", "open")):
        (place / name).write_bytes(b"another's")
        failure = write(checked, place, stat, file=place / name).failure
        assert failure == Failure(code, step, str(place / name), -1)
        assert (place / name).read_bytes() == b"another's"
    (place / "zones" / "seq").mkdir(parents=True)
    failure = write(checked, place, stat, file=place / "zones", layout="zones").failure
    assert failure == Failure("EPERM", "create", str(place / "zones"), -1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("write", 0), ("write", 512), ("write", 6144), ("write", 32 * MIB), ("bytes", 4095)),
        *(("total", 4096 * 23), ("pause", 10**7), ("burst", 0)),
    ],
)
def test_what_makes_no_sense_is_refused(
    checked: Program, place: Path, stat: Path, key: str, value: int
) -> None:
    failure = write(checked, place, stat, **{key: value}).failure
    assert failure == Failure("ERANGE", "option", key, value)
    assert not (place / "loadstone-write").exists()
