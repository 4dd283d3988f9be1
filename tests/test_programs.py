"""Kernel modules and the system's programs: what is missing is told with its remedy."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import until
from loadstone import programs, targets
from loadstone.errors import CannotMeasureError, TargetError
from loadstone.lab.needs import needs as lab_needs
from loadstone.programs import load_module, run_program, run_to_end
from loadstone.targets.android.bridge import run_adb

needs_kmod = pytest.mark.skipif(
    shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin") is None,
    reason="needs modprobe: apt-get install kmod",
)


def test_a_program_that_is_missing_is_told_with_its_package() -> None:
    with pytest.raises(
        CannotMeasureError, match=r"no program mkfs\.none here; .* package none-progs"
    ):
        run_program("mkfs.none", "none-progs")


def test_a_program_that_fails_is_told_with_the_last_of_its_words() -> None:
    assert run_program("true", "coreutils") is None
    assert run_program("false", "coreutils") == "exit code 1"
    said = run_program("sh", "dash", "-c", "seq 9; exit 3")
    assert said == "7; 8; 9"


@needs_kmod
def test_a_module_that_is_nowhere_is_told_with_what_modprobe_says() -> None:
    with pytest.raises(CannotMeasureError, match="modprobe no_such_module_of_ours: "):
        load_module("no_such_module_of_ours")


HANGS = "sleep 1000 & echo $!; wait"
"""A program that waits for ever for another one, which holds its pipes as well."""


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def program(place: Path, name: str, body: str) -> Path:
    path = place / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("child", ["sleep 1000", "setsid sleep 1000"])
def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, child: str) -> None:
    pid = tmp_path / "pid"
    hangs = program(tmp_path, "hangs", f"{child} & echo $! > {pid}; wait")
    with pytest.raises(
        CannotMeasureError, match=r"hangs: it did not end within 0\.5 s; run it by hand"
    ):
        run_to_end([hangs], 0.5)
    until(lambda: not is_running(int(pid.read_text())), "the program's child to end")


def test_the_limit_of_a_program_that_names_none_is_everyones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "modprobe", HANGS)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    usual = programs.LIMIT_S.set(0.3)
    try:
        with pytest.raises(CannotMeasureError, match=r"modprobe no_such: it did not end within"):
            load_module("no_such")
    finally:
        programs.LIMIT_S.reset(usual)


def test_an_adb_that_hangs_is_told_and_ended(tmp_path: Path) -> None:
    start_s = time.monotonic()
    with pytest.raises(TargetError, match=r"adb devices: no answer within 0\.3 s"):
        run_adb([str(program(tmp_path, "adb", HANGS)), "devices"], 0.3)
    assert time.monotonic() - start_s < 500


def test_a_program_that_asks_gets_no_answer_and_ends(tmp_path: Path) -> None:
    asks = program(tmp_path, "asks", "read answer; (exec </dev/tty) 2>/dev/null && exit 9; exit 3")
    assert run_to_end([asks], 60).returncode == 3


def test_programs_speak_english_whoever_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LANG", "LANGUAGE"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    assert run_to_end(["sh", "-c", "echo $LC_ALL"]).stdout == "C\n"
    with targets.connect("local", Path("results")) as target:
        assert target.run_command("sh", "-c", "echo $LC_ALL") == "C\n"


VARYING = ("available", "free", "load", "mhz", "governor", "dirty", "uptime")


def test_no_fact_of_this_machine_depends_on_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")

    def facts() -> dict[str, object]:
        with targets.connect("local", tmp_path) as target:
            found = target.environment(str(file)).facts
        return {
            name: fact
            for name, fact in found.items()
            if not any(word in name.lower() for word in VARYING)
        }

    known = facts()
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("ls", "sh", "readlink", "cat", "df", "uname", "lsblk", "findmnt"):
        program(tmp_path, name, "exit 1")
    assert facts() == known


def test_what_the_lab_lacks_is_told_without_any_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_SBIN_DIRECTORIES", (str(tmp_path),))
    unmet = [check for check in lab_needs() if not check.is_met]
    assert {"file", "busybox", "depmod"} <= {check.name for check in unmet}
    assert all(check.remedy for check in unmet)


def test_no_module_starts_a_program_by_itself() -> None:
    """So that none forgets the limit, the language, or the terminal."""
    package = Path(programs.__file__).parent
    users = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "subprocess.run(" in path.read_text() or "subprocess.call(" in path.read_text()
    }
    # Both hand this terminal to a shell.
    assert users == {"lab/shell.py", "lab/inside.py"}


STOPPED_AMID_A_START = """
import signal
import sys
from loadstone.programs import run_to_end

signal.signal(signal.SIGTERM, signal.default_int_handler)
run_to_end(["sh", "-c", "echo $$ > begun; kill -TERM $PPID; exec sleep 1000"])
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: apt-get install strace")
def test_a_signal_amid_the_start_of_a_program_leaves_none_of_it(tmp_path: Path) -> None:
    """The parent is held up after the fork, so that the signal comes before it knows of it."""
    delay = ("-e", "trace=vfork,fork,clone,clone3", "-e", "inject=all:delay_exit=500000")
    words = ("strace", "-qq", "-o", "/dev/null", *delay, sys.executable, "-c", STOPPED_AMID_A_START)
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert b"KeyboardInterrupt" in done.stderr
    pid = int((tmp_path / "begun").read_text())
    until(lambda: not is_running(pid), "the program to be gone", 5)
