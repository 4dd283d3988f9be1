"""erofs-read on images that are made for the Run, and on the user's own."""

import os
import random
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from commands import MIB, Command, needs_root, until
from erofs import damage, make_image, needs_erofs, needs_mkfs_erofs
from loadstone import run as run_workload
from loadstone.errors import ExitCode, LoadstoneError
from loadstone.model import Input, Run, Status, Trial
from loadstone.provision.image_source import source_of
from loadstone.provision.journal import Journal
from loadstone.provision.module_parameters import is_module, module_parameters
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.erofs_read.images import Image, images_of

pytestmark = [
    needs_root,
    needs_mkfs_erofs,
    needs_erofs,
    pytest.mark.root,
    pytest.mark.usefixtures("nothing_is_left"),
]

_ONCE = ("--rounds", "1", "--warmups", "0", "--quiet")


def run_reads(place: Path, *, file: Path | None = None, **axes: object) -> Run:
    return run_workload(
        "erofs-read",
        axes={"total": MIB, **axes},  # type: ignore[dict-item]
        file=None if file is None else str(file),
        size=None if file else 4 * MIB,
        directory=str(place / "images"),
        rounds=1,
        warmups=0,
        results=place / "results",
    )


def trials(run: Run, *names: str) -> dict[tuple[object, ...], Trial]:
    """By their Cases' values of some parameters."""
    cases = {case.id: case for case in run.manifest.plan.cases}
    return {tuple(cases[one.case].parameters[name] for name in names): one for one in run.trials}


@pytest.fixture(autouse=True)
def images(place: Path) -> Path:
    """Where images are made, apart from what they are made of."""
    (place / "images").mkdir()
    return place / "images"


@pytest.fixture
def tree(place: Path) -> Path:
    """A directory: a small file, and a larger one that compresses; links and odd names."""
    tree = place / "tree"
    (tree / "below").mkdir(parents=True)
    words = random.Random(7).choices([b"memory ", b"page ", b"kernel ", b"zone "], k=600_000)
    (tree / "below" / "large text").write_bytes(b"".join(words)[: 2 * MIB + 5])
    (tree / "small").write_bytes(b"small")
    os.link(tree / "small", tree / "again")
    (tree / "loop").symlink_to("loop")
    (tree / os.fsdecode(b"no-utf-8-\xff")).write_bytes(b"x")
    return tree


def test_each_pattern_of_each_image_is_cold_verified_and_counted(place: Path) -> None:
    run = run_reads(
        place,
        algorithm=["lz4", "none"],
        pcluster=[4096, 65536],
        pattern=["sequential", "random", "mmap"],
        cache_strategy=["readaround", "disabled"],
    )
    found = trials(run, "algorithm", "pcluster", "pattern", "cache_strategy")
    assert {one.status for one in found.values()} == {Status.OK}
    for (algorithm, pcluster, pattern, cache_strategy), one in found.items():
        evidence = one.evidence
        assert evidence["cached_before_bytes"] == 0
        assert evidence["verified_bytes"] > 0
        assert one.metrics["amplification"] > 0
        assert one.metrics["throughput"] > 0
        assert (evidence["stored_ratio"] < 0.7) == (algorithm == "lz4")
        # Without a cache a cluster is read again for each window of read-ahead that it lies in.
        if (algorithm, pattern, cache_strategy) == ("lz4", "sequential", "readaround"):
            assert one.metrics["amplification"] < 1
        # Each read of 4 KiB takes clusters as a whole.
        if algorithm == "lz4" and pcluster == 65536 and pattern == "random":
            assert one.metrics["amplification"] > 2


def test_read_ahead_is_of_the_device_below(place: Path) -> None:
    run = run_reads(place, algorithm="none", pattern="mmap", read_ahead=[0, 1 << 20], total=65536)
    found = {key[0]: one.metrics["amplification"] for key, one in trials(run, "read_ahead").items()}
    assert found[0] < 2 < found[1 << 20]


def test_what_mkfs_or_the_kernel_lacks_is_a_skip_and_the_others_go_on(place: Path) -> None:
    run = run_reads(place, algorithm=["lz4", "zstd"], level=[0, 99], options=["none", "dedupe"])
    found = trials(run, "algorithm", "level", "options")
    assert found["lz4", 0, "none"].status is Status.OK
    assert found["zstd", 99, "none"].status is Status.SKIPPED
    for one in found.values():
        if one.status is Status.SKIPPED:
            assert one.reason
            assert one.remedy


def test_pages_are_reserved_by_loading_the_module_anew_and_it_is_put_back(
    loadstone: Command, place: Path, tree: Path
) -> None:
    before = module_parameters("erofs")
    run = run_reads(place, pattern="random", reserved_pages=[0, 64], trace=True)
    found = {key[0]: one for key, one in trials(run, "reserved_pages").items()}
    assert module_parameters("erofs") == before
    if not is_module("erofs") or "reserved_pages" not in before:
        why = "is built into" if "reserved_pages" in before else "has no parameter"
        assert found[64].status is Status.SKIPPED
        assert why in (found[64].reason or "")
        return
    for one in found.values():
        assert one.status is Status.OK, one.reason
        # One at least for each read's own cluster.
        assert one.evidence["traced_calls"] > MIB // 4096 // 4
        assert one.metrics["allocation_ns"] == one.evidence["traced_calls_ns"] > 0
    _in_use_it_is_a_skip(place, tree)
    _killed_it_is_cleaned(loadstone, place)
    assert module_parameters("erofs") == before


def _in_use_it_is_a_skip(place: Path, tree: Path) -> None:
    """Somebody else has an image mounted, and keeps it."""
    image, point = make_image(place / "image", tree, "-zlz4"), place / "mounted"
    point.mkdir()
    subprocess.run(["mount", "-t", "erofs", "-o", "loop", image, point], check=True)
    try:
        run = run_reads(place, reserved_pages=[0, 64])
    finally:
        subprocess.run(["umount", point], check=True)
    found = {key[0]: one for key, one in trials(run, "reserved_pages").items()}
    assert found[0].status is Status.OK, found[0].reason
    assert found[64].status is Status.SKIPPED
    assert "Module erofs is in use" in (found[64].reason or "")
    assert "unmount it" in (found[64].remedy or "")


def _killed_it_is_cleaned(loadstone: Command, place: Path) -> None:
    words = ("run", "erofs-read", "--size", "4m", "--set", "reserved_pages=64", "--rounds", "50")
    process = loadstone.start(*words, "--set", "total=1m", "--dir", place / "images", "--quiet")
    until(
        lambda: module_parameters("erofs").get("reserved_pages") == "64",
        "EROFS to be loaded anew",
        limit_s=120,
    )
    process.kill()
    process.wait()
    done = loadstone("clean")
    assert done.code == 0, done.out + done.err


def test_a_directory_is_read_by_its_largest_file(place: Path, tree: Path) -> None:
    (one,) = run_reads(place, file=tree, options="ztailpacking").trials
    assert one.status is Status.OK, one.reason
    assert one.evidence["file_bytes"] == 2 * MIB + 5
    assert one.evidence["verified_bytes"] == MIB


def test_a_file_and_an_image_of_the_users_are_read_and_left_alone(place: Path, tree: Path) -> None:
    image = make_image(place / "image", tree, "-zlz4hc", "-C65536")
    image.chmod(0o400)
    before = image.read_bytes()
    run = run_reads(place, file=image, algorithm=["as-is", "lz4"], pattern=["sequential", "random"])
    found = trials(run, "algorithm", "pattern")
    for pattern in ("sequential", "random"):
        one = found["as-is", pattern]
        assert one.status is Status.OK, one.reason
        assert one.evidence["file_bytes"] == 2 * MIB + 5
        assert "not verified" in one.notes[0]
        assert found["lz4", pattern].status is Status.SKIPPED
        assert found["lz4", pattern].remedy == "--set algorithm=as-is"
    assert image.read_bytes() == before
    (one, other) = run_reads(
        place, file=tree / "below" / "large text", algorithm=["lz4", "as-is"]
    ).trials
    assert {one.status, other.status} == {Status.OK, Status.SKIPPED}


def test_a_corrupt_image_fails_with_the_offset_and_exit_4(
    loadstone: Command, place: Path, tree: Path
) -> None:
    image = make_image(place / "image", tree, "-zlz4", "-C4096")
    size = image.stat().st_size
    damage(image, size // 2 // 4096 * 4096, b"\xff" * 4096 * 8)
    words = ("run", "erofs-read", "--file", image, "--dir", place / "images", *_ONCE)
    done = loadstone(*words, "--set", "algorithm=as-is", "--set", "total=2m")
    assert done.code == 4, done.out + done.err
    assert "corrupt" in done.out
    # Of the first page that cannot be had, which is none of the first block that was asked for.
    (offset,) = re.findall(r"text at (\d+): ", " ".join(done.out.split()))
    assert 0 < int(offset) < 2 * MIB
    assert int(offset) % 4096 == 0
    done = loadstone(
        *(*words, "--set", "algorithm=as-is", "--set", "total=2m", "--set", "pattern=mmap")
    )
    assert done.code == 4, done.out + done.err
    assert "a page of the file could not be read" in done.out


def test_an_image_that_holds_other_data_than_its_source_ends_the_run(
    place: Path, tree: Path, images: Path
) -> None:
    target, said = LocalTarget(place / "results"), list[str]()
    cases, _ = make_cases(workload("erofs-read"), [{"pcluster": 65536}])
    with (
        Journal(place / "results") as journal,
        source_of(target, Input(file=str(tree)), journal, images, 1, said.append) as source,
    ):
        with images_of(target, journal, images, source, cases, said.append) as found:
            assert {one.file for one in found.values() if isinstance(one, Image)} == {
                "below/large text"
            }
        other = msgspec.structs.replace(source, crc32c=source.crc32c ^ 1)
        with (
            pytest.raises(LoadstoneError, match="wrong data: the file in an EROFS image") as caught,
            images_of(target, journal, images, other, cases, said.append),
        ):
            pass
    assert caught.value.exit_code is ExitCode.FAILED
    assert caught.value.remedy


def test_an_image_that_cannot_be_mounted_is_a_skip(place: Path, tree: Path) -> None:
    image = make_image(place / "image", tree)
    damage(image, 1024 + 12, b"\x10")
    (one,) = run_reads(place, file=image, algorithm="as-is").trials
    assert one.status is Status.SKIPPED
    assert "blocks of 65536 bytes, and pages have" in (one.reason or "")
    damage(image, 1024 + 12, b"\x0c")
    damage(image, 1024 + 80, b"\x00\x00\x00\x40")
    (one,) = run_reads(place, file=image, algorithm="as-is").trials
    assert one.status is Status.SKIPPED
    assert "mount -t erofs" in (one.reason or "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--size", "900t"), "are needed, and only"),
        (("--file", "tree"), "holds the directory that its images are made in"),
        (("--file", "tree/empty"), "holds no file with something in it"),
        (("--file", "nothing"), "cannot open"),
        (("--set", "io=direct"), "io: no such parameter"),
    ],
)
def test_what_cannot_be_imaged_is_refused(
    loadstone: Command, place: Path, words: tuple[str, ...], complaint: str
) -> None:
    (place / "tree" / "images").mkdir(parents=True)
    (place / "tree" / "empty").mkdir()
    (place / "tree" / "file").write_bytes(b"x" * MIB)
    where = "tree/images" if words[-1] == "tree" else "images"
    done = loadstone("run", "erofs-read", *words, "--dir", where, *_ONCE)
    assert done.code in (2, 3)
    assert complaint in done.complaint
