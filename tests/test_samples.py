"""What an earlier loadstone wrote, in ``data/``, is read, shown, finished and cleaned as it was."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import loadstone as api
import sample_outputs as samples
from commands import MIB, Command, needs_root, write_model
from leftovers import await_loops
from sample_outputs import ASKED, DATA, OUTPUT, RUNS, ask, comparable

PLACE = "/data/sample"
"""Where the samples were made, as they tell it."""

_BARE = {"facts", "evidence", "buckets", "notes"}
LAPTOP_MODE = Path("/proc/sys/vm/laptop_mode")


@pytest.mark.parametrize("name", ASKED)
def test_what_was_said_of_a_sample_is_said_today(name: str) -> None:
    code, said = ask(*ASKED[name])
    kept = (OUTPUT / name).read_text()
    assert comparable(said) == comparable(kept), " ".join(ASKED[name])
    assert code == samples.exit_codes().get(name, 0)


def test_every_output_that_is_kept_is_asked_for() -> None:
    kept = {str(path.relative_to(OUTPUT)) for path in OUTPUT.rglob("*") if path.is_file()}
    assert kept == {*ASKED, *samples.PAGES, "exit-codes.json"}


@pytest.mark.parametrize("name", samples.PAGES)
def test_a_report_says_what_it_said(tmp_path: Path, name: str) -> None:
    page = tmp_path / "report.html"
    assert ask(*samples.PAGES[name], "-o", str(page))[0] == 0
    assert samples.report_text(page.read_text()) == (OUTPUT / name).read_text()


@pytest.mark.parametrize("run", RUNS)
def test_the_whole_of_a_run_is_read_and_exported(run: str) -> None:
    code, said = ask("export", run, "--format", "json")
    document = json.loads(said)
    assert code == 0
    assert _lost(_manifest(DATA / "runs" / run), document["manifest"]) == []
    assert _lost(_trials(DATA / "runs" / run), document["trials"]) == []


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("gate", samples.DISK, samples.WAYS), 3, "have no measured Case in common"),
        (("compare", samples.CALIBRATION, samples.FLUSH), 3, "such figures have no common unit"),
        (("compare", samples.DISK, samples.MEMORY, "--metric", "x"), 2, "no such metric"),
        (("show", "20261125T2"), 2, "write more of the id"),
        (("export", samples.DISK, "--format", "x"), 2, "no such format"),
        (("resume", samples.FLUSH), 2, "existed for that run alone"),
    ],
)
def test_what_cannot_be_done_with_samples_is_refused_as_before(
    words: tuple[str, ...], code: int, complaint: str
) -> None:
    refused, said = ask(*words)
    assert refused == code
    assert complaint in said


def test_python_reads_what_the_command_reads() -> None:
    run = api.load(samples.TROUBLED, results=DATA)
    assert [str(trial.status) for trial in run.trials] == ["ok", "invalid", "invalid", "failed"]
    (case,) = api.summarise(run)
    (shown,) = json.loads((OUTPUT / run.id / "show.json").read_text())["cases"]
    assert (case.case.id, case.case.label) == (shown["id"], shown["label"])
    base, new = (api.load(run, results=DATA) for run in (samples.DISK, samples.MEMORY))
    (effect,) = api.compare(base, new).effects
    assert str(effect.verdict) == "faster"


def _manifest(run: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((run / "manifest.json").read_text())
    return manifest


def _trials(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]


def _lost(then: object, now: object, at: str = "") -> list[str]:
    """Where a document of today lacks what one of then has, or has it otherwise."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            place
            for key, inner in then.items()
            for place in (_lost(inner, now[key], f"{at}.{key}") if key in now else [f"{at}.{key}"])
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [
            place
            for index, pair in enumerate(zip(then, now, strict=True))
            for place in _lost(*pair, f"{at}[{index}]")
        ]
    return [] if then == now else [at]


def _form(value: object) -> object:
    """Keys, names and kinds of values of a document, but for what hangs on machine and moment."""
    match value:
        case dict():
            return {
                key: inner if key == "name" else key in _BARE or _form(inner)
                for key, inner in value.items()
            }
        case list():
            return [_form(inner) for inner in value]
        case str():
            return "text"
        case _:
            return "number or nothing"


@pytest.fixture
def interrupted(loadstone: Command) -> Path:
    """A copy of the Run that was interrupted, its model file beside it, where it has both."""
    write_model(loadstone.place / "model.gguf", 2 * MIB)
    run = loadstone.results / "runs" / samples.INTERRUPTED
    shutil.copytree(DATA / "runs" / samples.INTERRUPTED, run)
    manifest = (run / "manifest.json").read_text()
    (run / "manifest.json").write_text(manifest.replace(PLACE, str(loadstone.place)))
    return run


def test_a_run_of_today_has_the_form_of_the_sample_and_the_sample_is_finished(
    loadstone: Command, interrupted: Path
) -> None:
    """What ties a Run to its machine and build is taken from a Run of today."""
    words = ("--set", "engine=pread,mmap", "--rounds", "1", "--warmups", "0", "--seed", "9")
    made = loadstone("run", "--file", "model.gguf", *words, "--json")
    assert made.code == 0, made.err
    (today,) = (path for path in loadstone.results.glob("runs/*") if path != interrupted)
    shown = json.loads((OUTPUT / samples.INTERRUPTED / "show.json").read_text())
    assert _lost(_form(shown), _form(json.loads(made.out))) == []
    sample, now = _manifest(interrupted), _manifest(today)
    assert _lost(_form(sample), _form(now)) == []
    assert now["metrics"] == sample["metrics"]
    assert _lost(sample["plan"]["cases"], now["plan"]["cases"]) == []
    assert _lost(_forms_by_case(interrupted), _forms_by_case(today)) == []
    kept = (interrupted / "trials.jsonl").read_text()

    adopted = sample | {key: now[key] for key in ("environment", "loadstone", "core")}
    (interrupted / "manifest.json").write_text(json.dumps(adopted))
    done = loadstone("resume", samples.INTERRUPTED, "--json")
    assert done.code == 0, done.err
    trials = _trials(interrupted)
    assert (interrupted / "trials.jsonl").read_text().startswith(kept)
    assert len(trials) == 2 * sample["plan"]["rounds"]
    assert {trial["status"] for trial in trials} == {"ok"}
    assert json.loads(done.out)["run"] == samples.INTERRUPTED


def _forms_by_case(run: Path) -> dict[str, object]:
    return {trial["case"]: _form(trial) for trial in _trials(run)}


def test_a_run_of_another_machine_or_build_is_not_finished(
    loadstone: Command, interrupted: Path
) -> None:
    done = loadstone("resume", samples.INTERRUPTED)
    assert done.code == 2
    assert f"{samples.INTERRUPTED}: cannot be resumed: " in done.complaint
    assert len(_trials(interrupted)) == 2


Records = list[dict[str, Any]]
Leave = Callable[[str], Records]


@pytest.fixture
def leave(loadstone: Command) -> Iterator[Leave]:
    """Puts a sample of the journal into the results; what it says lies in the test's directory.

    Where a test fails, its mount and its loop device go all the same.
    """

    def copy(name: str) -> Records:
        journal = loadstone.results / "journal"
        shutil.copytree(DATA / "journal" / name, journal)
        for path in journal.iterdir():
            path.write_text(path.read_text().replace(PLACE, str(loadstone.place)))
        records = [json.loads(path.read_text()) for path in sorted(journal.iterdir())]
        left.extend(records)
        return records

    left: Records = []
    yield copy
    for record in reversed(left):
        if record["kind"] == "mount" and Path(record["name"]).is_mount():
            _output("umount", record["name"])
        if record["kind"] == "loop":
            for device in _output(
                "losetup", "--noheadings", "--output=name,back-file"
            ).splitlines():
                if record["name"] in device:
                    _output("losetup", "--detach", device.split()[0])


def _check_cleaned(loadstone: Command, records: Records) -> None:
    done = loadstone("clean")
    gone = [f"removed {record['kind']} {record['name']}" for record in reversed(records)]
    assert done.out.splitlines() == gone
    assert done.code == 0
    assert not list(loadstone.place.rglob("loadstone-*"))


def test_files_of_an_older_run_that_was_killed_are_removed(
    loadstone: Command, leave: Leave
) -> None:
    records = leave("model-load")
    for record in records:
        path = Path(record["name"])
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [Path(record["name"]).name.split("-")[1] for record in records] == ["model", "checksums"]
    _check_cleaned(loadstone, records)


def test_the_directory_of_an_older_lab_that_was_killed_is_removed(
    loadstone: Command, leave: Leave
) -> None:
    (record,) = leave("lab")
    (Path(record["name"]) / "boot").mkdir(parents=True)
    (Path(record["name"]) / "boot" / "vmlinuz").touch()
    _check_cleaned(loadstone, [record])


@needs_root
def test_what_an_older_run_had_mounted_on_a_loop_device_is_taken_down(
    loadstone: Command, leave: Leave
) -> None:
    image, loop, mount, file = records = leave("folio-write")
    assert [record["kind"] for record in records] == ["file", "loop", "mount", "file"]
    Path(mount["name"]).mkdir()
    with Path(image["name"]).open("wb") as stream:
        stream.truncate(4 * MIB)
    subprocess.run(["mkfs.ext4", "-q", image["name"]], check=True)
    device = _output("losetup", "--show", "--find", image["name"])
    subprocess.run(["mount", device, mount["name"]], check=True)
    Path(file["name"]).touch()
    assert loop["name"] == image["name"]
    _check_cleaned(loadstone, records)
    assert not await_loops(Path(image["name"]).parent)
    assert mount["name"] not in Path("/proc/self/mounts").read_text()


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@needs_root
def test_the_loop_device_below_an_older_run_s_tables_is_freed_and_what_is_gone_is_struck(
    loadstone: Command, leave: Leave
) -> None:
    image, *others = records = leave("dm-verity")
    assert [record["kind"] for record in others] == ["loop", *["dm-table"] * 3, "tunable"]
    with Path(image["name"]).open("wb") as stream:
        stream.truncate(MIB)
    _output("losetup", "--find", image["name"])
    _check_cleaned(loadstone, records)
    assert not await_loops(Path(image["name"]).parent)


@needs_root
def test_storage_and_table_of_an_older_guest_are_gone_with_it(
    loadstone: Command, leave: Leave
) -> None:
    records = leave("dm-flush")
    assert [record["kind"] for record in records] == ["null_blk", "dm-table"]
    _check_cleaned(loadstone, records)


@needs_root
def test_a_tunable_that_an_older_run_had_changed_is_put_back(
    loadstone: Command, leave: Leave
) -> None:
    (record,) = leave("direct")
    assert (record["kind"], record["name"]) == ("tunable", str(LAPTOP_MODE))
    before = LAPTOP_MODE.read_text()
    LAPTOP_MODE.write_text("5")
    try:
        _check_cleaned(loadstone, [record])
        assert LAPTOP_MODE.read_text() == f"{record['detail']}\n"
    finally:
        LAPTOP_MODE.write_text(before)
