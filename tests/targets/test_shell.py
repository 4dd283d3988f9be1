"""A command of the user's ends as it is told to, and nothing of it outlives it."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from commands import until
from loadstone.errors import CannotMeasureError, InterruptedRunError
from loadstone.targets.local import LocalTarget
from loadstone.targets.shell import ShellEnd, run_here, shell_words

_PARENT = """
import sys
from loadstone.targets.shell import run_here
run_here(sys.argv[1], sys.argv[2], 60)
"""


def _running(mark: Path) -> list[str]:
    """The commands that work on a file."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(mark) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.name())
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("command", "end", "problem"),
    [
        ("true", ShellEnd(status=0), None),
        ("echo a; read x && echo read", ShellEnd(status=1), "ended with exit code 1"),
        (
            "echo one >&2; echo two >&2; exit 3",
            ShellEnd(status=3, last_words="one; two"),
            "ended with exit code 3: one; two",
        ),
        ("kill -TERM $$", ShellEnd(status=143), "killed by SIGTERM"),
        (r"printf '\033[2J' >&2; false", ShellEnd(status=1, last_words=r"\x1b[2J"), None),
        ("[ -t 0 ] || [ -t 1 ] || tty -s", ShellEnd(status=1), None),
    ],
)
def test_a_commands_end_is_told(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    command: str,
    end: ShellEnd,
    problem: str | None,
) -> None:
    found = run_here(command, str(tmp_path), 30)
    assert found == end
    assert problem is None or found.problem == problem
    assert capfd.readouterr() == ("", "")


def test_of_much_that_it_writes_the_last_is_kept(tmp_path: Path) -> None:
    found = run_here("yes | head -c 5000000 >&2; echo last >&2; exit 1", str(tmp_path), 30)
    assert found == ShellEnd(status=1, last_words="y; y; last")


def test_one_that_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    found = run_here("echo now >&2; trap '' TERM; sleep 60 & sleep 60", str(tmp_path), 0.5)
    assert found == ShellEnd(status=None, last_words="now")
    assert found.problem == "it took too long, and was killed: now"
    until(lambda: not _running(tmp_path), "all of it to be gone")


def test_what_it_leaves_behind_in_its_group_is_killed_and_not_waited_for(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert run_here("sleep 60 & exit 0", str(tmp_path), 30).status == 0
    assert time.monotonic() - begun < 30
    until(lambda: not _running(tmp_path), "all of it to be gone")


def test_what_ends_its_waiting_ends_it(tmp_path: Path) -> None:
    def stop() -> None:
        if "sleep" in _running(tmp_path):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_here("sleep 60; true", str(tmp_path), 30, stop)
    until(lambda: not _running(tmp_path), "all of it to be gone")


def test_a_kill_of_who_runs_it_ends_it(tmp_path: Path) -> None:
    words = (sys.executable, "-c", _PARENT, "sleep 60; true", str(tmp_path))
    with subprocess.Popen(words) as parent:
        until(lambda: "sleep" in _running(tmp_path), "it to start")
        parent.kill()
    until(lambda: not _running(tmp_path), "all of it to be gone")


def test_another_thread_cancels_it(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path / "results")
    target.interrupt()
    with pytest.raises(InterruptedRunError):
        target.run_shell("touch begun; sleep 60", str(tmp_path), 30)
    assert not (tmp_path / "begun").exists()
    assert target.run_shell("true", str(tmp_path), 30).status == 0


def test_a_target_may_have_another_limit(tmp_path: Path) -> None:
    """As the lab's, where a clock that counts instructions jumps while the guest waits."""
    target = LocalTarget(tmp_path / "results", 0.2)
    assert target.run_shell("sleep 60", str(tmp_path), 1e8).status is None


def test_it_starts_where_it_is_told_to(tmp_path: Path) -> None:
    assert run_here("touch here", str(tmp_path), 30).status == 0
    assert (tmp_path / "here").exists()
    with pytest.raises(CannotMeasureError, match=r"cannot start a shell in /no-such: .*ENOENT"):
        run_here("true", "/no-such", 30)


@pytest.mark.parametrize("shell", ["dash", "bash", "mksh", "busybox"])
def test_the_shells_of_other_systems_do_it_as_well(tmp_path: Path, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"install {shell}")
    before = [program, "sh"] if shell == "busybox" else [program]
    for command, code in (('echo "a b" >&2; exit 7', 7), ("echo a b >&2; sleep 60", 137)):
        words = [*before, *shell_words(command)[1:]]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            if code == 137:
                until(lambda: "sleep" in _running(tmp_path), "it to start")
                process.stdin.close()
            assert process.stdout.read() == b""
            assert process.stderr.read() == b"a b\n"
            assert process.wait(30) == code
        until(lambda: not _running(tmp_path), "all of it to be gone")
