"""What the agent makes of lines that are no Jobs, and of Jobs that do not come to an end."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from loadstone.core import worker
from loadstone.model import Job
from loadstone.targets.android.wire import job_line, read_outcome
from native import sample_jobs
from native.job_lines import Agent
from native.programs import ADDRESS, Program

pytestmark = pytest.mark.native

_LONG = Job(
    operation="calibrate",
    options={"effect": "clock-read", "count": "1000000", "batches": "1000"},
    timeout_s=60,
)
_FINE = b"operation=make-file file=/dev/null/x bytes=1"
_FINE_STEP = "create"


@pytest.fixture(params=["job", "sanitized"])
def agent(request: pytest.FixtureRequest) -> Agent:
    """As it is shipped, and under AddressSanitizer and UndefinedBehaviorSanitizer."""
    program: Program = request.getfixturevalue(request.param)
    return Agent(program.path)


_REFUSED: dict[str, tuple[bytes, tuple[str, str, str, int]]] = {
    "a word without =": (b"operation=probe file", ("EINVAL", "job line", "file", 16)),
    "a word without a key": (b"=probe", ("EINVAL", "job line", "=probe", 0)),
    "no operation": (b"file=/x", ("ENODATA", "job line", "operation", -1)),
    "an unknown operation": (b"operation=fly", ("ENOSYS", "operation", "fly", -1)),
    "an unknown key": (b"operation=probe speed=1", ("ENOENT", "option", "speed", -1)),
    "a key given twice": (b"operation=probe file=/x file=/x", ("EEXIST", "job line", "file", 24)),
    "two operations": (
        b"operation=probe operation=probe",
        ("EEXIST", "job line", "operation", 16),
    ),
    "a missing option": (b"operation=make-file file=/x", ("ENODATA", "option", "bytes", -1)),
    "a missing value": (b"operation=make-file file=/x bytes=", ("EINVAL", "option", "bytes", -1)),
    "a number that overflows": (
        b"operation=make-file file=/x bytes=18446744073709551616",
        ("ERANGE", "option", "bytes", -1),
    ),
    "a choice there is not": (
        b"operation=make-file file=/x bytes=1 content=gold",
        ("EINVAL", "option", "content", -1),
    ),
    "a NUL": (b"operation=probe file=a\0b", ("EILSEQ", "job line", "file=a", 22)),
    "an encoded NUL": (b"operation=probe file=a%00b", ("EINVAL", "job line", "file=a%00b", 22)),
    "an escape cut short": (b"operation=probe file=%2", ("EINVAL", "job line", "file=%2", 21)),
    "a wrong escape": (b"operation=probe file=%2g", ("EINVAL", "job line", "file=%2g", 21)),
    "a tab": (b"operation=probe\tfile=/x", ("EILSEQ", "job line", "operation=probe\tfile=/x", 15)),
    "a carriage return": (b"operation=probe\r", ("EILSEQ", "job line", "operation=probe\r", 15)),
    "junk": (b"\x7fELF\x02\x01\x01\xff", ("EILSEQ", "job line", "\x7fELF\2\1\1\ufffd", 0)),
    "no time": (b"operation=probe timeout-s=0", ("ERANGE", "job line", "timeout-s", 16)),
    "a time that is none": (
        b"operation=probe timeout-s=0x10",
        ("EINVAL", "job line", "timeout-s", 16),
    ),
    "endless time": (b"operation=probe timeout-s=1e99", ("ERANGE", "job line", "timeout-s", 16)),
    "CPUs the wrong way round": (b"operation=probe cpus=3-1", ("EINVAL", "job line", "cpus", 16)),
    "no CPUs": (b"operation=probe cpus=", ("EINVAL", "job line", "cpus", 16)),
    "CPUs beyond any": (b"operation=probe cpus=0-1024", ("ERANGE", "job line", "cpus", 16)),
    "CPUs that are not there": (
        b"operation=probe cpus=1023",
        ("EINVAL", "sched_setaffinity", "1023", -1),
    ),
    "too many samples": (
        b"operation=probe" + b" sample=/x" * 257,
        ("E2BIG", "job line", "sample", 15 + 256 * 10 + 1),
    ),
    "too many options": (
        b"operation=probe" + b"".join(b" k%02d=1" % number for number in range(65)),
        ("E2BIG", "job line", "k64", 15 + 64 * 6 + 1),
    ),
    "1 MiB": (b"operation=probe file=" + b"x" * (1 << 20), ("E2BIG", "job line", "", 512 << 10)),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_what_is_no_job_is_named_and_the_next_is_carried_out(agent: Agent, what: str) -> None:
    line, (code, step, path, offset) = _REFUSED[what]
    session = agent.say(_FINE, line, _FINE)
    before, refused, after = session.outcomes
    assert refused.error is not None
    told = (errno.errorcode[refused.error.code], refused.error.step, refused.error.offset)
    assert told == (code, step, offset)
    assert refused.error.path == path if path else line.startswith(refused.error.path.encode())
    for fine in (before, after):
        assert fine.error is not None
        assert fine.error.step == _FINE_STEP
    assert session.code == 1


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"   \n\n"])
def test_empty_lines_and_a_missing_last_newline_do_not_matter(agent: Agent, end: bytes) -> None:
    session = agent.say(b"", b"  operation=probe   file=", b"", end=end)
    (outcome,) = session.outcomes
    assert outcome.error is None
    assert session.code == 0


def test_nothing_on_standard_input_is_nothing_to_do(agent: Agent) -> None:
    session = agent.say(end=b"")
    assert not session.outcomes
    assert session.code == 0


def test_a_line_may_be_as_long_as_is_said_and_no_longer(agent: Agent) -> None:
    start = b"operation=dm-table action=create name=vg table="
    whole = start + b"x" * ((512 << 10) - len(start))
    session = agent.say(whole, whole + b"x", whole, end=b"")
    steps = [outcome.error.step for outcome in session.outcomes if outcome.error]
    assert steps[1] == "job line"
    assert steps[0] == steps[2] != "job line"


def test_4096_targets_fit_in_a_line(agent: Agent) -> None:
    table = "\n".join(f"{n * 204800} 204800 linear 253:127 {n * 204800}" for n in range(4096))
    options = {"action": "create", "name": "vg", "table": table}
    outcome = agent.execute(Job(operation="dm-table", options=options))
    assert outcome.error is not None
    assert outcome.error.code == errno.EPERM


def test_256_samples_are_read(agent: Agent, tmp_path: Path) -> None:
    names = [str(tmp_path / f"{number:03}") for number in range(256)]
    for name in names:
        Path(name).write_text(f"{name}\n")
    job = Job(operation="calibrate", options={"effect": "syscall", "count": "1"}, samples=(*names,))
    outcome = agent.execute(job)
    assert outcome.before == outcome.after == {name: f"{name}\n" for name in names}


def test_a_job_runs_on_the_cpus_that_it_names(agent: Agent) -> None:
    options = {"effect": "syscall", "count": "1"}
    for cpu in sorted(os.sched_getaffinity(0)):
        job = Job(operation="calibrate", options=options, samples=("/proc/self/status",))
        told = agent.execute(msgspec.structs.replace(job, cpus=str(cpu)))
        status = told.before["/proc/self/status"]
        assert f"Cpus_allowed_list:\t{cpu}\n" in status


def test_a_job_goes_first_when_memory_is_short(agent: Agent) -> None:
    job = Job(
        operation="calibrate",
        options={"effect": "syscall", "count": "1"},
        samples=("/proc/self/oom_score_adj",),
    )
    assert agent.execute(job).before["/proc/self/oom_score_adj"] == "1000\n"


def test_a_job_that_takes_too_long_is_killed_in_the_words_of_the_worker(agent: Agent) -> None:
    short = msgspec.structs.replace(_LONG, timeout_s=0.25)
    session = agent.say(job_line(short) + _FINE)
    expected = worker.execute(short).crash
    assert [outcome.crash for outcome in session.outcomes] == [expected, None]
    assert session.code == 1


@pytest.fixture
def busy(agent: Agent) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """An agent that has a long Job, and the process of that Job."""
    process = agent.start()
    assert process.stdin is not None
    process.stdin.write(job_line(_LONG))
    process.stdin.flush()
    try:
        yield process, _child_of(process)
    finally:
        process.kill()
        process.communicate()


def _child_of(process: subprocess.Popen[bytes]) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            if child.cpu_times().user > 0.05:
                return child
        time.sleep(0.01)
    raise AssertionError("the Job did not begin")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGBUS, signal.SIGABRT, 40])
def test_a_job_that_is_killed_is_told_in_the_words_of_the_worker(
    busy: tuple[subprocess.Popen[bytes], psutil.Process], agent: Agent, number: int
) -> None:
    process, child = busy
    child.send_signal(number)
    said, _ = process.communicate(_FINE + b"\n", timeout=60)
    crashed, fine = (read_outcome(line) for line in said.splitlines()[1:])
    sanitizers_own = number == signal.SIGBUS and ADDRESS[0] in str(agent.path)
    assert crashed.crash == worker.describe_exit(99 if sanitizers_own else -number)
    assert fine.error is not None
    assert fine.crash is None


def test_when_nobody_reads_any_more_agent_and_job_end(
    busy: tuple[subprocess.Popen[bytes], psutil.Process],
) -> None:
    process, child = busy
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.wait(timeout=20) == 1
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_job_ends_with_its_agent(
    busy: tuple[subprocess.Popen[bytes], psutil.Process],
) -> None:
    process, child = busy
    process.kill()
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_job_holds_nothing_that_its_agent_was_given(
    busy: tuple[subprocess.Popen[bytes], psutil.Process],
) -> None:
    """One that hangs in the kernel would keep whoever waits for the end of them."""
    agent, job = (_descriptors(process.pid) for process in busy)
    assert (job["0"], job["2"]) == ("/dev/null", "/dev/null")
    assert not set(job.values()) & {agent[number] for number in "012"}


def _descriptors(pid: int) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}


def test_one_job_may_be_given_as_arguments(agent: Agent, tmp_path: Path) -> None:
    """They are taken as they are: a space is a space, and %20 is %20."""
    place = tmp_path / "a place%20"
    sample_jobs.prepare(place)
    words = ["operation=checksum", f"file={place}/model", f"output={tmp_path}/sums"]
    done = subprocess.run([agent.path, *words], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    outcome = read_outcome(done.stdout.splitlines()[1])
    assert outcome.values["file_bytes"] == sample_jobs.MODEL_BYTES


def test_a_person_reads_a_sentence_as_well(agent: Agent) -> None:
    for words, said in (
        (["operation=checksum", "file=/nowhere", "output=x"], "open /nowhere: No such file"),
        (
            job_line(msgspec.structs.replace(_LONG, timeout_s=0.1)).decode().split(),
            "no answer within 0.1 s",
        ),
    ):
        done = subprocess.run([agent.path, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert said in done.stderr


def test_a_word_given_twice_is_told_to_a_person(agent: Agent) -> None:
    words = ["operation=checksum", "file=/a", "file=/b", "output=x"]
    done = subprocess.run([agent.path, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("loadstone-agent: file: is given twice\n")


def test_help_names_operations_and_their_options(agent: Agent) -> None:
    def told(*words: str) -> str:
        done = subprocess.run([agent.path, *words], capture_output=True, text=True, check=True)
        return done.stdout

    assert "make-file" in told("--help")
    options = told("--help", "model-load")
    assert "  file             any text: a path, a name; must be given\n" in options
    assert "  cache            one of: cold warm as-is; cold if not given\n" in options
    assert "  heap             any text: a path, a name\n" in options
    assert "protocol 1" in told("--version")
    done = subprocess.run([agent.path, "--help", "fly"], capture_output=True, check=False)
    assert done.returncode == 2
