"""The adb program: what it prints where it fails, and which of them is taken."""

import os
import time
from pathlib import Path

import pytest

from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.targets.android.bridge import AdbResult, Bridge, is_network, require_adb, run_adb
from loadstone.targets.shell import ShellEnd, shell_words


def test_of_a_push_that_failed_the_error_is_told_and_not_the_progress() -> None:
    out = "[ 50%] /data/x\nadb: error: failed to copy: No space left on device\nx: 0 files pushed\n"
    result = AdbResult(code=1, out=out, err="")
    assert result.message == "adb: error: failed to copy: No space left on device"


@pytest.mark.parametrize(
    ("serial", "network"),
    [("127.0.0.1:5555", True), ("[::1]:5555", True), ("R58M12ABCDE", False), ("a:b", False)],
)
def test_an_address_is_told_from_a_serial(serial: str, network: bool) -> None:
    assert is_network(serial) is network


@pytest.fixture
def old_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "adb"
    program.write_text("#!/bin/sh\necho 'Android Debug Bridge version 1.0.32'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.usefixtures("old_adb")
def test_an_adb_that_tells_no_exit_codes_is_refused() -> None:
    with pytest.raises(
        CannotMeasureError, match=r"is version 1\.0\.32, which reports no exit codes"
    ):
        require_adb()


def test_without_adb_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotMeasureError, match="install the Debian package adb"):
        require_adb()


def test_a_program_that_is_no_adb_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adb").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotMeasureError, match=r"version: exit code 0; have Android's adb"):
        require_adb()


def test_an_adb_that_does_not_answer_is_killed_and_told() -> None:
    with pytest.raises(
        TargetError, match=r"adb 60: no answer within 0\.1 s; see what `adb devices`"
    ):
        run_adb(["sleep", "60"], 0.1)


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    """Of an adb that runs the device's commands here, as long as there is a file ``phone``."""
    (tmp_path / "phone").touch()
    program = tmp_path / "adb"
    program.write_text(
        "#!/bin/sh\n"
        f"[ -e {tmp_path}/phone ] || {{ echo 'error: device not found' >&2; exit 1; }}\n"
        'case "$*" in\n'
        "version) echo 'Android Debug Bridge version 1.0.41';;\n"
        "*get-state) echo device;;\n"
        '*shell*) for last; do :; done; exec sh -c "$last";;\n'
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Bridge("X1")


def test_a_command_reaches_the_device_word_by_word(bridge: Bridge) -> None:
    result = bridge.shell("printf", "%s|", "a b", "$(reboot)", "it's", "")
    assert (result.code, result.out) == (0, "a b|$(reboot)|it's||")
    assert bridge.shell("sh", "-c", "echo no >&2; exit 7") == AdbResult(code=7, out="", err="no\n")
    assert bridge.answers()


def test_a_device_that_went_away_is_told_with_what_to_check(bridge: Bridge, tmp_path: Path) -> None:
    (tmp_path / "phone").unlink()
    with pytest.raises(TargetLostError) as caught:
        bridge.shell("true")
    assert caught.value.what == "adb:X1 went away: error: device not found"
    assert caught.value.remedy == "see that its cable, battery and adbd hold"
    assert not bridge.answers()


def test_a_command_of_the_users_ends_with_its_limit_on_the_device_too(
    bridge: Bridge, tmp_path: Path
) -> None:
    def run(command: str, limit_s: float) -> ShellEnd:
        return bridge.run_shell(shell_words(command), limit_s, lambda: None)

    assert run("echo out; echo 'a b' >&2; exit 7", 30) == ShellEnd(status=7, last_words="a b")
    assert run("true", 30) == ShellEnd(status=0)
    assert run("sleep 60 & exit 0", 30) == ShellEnd(status=0)
    late = run(f"(sleep 1; touch {tmp_path}/late) & echo now >&2; sleep 60", 0.3)
    assert late == ShellEnd(status=None, last_words="now")
    time.sleep(1.2)
    assert not (tmp_path / "late").exists()


def test_a_device_that_went_away_amid_a_command_is_told(bridge: Bridge, tmp_path: Path) -> None:
    (tmp_path / "phone").unlink()
    with pytest.raises(TargetLostError, match="adb:X1 went away: error: device not found"):
        bridge.run_shell(shell_words("true"), 30, lambda: None)
