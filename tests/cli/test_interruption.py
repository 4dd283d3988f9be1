"""Signals: what ended is kept, what was set up goes, and the Run can be finished."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

import loadstone as api
from commands import MIB, Command, Done, needs_root, until, write_model
from loadstone.plan.order import order

LONG = ("--rounds", "10000", "--set", "engine=pread,mmap")
RESUME = "the Trials that ended are kept; go on with: loadstone resume "


def stop(process: "subprocess.Popen[bytes]", *numbers: signal.Signals) -> Done:
    for number in numbers:
        process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return Done(process.returncode, out, err)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_amid_trials_ends_the_run_and_tells_how_to_go_on(
    loadstone: Command, model: Path, number: signal.Signals
) -> None:
    process = loadstone.start("run", "--file", model, *LONG)
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    done = stop(process, number)
    assert done.code == -number
    assert done.out == ""
    run = api.load("last", results=loadstone.results)
    assert done.complaint == f"stopped by {number.name}; {RESUME}{run.id}"
    assert len(run.trials) > 2
    assert {trial.status for trial in run.trials} == {"ok"}


def test_impatience_does_not_cut_the_tidying_short(loadstone: Command) -> None:
    process = loadstone.start("run", "--size", "8m", *LONG)
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    done = stop(process, signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGTERM)
    assert done.code in (-signal.SIGINT, -signal.SIGTERM)
    assert "Traceback" not in done.err


@pytest.mark.parametrize("attempt", range(4))
def test_a_signal_while_the_journal_is_written_leaves_nothing(
    loadstone: Command, attempt: int
) -> None:
    """It did in every second attempt: an entry was on the disk, and not yet in memory."""
    process = loadstone.start("doctor")
    journal = loadstone.results / "journal"
    while process.poll() is None and not journal.exists():
        time.sleep(0.001)
    time.sleep(attempt / 1000)
    assert stop(process, signal.SIGTERM).code in (-signal.SIGTERM, 0, 3)
    assert not loadstone.results.exists()


@pytest.mark.parametrize("what", [b"making", b"reading"])
def test_a_signal_before_the_first_trial_leaves_nothing(loadstone: Command, what: bytes) -> None:
    process = loadstone.start("run", "--size", "128m")
    assert process.stderr is not None
    line = b""
    while not line.startswith(what):
        line = process.stderr.readline()
        assert line
    done = stop(process, signal.SIGTERM)
    assert done.code == -signal.SIGTERM
    assert done.complaint == "stopped by SIGTERM"
    assert not loadstone.results.exists()


def test_a_signal_that_the_starter_ignores_stays_ignored(loadstone: Command, model: Path) -> None:
    before = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")
    words = ("run", "--file", model, "--rounds", "20", "--set", "engine=pread")
    process = loadstone.start(*words, before=before)
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    assert stop(process, signal.SIGHUP).code == 0


def kill(process: "subprocess.Popen[bytes]", loadstone: Command) -> None:
    process.kill()
    process.communicate(timeout=30)
    until(lambda: not loadstone.processes(), "worker and Job to die with it")


def test_a_killed_run_is_cleaned_and_finished_in_the_manifests_order(loadstone: Command) -> None:
    axes = ("--set", "engine=pread,mmap,uring,sendfile", "--seed", "7")
    process = loadstone.start("run", "--size", "1m", "--rounds", "10", *axes)
    until(lambda: len(loadstone.trials()) > 5, "some Trials to end")
    kill(process, loadstone)
    assert loadstone.litter()
    cleaned = loadstone("clean")
    assert cleaned.code == 0
    assert [line.split("/loadstone-")[1].split("-")[0] for line in cleaned.out.splitlines()] == [
        "control",
        "checksums",
        "model",
    ]
    assert not loadstone.litter()

    done = loadstone("resume", "last", "--json")
    assert done.code == 0, done.err
    run = api.load("last", results=loadstone.results)
    ended = [(trial.case, trial.round, trial.warmup) for trial in run.trials]
    assert ended == [(step.case.id, step.round, step.warmup) for step in order(run.manifest.plan)]
    assert loadstone("clean").out == "nothing to clean in results\n"


def test_a_killed_run_is_finished_without_cleaning_first(loadstone: Command, model: Path) -> None:
    process = loadstone.start("run", "--file", model, "--rounds", "20", "--set", "engine=pread")
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    kill(process, loadstone)
    done = loadstone("resume")
    assert done.code == 0
    assert "what a killed Run set up is still there (2)" in done.err
    assert "remove it with: loadstone clean\n" in done.err
    assert len(loadstone.trials()) == 21
    assert loadstone("resume").code == 0
    assert len(loadstone.trials()) == 21
    assert "/loadstone-checksums-" in loadstone("clean").out


@needs_root
def test_a_run_in_a_container_is_not_cleaned_after_while_it_lives(loadstone: Command) -> None:
    container = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    process = loadstone.start("run", "--size", "1m", *LONG, before=container)
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    (trials,) = loadstone.results.glob("runs/*/trials.jsonl")
    cleaned = loadstone("clean")
    assert cleaned.code == 0
    lines = cleaned.out.splitlines()
    assert [line.partition(" file ")[0] for line in lines] == ["left alone"] * 3
    assert all(line.endswith(": its process 1 of another PID namespace is alive") for line in lines)
    other = loadstone("run", "--size", "1m", "--rounds", "1", "--set", "engine=pread")
    assert other.code == 0
    assert "another loadstone is at work in results" in other.err
    assert "loadstone clean" not in other.err
    ended_bytes = trials.stat().st_size
    until(lambda: trials.stat().st_size > ended_bytes, "the Run in the container to go on")
    kill(process, loadstone)
    assert [line.partition(" ")[0] for line in loadstone("clean").out.splitlines()] == [
        "removed"
    ] * 3


def test_what_a_kill_left_half_written_in_the_journal_goes(loadstone: Command) -> None:
    journal = loadstone.results / "journal"
    journal.mkdir(parents=True)
    (journal / "01795414975887688339-14949-e18b.json.30f8e2cc.tmp").touch()
    (journal / "01795414975887688338-14949-a0d1.lock").touch()
    assert loadstone("clean").code == 0
    assert list(loadstone.results.iterdir()) == []


def test_a_line_that_a_kill_has_torn_is_measured_again(loadstone: Command, model: Path) -> None:
    words = ("run", "--file", model, "--rounds", "3", "--warmups", "0")
    assert loadstone(*words, "--set", "engine=pread,mmap").code == 0
    (trials,) = loadstone.results.glob("runs/*/trials.jsonl")
    os.truncate(trials, trials.stat().st_size - 9)
    assert loadstone("resume").code == 0
    assert len(api.load("last", results=loadstone.results).trials) == 6


def test_resume_wants_the_same_bytes(loadstone: Command, model: Path) -> None:
    process = loadstone.start("run", "--file", model, *LONG)
    until(lambda: len(loadstone.trials()) > 2, "some Trials to end")
    stop(process, signal.SIGINT)
    write_model(model, 3 * MIB)
    done = loadstone("resume")
    assert done.code == 2
    assert "cannot be resumed: file.bytes was 2097152, now it is 3145728" in done.complaint
    model.unlink()
    assert "model.gguf: No such file" in loadstone("resume").complaint


def trial_jobs(loadstone: Command) -> list[psutil.Process]:
    """Jobs that take longer than a control does."""
    seen = loadstone.jobs()
    time.sleep(0.1)
    return [job for job in seen if job.is_running()]


def kill_one(loadstone: Command, victim: str) -> bool:
    """Kill a Job, or its worker; whether a Trial has failed so far."""
    ended = len(loadstone.trials())
    for job in trial_jobs(loadstone)[:1]:
        target = job if victim == "job" else job.parent()
        assert target is not None
        target.kill()
        until(lambda: len(loadstone.trials()) > ended, "the Trial to end")
    return any(b'"status":"failed"' in line for line in loadstone.trials())


@pytest.mark.parametrize("victim", ["job", "worker"])
def test_a_kill_of_the_worker_fails_one_trial_and_the_run_goes_on(
    loadstone: Command, victim: str
) -> None:
    model = write_model(loadstone.place / "model.gguf", 96 * MIB)
    axes = ("--set", "engine=pread", "--set", "block=4k")
    process = loadstone.start("run", "--file", model, "--rounds", "6", *axes)
    until(lambda: len(loadstone.trials()) > 1, "some Trials to end")
    # A control that took as long may be hit instead, of which no Trial fails.
    until(lambda: kill_one(loadstone, victim), "a Trial to fail", limit_s=60)
    process.communicate(timeout=60)
    run = api.load("last", results=loadstone.results)
    statuses = Counter(str(trial.status) for trial in run.trials)
    assert statuses == {"ok": 6, "failed": 1}
    (failed,) = (trial for trial in run.trials if trial.status == "failed")
    assert "killed by SIGKILL (out of memory, or another process)" in (failed.reason or "")
    assert run.trials[-1].status == "ok"
    assert process.returncode == 4


def test_whoever_reads_no_further_ends_the_command_quietly(loadstone: Command, model: Path) -> None:
    loadstone("run", "--file", model, "--rounds", "1", "--set", "engine=pread")
    exports = (("export", "--format", "csv"), ("export", "--format", "perfetto"))
    shown = (("show",), ("show", "--json"), ("gate", "last", "last"), ("plan",), ("list",))
    for verb in (*shown, *exports):
        reader, writer = os.pipe()
        process = loadstone.start(*verb, stdout=writer)
        os.close(writer)
        os.close(reader)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (-signal.SIGPIPE, b""), verb


def test_output_to_a_full_disk_is_one_line(loadstone: Command, model: Path) -> None:
    loadstone("run", "--file", model, "--rounds", "1", "--set", "engine=pread")
    for verb in (("show",), ("show", "--json"), ("list",), ("export", "--format", "perfetto")):
        fd = os.open("/dev/full", os.O_WRONLY)
        process = loadstone.start(*verb, stdout=fd)
        os.close(fd)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 4, verb
        assert Done(4, b"", err).complaint == (
            "cannot write to standard output: No space left on device (ENOSPC); free space"
        )


def test_a_run_whose_progress_nobody_reads_ends_and_tidies_up(
    loadstone: Command, model: Path
) -> None:
    process = loadstone.start("run", "--file", model, *LONG)
    until(loadstone.trials, "the first Trial to end")
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(timeout=30) == -signal.SIGPIPE
    assert process.stdout is not None
    assert process.stdout.read() == b""
    process.stdout.close()


@pytest.mark.parametrize("closed", ["1", "2", "0"])
def test_a_stream_that_was_closed_from_the_start_takes_nothing_else_along(
    loadstone: Command, model: Path, closed: str
) -> None:
    before = ("sh", "-c", f'exec "$@" {closed}>&-', "sh")
    words = ("run", "--file", model, "--rounds", "1", "--set", "engine=pread", "--json")
    done = loadstone(*words, before=before)
    assert done.code == 0, done.err
    assert (not done.out) == (closed == "1")
    assert closed == "1" or json.loads(done.out)["cases"][0]["trials"] == 1
    assert "Traceback" not in done.err
