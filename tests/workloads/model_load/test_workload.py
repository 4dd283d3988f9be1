"""model-load on file systems that keep less than they promise, and what its Cases are."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import loadstone
from commands import MIB, needs, needs_root, write_model
from loadstone import targets
from loadstone.core import native
from loadstone.model import Input, Kind, Status
from loadstone.provision.journal import Journal
from loadstone.workloads import make_cases, workload


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    image, at = tmp_path / "btrfs.img", tmp_path / "btrfs"
    at.mkdir()
    with image.open("wb") as stream:
        stream.truncate(256 * MIB)
    subprocess.run(["mkfs.btrfs", "--quiet", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


@needs_root
@needs("mkfs.btrfs")
def test_a_direct_load_that_went_through_the_page_cache_is_invalid(
    btrfs: Path, tmp_path: Path
) -> None:
    model = write_model(btrfs / "model.gguf", 8 * MIB)
    run = loadstone.run(
        file=model, axes={"engine": "pread", "overlap": [0, "1m"]}, rounds=2, results=tmp_path / "r"
    )
    overlaps = {case.id: case.parameters["overlap"] for case in run.manifest.plan.cases}
    for trial in run.trials:
        went_through_cache = trial.evidence["cached_after_bytes"] > 0.01 * 8 * MIB
        assert (trial.status is Status.INVALID) == went_through_cache, trial.reason
        if went_through_cache:
            assert "not direct" in (trial.reason or "")
            assert "overlap" in (trial.remedy or "")
        if overlaps[trial.case]:
            assert trial.status is Status.OK, trial.reason


def test_a_warm_load_that_found_a_page_missing_is_invalid(tmp_path: Path) -> None:
    chosen, results = workload("model-load"), tmp_path / "results"
    cases, _ = make_cases(chosen, [{"engine": "pread", "io": "buffered", "cache": "warm"}])
    input = Input(file=str(write_model(tmp_path / "model.gguf", MIB)))
    with (
        targets.connect("local", results) as target,
        Journal(results) as journal,
        chosen.prepare(target, input, cases, journal, lambda _: None) as prepared,
    ):
        outcome = target.execute(prepared.job(cases[0]))
        found = {**outcome.values, "cached_before_bytes": MIB - 4096}
        finding = prepared.evaluate(cases[0], msgspec.structs.replace(outcome, values=found))
    assert finding.status is Status.INVALID
    assert finding.reason == "not warm: 4 KiB of the file were not in the page cache"


def test_parameters_without_meaning_make_no_cases_of_their_own() -> None:
    choices = [{"engine": "pread", "depth": depth} for depth in (1, 8, 32)]
    cases, remarks = make_cases(workload("model-load"), choices)
    assert len(cases) == 1
    assert remarks == ["depth has no meaning for engine pread: left out there"]


def test_every_default_case_has_a_label_and_an_id_of_its_own() -> None:
    chosen = workload("model-load")
    cases, remarks = make_cases(chosen, chosen.default_cases())
    assert remarks == []
    assert len({case.label for case in cases}) == len({case.id for case in cases}) == len(cases)
    assert len(cases) == len(chosen.default_cases())


def test_an_id_stays_the_same_from_release_to_release() -> None:
    """Runs are compared by it, so a changed id loses every earlier Run."""
    cases, _ = make_cases(workload("model-load"), [{"engine": "mmap-copy"}, {"engine": "uring"}])
    assert [case.id for case in cases] == ["105f248d", "3fd27f4b"]


def test_the_core_knows_every_parameter_and_every_choice() -> None:
    """Names stand in Python for people and in C for the device: they may not drift apart."""
    options = native.operation_options("model-load")
    for parameter in workload("model-load").parameters:
        kind, words = options[parameter.name]
        if parameter.kind is Kind.CHOICE:
            assert set(words) == {choice.removesuffix(":NAME") for choice in parameter.choices}
        else:
            assert kind == ("choice" if parameter.kind is Kind.FLAG else "number")
