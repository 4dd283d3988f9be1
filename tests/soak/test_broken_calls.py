"""Each system call of the core fails once with each error that its manual page names.

``make test`` breaks a few of them at random, ``make soak`` all. What fails is named (step, path,
code) or made up for: there is no crash, no hang, no wrong data, and nothing is left.
"""

import contextlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from devices import loop
from loadstone.core import native
from loadstone.errors import CannotMeasureError
from loadstone.model import Job
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import zram_device
from loadstone.targets.local import LocalTarget
from native import places
from native.conftest import builds, job, local
from native.programs import SOURCE, Program
from soak.broken_calls import Tracer, errors_of_calls
from soak.broken_jobs import jobs_of
from soak.judgement import Break, Undisturbed, judge, undisturbed
from soak.stage import Stage

__all__ = ["builds", "job", "local"]

pytestmark = [pytest.mark.soak, pytest.mark.native]

ALL = "all"
_JOBS_OF_A_SAMPLE = 4
_ERRORS = errors_of_calls()
_LIBRARIES = ("-luring", "-llz4", "-lzstd", "-lpthread")
# libc's own: it ends the program where they fail, or they cannot.
LIBC = {
    *("brk", "exit", "exit_group", "futex", "getpid", "getppid", "gettid", "rseq", "rt_sigaction"),
    *("rt_sigprocmask", "sched_yield", "set_robust_list"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each operation where all calls are broken, else one over some."""
    names = [one.name for one in native.operations()]
    if metafunc.config.getoption("--broken-calls") != ALL:
        metafunc.parametrize("operations", [names], ids=["some"])
    else:
        metafunc.parametrize("operations", [[name] for name in names], ids=names)


@pytest.fixture
def tracer(job: Program, tmp_path: Path) -> Tracer:
    """The core in a program that carries out one Job and starts no process."""
    places.need_tool("strace", "strace")
    program = tmp_path / "one-job"
    agent = SOURCE / "agent"
    sources = [Path(__file__).with_name("one_job.c")]
    sources += [agent / name for name in ("json.c", "job_line.c", "cpu_list.c")]
    places.command(
        *("cc", "-std=gnu11", "-O1", "-g", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64"),
        # Else strace could not find its way through the stack.
        *("-static", "-Wl,--eh-frame-hdr"),
        *(f"-I{SOURCE / 'include'}", f"-I{agent}", "-o", str(program), *map(str, sources)),
        *(str(job.path.parent / "libloadstone_core.a"), *_LIBRARIES),
    )
    return Tracer(program, tmp_path / "strace.log")


@pytest.fixture
def stage(place: Path) -> Iterator[Stage]:
    stage = Stage(place / "stage")
    yield stage
    stage.remove()


@pytest.fixture
def devices(place: Path) -> Iterator[tuple[str, str] | None]:
    """Two loop devices that hold the same; None where this user may not make any."""
    if os.geteuid() != 0:
        yield None
        return
    with contextlib.ExitStack() as stack:
        images = (place / "device", place / "baseline")
        device, baseline = (stack.enter_context(loop(image)) for image in images)
        yield device, baseline


@pytest.fixture
def zram(place: Path, local: LocalTarget) -> Iterator[str | None]:
    """A zram device of 8 MiB; None where there is no zram."""
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal(place / "results"))
        try:
            device = zram_device(local, journal, algorithm=None, level=0, size_bytes=8 << 20)
            path = stack.enter_context(device).path
        except CannotMeasureError:
            path = None
        yield path


def test_what_fails_is_named_or_made_up_for(
    tracer: Tracer,
    stage: Stage,
    devices: tuple[str, str] | None,
    zram: str | None,
    operations: list[str],
    soak_seed: int,
    figures: Counter[str],
    pytestconfig: pytest.Config,
) -> None:
    jobs = [one for name in operations for one in jobs_of(name, stage.place, devices, zram)]
    wanted = pytestconfig.getoption("--broken-calls")
    rng = Random(soak_seed)
    if wanted != ALL:
        jobs = rng.sample(jobs, _JOBS_OF_A_SAMPLE)
    breaks = list(breaks_of(tracer, stage, jobs))
    if wanted != ALL:
        breaks = rng.sample(breaks, min(int(wanted), len(breaks)))
    problems = list(problems_of(tracer, stage, breaks, figures))
    assert not problems, "\n".join([f"{len(problems)} of {len(breaks)}:", *problems])


def breaks_of(tracer: Tracer, stage: Stage, jobs: list[Job]) -> Iterator[Break]:
    """The first and the last call at each place of the program that none of the Jobs before made.

    A place is a stack of calls: what reads another file, or for another purpose, is another.
    """
    seen = set()
    for one in jobs:
        for site, calls in tracer.sites(one).items():
            if site not in seen and site.name not in LIBC:
                seen.add(site)
                assert site.name in _ERRORS, f"{site.name} is new: errors.toml needs its errors"
                for call in dict.fromkeys((calls[0], calls[-1])):
                    yield from (Break(one, call, error, site.where) for error in _ERRORS[site.name])
        stage.reset()


def problems_of(
    tracer: Tracer, stage: Stage, breaks: list[Break], figures: Counter[str]
) -> Iterator[str]:
    expected: dict[int, Undisturbed] = {}
    for one in breaks:
        if id(one.job) not in expected:
            expected[id(one.job)] = undisturbed(tracer, stage, one.job)
        try:
            result = tracer.break_call(one.job, one.call, one.error)
            problem = judge(one, result, expected[id(one.job)], stage, figures)
        except subprocess.TimeoutExpired:
            problem = "it hangs"
        stage.reset()
        if problem:
            yield f"{one}: {problem}"
