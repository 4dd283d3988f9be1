"""Loads from images that are made of the model: EROFS and F2FS, compressed or not."""

from pathlib import Path

import pytest

import loadstone
from commands import MIB, needs_root
from erofs import needs_erofs, needs_mkfs_erofs
from file_systems import needs_f2fs
from loadstone.core.explain import explain
from loadstone.model import Case, CoreError, Run, Status, Trial
from loadstone.workloads import make_cases, workload
from loadstone.workloads.model_load.errors import RULES
from loadstone.workloads.model_load.images import IMAGES, image_of

LOAD = workload("model-load")
COMPRESSED = tuple(name for name in IMAGES if ":" in name)


def load(place: Path, file: Path | None = None, **axes: object) -> dict[tuple[object, ...], Trial]:
    """By image, engine and io."""
    run: Run = loadstone.run(
        axes={"engine": "pread", **axes},  # type: ignore[dict-item]
        file=None if file is None else str(file),
        size=None if file else 8 * MIB,
        directory=str(place),
        rounds=1,
        warmups=0,
        results=place / "results",
    )
    cases = {case.id: case.parameters for case in run.manifest.plan.cases}
    return {
        tuple(cases[one.case][name] for name in ("image", "engine", "io")): one
        for one in run.trials
    }


def is_cold_and_told(trial: Trial, is_compressed: bool) -> None:
    assert trial.status is Status.OK, trial.reason
    evidence = trial.evidence
    assert evidence["cached_before_bytes"] == 0
    assert evidence["verified_bytes"] == 8 * MIB
    assert (evidence["stored_ratio"] < 0.8) == is_compressed
    # All that is stored is read of the image's own device: nothing of it was in memory.
    assert evidence["amplification"] >= 0.98 * evidence["stored_ratio"]


@pytest.mark.root
@needs_root
@needs_mkfs_erofs
@needs_erofs
@pytest.mark.usefixtures("nothing_is_left")
def test_a_model_is_loaded_cold_from_erofs(place: Path) -> None:
    images = ["none", "erofs", "erofs:4k", "erofs:64k"]
    found = load(
        place,
        image=images,
        engine=["pread", "mmap", "uring"],
        io=["buffered", "direct", "dontcache"],
        depth=1,
    )
    for (image, engine, io), one in found.items():
        if image == "none" or (engine == "mmap" and io != "buffered"):
            assert "stored_ratio" not in one.evidence
        elif io == "dontcache":
            assert one.status is Status.SKIPPED
            assert "neither EROFS nor F2FS reads with RWF_DONTCACHE" in (one.reason or "")
        elif io == "direct" and image != "erofs":
            assert one.status is Status.SKIPPED
            assert "EROFS opens no compressed file with O_DIRECT" in (one.reason or "")
        else:
            is_cold_and_told(one, is_compressed=image != "erofs")


@pytest.mark.root
@needs_root
@needs_f2fs
@pytest.mark.usefixtures("nothing_is_left")
def test_a_model_is_loaded_cold_from_f2fs(place: Path) -> None:
    found = load(
        place,
        image=["f2fs", "f2fs:16k", "f2fs:64k"],
        engine=["pread", "mmap-copy"],
        io=["buffered", "direct", "dontcache"],
    )
    for (image, engine, io), one in found.items():
        if io == "buffered" or (io == "direct" and image == "f2fs" and engine == "pread"):
            is_cold_and_told(one, is_compressed=image != "f2fs")
        else:
            assert one.status is Status.SKIPPED, (image, engine, io)
    assert "through the page cache" in (found["f2fs:16k", "pread", "direct"].reason or "")
    assert "RWF_DONTCACHE" in (found["f2fs", "pread", "dontcache"].reason or "")


@pytest.mark.root
@needs_root
@needs_mkfs_erofs
@needs_erofs
@pytest.mark.usefixtures("nothing_is_left")
def test_what_has_no_room_or_no_f2fs_is_a_skip_and_the_others_go_on(place: Path) -> None:
    model = place / "model.gguf"
    model.write_bytes(b"weights " * (MIB // 8))
    found = load(place, file=model, image=["none", "erofs:4k", "f2fs:16k"])
    assert found["none", "pread", "direct"].status is Status.OK
    stored = found["erofs:4k", "pread", "buffered"]
    assert stored.status is Status.OK, stored.reason
    assert stored.evidence["stored_ratio"] < 0.1
    other = found["f2fs:16k", "pread", "buffered"]
    assert other.status in (Status.OK, Status.SKIPPED)
    assert other.status is Status.OK or other.remedy
    assert model.read_bytes() == b"weights " * (MIB // 8)


def test_from_an_image_the_default_is_to_read_through_the_page_cache() -> None:
    for image in IMAGES:
        values, remarks = LOAD.complete({"image": image, "engine": "uring"})
        assert values["io"] == "buffered"
        assert remarks == []
        assert LOAD.label(values).endswith(f"from {image}")
    assert LOAD.complete({"engine": "uring"})[0]["io"] == "direct"


def test_a_case_of_before_there_were_images_is_the_same_case() -> None:
    (case,), _ = make_cases(LOAD, [{"engine": "pread"}])
    kept = {name: value for name, value in case.parameters.items() if name != "image"}
    before = Case.of(case.workload, case.label, kept, {"export", "fill", "pressure", "again"})
    assert before.id == case.id
    assert image_of(before) == "none"


@pytest.mark.parametrize("image", COMPRESSED)
def test_what_a_compressed_file_has_not_is_named(image: str) -> None:
    values = {"image": image, "engine": "pread", "destination": "anon"}
    for step, code, words in (
        ("O_DIRECT open", 22, "EROFS opens no compressed file" if "erofs" in image else ""),
        ("RWF_DONTCACHE read", 95, "neither EROFS nor F2FS"),
    ):
        found = explain(CoreError(code=code, step=step, path="/m", offset=0), values, RULES)
        assert found.status is Status.SKIPPED
        assert words in (found.reason or "")
        assert found.remedy
