"""Zram devices, and swap on them: made, journaled first, and gone whatever ends who made them."""

import contextlib
import errno
import mmap
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from commands import needs, needs_root
from far_target import FarTarget
from loadstone.core import native
from loadstone.errors import CannotMeasureError, RunError
from loadstone.model import CoreError, Job, Outcome
from loadstone.programs import own_python
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.record import Entry, Record
from loadstone.provision.removal import Connection
from loadstone.provision.removers import BOOT_ID, remove_zram
from loadstone.provision.zram_device import ZramDevice, zram_algorithms, zram_device, zram_swap
from loadstone.targets import Target
from loadstone.targets.local import LocalTarget
from provision.journals import kill, orphan, problems
from zrams import hot_add, hot_remove, needs_zram, somebody_elses, zram_swaps, zrams

# All devices of the machine are looked at, and the numbers that they get.
pytestmark = [
    pytest.mark.root,
    pytest.mark.alone,
    needs_root,
    needs_zram,
    pytest.mark.usefixtures("nothing_is_left"),
]

MIB = 1 << 20
PAGE = mmap.PAGESIZE
HOLD = """
import contextlib, sys, time
from pathlib import Path
from loadstone.core import native
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import zram_device, zram_swap
from loadstone.targets.local import LocalTarget
results, what = Path(sys.argv[1]), sys.argv[2]
target = LocalTarget(results)
if what == "alone":
    # Without a worker, so that one signal ends all.
    target.execute = native.run_job
with Journal(results) as journal:
    for _ in range(5 if what == "often" else 1):
        with contextlib.ExitStack() as stack:
            device = stack.enter_context(
                zram_device(target, journal, algorithm="lz4", level=0, size_bytes=4 << 20)
            )
            if what in ("swap", "alone"):
                stack.enter_context(zram_swap(target, journal, device, priority=0))
            print(device.path, device.name, device.size_bytes, flush=True)
            time.sleep(600 if what == "swap" else 0)
target.close()
"""
# A process that is swapped out, and says whether it got all of it back.
OWNER = """
import mmap, re, sys
memory = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
if hasattr(mmap, "MADV_NOHUGEPAGE"):
    memory.madvise(mmap.MADV_NOHUGEPAGE)
before = b"".join(b"%08d" % i for i in range(len(memory) // 8))
memory[:] = before
memory.madvise(21)  # MADV_PAGEOUT
print(re.search(r"VmSwap:\\s+(\\d+)", open("/proc/self/status").read())[1], flush=True)
sys.stdin.readline()
print(memory[:] == before, flush=True)
"""


@pytest.fixture
def target(results: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(results)
    yield target
    target.close()


@pytest.fixture
def journal(results: Path) -> Iterator[Journal]:
    with Journal(results) as journal:
        yield journal


def start(results: Path, what: str, *before: str) -> "subprocess.Popen[bytes]":
    words = [*before, sys.executable, "-c", HOLD, str(results), what]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def complaint(results: Path, *before: str) -> str:
    process = start(results, "once", *before)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    return err.decode().splitlines()[-1]


def listed(device: ZramDevice) -> str:
    return f"{device.name} {device.size_bytes}"


def attribute(device: ZramDevice, name: str) -> str:
    return Path(device.directory, name).read_text().strip()


def remove(number: int, size_bytes: int) -> Outcome:
    options = {"action": "remove", "number": str(number), "bytes": str(size_bytes)}
    return native.run_job(Job(operation="zram-device", options=options))


def boot() -> str:
    return Path(BOOT_ID).read_text().strip()


def stored_bytes(device: ZramDevice) -> int:
    """What 64 pages of text are, compressed."""
    text = (b"".join(b"%d is %x. " % (i, i * i) for i in range(1 << 16)))[: 64 * PAGE]
    fd = os.open(device.path, os.O_WRONLY)
    try:
        os.pwrite(fd, text, 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    return int(attribute(device, "mm_stat").split()[1])


def test_a_device_is_made_as_asked_and_gone_at_the_end(
    target: LocalTarget, journal: Journal
) -> None:
    for algorithm in zram_algorithms(target, journal):
        with zram_device(
            target, journal, algorithm=algorithm, level=0, size_bytes=MIB + 1
        ) as device:
            assert listed(device) in zrams()
            assert f"[{algorithm}]" in attribute(device, "comp_algorithm")
            assert device.algorithm == algorithm
            assert device.size_bytes == int(attribute(device, "disksize")) > MIB
            assert device.size_bytes // PAGE % 2 == 1
            assert 0 < stored_bytes(device) < 64 * PAGE
        assert listed(device) not in zrams()
        assert not Path(device.path).exists()


def test_the_level_is_the_algorithms(target: LocalTarget, journal: Journal) -> None:
    """It cannot be read back; what is stored tells, where the kernel takes levels at all."""
    stored = []
    for level in (1, 50):
        try:
            with zram_device(
                target, journal, algorithm="lz4", level=level, size_bytes=MIB
            ) as device:
                stored.append(stored_bytes(device))
        except CannotMeasureError as error:
            with zram_device(target, journal, algorithm=None, level=0, size_bytes=1) as device:
                assert not Path(device.directory, "algorithm_params").exists()
            assert "this kernel's zram takes no levels" in error.what
            return
    assert stored[0] < stored[1]


@pytest.mark.parametrize(
    ("wanted", "what", "remedy"),
    [
        ({"algorithm": "zip"}, "zram has no algorithm zip here", "name one of l"),
        ({"algorithm": "lzo-rle", "level": 3}, "lzo-rle has no levels", "take level 0"),
        ({"size_bytes": 1 << 62}, "no memory for a zram device of", "take less"),
    ],
)
def test_what_the_kernel_refuses_is_told_with_what_to_do(
    target: LocalTarget, journal: Journal, wanted: dict[str, object], what: str, remedy: str
) -> None:
    options = {"algorithm": None, "level": 0, "size_bytes": MIB, **wanted}
    with pytest.raises(CannotMeasureError) as caught, zram_device(target, journal, **options):  # type: ignore[arg-type]  # as the table has it
        pytest.fail("was made")
    assert caught.value.what.startswith(what)
    assert remedy in (caught.value.remedy or "")


def test_a_device_of_another_size_is_never_removed(results: Path) -> None:
    with somebody_elses("3M") as number:
        error = remove(number, 2 * MIB).error
        assert error is not None
        assert (error.code, error.step) == (errno.EPERM, "owner of zram")
        orphan(Journal(results).entry("zram", f"zram{number}", f"{2 * MIB} {boot()}"))
        orphan(Journal(results).entry("swap", f"zram{number}", f"{2 * MIB} {boot()}"))
        assert all("it is not ours, as it has another size" in said for said in problems(results))
        assert f"zram{number} {3 * MIB}" in zrams()
    # It is gone, and so ours is.
    assert [removal.problem for removal in clean(results)] == [None, None]


def test_a_device_of_another_boot_is_not_looked_at(results: Path) -> None:
    with somebody_elses() as number:
        other = "00000000-0000-4000-8000-000000000000"
        orphan(Journal(results).entry("zram", f"zram{number}", f"{2 * MIB} {other}"))
        assert [removal.problem for removal in clean(results)] == [None]
        assert f"zram{number} 0" in zrams()


def test_one_that_nobody_finished_is_removed(results: Path) -> None:
    number = hot_add()
    orphan(Journal(results).entry("zram", f"zram{number}", f"{2 * MIB} {boot()}"))
    assert [removal.problem for removal in clean(results)] == [None]


class Raced:
    """A Target on which somebody makes a device right before we do."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.others: list[int] = []

    def execute(self, job: Job) -> Outcome:
        if job.options.get("action") == "make" and len(self.others) < 2:
            self.others.append(hot_add())
        return self._target.execute(job)

    def __getattr__(self, name: str) -> object:
        return getattr(self._target, name)


def made_on(target: Raced, journal: Journal) -> contextlib.AbstractContextManager[ZramDevice]:
    like = cast("Target", target)
    return zram_device(like, journal, algorithm=None, level=0, size_bytes=MIB)


def test_who_was_faster_keeps_his_device(target: LocalTarget, journal: Journal) -> None:
    raced = Raced(target)
    try:
        with made_on(raced, journal) as device:
            assert device.number not in raced.others
        assert {f"zram{number} 0" for number in raced.others} <= zrams()
    finally:
        for number in raced.others:
            hot_remove(number)


class Stuck(Raced):
    """One on which the device that we got instead stays in somebody's use for too long."""

    def execute(self, job: Job) -> Outcome:
        if job.options.get("action") != "make":
            return self._target.execute(job)
        self.others.append(hot_add())
        ours = hot_add()
        path = f"/sys/block/zram{ours}"
        return Outcome(error=CoreError(code=errno.EBUSY, step="remove zram", path=path))


def test_a_device_of_ours_that_nobody_foresaw_is_in_the_journal_too(
    target: LocalTarget, results: Path
) -> None:
    stuck = Stuck(target)
    try:
        with (
            pytest.raises(CannotMeasureError, match=r"no zram device: remove zram .* busy"),
            Journal(results) as journal,
            made_on(stuck, journal),
        ):
            pytest.fail("was made")
        (other,) = stuck.others
        assert f"zram{other} 0" in zrams()
    finally:
        for number in stuck.others:
            hot_remove(number)


def test_processes_that_make_devices_at_once_do_not_meet(results: Path) -> None:
    processes = [start(results, "often") for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert len(out.splitlines()) == 5


def test_a_device_that_somebody_has_open_goes_when_it_is_closed(
    target: LocalTarget, journal: Journal
) -> None:
    with zram_device(target, journal, algorithm=None, level=0, size_bytes=MIB) as device:
        fd = os.open(device.path, os.O_RDONLY)
        timer = threading.Timer(0.3, os.close, (fd,))
        timer.start()
    assert timer.finished.is_set()
    timer.join()


@needs("strace")
@pytest.mark.parametrize("step", ["disksize", "dev", "swapon"], ids="before {}".format)
def test_what_a_killed_process_made_in_part_is_removed_by_clean(results: Path, step: str) -> None:
    number = next(i for i in range(1 << 20) if not Path(f"/sys/block/zram{i}").exists())
    call = "swapon" if step == "swapon" else "openat"
    words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    words += [] if step == "swapon" else ["-P", f"/sys/block/zram{number}/{step}"]
    process = start(results, "alone", *words, "-e", f"inject={call}:signal=SIGKILL")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert Path(f"/sys/block/zram{number}").exists()
    removals = clean(results)
    assert [removal.problem for removal in removals] == [None] * (1 + (step == "swapon"))


def test_what_a_killed_process_swapped_out_comes_back_and_nobody_is_killed(results: Path) -> None:
    """Other processes are swapped out to the same device; where they do not fit, it stays."""
    process = start(results, "swap")
    assert process.stdout is not None
    device = process.stdout.readline().decode().partition(" ")[2].strip()
    assert device in zram_swaps()
    words = [sys.executable, "-c", OWNER]
    owner = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert int(owner.stdout.readline()) > 512
    kill(process)
    (results / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 9 kB\n")
    fake = f'mount --bind {results}/meminfo /proc/meminfo && exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", fake, "sh"]
    words += own_python("loadstone.cli", "clean", "--results", str(results))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stdout.count("\n") == 2
    for line in done.stdout.splitlines():
        assert "what is swapped out does not fit into memory: " in line
        assert "end processes that take much memory; see to it by hand" in line
    assert device in zram_swaps()
    # Newest first: the swap ends, then the device goes.
    removals = clean(results)
    assert [removal.entry.record.kind for removal in removals] == ["swap", "zram"]
    assert [removal.problem for removal in removals] == [None, None]
    assert device not in zram_swaps() | zrams()
    out, _ = owner.communicate(b"\n", timeout=60)
    assert (owner.returncode, out) == (0, b"True\n")


def test_a_device_that_is_swapped_on_is_removed_even_without_its_second_record(
    target: LocalTarget, journal: Journal, results: Path
) -> None:
    with zram_device(target, journal, algorithm=None, level=0, size_bytes=MIB) as device:
        with zram_swap(target, journal, device, priority=0):
            assert listed(device) in zram_swaps()
            (entry,) = [
                path
                for path in results.glob("journal/*.json")
                if b'"kind":"swap"' in path.read_bytes()
            ]
            entry.unlink()
        assert listed(device) in zram_swaps()
    assert listed(device) not in zram_swaps() | zrams()


def test_swap_only_on_ours(target: LocalTarget, journal: Journal) -> None:
    with somebody_elses("3M") as number:
        device = ZramDevice(
            path=f"/dev/zram{number}", number=number, size_bytes=2 * MIB, algorithm="lz4"
        )
        with (
            pytest.raises(CannotMeasureError, match="owner of zram"),
            zram_swap(target, journal, device),
        ):
            pytest.fail("is swapped on")
        # What ends it makes sure of that, too.


def test_another_target_has_one_of_its_own(place: Path, results: Path) -> None:
    far = FarTarget(place)
    journal = Journal(results, far.name, far.execute)

    @contextlib.contextmanager
    def reach(name: str) -> Iterator[Connection]:
        assert name == far.name
        yield Connection(execute=far.execute)

    there = cast("Target", far)
    with (
        zram_device(there, journal, algorithm=None, level=0, size_bytes=1) as device,
        zram_swap(there, journal, device, priority=0),
    ):
        assert listed(device) in zram_swaps()
        for path in results.glob("journal/*.json"):
            orphan(Entry(path=path, record=msgspec.json.decode(path.read_bytes(), type=Record)))
        assert [removal.problem for removal in clean(results, reach)] == [None, None]
        assert listed(device) not in zrams()
    far.close()


def test_where_it_stays_in_use_is_told() -> None:
    busy = CoreError(code=errno.EBUSY, step="remove zram", path="/sys/block/zram9")

    def refuse(job: Job) -> Outcome:
        return native.run_job(job) if job.operation == "read-text" else Outcome(error=busy)

    with pytest.raises(RunError) as caught:
        remove_zram(refuse, "zram9", f"4096 {boot()}")
    assert str(caught.value) == "zram9 is still in use; end or unmount what uses it"


def test_a_user_without_rights_is_told_to_be_root(
    results: Path, as_nobody: tuple[str, ...]
) -> None:
    results.chmod(0o777)
    said = complaint(results, *as_nobody)
    assert "a zram device is root's to make: open zram control" in said
    assert said.endswith("Permission denied (EACCES); run as root")


@pytest.mark.parametrize(
    ("set_up", "said", "remedy"),
    [
        ("mount -o remount,bind,ro /sys", "sysfs is read-only here: open zram", "--privileged"),
        ("mount -t tmpfs none /sys/class/zram-control", "zram", "kernel"),
    ],
    ids=["read-only sysfs", "no zram"],
)
def test_a_machine_that_can_make_none_says_why(
    results: Path, set_up: str, said: str, remedy: str
) -> None:
    words = ("unshare", "--mount", "sh", "-c", f'{set_up} && exec "$@"', "sh")
    line = complaint(results, *words)
    assert line.startswith("loadstone.errors.CannotMeasureError: ")
    what, _, remedies = line.partition("; ")
    assert said in what
    assert remedy in remedies


def test_where_nobody_makes_nodes_it_has_one_of_our_own(results: Path) -> None:
    set_up = (
        "mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && "
        '"$@" && ls /dev'
    )
    process = start(results, "once", "unshare", "--mount", "sh", "-c", set_up, "sh")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    line, *left = out.decode().splitlines()
    assert line.startswith("/dev/loadstone-zram")
    assert left == ["null", "urandom"]
