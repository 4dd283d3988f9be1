"""What is seen of live processes whose memory is known, and of those that cannot be looked at."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from huge_page_pool import reserved
from known_process import (
    ANONYMOUS,
    COW,
    LZ4,
    MEMFD,
    NAMED,
    RANDOM,
    SAME,
    SHARED,
    SOME,
    THRESHOLDS,
    UNREAD,
    WHOLE,
    ZERO,
    kind,
    look,
    process_of,
    rollup,
    running,
    seen,
)
from loadstone.errors import CannotMeasureError
from loadstone.model import Job
from loadstone.pages.counts import KindCount, add_counts, parse_kinds
from loadstone.pages.figures import estimate, huge_share, own_kinds
from loadstone.pages.look import Algorithm, Bounds, NotSeen, ProcessPages, look_at
from loadstone.pages.processes import Process
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import zram_device, zram_swap
from loadstone.targets.local import LocalTarget
from native import places
from native.job_lines import Agent
from native.programs import Program

pytestmark = pytest.mark.native

_PAGE_BYTES = os.sysconf("SC_PAGESIZE")


def test_pages_are_counted_by_what_they_become(local: LocalTarget, known: int) -> None:
    """Neither the zero page, nor guard pages, nor what is reserved and never touched are any."""
    anon = kind(seen(local, known), "anon")
    assert ANONYMOUS <= anon.present <= ANONYMOUS + SOME
    assert anon.seen == anon.present
    assert anon.lost == anon.swapped == 0
    assert SAME + ZERO <= anon.same.pages <= SAME + ZERO + SOME
    assert [count.pages for count in anon.from_threshold] == [RANDOM] * len(THRESHOLDS)
    assert anon.deciles[-1].bytes == RANDOM * _PAGE_BYTES
    assert add_counts([anon.same, *anon.deciles]).pages == anon.seen


def test_the_sum_is_the_kernels(local: LocalTarget, known: int) -> None:
    found = seen(local, known)
    assert own_kinds(found).present == rollup(known, "Anonymous")
    assert found.anonymous_bytes == own_kinds(found).present * _PAGE_BYTES
    assert kind(found, "file-cow").present >= COW
    assert kind(found, "stack").present > 0


def test_an_area_with_a_name_is_a_kind_of_its_own(local: LocalTarget, known: int) -> None:
    """Without the numbers that tell one thread's from another's."""
    names = [one.name for one in seen(local, known).kinds]
    if not any(name.startswith("[anon:") for name in names):
        pytest.skip("needs names of anonymous memory: Android, or CONFIG_ANON_VMA_NAME")
    named = kind(seen(local, known), "[anon:loadstone heap:#]")
    assert (named.present, named.seen) == (NAMED, NAMED)


def test_shared_memory_has_rows_of_its_own_and_is_looked_at_once(
    local: LocalTarget, known: int
) -> None:
    found = seen(local, known)
    shared = kind(found, "/dev/zero", is_shared=True)
    assert (shared.present, shared.seen) == (SHARED, SHARED)
    assert shared.from_threshold[0].pages == SHARED
    again = seen(local, known, known=found.shared_objects)
    assert sum(one.present for one in again.kinds if one.is_shared) == 0
    assert own_kinds(again).present == own_kinds(found).present


@pytest.mark.root
def test_huge_pages_of_hugetlbfs_are_left_out_and_told(
    local: LocalTarget, known: int, known_program: Path
) -> None:
    with reserved(2), running(known_program, "huge") as pid:
        found = seen(local, pid)
    assert found.hugetlb_bytes == 4 << 20
    assert not [one for one in found.kinds if "huge" in one.name]
    assert own_kinds(found).present <= own_kinds(seen(local, known)).present + SOME


@pytest.mark.root
def test_root_sees_shared_memory_that_the_process_has_never_touched(
    local: LocalTarget, known: int
) -> None:
    places.need_root()
    memfd = kind(seen(local, known), "/memfd:loadstone known:#", is_shared=True)
    assert (memfd.present, memfd.seen, memfd.swapped) == (MEMFD, MEMFD, 0)


@pytest.mark.root
def test_another_user_sees_its_own_processes_only(
    known: int, known_program: Path, job: Program
) -> None:
    places.need_root()
    stranger = places.as_stranger()
    with places.open_directory() as directory:
        for program in (known_program, job.path):
            copy = directory / program.name
            copy.write_bytes(program.read_bytes())
            copy.chmod(0o755)
        agent = Program(directory / job.path.name).under(*stranger)
        failure = agent.run("process-pages", pid=known, sample="kinds").failure
        assert failure is not None
        assert (failure.code, failure.step) == ("EACCES", "read smaps")
        with running(directory / known_program.name, "still", *stranger) as pid:
            asked = Agent(agent.path, stranger)
            answer = asked.execute(_job(pid))
    assert answer.error is None
    assert f"shared {SHARED} 0 {SHARED} 0 " in answer.before["kinds"]


def test_without_the_ioctl_it_is_the_same(local: LocalTarget, known: int, job: Program) -> None:
    places.need_root()
    places.need_tool("strace", "strace")
    inject = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=ioctl:error=ENOTTY")
    outcome = Agent(job.path, inject).execute(_job(known))
    assert outcome.error is None
    assert outcome.values["pagemap_scan"] < 0
    expected = {one.name: one.present for one in seen(local, known).kinds}
    found = {one.name: one.present for one in parse_kinds(outcome.before["kinds"], 0)}
    assert found == expected


def test_it_is_the_same_under_sanitizers(sanitized: Program, known: int) -> None:
    for options in ({}, {"most_pages": 0, "algorithm": "zstd"}, {"most_pages": 5}):
        answer = sanitized.run(
            "process-pages", pid=known, sample="kinds", thresholds="1,2,3,4", **options
        )
        assert answer.failure is None


def test_an_agent_of_any_processor_sees_the_same(known: int, device_agent: Agent) -> None:
    outcome = device_agent.execute(_job(known))
    assert outcome.error is None
    anon = next(line for line in outcome.before["kinds"].splitlines() if line.endswith(" anon"))
    # One that is emulated may not find the zero page in its own pagemap.
    assert ANONYMOUS <= int(anon.split()[1]) <= ANONYMOUS + UNREAD + SOME


def _job(pid: int) -> Job:
    return Job(operation="process-pages", options={"pid": str(pid)}, samples=("kinds",))


def test_zstd_finds_the_same_pages_huge(local: LocalTarget, known: int) -> None:
    anon = kind(seen(local, known, algorithm=Algorithm(name="zstd", level=1)), "anon")
    assert anon.from_threshold[1].pages == RANDOM


def test_a_level_that_there_is_not_is_named(local: LocalTarget, known: int) -> None:
    found = look(local, known, algorithm=Algorithm(name="zstd", level=99))
    assert isinstance(found, NotSeen)
    assert found.reason == "the algorithm has no such level"


def test_a_samples_interval_holds_the_share(local: LocalTarget, known: int) -> None:
    whole = estimate([own_kinds(seen(local, known))], _PAGE_BYTES)
    assert whole is not None
    share = huge_share(whole, 0)
    assert share.low == share.share == share.high
    hits = 0
    for seed in range(40):
        found = seen(local, known, bounds=Bounds(most_pages=300, most_s=60, seed=seed))
        own = own_kinds(found)
        assert own.seen + sum(one.seen for one in found.kinds if one.is_shared) == 300
        sampled = estimate([own], _PAGE_BYTES)
        assert sampled is not None
        hits += huge_share(sampled, 0).low <= share.share <= huge_share(sampled, 0).high
    assert hits >= 33


def test_the_process_is_not_disturbed(local: LocalTarget, known: int) -> None:
    """It neither runs nor faults for it."""
    before = _usage(known)
    for _ in range(3):
        seen(local, known)
    assert _usage(known) == before


def _usage(pid: int) -> tuple[str, ...]:
    """Minor and major faults, and time in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[7], fields[9], fields[11], fields[12]


def test_one_that_maps_and_forks_meanwhile_is_seen_as_far_as_it_goes(
    local: LocalTarget, known_program: Path
) -> None:
    with running(known_program, "restless") as pid:
        for _ in range(20):
            for one in seen(local, pid, bounds=Bounds(most_s=1)).kinds:
                assert one.seen + one.lost <= one.present


def test_one_that_ends_meanwhile_is_named(local: LocalTarget, known_program: Path) -> None:
    with contextlib.ExitStack() as stack:
        pid = stack.enter_context(running(known_program))
        process = process_of(local, pid)
        threading.Timer(0.3, stack.close).start()
        found: ProcessPages | NotSeen | None = None
        slow = Algorithm(name="zstd", level=22)
        end_s = time.monotonic() + 30
        while not isinstance(found, NotSeen) and time.monotonic() < end_s:
            found = look_at(local, process, slow, WHOLE, THRESHOLDS)
    assert isinstance(found, NotSeen)
    assert found.reason in ("it ended while it was looked at", f"there is no process {pid}")


def test_one_that_waits_for_its_parent_is_named(local: LocalTarget) -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        found = look(local, process.pid)
    assert isinstance(found, NotSeen)
    assert found.reason == "it has ended, and waits for its parent only"


def test_a_pid_that_is_another_process_by_now_is_named(local: LocalTarget, known: int) -> None:
    former = Process(pid=known, name="former", command="", start_ticks=1, parent=1, has_memory=True)
    found = look_at(local, former, LZ4, WHOLE, THRESHOLDS)
    assert isinstance(found, NotSeen)
    assert found.reason == f"it ended, and {known} is another process by now"


def test_a_thread_of_the_kernel_has_no_memory(local: LocalTarget) -> None:
    if Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("needs the kernel's threads: run outside of a container")
    found = look(local, 2)
    assert isinstance(found, NotSeen)
    assert found.reason == "it is a thread of the kernel, which has no memory of its own"


@pytest.fixture
def journal(tmp_path: Path, local: LocalTarget) -> Iterator[Journal]:
    places.need_root()
    with Journal(tmp_path, local.name, local.execute) as journal:
        yield journal


@pytest.mark.root
def test_the_kernel_finds_the_same_pages_huge(
    local: LocalTarget, known: int, journal: Journal
) -> None:
    try:
        with zram_device(local, journal, algorithm="lz4", level=0, size_bytes=1 << 20) as device:
            found = seen(local, known, zram=device)
    except CannotMeasureError as error:
        pytest.skip(f"needs zram with lz4: {error}")
    kinds = [one for one in found.kinds if one.seen]
    assert found.zram is not None
    assert found.zram.seen == sum(one.seen for one in kinds)
    assert found.zram.same.pages == add_counts([one.same for one in kinds]).pages
    assert abs(found.zram.huge.pages - _huge(kinds)) <= found.zram.seen / 1000
    assert found.zram.equal >= 0.9 * (found.zram.seen - found.zram.huge.pages)


def _huge(kinds: list[KindCount]) -> int:
    return add_counts([one.from_threshold[1] for one in kinds]).pages


@pytest.mark.root
def test_swapped_pages_are_counted_and_stay_swapped(
    local: LocalTarget, known_program: Path, journal: Journal
) -> None:
    try:
        with contextlib.ExitStack() as stack:
            device = stack.enter_context(
                zram_device(local, journal, algorithm=None, level=0, size_bytes=64 << 20)
            )
            stack.enter_context(zram_swap(local, journal, device))
            pid = stack.enter_context(running(known_program, "pageout"))
            swapped = rollup(pid, "Swap")
            found = own_kinds(seen(local, pid))
            assert rollup(pid, "Swap") == swapped
    except CannotMeasureError as error:
        pytest.skip(f"needs swap on zram: {error}")
    assert swapped >= RANDOM / 2
    assert found.swapped == swapped
    assert found.seen == found.present
