"""What each remover takes down, and what none ever touches."""

import os
from pathlib import Path

import pytest

from immutable import is_immutable, set_immutable
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean, find_leftovers
from loadstone.provision.module_parameters import module_parameters
from loadstone.provision.removers import IMMUTABLE
from provision.journals import Phones, left_on, orphan, problems

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="changes a tunable: run as root")


LAPTOP_MODE = Path("/proc/sys/vm/laptop_mode")


def test_a_thing_that_was_written_down_but_never_made_is_taken_for_gone(
    results: Path, tmp_path: Path
) -> None:
    orphan(Journal(results).entry("file", str(tmp_path / "none" / "loadstone-a")))
    assert problems(results) == [""]
    assert find_leftovers(results) == []


@pytest.mark.parametrize(
    "name", ["precious", "loadstone", "sub/../precious", "loadstone-x/../precious", "a\0loadstone-"]
)
def test_a_file_that_is_not_named_as_ours_is_never_removed(
    results: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "loadstone-x").mkdir()
    for kept in ("precious", "loadstone"):
        (tmp_path / kept).touch()
    orphan(Journal(results).entry("file", f"{tmp_path}/{name}"))
    assert "was left: it is no absolute path of a file named loadstone-" in problems(results)[0]
    assert (tmp_path / "precious").exists()
    assert (tmp_path / "loadstone").exists()
    assert len(find_leftovers(results)) == 1


def test_a_relative_name_is_refused_wherever_clean_is_run(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loadstone-a").touch()
    orphan(Journal(results).entry("file", "loadstone-a"))
    assert "no absolute path" in problems(results)[0]
    assert Path("loadstone-a").exists()


def test_a_link_and_a_directory_are_never_removed(results: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    (tmp_path / "loadstone-link").symlink_to("precious")
    (tmp_path / "loadstone-directory").mkdir()
    journal = Journal(results)
    for name in ("loadstone-link", "loadstone-directory"):
        orphan(journal.entry("file", str(tmp_path / name)))
    assert all("it is not a regular file" in problem for problem in problems(results))
    assert len(find_leftovers(results)) == 2
    assert (tmp_path / "loadstone-link").is_symlink()
    assert (tmp_path / "precious").exists()


@pytest.mark.root
@NEEDS_ROOT
def test_a_file_of_ours_that_is_immutable_is_made_mutable_and_removed(
    results: Path, place: Path
) -> None:
    file, kept = place / "loadstone-a", place / "precious"
    journal = Journal(results)
    try:
        for path in (file, kept):
            path.touch()
            set_immutable(path, True)
        for kind in ("file", IMMUTABLE):
            orphan(journal.entry(kind, str(file)))
        assert problems(results) == ["", ""]
        assert not file.exists()
        # Its file is gone with the disk.
        orphan(journal.entry(IMMUTABLE, str(file)))
        assert problems(results) == [""]
        orphan(journal.entry(IMMUTABLE, str(kept)))
        (problem,) = problems(results)
        assert "it is no absolute path of a file named loadstone-" in problem
        assert is_immutable(kept)
    finally:
        for path in (file, kept):
            if path.exists():
                set_immutable(path, False)


@pytest.mark.root
@NEEDS_ROOT
def test_a_tunable_gets_its_oldest_value_back(results: Path) -> None:
    before = LAPTOP_MODE.read_text()
    try:
        journal = Journal(results)
        for value in ("1", "2"):
            orphan(journal.entry("tunable", str(LAPTOP_MODE), LAPTOP_MODE.read_text().strip()))
            LAPTOP_MODE.write_text(value)
        assert problems(results) == ["", ""]
        assert LAPTOP_MODE.read_text() == before
    finally:
        LAPTOP_MODE.write_text(before)


@pytest.mark.parametrize(
    "name",
    [
        "/sys/power/state",
        "/proc/sys/kernel/random/boot_id",
        "/sys/kernel/mm/../../..{tmp}/file",
        "{tmp}/file",
        "{tmp}/link",
    ],
)
def test_a_file_that_is_no_tunable_is_never_written(
    results: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to("file")
    orphan(Journal(results).entry("tunable", name.format(tmp=tmp_path), "x"))
    assert "it is no tunable that Loadstone changes" in problems(results)[0]
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [
        (
            "dm-table",
            ("vg-root", "", "/dev/mapper/loadstone-x", "Loadstone-x", "x/../loadstone-x"),
            "it is no device named loadstone-…",
        ),
        ("dm-table", (f"loadstone-{'x' * 128}",), "it is no device named loadstone-…"),
        ("dm-suspension", ("vg-root", "", "loadstone/x"), "it is no device named loadstone-…"),
        (
            "null_blk",
            ("nullb0", "", "..", "loadstone/../nullb0", "/loadstone", "loadstone-x/power"),
            "it is no null_blk of ours",
        ),
    ],
)
def test_a_device_that_is_not_named_as_ours_is_never_taken_down(
    results: Path, kind: str, names: tuple[str, ...], words: str
) -> None:
    """Also where this kernel has no such devices at all."""
    journal = Journal(results)
    for name in names:
        orphan(journal.entry(kind, name))
    told = problems(results)
    assert len(told) == len(names)
    assert all(words in one for one in told)
    assert len(find_leftovers(results)) == len(names)


@pytest.mark.skipif(
    Path("/dev/mapper/control").exists() and os.geteuid() != 0,
    reason="only root may ask device-mapper: run as root",
)
@pytest.mark.parametrize("kind", ["dm-table", "dm-suspension", "null_blk"])
def test_a_device_that_was_written_down_but_never_made_is_taken_for_gone(
    results: Path, kind: str
) -> None:
    orphan(Journal(results).entry(kind, "loadstone-flush-1-abcdef01"))
    assert problems(results) == [""]
    assert find_leftovers(results) == []


def test_a_tunable_that_has_gone_with_its_device_is_taken_for_gone(results: Path) -> None:
    name = "/sys/devices/virtual/block/none/queue/nr_requests"
    orphan(Journal(results).entry("tunable", name, "64"))
    assert problems(results) == [""]


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("directory", "/tmp/loadstone-a", "no such thing on another machine"),
        ("mount", "/tmp/loadstone-a", "no such thing on another machine"),
        ("null_blk", "loadstone-a", "no such thing on another machine"),
        ("zap", "loadstone-a", "knows no such kind"),
        ("file", "/etc/passwd", "no absolute path of a file named loadstone-"),
        ("file", "/tmp/loadstone-a\0b", "no absolute path of a file named loadstone-"),
        ("loop", "/dev/loop0", "no absolute path of a thing named loadstone-"),
        ("dm-table", "system", "no device named loadstone-"),
        ("dm-table", "loadstone-a\0b", "no device named loadstone-"),
        ("zram", "zram1", "no number, size and boot of a zram device"),
        ("swap", "/dev/vda2", "no number, size and boot of a zram device"),
        ("tunable", "/proc/sys/kernel/hostname", "no tunable that Loadstone changes"),
        ("tunable", "/proc/self/../sys/kernel/none", "no tunable that Loadstone changes"),
    ],
)
def test_the_same_guards_hold_on_another_target(
    results: Path, kind: str, name: str, words: str
) -> None:
    phones = Phones("adb:one")
    left_on(results, "adb:one", kind, name, "1")
    (removal,) = clean(results, phones.reach)
    assert words in (removal.problem or "")
    assert f"{kind} " in (removal.problem or "")
    assert not {job.operation for job in phones.jobs["adb:one"]} - {"stat", "dm-table"}
    assert len(find_leftovers(results)) == 1


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("ext4", "{boot}"),
        ("../erofs", "{boot}"),
        ("erofs", ""),
        ("erofs", "{boot} reserved_pages"),
        ("erofs", "{boot} reserved_pages=0 install=/bin/sh"),
    ],
)
def test_no_other_module_is_loaded_anew_and_with_no_odd_words(
    results: Path, name: str, detail: str
) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    before = module_parameters("erofs")
    orphan(Journal(results).entry("module", name, detail.format(boot=boot)))
    assert "it is no module that Loadstone loads anew" in problems(results)[0]
    assert module_parameters("erofs") == before


def test_a_module_of_another_boot_or_that_is_as_it_was_stays(results: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    before = module_parameters("erofs")
    words = " ".join(f"{key}={value}" for key, value in before.items())
    orphan(Journal(results).entry("module", "erofs", f"{boot[::-1]} reserved_pages=64"))
    orphan(Journal(results).entry("module", "erofs", f"{boot} {words}".strip()))
    assert problems(results) == ["", ""]
    assert module_parameters("erofs") == before
