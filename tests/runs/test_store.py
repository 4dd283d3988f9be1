"""Run directories: what is kept, what survives a kill or a full disk, and what is refused."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from loadstone.errors import RunError
from loadstone.runs.listing import list_runs
from loadstone.runs.run_files import MANIFEST, TRIALS
from loadstone.runs.store import load, reopen
from runs.stored_runs import PLAN, a_run, rounds, start, trial

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs: run as root")


NEEDS_STRACE = pytest.mark.skipif(not shutil.which("strace"), reason="install strace")


@contextlib.contextmanager
def tmpfs(at: Path, size: str) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True)


def script(text: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> list[str]:
    """A command that runs ``text`` with this module's names."""
    paths = [str(path) for path in Path(__file__).parents[:2]]
    prelude = f"import sys; sys.path[:0] = {paths}\n"
    prelude += "from test_store import *\n"
    return [*wrapper, sys.executable, "-c", prelude + text, *map(str, arguments)]


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    with start(tmp_path) as writer:
        for number in range(3):
            writer.append(trial(number))
            assert load(writer.path).trials[number] == trial(number)
    run = load(writer.path)
    assert run.manifest == writer.manifest
    assert run.manifest.plan == PLAN
    assert run.id == writer.path.name
    assert run.path == writer.path
    assert rounds(run) == [0, 1, 2]


def test_a_run_is_named_by_time_target_and_plan_in_plain_characters(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(PLAN, name="../" + "模" * 9 + "x" * 300)
    path = start(tmp_path, plan).path
    assert path.parent == tmp_path / "runs"
    head, tail = path.name[:16], path.name[16:]
    assert head[8] == "T"
    assert head[-1] == "Z"
    assert tail.startswith("-adb-1.2.3.4-..-xxx")
    assert len(path.name) < 160


def test_two_runs_of_one_second_have_directories_of_their_own(tmp_path: Path) -> None:
    paths = [start(tmp_path).path for _ in range(20)]
    assert len(set(paths)) == 20
    assert list_runs(tmp_path) == paths


@pytest.mark.parametrize("note", ["\udcff", "bad"])
def test_a_trial_that_could_not_be_read_back_is_not_written(tmp_path: Path, note: str) -> None:
    with start(tmp_path) as writer:
        bad = trial(0, note)
        if note == "bad":
            bad = msgspec.structs.replace(bad, metrics={"throughput": float("nan")})
        with pytest.raises(RunError, match="cannot keep a Trial"):
            writer.append(bad)
        writer.append(trial(1))
    assert rounds(load(writer.path)) == [1]


def test_a_killed_run_holds_every_trial_whose_append_returned(tmp_path: Path) -> None:
    text = (
        "writer = start(Path(sys.argv[1]))\n"
        "print(writer.path, flush=True)\n"
        "for number in range(10**6):\n"
        "    writer.append(trial(number, 'n' * 3000))\n"
        "    print(number, flush=True)\n"
    )
    for kept in (1, 5, 40):
        process = subprocess.Popen(script(text, tmp_path), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        for _ in range(kept):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        told = kept + len(process.stdout.read().splitlines())
        process.wait()
        run = load(path)
        assert rounds(run) == list(range(len(run.trials)))
        assert told <= len(run.trials) <= told + 1
        with reopen(run) as writer:
            writer.append(trial(len(run.trials)))
        assert len(load(path).trials) == len(run.trials) + 1


def test_a_run_can_be_moved_and_its_id_is_never_taken_for_a_path(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    text = (path / MANIFEST).read_text().replace(path.name, "../../elsewhere")
    moved = path.rename(tmp_path / "moved")
    (moved / MANIFEST).write_text(text)
    run = load(moved)
    assert run.id == "../../elsewhere"
    assert run.path == moved
    with reopen(run) as writer:
        writer.append(trial(3))
    assert rounds(load(moved)) == [0, 1, 2, 3]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["moved", "runs"]


def test_trials_behind_a_link_are_never_written_to(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    elsewhere = (path / TRIALS).rename(tmp_path / "elsewhere")
    (path / TRIALS).symlink_to(elsewhere)
    data = elsewhere.read_bytes()
    with pytest.raises(RunError, match="replace the symbolic link"):
        reopen(load(path))
    assert elsewhere.read_bytes() == data


def test_a_run_that_is_being_written_cannot_be_resumed(tmp_path: Path) -> None:
    with start(tmp_path) as writer:
        writer.append(trial(0))
        with pytest.raises(RunError, match="being written by another loadstone"):
            reopen(load(writer.path))
        writer.append(trial(1))
    reopen(load(writer.path)).close()


def test_a_run_is_let_go_even_if_a_forked_child_lives_on(tmp_path: Path) -> None:
    writer = start(tmp_path)
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        writer.close()
        reopen(load(writer.path)).close()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_run_that_grew_since_it_was_loaded_is_not_resumed(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    early = load(path)
    with reopen(early) as writer:
        writer.append(trial(3))
    with pytest.raises(RunError, match="resume it again"):
        reopen(early)
    reopen(load(path)).close()


@pytest.mark.root
@NEEDS_ROOT
def test_a_full_disk_loses_one_trial_and_leaves_the_run_whole(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "64k") as results:
        (results / "ballast").write_bytes(bytes(8192))
        with start(results) as writer:
            kept = 0
            with pytest.raises(RunError, match=r"ENOSPC.*free space.*--results"):
                for number in range(1000):
                    writer.append(trial(number, "n" * 1500))
                    kept += 1
            assert kept > 5
            assert (writer.path / TRIALS).read_bytes().endswith(b"\n")
            assert rounds(load(writer.path)) == list(range(kept))
            (results / "ballast").unlink()
            writer.append(trial(kept, "n" * 1500))
        assert rounds(load(writer.path)) == list(range(kept + 1))


@pytest.mark.root
@NEEDS_ROOT
def test_a_disk_that_cannot_even_take_the_manifest_is_left_as_it_was(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "4k") as results:
        (results / "runs").mkdir()
        (results / "ballast").write_bytes(bytes(4096))
        with pytest.raises(RunError, match=r"ENOSPC.*free space.*--results"):
            start(results)
        assert list((results / "runs").iterdir()) == []


@pytest.mark.root
@NEEDS_ROOT
def test_a_read_only_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "64k") as results:
        run = load(a_run(results))
        subprocess.run(["mount", "-o", "remount,ro", results], check=True)
        with pytest.raises(RunError, match=rf"{results}.*EROFS.*writable.*--results"):
            start(results)
        with pytest.raises(RunError, match=r"EROFS"):
            reopen(run)


def test_results_that_are_a_file_are_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write .*--results"):
        start(tmp_path / "file")
    with pytest.raises(RunError, match="cannot read"):
        list_runs(tmp_path / "file")


@NEEDS_STRACE
def test_a_trial_whose_sync_failed_is_not_kept(tmp_path: Path) -> None:
    path = a_run(tmp_path, 1)
    text = (
        "with reopen(load(Path(sys.argv[1]))) as writer:\n"
        "    writer.append(trial(1))\n"
        "    with contextlib.suppress(RunError):\n"
        "        writer.append(trial(2))\n"
        "    print(load(writer.path).trials[-1].round)\n"
        "    writer.append(trial(3))\n"
    )
    inject = ("strace", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=2")
    done = subprocess.run(script(text, path, wrapper=inject), stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"1\n"
    assert rounds(load(path)) == [0, 1, 3]


def test_a_torn_line_that_could_not_be_cut_off_is_gone_with_the_next_trial(tmp_path: Path) -> None:
    with start(tmp_path) as writer:
        writer.append(trial(0))
        with (writer.path / TRIALS).open("ab") as stream:
            stream.write(b'{"case":' * 1000)
        assert rounds(load(writer.path)) == [0]
        writer.append(trial(1))
    lines = (writer.path / TRIALS).read_bytes().splitlines()
    assert lines == [msgspec.json.encode(trial(number)) for number in range(2)]
