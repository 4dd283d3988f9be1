"""compression with each file system that this kernel has."""

import json
import random
from pathlib import Path

import pytest

from commands import MIB, Command, needs, needs_root
from erofs import needs_erofs, needs_mkfs_erofs
from file_systems import needs_f2fs, needs_squashfs
from loadstone import run as run_workload
from loadstone.model import Case, Run, Status, Trial

pytestmark = [needs_root, pytest.mark.root, pytest.mark.usefixtures("nothing_is_left")]

_KIB = 1024
_TOTAL = 256 * _KIB
_BYTES = 4 * MIB + 5

OF_KERNELS = (
    pytest.param("f2fs", marks=needs_f2fs),
    pytest.param("erofs", marks=(needs_erofs, needs_mkfs_erofs)),
    pytest.param("squashfs", marks=needs_squashfs),
    pytest.param("btrfs", marks=needs("mkfs.btrfs")),
)


@pytest.fixture
def mixed(place: Path) -> Path:
    """Text, noise and zeros, so that clusters become each kind there is; the last is not whole."""
    drawn = random.Random(5)
    words = drawn.choices([b"memory ", b"page ", b"kernel ", b"zone "], k=500_000)
    text = b"".join(words)
    path = place / "mixed"
    path.write_bytes(text[: 2 * MIB] + drawn.randbytes(MIB) + bytes(MIB) + b"tail.")
    assert path.stat().st_size == _BYTES
    return path


def run_reads(place: Path, file: Path, **axes: object) -> Run:
    (place / "images").mkdir(exist_ok=True)
    return run_workload(
        "compression",
        axes={"total": _TOTAL, **axes},  # type: ignore[dict-item]
        file=str(file),
        directory=str(place / "images"),
        rounds=1,
        warmups=0,
        results=place / "results",
    )


def by_case(run: Run) -> list[tuple[Case, Trial]]:
    cases = {case.id: case for case in run.manifest.plan.cases}
    return [(cases[one.case], one) for one in run.trials]


@pytest.mark.parametrize("file_system", OF_KERNELS)
def test_each_pattern_is_cold_verified_and_counted(
    place: Path, mixed: Path, file_system: str
) -> None:
    run = run_reads(
        place,
        mixed,
        file_system=file_system,
        algorithm=["zstd" if file_system == "btrfs" else "lz4", "none"],
        pattern=["sequential", "random", "mmap"],
    )
    for case, one in by_case(run):
        assert one.status is Status.OK, one.reason
        assert one.evidence["cached_before_bytes"] == 0
        assert one.evidence["verified_bytes"] > 0
        assert one.metrics["amplification"] > 0
        # A third of it does not compress, and zeros and text do.
        is_compressed = case.parameters["algorithm"] != "none"
        assert (one.metrics["stored_ratio"] < 0.75) == is_compressed, case.label
        assert one.evidence["store_ns"] > 0


@needs_f2fs
def test_a_random_read_takes_a_cluster_of_f2fs_as_a_whole(place: Path, mixed: Path) -> None:
    run = run_reads(place, mixed, file_system="f2fs", cluster=["16k", "1m"], pattern="random")
    found = {case.parameters["cluster"]: one.metrics["amplification"] for case, one in by_case(run)}
    assert found[16 * _KIB] < 8 < 20 < found[MIB]


@pytest.mark.parametrize(
    ("file_system", "clusters", "algorithm", "level"),
    [
        pytest.param("f2fs", ("16KiB", "64KiB", "1MiB"), "lz4", 0, id="f2fs-lz4", marks=needs_f2fs),
        pytest.param("f2fs", ("16KiB",), "zstd", 3, id="f2fs-zstd", marks=needs_f2fs),
        pytest.param(
            "erofs",
            ("4KiB", "64KiB", "1MiB"),
            "lz4",
            0,
            id="erofs-lz4",
            marks=(needs_erofs, needs_mkfs_erofs),
        ),
    ],
)
def test_what_is_stored_is_what_layout_predicts(
    loadstone: Command,
    place: Path,
    mixed: Path,
    file_system: str,
    clusters: tuple[str, ...],
    algorithm: str,
    level: int,
) -> None:
    named = algorithm if not level else f"{algorithm}:{level}"
    done = loadstone("layout", mixed, "--algorithm", named, "--json", "--quiet")
    assert done.code == 0, done.err
    ((predicted,),) = ([one["layouts"] for one in json.loads(done.out)["algorithms"]],)
    layouts = {one["name"]: one for one in predicted}
    run = run_reads(
        place,
        mixed,
        file_system=file_system,
        cluster=list(clusters),
        algorithm=algorithm,
        level=level,
    )
    for case, one in by_case(run):
        kib = int(case.parameters["cluster"]) // _KIB
        layout = layouts[
            f"{file_system}:{kib // 1024}MiB" if kib >= 1024 else f"{file_system}:{kib}KiB"
        ]
        stored = one.evidence["stored_bytes"]
        if file_system == "erofs":
            assert stored == pytest.approx(layout["image_bytes"], rel=0.005), case.label
        else:
            blocks = -(-_BYTES // 4096) - one.evidence["saved_blocks"]
            most = -(-_BYTES // int(case.parameters["cluster"]))
            assert abs(blocks - layout["stored_bytes"] // 4096) <= most, case.label
            assert blocks <= stored / 4096 < blocks + 16


def test_what_a_file_system_does_not_have_is_a_skip_and_the_others_go_on(
    place: Path, mixed: Path
) -> None:
    run = run_reads(
        place,
        mixed,
        file_system=["btrfs", "squashfs"],
        algorithm=["lz4", "zstd"],
        cluster=["64k", "128k"],
    )
    found = {
        tuple(case.parameters[name] for name in ("file_system", "algorithm", "cluster")): one
        for case, one in by_case(run)
    }
    for cluster in (64 * _KIB, 128 * _KIB):
        one = found["btrfs", "lz4", cluster]
        assert (one.status, one.reason) == (Status.SKIPPED, "btrfs has no lz4")
        assert one.remedy == "--set algorithm=zstd"
    assert found["btrfs", "zstd", 64 * _KIB].status is Status.SKIPPED
    for one in found.values():
        assert one.status is Status.OK or (one.reason and one.remedy)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--size", "900t"), "are needed, and only"),
        (("--file", "images"), "is a directory"),
        (("--file", "nothing"), "cannot open"),
        (("--set", "io=direct"), "io: no such parameter"),
    ],
)
def test_what_cannot_be_stored_is_refused(
    loadstone: Command, place: Path, words: tuple[str, ...], complaint: str
) -> None:
    (place / "images").mkdir()
    done = loadstone(
        "run", "compression", *words, "--dir", "images", "--rounds", "1", "--warmups", "0"
    )
    assert done.code in (2, 3)
    assert complaint in done.complaint
