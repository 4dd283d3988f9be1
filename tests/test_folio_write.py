"""folio-write: what its Cases are, what a Trial tells, and what it leaves behind: nothing."""

import errno
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import loadstone
from commands import MIB, Command, needs, needs_root, until
from loadstone import core
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Case, CoreError, Kind, Outcome, Run, Status, Subject, Value
from loadstone.prepared_write import PreparedWrite
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload

_PARAMETERS: dict[str, Value] = {
    "size": 4096,
    "total": MIB,
    "pattern": "fresh",
    "sync": "end",
    "io": "buffered",
}


def _run(place: Path, **axes: object) -> Run:
    return loadstone.run(
        "folio-write",
        directory=place,
        axes={"total": MIB, **axes},  # type: ignore[dict-item]
        rounds=2,
        warmups=0,
        results=place / "results",
    )


def _prepared(place: Path) -> PreparedWrite:
    return PreparedWrite(LocalTarget(place), Subject(), str(place), str(place / "loadstone-none"))


def _case(**changes: str | int) -> Case:
    return Case.of("folio-write", "x", _PARAMETERS | changes)


@pytest.fixture
def small_ext4(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB on a loop device."""
    image, at = tmp_path / "ext4.img", tmp_path / "ext4"
    at.mkdir()
    with image.open("wb") as stream:
        stream.truncate(16 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_a_trial_tells_times_bytes_and_latencies(place: Path) -> None:
    run = _run(place, size=["4k", "64k"], pattern=["fresh", "overwrite", "append"])
    assert [trial.status for trial in run.trials] == [Status.OK] * 12, run.trials[0].reason
    sizes = {case.id: int(case.parameters["size"]) for case in run.manifest.plan.cases}
    for trial in run.trials:
        metrics, evidence = trial.metrics, trial.evidence
        assert set(metrics) == {"throughput", "durable_ns", "write_ns", "cpu_per_gb"}
        assert metrics["throughput"] == pytest.approx(MIB / metrics["write_ns"] * 1e9)
        assert metrics["durable_ns"] >= metrics["write_ns"] > 0
        assert evidence["verified_bytes"] == MIB
        assert evidence["dirty_before_bytes"] >= 0
        writes, syncs = trial.histograms
        assert (writes.name, writes.count) == ("write", MIB // sizes[trial.case])
        assert (syncs.name, syncs.count) == ("sync", 1)
        assert writes.sum_ns <= metrics["write_ns"]
    assert not list(place.rglob("loadstone-*"))


def test_what_is_never_synced_has_no_time_to_durable(place: Path) -> None:
    for trial in _run(place, sync="none").trials:
        assert trial.status is Status.OK
        assert "durable_ns" not in trial.metrics
        assert [histogram.name for histogram in trial.histograms] == ["write"]


def test_syncs_are_counted_as_they_are_asked_for(place: Path) -> None:
    """256 writes: after each 100 of them, and after the last."""
    for trial in _run(place, size="4k", sync="every:100").trials:
        assert {one.name: one.count for one in trial.histograms} == {"write": 256, "sync": 3}


@needs_root
def test_root_sees_folios_and_all_their_bytes(place: Path) -> None:
    for trial in _run(place, size=["4k", "1m"]).trials:
        orders = {
            name: count for name, count in trial.evidence.items() if name.startswith("folio_order_")
        }
        assert sum(orders.values()) == trial.evidence["cached_after_bytes"] == MIB
        assert trial.evidence["folio_mean_bytes"] == MIB // trial.evidence["folios"]
        assert not trial.notes or "folio" not in trial.notes[0]


@needs_root
def test_without_rights_folios_are_unknown_and_never_a_guess(
    loadstone: Command, place: Path, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--set", "size=64k", "--set", "total=1m"),
        *("--rounds", "1", "--json", "--quiet"),
        before=as_nobody,
    )
    assert done.code == 0, done.err
    (case,) = json.loads(done.out)["cases"]
    assert case["evidence"]["folio_mean_bytes"] == -1
    assert not [name for name in case["evidence"] if name.startswith("folio_order_")]
    shown = loadstone("show", "last")
    assert "folio orders unknown: root may see them" in shown.out
    assert " unknown " in shown.out


@needs_root
@needs("mkfs.ext4")
def test_more_than_the_file_system_holds_is_refused_before_the_run(small_ext4: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"64 MiB are needed, and only .* free in"):
        loadstone.run("folio-write", directory=small_ext4, results=small_ext4 / "results")
    assert not list(small_ext4.rglob("loadstone-*"))


@needs_root
@needs("mkfs.ext4")
def test_a_file_system_that_runs_full_fails_the_trial_and_is_given_back(
    small_ext4: Path, tmp_path: Path
) -> None:
    prepared = PreparedWrite(
        LocalTarget(tmp_path), Subject(), str(small_ext4), str(small_ext4 / "loadstone-write")
    )
    case = _case(size=65536, total=64 * MIB)
    outcome = core.run_job(prepared.job(case))
    finding = prepared.judge(case, outcome)
    assert finding.status is Status.FAILED
    assert finding.reason is not None
    assert finding.reason.startswith("the file system ran full: write ")
    assert "No space left on device (ENOSPC)" in finding.reason
    assert "--set total" in (finding.remedy or "")
    assert not list(small_ext4.glob("loadstone-*"))


@needs_root
def test_a_run_that_is_killed_leaves_a_file_that_clean_removes(
    loadstone: Command, place: Path
) -> None:
    options = ("--set", "size=4k", "--set", "total=256m", "--set", "sync=every:1")
    process = loadstone.start("run", "folio-write", "--dir", place, *options)
    until(lambda: list(place.glob("loadstone-write-*")), "the file to be made")
    process.kill()
    process.communicate()
    until(lambda: not loadstone.jobs(), "the job to end")
    assert list(place.glob("loadstone-write-*"))
    assert loadstone("clean").code == 0
    assert not list(place.glob("loadstone-write-*"))


@pytest.mark.parametrize(
    ("code", "step", "status", "words", "remedy"),
    [
        (errno.EACCES, "create", Status.FAILED, "no file can be made here", "--dir"),
        (errno.ENOSPC, "fsync", Status.FAILED, "the file system ran full", "1048576 bytes"),
        (errno.EDQUOT, "O_DSYNC write", Status.FAILED, "the file system ran full", "total"),
        (errno.EOPNOTSUPP, "RWF_DONTCACHE write", Status.SKIPPED, "no RWF_DONTCACHE", "io="),
        (errno.EINVAL, "O_DIRECT open", Status.SKIPPED, "refuses O_DIRECT", "io=buffered"),
        (errno.EINVAL, "size for O_DIRECT", Status.SKIPPED, "multiple of 4096", "size=4096"),
        (errno.EBADMSG, "verify written", Status.FAILED, "wrong data", "do not trust"),
        (errno.EIO, "fsync", Status.FAILED, "the device failed", "dmesg"),
    ],
)
def test_what_goes_wrong_says_what_to_do(
    place: Path, code: int, step: str, status: Status, words: str, remedy: str
) -> None:
    error = CoreError(code=code, step=step, path="/d/loadstone-write", offset=4096)
    finding = _prepared(place).judge(_case(), Outcome(error=error))
    assert finding.status is status
    assert words in (finding.reason or "")
    assert remedy in (finding.remedy or "")


def test_an_overwrite_of_what_is_cached_is_invalid(place: Path) -> None:
    prepared, case = _prepared(place), _case(pattern="overwrite", size=65536)
    outcome = core.run_job(prepared.job(case))
    assert prepared.judge(case, outcome).status is Status.OK
    for found, words in ((4096, "not cold: 4 KiB"), (-errno.EPERM, "not known to be cold")):
        warm = {**outcome.values, "cached_before_bytes": found}
        finding = prepared.judge(case, Outcome(values=warm))
        assert (finding.status, (finding.reason or "").startswith(words)) == (Status.INVALID, True)


def test_a_write_larger_than_the_total_is_a_skip(place: Path) -> None:
    run = _run(place, size=["64k", "2m"])
    assert sorted(trial.status for trial in run.trials) == ["ok", "ok", "skipped"]
    skip = next(trial for trial in run.trials if trial.status is Status.SKIPPED)
    assert skip.remedy == "--set total=2MiB or more"


@pytest.mark.parametrize("sync", ["every:", "every:0", "every:x", "every:-1", "every:1.5"])
def test_a_sync_without_a_count_is_refused(sync: str) -> None:
    with pytest.raises(UsageError, match="sync: "):
        loadstone.run("folio-write", axes={"sync": sync})


@pytest.mark.parametrize("named", [{"file": "model.gguf"}, {"size": 4096}])
def test_no_file_of_the_user_is_taken(place: Path, named: dict[str, str | int]) -> None:
    with pytest.raises(UsageError, match="folio-write takes no --file and no --size"):
        loadstone.run("folio-write", results=place / "results", **named)  # type: ignore[arg-type]


def test_a_directory_that_refuses_files_is_told_before_the_run(place: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        loadstone.run("folio-write", directory=place / "none", results=place / "results")
    if os.geteuid() == 0:
        with pytest.raises(CannotMeasureError, match="/proc/loadstone-write"):
            loadstone.run(
                "folio-write", directory="/proc", axes={"total": 512}, results=place / "results"
            )


def test_every_default_case_has_a_label_and_an_id_of_its_own() -> None:
    chosen = workload("folio-write")
    cases, remarks = make_cases(chosen, chosen.default_cases())
    assert remarks == []
    assert [case.label for case in cases] == [
        f"{size} fresh" for size in ("4KiB", "16KiB", "64KiB", "256KiB", "1MiB")
    ]
    assert len({case.id for case in cases}) == len(cases)


def test_every_parameter_shows_in_the_label() -> None:
    choices: list[Mapping[str, Value]] = [
        {},
        {"size": 4096},
        {"total": 4 * MIB},
        *({"pattern": pattern} for pattern in ("overwrite", "append")),
        *({"sync": sync} for sync in ("none", "every:1", "every:16")),
        *({"io": io} for io in ("dontcache", "dsync", "direct")),
    ]
    cases, _ = make_cases(workload("folio-write"), choices)
    assert len({case.label for case in cases}) == len(cases) == len(choices)


def test_the_core_knows_every_parameter_and_every_choice() -> None:
    options = core.operation_options("folio-write")
    for parameter in workload("folio-write").parameters:
        kind, words = options[parameter.name]
        if parameter.kind is Kind.CHOICE:
            assert set(words) == {choice.removesuffix(":N") for choice in parameter.choices}
        else:
            assert kind == "number"
