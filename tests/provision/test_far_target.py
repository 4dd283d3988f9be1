"""A Target that is not this machine: what is prepared there is made, found and removed there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from commands import MIB, needs_root, write_model
from devices import loop, number_of
from far_target import FarTarget
from leftovers import leftovers
from loadstone import targets
from loadstone.cli.clean import command as clean_command
from loadstone.doctor.diagnosis import diagnose
from loadstone.errors import CannotMeasureError, LoadstoneError, RunError, UsageError
from loadstone.model import Input, Job, Plan, Run, Status, Trial
from loadstone.plan.request import Request, make_plan
from loadstone.provision.block_device import block_devices, claim
from loadstone.provision.device_mapper import require_device_mapper
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean, find_leftovers
from loadstone.provision.loop_device import goes_direct, loop_device
from loadstone.provision.model_file import model_file
from loadstone.provision.removal import Connection
from loadstone.provision.scratch_file import scratch_file
from loadstone.provision.tunable import kept_tunable
from loadstone.runs.runner import Silence, run_plan


@pytest.fixture
def far(place: Path, nothing_is_left: None) -> Iterator[FarTarget]:
    del nothing_is_left
    device = place.resolve() / "device"
    device.mkdir()
    target = FarTarget(device)
    yield target
    target.close()
    assert not list(device.rglob("loadstone-*"))


@pytest.fixture
def results(place: Path) -> Path:
    return place / "results"


def plan_of(what: str, *axes: str, **said: object) -> Plan:
    request = Request(what=what, axes=axes, rounds=1, warmups=0, **said)  # type: ignore[arg-type]
    return make_plan(request)[0]


def carried_out(far: FarTarget, results: Path, what: str, *axes: str, **said: object) -> Run:
    run = run_plan(plan_of(what, *axes, **said), far, results, Silence())
    assert run.manifest.environment.target == "far:1"
    assert not (results / "scratch").exists()
    assert not find_leftovers(results)
    return run


def only(run: Run, status: Status) -> list[Trial]:
    assert run.trials
    assert {trial.status for trial in run.trials} == {status}, run.trials[0].reason
    return list(run.trials)


@pytest.mark.alone
def test_a_model_is_made_there_loaded_verified_and_removed(far: FarTarget, results: Path) -> None:
    axes = ("engine=pread,mmap-copy,uring", "cache=cold,warm")
    run = carried_out(far, results, "model-load", *axes, size_bytes=4 * MIB, directory="/far")
    for trial in only(run, Status.OK):
        assert trial.evidence["verified_bytes"] == 4 * MIB
    made = next(job for job in far.jobs if job.operation == "make-file")
    assert made.options["file"].startswith("/far/loadstone-model-")
    assert run.manifest.environment.facts["file.is_made"]


def test_a_model_of_the_users_that_is_there_is_loaded_and_stays(
    far: FarTarget, results: Path
) -> None:
    model = write_model(far.place / "model.gguf", 2 * MIB)
    (far.place / "link").symlink_to("model.gguf")
    run = carried_out(far, results, "model-load", "engine=pread", file="/far/link")
    (trial,) = only(run, Status.OK)
    assert trial.evidence["verified_bytes"] == 2 * MIB
    loaded = next(job for job in far.jobs if job.operation == "model-load")
    assert loaded.options["file"] == "/far/model.gguf"
    assert model.stat().st_size == 2 * MIB


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "cannot open /far/none: No such file or directory (ENOENT); check the path"),
        ("directory", "/far/directory is a directory; name a regular file"),
        ("empty", "/far/empty is empty; name a file with something to load in it"),
    ],
)
def test_a_model_that_is_not_there_is_told_as_on_this_machine(
    far: FarTarget, results: Path, name: str, words: str
) -> None:
    (far.place / "directory").mkdir()
    (far.place / "empty").touch()
    with pytest.raises(UsageError) as caught:
        carried_out(far, results, "model-load", file=f"/far/{name}")
    assert str(caught.value) == words


def test_no_room_and_no_directory_are_those_of_the_target(far: FarTarget, results: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"--size 1024TiB: there are only .* free in /far"):
        carried_out(far, results, "model-load", size_bytes=1 << 50, directory="/far")
    with pytest.raises(UsageError, match="--dir /far/none: No such file or directory"):
        carried_out(far, results, "model-load", directory="/far/none")
    with pytest.raises(CannotMeasureError, match=r"512 TiB are needed, and only .* free in /far"):
        carried_out(far, results, "folio-write", "total=512TiB", directory="/far")


def test_writes_go_to_a_directory_there(far: FarTarget, results: Path) -> None:
    axes = ("size=4k,64k", "total=1m", "pattern=fresh,append")
    run = carried_out(far, results, "folio-write", *axes, directory="/far")
    for trial in only(run, Status.OK):
        assert trial.evidence["verified_bytes"] == MIB
    written = [job.options["file"] for job in far.jobs if job.operation == "folio-write"]
    assert all(file.startswith("/far/loadstone-write-") for file in written)


def test_a_file_system_that_this_machine_would_make_is_a_skip_there(
    far: FarTarget, results: Path
) -> None:
    run = carried_out(far, results, "folio-write", "fs=ext4,dir", "total=1m", directory="/far")
    by_status = {trial.status: trial for trial in run.trials}
    assert set(by_status) == {Status.SKIPPED, Status.OK}
    skip = by_status[Status.SKIPPED]
    assert skip.reason == (
        "ext4 is made by programs of this machine (mkfs, mount), and far:1 is another"
    )
    assert (skip.remedy or "").startswith("--set fs=dir, and --dir on a file system")


def test_the_calibration_runs_there(far: FarTarget, results: Path) -> None:
    run = carried_out(far, results, "calibration", "effect=memcpy,write", directory="/far")
    only(run, Status.OK)


def test_what_programs_of_this_machine_would_make_is_refused_with_a_way_out(
    far: FarTarget, results: Path
) -> None:
    with pytest.raises(CannotMeasureError, match=r"veritysetup.*far:1 is another; .*lab run"):
        carried_out(far, results, "dm-verity", file="/far/only-there.img")
    input = Input(devices=("ufs40",), directory="/far")
    with (
        pytest.raises(CannotMeasureError, match=r"--device ufs40: .*far:1 is another; leave it"),
        Journal(results, far.name, far.execute) as journal,
        block_devices(far, input, journal, (MIB,), written_bytes=0),
    ):
        pytest.fail("was made")


def test_a_module_is_not_loaded_into_the_kernel_of_this_machine(place: Path) -> None:
    far = FarTarget(place, hides=("version",))
    with pytest.raises(CannotMeasureError, match=r"far:1 has no device-mapper: .*load its module"):
        require_device_mapper(far)


@needs_root
def test_a_loop_device_of_ours_is_made_there(far: FarTarget, results: Path) -> None:
    with (
        Journal(results, far.name, far.execute) as journal,
        block_devices(far, Input(directory="/far"), journal, (MIB, MIB), written_bytes=0) as two,
    ):
        assert [one.bytes for one in two] == [MIB, MIB]
        assert all(str(one.facts["device.image"]).startswith("/far/") for one in two)
        assert len(leftovers(far.place).loops) == 2
    assert not leftovers(far.place).loops


@needs_root
def test_whether_a_loop_device_goes_direct_is_asked_there(far: FarTarget, results: Path) -> None:
    image = far.place / "loadstone-image"
    image.write_bytes(bytes(MIB))
    with Journal(results, far.name, far.execute) as journal:
        for wanted in (True, False):
            with loop_device(far, journal, "/far/loadstone-image", direct_io=wanted) as device:
                dio = Path(f"/sys/block/{Path(device).name}/loop/dio").read_text().strip()
                assert goes_direct(far, device) == (dio == "1")
    image.unlink()


@needs_root
def test_a_device_of_the_users_is_found_and_its_users_told(far: FarTarget, place: Path) -> None:
    with loop(place / "image") as device:
        (far.place / "link").symlink_to(device)
        taken = claim(far, "/far/link", 0)
        assert (taken.path, taken.number) == (device, number_of(device))
        (far.place / "link").unlink()
    for name, words in (("/far/none", "ENOENT"), ("/far", "it is no block device")):
        with pytest.raises(UsageError, match=words):
            claim(far, name, 0)


def test_the_doctor_looks_there(far: FarTarget, results: Path) -> None:
    model = write_model(far.place / "model.gguf", MIB)
    for file, path in ((None, "/far/scratch/loadstone-model-"), ("/far/model.gguf", "/far/model")):
        diagnosis = diagnose(far, file, results)
        assert diagnosis.path.startswith(path)
        assert diagnosis.can_load
        check = next(check for check in diagnosis.checks if check.name == "veritysetup")
        assert not check.is_met
        assert "far:1 is another" in (check.reason or "")
    model.unlink()


def orphaned(results: Path) -> None:
    """Make the entries there are look like those of a process that has died."""
    for path in (results / "journal").glob("*.json"):
        fields = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.encode({**fields, "pid_start": 1, "lock": ""}))


@needs_root
def test_what_a_killed_run_left_there_is_cleaned_there(
    far: FarTarget, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(results, far.name, far.execute)
    (far.place / "loadstone-model-1").touch()
    (far.place / "loadstone-image-1").write_bytes(bytes(MIB))
    for kind, name in (
        ("file", "/far/loadstone-model-1"),
        ("file", "/far/loadstone-image-1"),
        ("loop", "/far/loadstone-image-1"),
        ("file", "/far/loadstone-none"),
    ):
        journal.entry(kind, name)
    far.execute(_attach("/far/loadstone-image-1"))
    orphaned(results)

    def away(name: str, where: Path) -> contextlib.AbstractContextManager[FarTarget]:
        del where
        raise CannotMeasureError(f"{name} does not answer; plug it in")

    monkeypatch.setattr(targets, "connect", away)
    told = CliRunner().invoke(clean_command, ["--results", str(results)], standalone_mode=False)
    assert told.output.count("far:1 does not answer; plug it in; connect far:1 again") == 4
    assert told.return_value == 4
    assert len(find_leftovers(results)) == 4

    @contextlib.contextmanager
    def connected(name: str, where: Path) -> Iterator[FarTarget]:
        assert (name, where) == ("far:1", results)
        yield far

    monkeypatch.setattr(targets, "connect", connected)
    told = CliRunner().invoke(clean_command, ["--results", str(results)], standalone_mode=False)
    assert told.return_value == 0, told.output
    assert "removed loop /far/loadstone-image-1 on far:1\n" in told.output
    assert not find_leftovers(results)


def _attach(image: str) -> Job:
    return Job(operation="loop-device", options={"action": "attach", "image": image})


def test_what_a_target_that_went_away_holds_is_kept_for_clean(
    far: FarTarget, results: Path
) -> None:
    with (
        pytest.raises(
            RunError, match=r"file /far/scratch/loadstone-x-.* on far:1 was left: .*cable"
        ),
        Journal(results, far.name, far.execute) as journal,
        scratch_file(far, journal, "x") as path,
    ):
        (far.place / "scratch" / Path(path).name).touch()
        far.is_lost = True
    far.is_lost = False
    orphaned(results)

    @contextlib.contextmanager
    def reach(name: str) -> Iterator[Connection]:
        assert name == "far:1"
        yield Connection(execute=far.execute)

    assert [removal.problem for removal in clean(results, reach)] == [None]


def test_an_error_goes_on_where_the_target_went_away_as_well(far: FarTarget, results: Path) -> None:
    small = Input(size_bytes=MIB, directory="/far")
    with (
        pytest.raises(KeyError) as caught,
        Journal(results, far.name, far.execute) as journal,
        model_file(far, small, journal, lambda _: None),
    ):
        far.is_lost = True
        raise KeyError
    assert "connect far:1 again" in "".join(caught.value.__notes__)
    for path in far.place.rglob("loadstone-*"):
        path.unlink()


def test_a_target_that_is_gone_is_an_error_and_not_an_empty_answer(
    far: FarTarget, results: Path
) -> None:
    far.is_lost = True
    with pytest.raises(LoadstoneError, match="the cable was pulled"):
        carried_out(far, results, "model-load", size_bytes=MIB, directory="/far")


@needs_root
def test_a_tunable_there_is_put_back(far: FarTarget, results: Path) -> None:
    path = "/proc/sys/vm/laptop_mode"
    with Journal(results, far.name, far.execute) as journal:
        with kept_tunable(far, journal, path) as value:
            assert value is not None
            far.write_text(path, str(int(value) + 1))
        assert (far.read_text(path) or "").strip() == value
    assert far.jobs[-1].operation == "write-text"
