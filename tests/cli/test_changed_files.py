"""A file that changes while its Trials go on: said, never averaged in, and the Run ends."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import loadstone as api
from commands import MIB, Command, Done, needs, until, write_model

KEEP_STILL = "keep the file still, and run again"


def run_while(loadstone: Command, model: Path, change: Callable[[], object], *axes: str) -> Done:
    """Change a file after the first Trials of a Run that would be long."""
    process = loadstone.start("run", "--file", model, "--rounds", "10000", *axes)
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    change()
    out, err = process.communicate(timeout=30)
    return Done(process.returncode, out, err)


def append(model: Path) -> None:
    with model.open("ab") as stream:
        stream.write(b"x")


def replace(model: Path) -> None:
    write_model(model.with_name("new"), model.stat().st_size).replace(model)


def touch(model: Path) -> None:
    os.utime(model, ns=(0, 0))


def shrink(model: Path) -> None:
    os.truncate(model, MIB)


def shrink_to_nothing(model: Path) -> None:
    os.truncate(model, 0)


@pytest.mark.parametrize("change", [append, replace, touch, shrink, shrink_to_nothing, os.unlink])
def test_a_file_that_changes_ends_the_run(
    loadstone: Command, model: Path, change: Callable[[Path], None]
) -> None:
    axes = ("--set", "engine=pread,mmap,mmap-copy,uring")
    done = run_while(loadstone, model, lambda: change(model), *axes)
    assert done.code == 4
    assert KEEP_STILL in " ".join(done.out.split())
    *before, last = api.load("last", results=loadstone.results).trials
    assert all(trial.status == "ok" or "SIGBUS" in (trial.reason or "") for trial in before)
    assert last.status == "failed"
    assert "during the Run" in (last.reason or "")


def suspend_all(loadstone: Command) -> list[psutil.Process]:
    """Suspend the processes of a command; one may start another until it is suspended itself."""
    stopped: list[psutil.Process] = []
    while running := [each for each in loadstone.processes() if each not in stopped]:
        for process in running:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        stopped += running
    return stopped


def overwrite(loadstone: Command, model: Path) -> None:
    """Put other bytes in while nobody looks, and leave all facts as they were."""
    status, stopped = model.stat(), suspend_all(loadstone)
    with model.open("r+b") as stream:
        stream.seek(MIB + 17)
        stream.write(b"other bytes")
        stream.flush()
        os.utime(stream.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
    for process in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def test_other_bytes_under_the_same_facts_are_wrong_data(loadstone: Command, model: Path) -> None:
    done = run_while(loadstone, model, lambda: overwrite(loadstone, model), "--set", "engine=pread")
    assert done.code == 4
    last = api.load("last", results=loadstone.results).trials[-1]
    assert last.status == "failed"
    assert last.reason == (
        f"wrong data arrived in the destination: what came of {model} at {MIB} is not what the "
        "file held when the Run began"
    )


def delayed(call: str, model: Path, delay_us: int) -> tuple[str, ...]:
    inject = (f"--inject={call}:delay_exit={delay_us}", "-P", str(model))
    return ("strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={call}", *inject)


def maps(loadstone: Command, model: Path) -> bool:
    for process in loadstone.jobs():
        try:
            if str(model) in Path(f"/proc/{process.pid}/maps").read_text():
                return True
        except OSError:
            continue
    return False


@needs("strace")
@pytest.mark.parametrize("engine", ["mmap", "mmap-copy"])
def test_a_mapped_file_that_shrinks_kills_one_job_and_not_the_run(
    loadstone: Command, model: Path, engine: str
) -> None:
    words = ("run", "--file", model, "--rounds", "3", "--set", f"engine={engine}")
    process = loadstone.start(*words, before=delayed("mmap", model, 1_000_000))
    until(lambda: maps(loadstone, model), "the file to be mapped")
    os.truncate(model, MIB)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    first, second = api.load("last", results=loadstone.results).trials
    assert first.status == second.status == "failed"
    assert "killed by SIGBUS" in (first.reason or "")
    assert "the file shrank while it was mapped" in (first.reason or "")
    assert "was changed or replaced during the Run" in (second.reason or "")
    assert b"Traceback" not in err + out


def reads_bytes(loadstone: Command) -> int:
    """What the present Job has read."""
    try:
        return sum(process.io_counters().read_chars for process in loadstone.jobs())
    except psutil.Error:
        return 0


@needs("strace")
def test_a_file_that_shrinks_between_two_reads_is_told_with_its_offset(
    loadstone: Command, model: Path
) -> None:
    axes = ("--set", "engine=pread", "--set", "block=128k", "--set", "io=buffered")
    words = ("run", "--file", model, "--rounds", "3", *axes)
    process = loadstone.start(*words, before=delayed("pread64", model, 50_000))
    until(loadstone.trials, "the Run to begin")
    until(lambda: 0 < reads_bytes(loadstone) < MIB // 2, "a Trial to read")
    os.truncate(model, MIB)
    process.communicate(timeout=30)
    assert process.returncode == 4
    *_, trial = api.load("last", results=loadstone.results).trials
    assert trial.reason == f"{model} ended at {MIB}: it shrank during the Run"
    assert trial.remedy == KEEP_STILL
