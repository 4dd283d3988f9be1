"""model-load on file systems that keep less than they promise."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import loadstone
from commands import MIB, needs, needs_root, write_model
from loadstone import targets
from loadstone.model import Input, Status
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


@pytest.mark.parametrize(
    ("engine", "kept_bytes", "options", "is_valid"),
    [
        ("mmap", MIB, "rw", True),
        ("mmap", MIB // 2, "rw", False),
        ("mmap", 0, "rw", False),
        ("mmap", -1, "rw", True),
        ("mmap", 0, "rw;rw,dax=always", True),
        ("mmap-copy", 0, "rw", True),
    ],
)
def test_a_mapping_is_loaded_only_where_all_of_it_is_in_memory(
    tmp_path: Path, engine: str, kept_bytes: int, options: str, is_valid: bool
) -> None:
    chosen, results = workload("model-load"), tmp_path / "results"
    cases, _ = make_cases(chosen, [{"engine": engine, "cache": "as-is"}])
    input = Input(file=str(write_model(tmp_path / "model.gguf", MIB)))
    with (
        targets.connect("local", results) as target,
        Journal(results) as journal,
        chosen.prepare(target, input, cases, journal, lambda _: None) as prepared,
    ):
        places = vars(prepared)["_places"]
        facts = {**places["none"].facts, "fs.options": options}
        places["none"] = msgspec.structs.replace(places["none"], facts=facts)
        outcome = target.execute(prepared.job(cases[0]))
        found = {**outcome.values, "cached_after_bytes": kept_bytes}
        finding = prepared.evaluate(cases[0], msgspec.structs.replace(outcome, values=found))
    assert finding.status is (Status.OK if is_valid else Status.INVALID), finding.reason
    assert is_valid or (finding.reason or "").startswith("not loaded: only ")
