"""Where Runs are kept: full, read-only, shared, damaged, from elsewhere."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import loadstone as api
from commands import MIB, Command, Done, needs_root, on_a_disk, until, write_model

ONCE = ("--rounds", "1", "--warmups", "0", "--set", "engine=pread,mmap")


@pytest.fixture
def small_disk(loadstone: Command) -> Iterator[Path]:
    """A file system of 64 KiB."""
    point = loadstone.place / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "small", point], check=True)
    yield point
    assert loadstone.litter(point) == []
    subprocess.run(["umount", point], check=True)


@needs_root
def test_a_disk_that_fills_up_ends_the_run_and_keeps_what_was_measured(
    loadstone: Command, model: Path, small_disk: Path
) -> None:
    words = ("--results", small_disk)
    done = loadstone("run", "--file", model, "--rounds", "500", "--set", "engine=pread", *words)
    assert done.code == 2
    run = api.load("last", results=small_disk)
    assert done.complaint == (
        f"cannot write {small_disk}/runs/{run.id}/trials.jsonl: No space left on device (ENOSPC); "
        "free space or name another with --results; the Trials that ended are kept; go on with: "
        f"loadstone resume {run.id} --results {small_disk}"
    )
    assert len(run.trials) > 2
    assert loadstone("show", *words).code == 0


@needs_root
def test_a_disk_without_room_for_the_model_is_told_before_it_is_written(
    loadstone: Command, small_disk: Path
) -> None:
    asked = loadstone("run", "--size", "1m", "--dir", small_disk)
    assert asked.code == 3
    assert asked.complaint == (
        f"--size 1MiB: there are only 64 KiB free in {small_disk}; "
        "take a smaller --size, or another --dir"
    )
    default = loadstone("run", "--dir", small_disk)
    assert default.code == 3
    assert "not enough disk for a model file of 1 MiB" in default.complaint


@needs_root
def test_a_disk_without_room_for_the_checksums_is_named_as_the_results(
    loadstone: Command, model: Path, small_disk: Path
) -> None:
    filler = small_disk / "filler"
    with filler.open("wb") as stream, pytest.raises(OSError, match="No space left"):
        stream.write(bytes(MIB))
        stream.flush()
    done = loadstone("run", "--file", model, *ONCE, "--results", small_disk)
    assert done.code == 2
    assert "No space left on device (ENOSPC); free space or name another with --results" in (
        done.complaint
    )
    filler.unlink()


@needs_root
def test_read_only_results_are_shown_but_not_written(loadstone: Command, model: Path) -> None:
    assert loadstone("run", "--file", model, *ONCE).code == 0
    results = loadstone.results
    subprocess.run(["mount", "--bind", "-o", "ro", results, results], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", results], check=True)
        run, show = loadstone("run", "--file", model, *ONCE), loadstone("show", "--json")
        clean = loadstone("clean")
    finally:
        subprocess.run(["umount", results], check=True)
    assert run.code == 2
    assert "Read-only file system (EROFS); name a writable directory with --results" in (
        run.complaint
    )
    assert show.code == clean.code == 0
    assert len(list(results.glob("runs/*"))) == 1


@needs_root
def test_results_that_this_user_may_not_write_are_named(
    loadstone: Command, model: Path, as_nobody: tuple[str, ...]
) -> None:
    model.chmod(0o644)
    loadstone.results.mkdir(mode=0o755)
    done = loadstone("run", "--file", model, *ONCE, before=as_nobody)
    assert done.code == 2
    assert "Permission denied (EACCES); name a directory that you may write with --results" in (
        done.complaint
    )


@pytest.mark.parametrize("results", ["file", "file/below", "/proc/below", "/dev/null/below"])
def test_results_that_are_no_directory_are_named(
    loadstone: Command, model: Path, results: str
) -> None:
    (loadstone.place / "file").touch()
    done = loadstone("run", "--file", model, *ONCE, "--results", results)
    assert done.code == 2
    assert done.complaint.startswith(f"cannot write {results}")
    assert done.complaint.endswith("; name another directory with --results")


def test_a_run_leaves_its_results_and_nothing_beside_them(loadstone: Command, model: Path) -> None:
    assert loadstone("run", "--file", model, *ONCE).code == 0
    (run,) = loadstone.results.glob("runs/*")
    assert sorted(path.name for path in run.iterdir()) == ["manifest.json", "trials.jsonl"]
    assert sorted(loadstone.place.iterdir()) == [model, loadstone.results]


def test_a_directory_that_was_there_is_not_removed(loadstone: Command) -> None:
    loadstone.results.mkdir()
    assert loadstone("run", "--size", "100t").code == 3
    assert list(loadstone.results.iterdir()) == []


def test_two_runs_at_once_are_kept_apart_and_told_of_each_other(
    loadstone: Command, model: Path
) -> None:
    axes = ("--set", "engine=pread", "--set", "cache=as-is")
    words = ("run", "--file", model, *axes, "--rounds")
    first = loadstone.start(*words, "400")
    until(loadstone.trials, "the first Run to begin")
    second = loadstone(*words, "30")
    _, err = first.communicate(timeout=60)
    assert (first.returncode, second.code) == (0, 0)
    assert b"another loadstone" not in err
    assert "another loadstone is at work in results" in second.err
    trials = [path.read_bytes() for path in loadstone.results.glob("runs/*/trials.jsonl")]
    assert sorted(trial.count(b"\n") for trial in trials) == [31, 401]


def test_a_run_that_is_being_made_is_not_resumed(loadstone: Command, model: Path) -> None:
    process = loadstone.start("run", "--file", model, "--rounds", "10000")
    until(loadstone.trials, "the Run to begin")
    done = loadstone("resume")
    process.terminate()
    process.communicate(timeout=30)
    assert done.code == 2
    assert "is being written by another loadstone" in done.complaint


@pytest.fixture(scope="module")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Run of two Trials, which is made once and never touched."""
    with on_a_disk(tmp_path_factory.mktemp("made")) as place:
        loadstone = Command(place)
        model = write_model(place / "model.gguf", 2 * MIB)
        assert loadstone("run", "--file", model, *ONCE).code == 0
        (path,) = loadstone.results.glob("runs/*")
        yield path


@pytest.fixture
def run(loadstone: Command, made_run: Path) -> Path:
    """A Run that lacks its last Trial."""
    path = loadstone.results / "runs" / made_run.name
    shutil.copytree(made_run, path)
    first, _ = (path / "trials.jsonl").read_text().splitlines(keepends=True)
    (path / "trials.jsonl").write_text(first)
    return path


VERBS = (("show",), ("resume",), ("compare", "last"), ("gate", "last"))


def empty(run: Path) -> None:
    (run / "manifest.json").write_bytes(b"")


def binary(run: Path) -> None:
    (run / "trials.jsonl").write_bytes(bytes(range(256)) * 9 + b"\n{}\n")


def no_trials(run: Path) -> None:
    (run / "trials.jsonl").unlink()


def other_json(run: Path) -> None:
    (run / "manifest.json").write_text('{"dependencies": {}}')


def newer(run: Path) -> None:
    edit(run, lambda manifest: manifest.update(schema=99))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("damage", [empty, binary, no_trials, other_json, newer])
def test_a_damaged_run_is_refused_in_one_line(
    loadstone: Command, run: Path, verb: tuple[str, ...], damage: Callable[[Path], None]
) -> None:
    damage(run)
    done = loadstone(*verb, "last")
    assert done.code == 2
    assert run.name in done.complaint
    assert done.out == ""


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("name", ["nosuch", "./nosuch", "model.gguf", "last~7", "", "/", "\x1b[2J"])
def test_a_run_that_is_not_there_is_named(loadstone: Command, run: Path, name: str) -> None:
    for verb in VERBS:
        done = loadstone(*verb, name)
        assert done.code == 2, (verb, run)
        assert "\x1b" not in done.err
        assert done.complaint


def edit(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def drop_parameter(manifest: dict[str, Any]) -> None:
    for case in manifest["plan"]["cases"]:
        del case["parameters"]["engine"]


def unknown_value(manifest: dict[str, Any]) -> None:
    for case in manifest["plan"]["cases"]:
        case["parameters"]["engine"] = "warp"


def endless(manifest: dict[str, Any]) -> None:
    manifest["plan"]["rounds"] = 1 << 62


def other_core(manifest: dict[str, Any]) -> None:
    manifest["core"] = "0" * 64


@pytest.mark.parametrize("change", [drop_parameter, unknown_value, endless, other_core])
def test_a_run_that_this_loadstone_would_not_make_is_shown_but_not_resumed(
    loadstone: Command, run: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    edit(run, change)
    done = loadstone("resume")
    assert done.code == 2
    assert "cannot be resumed: another version of loadstone made it" in done.complaint
    assert loadstone("show").code == 0


def test_an_unknown_workload_in_a_run_is_named(loadstone: Command, run: Path) -> None:
    edit(run, lambda manifest: manifest["plan"].update(workload="other"))
    assert "other: no such workload" in loadstone("resume").complaint


def test_a_machine_that_is_not_the_runs_is_named(loadstone: Command, run: Path) -> None:
    edit(run, lambda manifest: manifest["environment"]["facts"].update({"kernel.release": "2.4"}))
    assert "kernel.release was 2.4, now it is" in loadstone("resume").complaint


def test_runs_without_a_case_in_common_are_not_compared(loadstone: Command, model: Path) -> None:
    for engine in ("pread", "mmap"):
        axis = ("--set", f"engine={engine}")
        assert loadstone("run", "--file", model, "--rounds", "1", *axis).code == 0
    done: Done = loadstone("compare", "last~1", "last")
    assert done.code == 3
    assert done.complaint


def test_clean_leaves_alone_what_it_cannot_take_for_ours(loadstone: Command, model: Path) -> None:
    journal = loadstone.results / "journal"
    journal.mkdir(parents=True)
    record = {"kind": "file", "name": str(model), "pid": 1, "pid_start": 1, "boot": "x"}
    (journal / "1.json").write_text(json.dumps(record))
    done = loadstone("clean")
    assert done.code == 4
    assert f"{model} was left: it is no absolute path of a file named loadstone-…" in done.out
    assert model.exists()
    shutil.rmtree(journal)
