"""Files that cannot be loaded, or not in the plain way."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import loadstone as api
from commands import MIB, Command, needs, needs_root, write_model

ONCE = ("--rounds", "1", "--warmups", "0")
ENGINES = "engine=pread,uring,mmap,mmap-copy,sendfile,splice"


def test_a_missing_file_is_named(loadstone: Command) -> None:
    done = loadstone("run", "--file", "nosuch.gguf")
    assert done.code == 2
    assert done.complaint == (
        f"cannot open {loadstone.place}/nosuch.gguf: No such file or directory (ENOENT); "
        "check the path"
    )
    assert not loadstone.results.exists()


def test_a_dangling_link_is_named_as_the_user_wrote_it(loadstone: Command) -> None:
    (loadstone.place / "link").symlink_to("elsewhere")
    assert f"{loadstone.place}/link: No such file" in loadstone("run", "--file", "link").complaint


@pytest.mark.parametrize("name", ["loop", "file/x", "n" * 300])
def test_a_path_that_leads_nowhere_is_told_to_be_checked(loadstone: Command, name: str) -> None:
    (loadstone.place / "loop").symlink_to("loop")
    (loadstone.place / "file").touch()
    done = loadstone("run", "--file", name)
    assert done.code == 2
    assert done.complaint.endswith("; check the path")


def make_directory(path: Path) -> None:
    path.mkdir()


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [(make_directory, "a directory"), (os.mkfifo, "a FIFO"), (make_socket, "a socket")],
)
def test_what_is_no_regular_file_is_called_what_it_is(
    loadstone: Command, monkeypatch: pytest.MonkeyPatch, make: object, kind: str
) -> None:
    monkeypatch.chdir(loadstone.place)
    assert callable(make)
    make(loadstone.place / "model.gguf")
    done = loadstone("run", "--file", "model.gguf")
    assert done.code == 2
    assert done.complaint == f"{loadstone.place}/model.gguf is {kind}; name a regular file"
    assert not loadstone.results.exists()


def test_a_device_is_no_model_file(loadstone: Command) -> None:
    done = loadstone("run", "--file", "/dev/zero")
    assert done.code == 2
    assert done.complaint == "/dev/zero is a character device; name a regular file"


def test_an_empty_file_holds_nothing_to_load(loadstone: Command) -> None:
    (loadstone.place / "empty").touch()
    done = loadstone("run", "--file", "empty")
    assert done.code == 2
    assert "empty is empty; name a file with something to load" in done.complaint


def test_an_empty_name_is_not_taken_for_none(loadstone: Command) -> None:
    done = loadstone("run", "--file", "")
    assert done.code == 2
    assert done.complaint.startswith("--file: '' is no name of a file")


@needs_root
def test_an_unreadable_file_says_who_may(
    loadstone: Command, model: Path, as_nobody: tuple[str, ...]
) -> None:
    model.chmod(0o600)
    done = loadstone("run", "--file", model, before=as_nobody)
    assert done.code == 2
    assert "Permission denied (EACCES); run as a user who may" in done.complaint
    assert not loadstone.results.exists()


@pytest.mark.parametrize("size_bytes", [1, 4095, 512 * 999 + 7, MIB + 1])
def test_a_length_that_is_a_multiple_of_nothing_is_loaded_whole(
    loadstone: Command, size_bytes: int
) -> None:
    model = write_model(loadstone.place / "model.gguf", size_bytes)
    done = loadstone("run", "--file", model, *ONCE, "--set", ENGINES, "--set", "block=128k")
    assert done.code == 0, done.out
    run = api.load("last", results=loadstone.results)
    assert len(run.trials) == 6
    for trial in run.trials:
        assert trial.status == "ok", trial
        assert trial.evidence["verified_bytes"] == size_bytes


@pytest.mark.parametrize("data_bytes", [0, MIB])
def test_holes_are_said_in_the_notes(loadstone: Command, data_bytes: int) -> None:
    model = write_model(loadstone.place / "model.gguf", data_bytes)
    os.truncate(model, 4 * MIB)
    done = loadstone("run", "--file", model, *ONCE, "--set", "engine=pread,mmap")
    assert done.code == 0
    for trial in api.load("last", results=loadstone.results).trials:
        (note,) = trial.notes
        # Without a map of the file (FIEMAP) it may be either.
        words = rf"sparse( or compressed)?: {4 - data_bytes // MIB} MiB are not on the device; .*"
        assert re.fullmatch(words, note)
        assert "bandwidth above the device's is not the device's" in note


def test_a_file_larger_than_memory_is_skipped_without_reading_it(loadstone: Command) -> None:
    model = loadstone.place / "model.gguf"
    model.touch()
    os.truncate(model, 8 << 40)
    done = loadstone("run", "--file", model, "--set", "engine=pread,mmap,sendfile")
    assert done.code == 3
    assert "reading" not in done.err
    for case in api.summarise(api.load("last", results=loadstone.results)):
        assert case.skipped is not None
        assert case.skipped.startswith("8 TiB do not fit into the ")
        assert case.remedy == "free memory, or load a smaller file"


def test_a_file_on_tmpfs_is_never_cold(loadstone: Command) -> None:
    model = write_model(Path("/dev/shm") / f"loadstone-test-{os.getpid()}", MIB)
    try:
        cold = loadstone("run", "--file", model, *ONCE, "--set", "engine=pread,mmap")
        warm = loadstone(
            "run", "--file", model, *ONCE, "--set", "engine=mmap", "--set", "cache=as-is,warm"
        )
    finally:
        model.unlink()
    assert cold.code == 3
    assert "lies on tmpfs, which is memory: never cold" in cold.out
    assert "put the file on a disk, or --set cache=as-is" in cold.out
    assert warm.code == 0


@pytest.fixture
def overlay(loadstone: Command) -> Iterator[Path]:
    lower, upper, work, point = (loadstone.place / name for name in ("l", "u", "w", "o"))
    for directory in (lower, upper, work, point):
        directory.mkdir()
    write_model(lower / "model.gguf", 2 * MIB)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", point], check=True)
    yield point
    subprocess.run(["umount", point], check=True)


@needs_root
def test_a_file_on_overlayfs_is_proven_cold_and_warm(loadstone: Command, overlay: Path) -> None:
    axes = ("--set", "engine=pread,mmap,uring", "--set", "cache=cold,warm")
    done = loadstone("run", "--file", overlay / "model.gguf", *ONCE, *axes)
    assert done.code == 0, done.out
    assert not list((loadstone.place / "u").iterdir())
    run = api.load("last", results=loadstone.results)
    cached = {
        str(case.parameters["cache"]): {
            trial.evidence["cached_before_bytes"] for trial in run.trials if trial.case == case.id
        }
        for case in run.manifest.plan.cases
    }
    assert cached == {"cold": {0.0}, "warm": {2.0 * MIB}}


@pytest.fixture
def ramfs(loadstone: Command) -> Iterator[Path]:
    point = loadstone.place / "ramfs"
    point.mkdir()
    subprocess.run(["mount", "-t", "ramfs", "ramfs", point], check=True)
    yield point
    subprocess.run(["umount", point], check=True)


@needs_root
def test_a_file_system_without_o_direct_skips_what_needs_it(
    loadstone: Command, ramfs: Path
) -> None:
    model = write_model(ramfs / "model.gguf", MIB)
    axes = ("--set", "engine=pread,uring,mmap", "--set", "cache=as-is")
    done = loadstone("run", "--file", model, *ONCE, *axes)
    assert done.code == 0
    by_engine = {
        case.case.parameters["engine"]: case
        for case in api.summarise(api.load("last", results=loadstone.results))
    }
    assert by_engine["mmap"].trials == 1
    for engine in ("pread", "uring"):
        case = by_engine[engine]
        assert case.skipped == (
            f"this file system refuses O_DIRECT here: O_DIRECT open {model}: "
            "Invalid argument (EINVAL)"
        )
        assert (case.remedy or "").startswith("--set io=buffered")


@needs("strace")
def test_a_disk_that_fails_a_read_is_told_with_its_offset(loadstone: Command, model: Path) -> None:
    inject = ("--inject=pread64:error=EIO:when=2", "-P", str(model))
    strace = ("strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=pread64", *inject)
    done = loadstone("run", "--file", model, before=strace)
    assert done.code == 2
    assert f"read {model} at " in done.complaint
    assert "Input/output error (EIO); see dmesg" in done.complaint


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "q'\"uote",
        "new\nline",
        "ünïcode 模型",
        "[red]x",
        "[bold",
        "-x",
        "%s{offset}\\",
        "\x1b[2J",
    ],
)
def test_any_name_that_is_text_will_do(loadstone: Command, name: str) -> None:
    model = write_model(loadstone.place / name, MIB)
    done = loadstone("run", f"--file={name}", *ONCE, "--set", "engine=pread,mmap")
    assert done.code == 0, done.err
    assert "\x1b[2J" not in done.err
    assert len([line for line in done.err.splitlines() if line.startswith("reading")]) == 1
    assert len(done.err.splitlines()) == 3, done.err
    assert api.load("last", results=loadstone.results).manifest.plan.input.file == str(model)
    assert loadstone("show").code == 0


def test_a_name_that_is_not_utf_8_is_refused_in_words(loadstone: Command) -> None:
    name = os.fsdecode(b"model\xff.gguf")
    write_model(loadstone.place / name, MIB)
    done = loadstone("run", "--file", name)
    assert done.code == 2
    assert "model\\udcff.gguf: the name is not UTF-8" in done.complaint
    os.link(loadstone.place / name, loadstone.place / "second")
    assert loadstone("run", "--file", "second", *ONCE, "--set", "engine=pread").code == 0


def test_a_name_that_looks_like_markup_is_shown_in_an_error(loadstone: Command) -> None:
    assert "/[red]nosuch[/]: No such file" in loadstone("run", "--file", "[red]nosuch[/]").complaint
