"""Guests that fail, and commands that ask for what is not available."""

import json
import shutil
import signal
import stat
from pathlib import Path

import pytest

import loadstone
from commands import MIB, Command, needs_root, until, write_model
from erofs import needs_mkfs_erofs
from lab.laboratory import NEW, OLD, Lab
from loadstone.lab.cache import cache_directory, stock_kernels

QUICK = ("--rounds", "1", "--warmups", "0", "--size", "8MiB", "--set", "engine=pread")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--memory", "64MiB"), "--memory 64MiB: is too little for a guest; write 1 GiB or more"),
        (("--memory", "900TiB"), "available; write less, or free memory"),
        (("--memory", "much"), "--memory much: "),
        (("--dir", "/tmp"), "--dir /tmp: in the lab files are made on the simulated device"),
        (("--storage", "floppy"), "floppy"),
        (("--storage", "disk"), "write --clock wall"),
        (("--boots", "3"), "--boots 3: every boot needs a round, and there are only 1 rounds"),
        (("--set", "block=huge"), "huge"),
        (("--fs", "ntfs"), "--fs ntfs: cannot be made"),
        (("--kernel", "/etc/passwd"), "/etc/passwd"),
        (("--kernel", "hamm"), "hamm"),
    ],
)
def test_what_is_not_available_is_told_before_anything_boots(
    lab: Lab, words: tuple[str, ...], complaint: str
) -> None:
    done = lab.run(*QUICK, *words)
    assert complaint in done.complaint
    assert done.code in (2, 3)
    assert "booting" not in done.err
    assert not done.out


def test_a_file_that_is_not_there_is_told_before_anything_boots(lab: Lab) -> None:
    done = lab.run("--file", "/nowhere/model.gguf")
    assert done.code == 2
    assert "cannot open /nowhere/model.gguf: No such file" in done.complaint
    assert "booting" not in done.err


def test_a_lab_run_without_a_kernel_says_so(lab: Lab) -> None:
    done = lab.run(*QUICK, kernel=())
    assert done.code == 2
    assert "--kernel" in done.complaint


def test_without_qemu_the_remedy_is_told(lab: Lab, tmp_path: Path) -> None:
    process = lab.command.start(
        "lab", "run", *QUICK, f"--kernel={NEW}", env={"PATH": str(tmp_path)}
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"doctor --target lab" in err


@pytest.mark.lab
def test_a_panic_ends_with_the_consoles_last_lines(lab: Lab) -> None:
    """Without its modules a stock kernel has nothing to mount its root with."""
    lab.run("--help")
    image = next(kernel.image for kernel in stock_kernels() if kernel.suite == OLD)
    done = lab.run(*QUICK, f"--kernel={image}:none", kernel=())
    assert done.code == 4
    assert "its kernel panicked" in done.complaint
    assert "Kernel panic - not syncing" in done.err
    assert "a guest cannot be set up: the root" in done.err


@pytest.mark.lab
def test_a_guest_without_enough_memory_says_so(lab: Lab, tmp_path: Path) -> None:
    """A device that claims more than the guest has; whom the kernel kills for it is its choice."""
    large = tmp_path / "large.toml"
    large.write_text("[large]\nsummary = 'a'\nsource = 'assumed'\nsize = '4GiB'\n")
    words = ("--set", "size=1m", "--set", "total=1200m", "--rounds", "1", "--warmups", "0")
    done = lab.run("folio-write", *words, "--memory", "1GiB", "--storage", large, kernel=(OLD,))
    assert done.code == 4
    assert "out of memory" in done.err


@pytest.mark.lab
def test_a_guest_that_does_not_come_up_in_time_is_given_up(lab: Lab) -> None:
    done = lab.run(*QUICK, "--boot-limit", "2")
    assert done.code == 4
    assert "it was not done within 2 s: it did not come up; raise --boot-limit" in done.complaint


@pytest.mark.lab
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_no_qemu(lab: Lab, number: signal.Signals) -> None:
    process = lab.start(*QUICK)
    journal = lab.command.results / "journal"
    until(lambda: list(journal.glob("*.json")), "a guest to be prepared")
    until(lambda: any("qemu" in one.name() for one in lab.command.processes()), "QEMU to start")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -number
    assert b"Traceback" not in err
    until(lambda: not lab.command.processes(), "QEMU to be gone")
    if number is signal.SIGKILL:
        assert "removed directory" in lab.command("clean").out


@pytest.mark.lab
def test_what_ended_before_the_time_was_up_is_kept(lab: Lab) -> None:
    words = ("--rounds", "10000", "--warmups", "0", "--size", "8MiB", "--set", "engine=pread")
    done = lab.run(*words, "--limit", "60")
    assert done.code == 4
    assert "it was not done within" in done.complaint
    kept = done.complaint.rpartition("the Trials that ended are kept: ")[2]
    run = loadstone.load(kept, results=lab.command.results)
    assert {trial.status for trial in run.trials} == {"ok"}


@pytest.mark.lab
def test_a_file_of_the_users_is_copied_and_paths_with_spaces_are_fine(
    lab: Lab, place: Path
) -> None:
    rooms = place / "a room, of = its own"
    (rooms / "tmp").mkdir(parents=True)
    model = write_model(rooms / "my model.gguf", 3 * MIB + 1)
    lab.command.environment["TMPDIR"] = str(rooms / "tmp")
    try:
        words = ("--rounds", "1", "--warmups", "0", "--set", "engine=pread")
        said = lab(*words, "--file", model, "--results", rooms / "results")
    finally:
        del lab.command.environment["TMPDIR"]
    (case,) = said["runs"][0]["cases"]
    assert case["evidence"]["file_bytes"] == 3 * MIB + 1
    run = loadstone.load("last", results=rooms / "results")
    assert str(run.manifest.plan.input.file).endswith("/my model.gguf")
    assert not list((rooms / "tmp").iterdir())
    assert stat.S_ISREG(model.stat().st_mode)


@pytest.mark.lab
@needs_mkfs_erofs
def test_a_directory_of_the_users_is_read_and_its_images_lie_on_the_storage(
    lab: Lab, place: Path
) -> None:
    tree = place / "a tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "text").write_bytes(b"weights " * (2 * MIB // 8))
    (tree / "link").symlink_to("below/text")
    words = ("erofs-read", "--file", tree, "--rounds", "1", "--warmups", "0", "--set", "total=1m")
    (case,) = lab(*words)["runs"][0]["cases"]
    assert case["evidence"]["file_bytes"] == 2 * MIB
    assert case["evidence"]["verified_bytes"] > 0
    # Of memory no loop device is read directly.
    run = loadstone.load("last", results=lab.command.results)
    assert not any("through the page cache" in note for one in run.trials for note in one.notes)


@pytest.mark.lab
def test_two_labs_at_once_are_kept_apart(lab: Lab) -> None:
    processes = [lab.start(*QUICK, "--json") for _ in range(2)]
    outcomes = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outcomes
    runs = {json.loads(out)["runs"][0]["run"] for out, _ in outcomes}
    assert len(runs) == 2
    assert any(b"another loadstone is at work" in err for _, err in outcomes)


@pytest.mark.lab
@pytest.mark.root
@pytest.mark.usefixtures("lab")
@needs_root
def test_a_user_without_rights_can_run_the_lab(place: Path, as_nobody: tuple[str, ...]) -> None:
    (kernel,) = [kernel for kernel in stock_kernels() if kernel.suite == NEW]
    cache = place / "cache"
    shutil.copytree(kernel.directory, cache / kernel.directory.relative_to(cache_directory()))
    command = Command(place)
    words = ("lab", "run", *QUICK, f"--kernel={NEW}", "--json")
    process = command.start(
        *words, before=as_nobody, env={"LOADSTONE_CACHE": str(cache), "HOME": str(place)}
    )
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    (case,) = json.loads(out)["runs"][0]["cases"]
    assert case["trials"] == 1
