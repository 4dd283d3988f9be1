"""Trials of command, carried out: what is told of a command, and what its failures are."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from commands import MIB, until, write_model
from loadstone.model import Finding, Input, Status
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload

COMMAND = workload("command")

Trial = Callable[..., Finding]


@pytest.fixture
def model(place: Path) -> Path:
    (place / "a b").mkdir()
    return write_model(place / "a b" / 'it\'s\n"one".gguf', 2 * MIB)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    target = LocalTarget(tmp_path_factory.mktemp("results"))
    yield target
    target.close()


@pytest.fixture
def trial(target: LocalTarget, model: Path, place: Path) -> Trial:
    """Carries one command out on the file."""

    def carried_out(command: str, **options: str | int) -> Finding:
        cases, _ = make_cases(COMMAND, [{"command": command, **options}])
        with (
            Journal(place / "results") as journal,
            COMMAND.prepare(
                target, Input(file=str(model)), cases, journal, lambda _: None
            ) as prepared,
        ):
            assert prepared.skip_reason(cases[0]) is None
            return prepared.evaluate(cases[0], target.execute(prepared.job(cases[0])))

    return carried_out


def evidence(finding: Finding) -> Mapping[str, float]:
    assert finding.status is Status.OK, finding.reason
    return finding.evidence


def is_running(word: str) -> bool:
    """Whether a process that was not reaped has the word in its command line."""
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or ()
        if any(word in one for one in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            return True
    return False


def test_a_file_that_is_read_was_cold_before_and_is_cached_after(trial: Trial) -> None:
    finding = trial("cat {file} | wc -c | grep -qx 2097152")
    found = evidence(finding)
    assert found["cached_before_bytes"] == 0
    assert found["cached_after_bytes"] == 2 * MIB
    assert found["file_bytes"] == 2 * MIB
    assert found["cpu_ns"] == found["user_ns"] + found["system_ns"] > 0
    assert found["minor_faults"] > 0
    assert "/proc/pressure" not in finding.metrics
    assert finding.metrics["throughput"] == pytest.approx(2 * MIB / found["ready_ns"] * 1e9)
    if "read_share" in found:
        assert found["read_share"] >= 1


def test_a_file_that_is_to_be_warm_is(trial: Trial) -> None:
    assert evidence(trial("true {file}", cache="warm"))["cached_before_bytes"] == 2 * MIB


def test_a_command_that_reads_a_part_is_told_to(trial: Trial) -> None:
    finding = trial("true {file}")
    if finding.evidence.get("read_share", 1.0) < 0.98:
        assert any("did not touch the others" in note for note in finding.notes)
    assert evidence(finding)["cached_after_bytes"] == 0


def test_a_command_without_the_file_is_told(trial: Trial) -> None:
    assert any("has no {file}" in note for note in trial("true").notes)
    assert not any("has no {file}" in note for note in trial('true "$LOADSTONE_MODEL"').notes)


def test_the_path_is_in_the_environment(trial: Trial) -> None:
    evidence(trial('test "$LOADSTONE_MODEL" = {file} && test -s "$LOADSTONE_MODEL"'))


SAY = "echo loadstone: ready"
WRITE = 'echo x >&"$LOADSTONE_READY_FD"'
SLEEP = "sleep 0.3"


@pytest.mark.parametrize("word", [SAY, f"printf 'loadstone: ready\\r\\n'; {SLEEP}", WRITE])
def test_a_command_ends_the_timed_region_by_its_word(trial: Trial, word: str) -> None:
    finding = trial(f"{word}; {SLEEP}", ready="said")
    found = evidence(finding)
    # The clock cannot have gone on for a sleep that came after.
    assert found["total_ns"] - found["ready_ns"] >= 0.29e9
    assert found["ready_ns"] == found["said_ready_ns"]


def test_with_ready_at_exit_the_word_is_told_and_ends_nothing(trial: Trial) -> None:
    found = evidence(trial(f"{SAY}; {SLEEP}"))
    assert found["ready_ns"] == found["total_ns"]
    assert found["total_ns"] - found["said_ready_ns"] >= 0.29e9


def test_start_up_is_told_from_loading(trial: Trial) -> None:
    finding = trial(f"{SLEEP}; echo loadstone: loading; {SLEEP}; {SAY}", ready="said")
    found = evidence(finding)
    assert found["start_up_ns"] >= 0.29e9
    assert finding.metrics["loading_ns"] >= 0.29e9
    assert finding.metrics["loading_ns"] + found["start_up_ns"] == found["ready_ns"]


@pytest.mark.parametrize("line", ["loadstone: ready or not", "not loadstone: ready", "x" * 100])
def test_only_a_whole_line_is_the_word(trial: Trial, line: str) -> None:
    finding = trial(f"echo '{line}'", ready="said")
    assert finding.status is Status.FAILED
    assert "without having said" in (finding.reason or "")
    assert line[-20:] in (finding.reason or "")


def test_one_that_goes_on_when_it_is_ready_is_ended(trial: Trial) -> None:
    began_s = time.monotonic()
    finding = trial(f"{SAY}; exec sleep 3606", ready="said")
    assert evidence(finding)["stopped"] == 1
    assert any("went on for 5 s" in note for note in finding.notes)
    assert time.monotonic() - began_s < 60
    assert not is_running("3606")


@pytest.mark.parametrize(
    ("command", "reason", "remedy"),
    [
        ("echo first; echo the last words >&2; exit 3", "exit code 3: the last words", "by hand"),
        ("echo on stdout; exit 1", "exit code 1: on stdout", "by hand"),
        ("no-such-program {file}", "no such program (exit code 127): sh: .*not found", "PATH"),
        ("{file}", "may not execute it (exit code 126): .*denied", "chmod"),
        ("kill -TERM $$", "ended by signal 15: it printed nothing", "kill -l 15"),
        ("kill -KILL $$", "killed by SIGKILL (out of memory", "dmesg"),
        ("cat < /dev/tty", "exit code [0-9]+: .*/dev/tty", "by hand"),
        ("printf 'a\\033[2J\\000b' >&2; exit 1", r"exit code 1: a\\x1b\[2J b", "by hand"),
        ("read line", "exit code 1: it printed nothing", "by hand"),
    ],
)
def test_a_command_that_fails_is_a_failed_trial_with_its_last_words(
    trial: Trial, command: str, reason: str, remedy: str
) -> None:
    finding = trial(command)
    assert finding.status is Status.FAILED
    assert re.search(re.sub(r"([()])", r"\\\1", reason), finding.reason or ""), finding.reason
    assert remedy in (finding.remedy or "")
    assert not finding.ends_run


def test_one_that_never_ends_is_ended_at_its_limit(trial: Trial) -> None:
    finding = trial("trap '' TERM INT HUP; echo waiting; sleep 3601; sleep 3601", limit=1)
    assert finding.status is Status.FAILED
    assert finding.reason == "the command did not end within 1 s, and was killed: waiting"
    assert "--set limit" in (finding.remedy or "")
    assert not is_running("3601")


@pytest.mark.parametrize(
    "left",
    [
        "sleep 3602 &",
        "setsid sleep 3602 &",
        "(setsid sh -c 'trap \"\" TERM; sleep 3602 & sleep 3602' &)",
    ],
)
def test_what_a_command_leaves_is_ended_with_it(trial: Trial, left: str) -> None:
    finding = trial(f"{left}\nsleep 0.2; true {{file}}")
    assert evidence(finding)["left_processes"] >= 1
    assert any(note.startswith("it left ") for note in finding.notes)
    assert not is_running("3602")


def test_what_is_printed_is_not_kept(trial: Trial) -> None:
    found = evidence(trial("head -c 1000000000 /dev/zero"))
    assert found["printed_bytes"] == 10**9


def test_the_processor_time_is_that_of_the_whole_tree(trial: Trial) -> None:
    spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
    alone = evidence(trial(f"({spin}); {spin}"))["cpu_ns"]
    half = evidence(trial(f"({spin}); true"))["cpu_ns"]
    assert alone > 1.3 * half
    assert half > 5e6


def test_the_peak_is_that_of_its_largest_process(trial: Trial) -> None:
    hold = f"{sys.executable} -c 'x = b\"1\" * (200 << 20)'"
    peak = trial(f"true; {hold}; true").metrics["peak_memory_bytes"]
    assert 200 * MIB < peak < 260 * MIB
    # What is less than a copy of the program itself has is not known.
    assert "peak_memory_bytes" not in trial("true {file}").metrics


@pytest.mark.parametrize(
    "change",
    [
        "touch -d @1 {file}",
        "printf x >> {file}",
        "cp {file} {file}.new; mv {file}.new {file}",
        "rm {file}",
    ],
)
def test_a_command_that_changes_the_file_fails_and_ends_the_run(trial: Trial, change: str) -> None:
    finding = trial(change)
    assert finding.status is Status.FAILED
    assert "changed, replaced or removed while the command ran" in (finding.reason or "")
    assert finding.ends_run


def test_signals_and_descriptors_are_as_a_shell_has_them(trial: Trial) -> None:
    """Neither what Python ignores, nor what make has its children ignore, nor what is open."""
    evidence(trial("! grep -E '^Sig(Ign|Blk):.*[1-9a-f]' /proc/self/status"))
    # The last is the directory's own.
    assert r": 0\n1\n2\n3\n4" in str(trial("ls -v /proc/self/fd >&2; exit 1").reason)
    evidence(trial('[ "$(readlink /proc/$$/fd/0)" = /dev/null ]'))


def test_one_that_kills_who_watches_over_it_ends_as_well(trial: Trial) -> None:
    finding = trial("kill -KILL $PPID; sleep 3604; sleep 3604")
    assert finding.status is Status.FAILED
    assert "watches over the command was killed" in (finding.reason or "")
    until(lambda: not is_running("3604"), "the command to be gone")
