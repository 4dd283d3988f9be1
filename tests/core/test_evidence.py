"""Kernel text into named differences, on text that kernels really write."""

import os
from pathlib import Path

from loadstone.core.evidence import (
    busy_ns,
    counter_deltas,
    device_files,
    parse_block_stat,
    parse_cpu_stat,
    parse_vmstat,
    uncounted_devices,
)

BLOCK = "  100  5  2048  30  7  1  64  9  0  33  39  0  0  0  0  12  4\n"
STAT = "cpu  10 0 20 3000 4 0 1 250 0 0\ncpu0 5 0 10 1500 2 0 0 125 0 0\n"
PRESSURE = (
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=500\n"
)


def test_a_block_devices_sectors_become_bytes() -> None:
    counters = parse_block_stat(BLOCK)
    assert counters["block.read_ios"] == 100
    assert counters["block.read_bytes"] == 2048 * 512
    assert counters["block.write_bytes"] == 64 * 512
    assert counters["block.flush_ios"] == 12


def test_a_kernel_without_flush_counters_has_none() -> None:
    assert "block.flush_ios" not in parse_block_stat(" ".join(BLOCK.split()[:11]))


def test_only_the_counters_of_paging_are_kept_of_vmstat() -> None:
    counters = parse_vmstat("nr_free_pages 17\npgfault 3\nthp_fault_alloc 2\nnonsense\n")
    assert counters == {"vmstat.pgfault": 3, "vmstat.thp_fault_alloc": 2}


def test_stolen_time_is_that_of_all_cpus() -> None:
    assert parse_cpu_stat(STAT)["cpu.steal_ns"] == 250 * 1e9 / os.sysconf("SC_CLK_TCK")
    assert parse_cpu_stat("garbage") == {}


def test_busy_time_is_of_all_cpus_and_not_idle_waiting_or_stolen() -> None:
    after = STAT.replace("cpu  10 0 20 3000 4 0 1 250", "cpu  30 1 20 4000 9 2 3 999")
    took = busy_ns({"/proc/stat": STAT}, {"/proc/stat": after})
    assert took == (20 + 1 + 2 + 2) * 1e9 / os.sysconf("SC_CLK_TCK")
    assert busy_ns({}, {"/proc/stat": STAT}) is None
    assert busy_ns({"/proc/stat": STAT}, {"/proc/stat": "garbage"}) is None


def test_differences_are_after_less_before() -> None:
    before = {"/proc/pressure/io": PRESSURE, "/sys/dev/block/254:0/stat": BLOCK}
    after = {
        "/proc/pressure/io": PRESSURE.replace("1500", "1700"),
        "/sys/dev/block/254:0/stat": BLOCK.replace("2048", "4096"),
    }
    moved = counter_deltas(before, after)
    assert moved["pressure.io_some_ns"] == 200_000
    assert moved["pressure.io_full_ns"] == 0
    assert moved["block.read_bytes"] == 2048 * 512


def test_the_counters_of_several_block_devices_add_up() -> None:
    """Of one that could not be read, what the others moved by is not the whole of it."""
    paths = [f"/sys/dev/block/254:{minor}/stat" for minor in range(3)]
    before = dict.fromkeys(paths, BLOCK)
    after = {
        paths[0]: BLOCK.replace("2048", "2050").replace("  12  4", "  15  4"),
        paths[1]: BLOCK.replace("2048", "2058").replace("  12  4", "  16  4"),
        paths[2]: BLOCK,
    }
    moved = counter_deltas(before, after)
    assert moved["block.read_bytes"] == (2 + 10) * 512
    assert moved["block.flush_ios"] == 3 + 4
    assert moved["block.write_ios"] == 0


def test_what_could_not_be_read_is_left_out_and_not_zero() -> None:
    path = "/sys/dev/block/254:0/stat"
    assert counter_deltas({path: ""}, {path: BLOCK}) == {}
    assert counter_deltas({path: BLOCK}, {path: ""}) == {}
    assert counter_deltas({}, {"/proc/unknown": "1 2 3"}) == {}


def texts(**devices: tuple[str, str]) -> dict[str, str]:
    """By a disk's name its ``stat`` and its ``queue/iostats``."""
    found: dict[str, str] = {}
    for name, (stat, switch) in devices.items():
        paths = device_files(f"/sys/dev/block/{name}")
        found |= dict(zip(paths, (stat, f"{switch}\n"), strict=True))
    return found


def test_a_device_that_counts_nothing_is_unknown_and_not_zero() -> None:
    """``queue/iostats`` is 0: whatever is read, the counters stand still."""
    moved = BLOCK.replace("2048", "4096")
    off = texts(a=(BLOCK, "0"))
    assert counter_deltas(off, off) == {}
    assert uncounted_devices(off, off) == ("/sys/dev/block/a/stat",)
    assert counter_deltas(texts(a=(BLOCK, "1")), texts(a=(moved, "0"))) == {}
    assert counter_deltas(texts(a=(BLOCK, "1")), texts(a=(BLOCK, "1")))["block.read_bytes"] == 0


def test_what_moved_on_a_device_that_counts_nothing_is_counted() -> None:
    """Flushes always are, and device-mapper has counted by itself; the rest is unknown."""
    off = texts(a=(BLOCK, "0"))
    flushed = texts(a=(BLOCK.replace("  12  4", "  15  4"), "0"))
    assert counter_deltas(off, flushed) == {"block.flush_ios": 3}
    assert uncounted_devices(off, flushed) == ("/sys/dev/block/a/stat",)
    read = texts(a=(BLOCK.replace("2048", "4096"), "0"))
    assert counter_deltas(off, read) == {"block.read_bytes": 2048 * 512}
    assert uncounted_devices(off, read) == ()


def test_a_device_that_has_never_counted_is_unknown() -> None:
    never = {"/sys/dev/block/1:0/stat": " 0 " * 17}
    assert counter_deltas(never, never) == {}


def test_a_partition_counts_where_its_disk_does() -> None:
    paths = device_files("/sys/dev/block/259:1", is_partition=True)
    assert paths[1] == "/sys/dev/block/259:1/../queue/iostats"
    off = dict(zip(paths, (BLOCK, "0\n"), strict=True))
    assert counter_deltas(off, off) == {}


def test_of_several_devices_one_that_counts_nothing_leaves_no_sum() -> None:
    moved = BLOCK.replace("2048", "4096")
    before = texts(a=(BLOCK, "1"), b=(BLOCK, "0"))
    after = texts(a=(moved, "1"), b=(BLOCK, "0"))
    assert counter_deltas(before, after) == {}


def test_the_lowest_devices_have_counters_of_their_own() -> None:
    paths = ("/sys/dev/block/7:0/stat", "/sys/class/block/vda/stat")
    before = dict.fromkeys(paths, BLOCK)
    after = {paths[0]: BLOCK.replace("2048", "4096"), paths[1]: BLOCK}
    moved = counter_deltas(before, after)
    assert (moved["block.read_bytes"], moved["disk.read_bytes"]) == (2048 * 512, 0)


def test_this_kernels_own_files_are_understood() -> None:
    vmstat = Path("/proc/vmstat").read_text()
    assert {"vmstat.pgfault", "vmstat.pgmajfault", "vmstat.pgpgin"} <= parse_vmstat(vmstat).keys()
    assert parse_cpu_stat(Path("/proc/stat").read_text()).keys() == {"cpu.steal_ns"}
