"""The doctor of the lab names what is missing, why it is needed, and how it is had."""

import json
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands import Command, needs
from loadstone import programs as host_programs
from loadstone.cli import cli
from loadstone.doctor.probes import Check, Group
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab import programs
from loadstone.lab.needs import can_boot, require
from loadstone.lab.needs import needs as lab_needs


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory that nobody has made yet."""
    path = tmp_path / "cache" / "loadstone"
    monkeypatch.setenv("LOADSTONE_CACHE", str(path))
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory with programs, and it is empty; no Python package brings one either."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(host_programs, "_SBIN_DIRECTORIES", ())
    monkeypatch.setattr(sys, "executable", str(path / "python"))
    return path


def named(name: str) -> Check:
    (found,) = [check for check in lab_needs() if check.name == name]
    return found


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.usefixtures("bare")
def test_every_no_has_a_reason_and_a_remedy() -> None:
    checks = lab_needs()
    missing = [check for check in checks if not check.is_met]
    assert all(check.reason and check.remedy for check in missing)
    assert {check.group for check in checks} == {
        *(Group.PROGRAMS, Group.FILE_SYSTEMS, Group.KERNELS, Group.ROOM, Group.PRIVILEGES)
    }
    groups = [check.group for check in checks]
    assert groups == sorted(groups, key=list(Group).index)
    assert not can_boot(checks)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("virtme-run", "pip install 'loadstone[lab]'"),
        ("file", "file"),
        ("busybox", "busybox-static"),
        ("depmod", "kmod"),
        ("modprobe", "kmod"),
        ("mkfs.ext4", "e2fsprogs"),
        ("mkfs.xfs", "xfsprogs"),
        ("mkfs.btrfs", "btrfs-progs"),
        ("mkfs.f2fs", "f2fs-tools"),
        ("apt-get", "apt"),
        ("dpkg-deb", "dpkg"),
    ],
)
def test_a_program_that_is_missing_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    monkeypatch.setattr(programs, "this_architecture", lambda: "x86_64")
    check = named(name)
    assert not check.is_met
    assert name in (check.reason or "")
    assert (check.remedy or "").endswith(remedy)


@pytest.mark.usefixtures("bare")
def test_what_a_guest_needs_first_is_the_error_of_a_run() -> None:
    with pytest.raises(CannotMeasureError, match=r"no qemu-system-\w+ here; install.*doctor"):
        require()


@needs("qemu-system-x86_64", "busybox", "file")
def test_where_all_is_installed_a_guest_can_be_started() -> None:
    missing = [check for check in lab_needs() if check.group is Group.PROGRAMS and not check.is_met]
    assert missing == []
    require()
    assert "counts instructions" in named("qemu-system-x86_64").detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo 'qemu: -icount: invalid option' >&2; exit 1", "-icount: invalid option"),
        ("exit 3", "exit code 3 without a message"),
    ],
)
def test_a_qemu_that_cannot_count_instructions_does_not_do(
    bare: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    monkeypatch.setattr(programs, "this_architecture", lambda: "x86_64")
    program(bare / "qemu-system-x86_64", body)
    check = named("qemu-system-x86_64")
    assert not check.is_met
    assert words in (check.reason or "")


def test_a_processor_that_the_lab_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "this_architecture", lambda: "s390x")
    assert "s390x" in (named("qemu-system-s390x").reason or "")


@pytest.mark.parametrize(
    ("linked", "is_met"),
    [("statically linked", True), ("static-pie linked", True), ("dynamically linked", False)],
)
def test_a_busybox_has_to_be_static(bare: Path, linked: str, is_met: bool) -> None:
    program(bare / "busybox", "")
    assert "no program `file` here" in (named("busybox").reason or "")
    program(bare / "file", f'echo "$2: ELF 64-bit LSB executable, {linked}"')
    assert named("busybox").is_met is is_met


def test_what_a_broken_program_says_is_told(bare: Path) -> None:
    program(bare / "busybox", "")
    (bare / "file").write_bytes(b"\x7fELF, but no more")
    (bare / "file").chmod(0o755)
    assert "Exec format error" in (named("busybox").reason or "")


def test_kernels_that_were_fetched_are_listed_and_their_absence_has_a_remedy(cache: Path) -> None:
    check = named("fetched kernels")
    assert not check.is_met
    assert str(cache) in (check.reason or "")
    assert "lab kernels fetch" in (check.remedy or "")


def test_the_free_disk_of_a_cache_not_made_yet_is_told(cache: Path) -> None:
    assert str(cache) in named("disk for kernels").detail
    assert not cache.exists()


def test_a_present_kvm_is_not_said_to_work() -> None:
    check = named("KVM")
    assert "tried at each" in check.detail if check.is_met else check.remedy


def run(*words: str) -> tuple[object, str]:
    done = CliRunner().invoke(cli, ["doctor", "--target", "lab", *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


@pytest.mark.usefixtures("bare")
def test_the_command_leaves_with_3_where_no_guest_can_be_started() -> None:
    code, output = run()
    assert code == 3
    assert "a guest cannot be started here" in output
    code, output = run("--json")
    assert code == 3
    written = json.loads(output)
    assert (written["target"], written["can_boot"]) == ("lab", False)
    assert set(written["checks"][0]) == {"group", "name", "is_met", "detail", "reason", "remedy"}


def test_a_model_file_has_no_meaning_in_the_lab_s_doctor() -> None:
    with pytest.raises(UsageError, match="--file has no meaning with --target lab"):
        run("--file", "model.gguf")


@needs("unshare", "setpriv")
def test_a_user_without_rights_is_told_what_a_guest_will_not_see(
    loadstone: Command, as_nobody: tuple[str, ...]
) -> None:
    loadstone.results.mkdir()
    env = {"LOADSTONE_CACHE": str(loadstone.place / "cache")}
    done = loadstone("doctor", "--target", "lab", "--json", before=as_nobody, env=env)
    assert done.err == ""
    (root,) = [check for check in json.loads(done.out)["checks"] if check["name"] == "root"]
    assert not root["is_met"]
    assert "may read" in root["reason"]
