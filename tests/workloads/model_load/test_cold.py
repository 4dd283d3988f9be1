"""A cold Trial is one by what the devices read; what proves nothing is no proof of the contrary."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import loadstone
from commands import MIB, NOBODY, Command, needs, needs_root, write_model
from devices import loop, mounted, run
from loadstone.core.file_extents import UNKNOWN, FileExtents
from loadstone.environment.memory_cgroup import memory_room
from loadstone.model import Fact, Outcome, Run, Status, Trial
from loadstone.provision.model_file import ModelFile
from loadstone.workloads.cold_reads.content import content_notes
from loadstone.workloads.model_load.cold import not_from_device, notes

_IMAGE_BYTES = {"ext4": 32 * MIB, "xfs": 320 * MIB, "btrfs": 128 * MIB}
ONCE = {"engine": "pread", "io": "buffered"}
ONE_TRIAL = ("--set", "engine=pread", "--set", "io=buffered", "--rounds", "1", "--warmups", "0")


def load(file: Path, results: Path) -> tuple[Run, Trial]:
    done = loadstone.run(file=file, axes=ONCE, rounds=1, warmups=0, results=results)
    (trial,) = done.trials
    return done, trial


@pytest.fixture(params=["ext4", "xfs", "btrfs"])
def fs(request: pytest.FixtureRequest, place: Path) -> Iterator[Path]:
    """A file system of a type on a loop device, with its image in the page cache."""
    kind = request.param
    image, at = place / f"{kind}.img", place / kind
    with image.open("wb") as stream:
        stream.truncate(_IMAGE_BYTES[kind])
    device = run("losetup", "--find", "--show", str(image))
    try:
        with mounted(device, at, kind):
            yield at
    finally:
        run("losetup", "--detach", device)


@needs_root
@needs("mkfs.xfs", "mkfs.btrfs", "fallocate")
def test_what_was_never_written_is_told_by_its_name(fs: Path, place: Path) -> None:
    model = fs / "model.gguf"
    subprocess.run(["fallocate", "-l", str(8 * MIB), model], check=True)
    done, trial = load(model, place / "results")
    assert trial.status is Status.OK, trial.reason
    assert any("8 MiB of it preallocated, never written" in note for note in trial.notes)
    assert done.manifest.environment.facts["file.unwritten_bytes"] == 8 * MIB


@needs_root
@needs("mkfs.btrfs")
def test_what_btrfs_has_compressed_is_told(place: Path) -> None:
    image, at = place / "image", place / "at"
    with loop(image, size_bytes=128 * MIB) as device, mounted(device, at, "btrfs"):
        run("mount", "-o", "remount,compress-force=zstd", str(at))
        write_words(at / "model.gguf")
        done, trial = load(at / "model.gguf", place / "results")
    check_compressed(done, trial)


@needs_root
@needs("mkfs.f2fs", "chattr")
def test_what_f2fs_has_compressed_is_told(place: Path) -> None:
    """Its blocks are reserved until somebody releases them: st_blocks says nothing."""
    features = "extra_attr,compression"
    with loop(place / "image", size_bytes=128 * MIB) as device:
        run("mkfs.f2fs", "-q", "-O", features, device)
        at = place / "at"
        at.mkdir()
        words = ["mount", "-t", "f2fs", "-o", "compress_algorithm=lz4", device, str(at)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if "unknown filesystem" in done.stderr:
            pytest.skip("this kernel has no F2FS; tests/lab/test_inside.py runs it where one is")
        assert not done.returncode, done.stderr
        try:
            run("chattr", "+c", str(at))
            write_words(at / "model.gguf")
            found = load(at / "model.gguf", place / "results")
        finally:
            run("umount", str(at))
    check_compressed(*found)


def write_words(file: Path) -> None:
    file.write_bytes(b"the same words over and over " * (8 * MIB // 29))


def check_compressed(done: Run, trial: Trial) -> None:
    assert trial.status is Status.OK, trial.reason
    assert any(note.startswith("compressed: ") for note in trial.notes)
    encoded = done.manifest.environment.facts["file.encoded_bytes"]
    assert isinstance(encoded, int)
    assert encoded > 7 * MIB


@needs_root
@needs("mkfs.erofs")
def test_what_erofs_has_compressed_is_told(place: Path) -> None:
    """FIEMAP has it as mapped; statx(2) tells."""
    (place / "content").mkdir()
    write_words(place / "content/model.gguf")
    run("mkfs.erofs", "-zlz4", "--quiet", str(place / "image"), str(place / "content"))
    (place / "at").mkdir()
    run("mount", "-t", "erofs", "-o", "loop,ro", str(place / "image"), str(place / "at"))
    try:
        _, trial = load(place / "at/model.gguf", place / "results")
    finally:
        run("umount", str(place / "at"))
    assert trial.status is Status.OK, trial.reason
    # Others may use the device meanwhile, which is told as well.
    (note,) = (note for note in trial.notes if not note.startswith("other I/O "))
    assert note.startswith("compressed: ")
    assert "MiB are not on the device" in note


@needs_root
def test_a_device_that_counts_nothing_is_no_proof_of_a_cache(place: Path) -> None:
    with loop(place / "image", size_bytes=32 * MIB) as device, mounted(device, place / "at") as at:
        model = write_model(at / "model.gguf", 8 * MIB)
        switch = Path("/sys/class/block") / Path(device).name / "queue/iostats"
        switch.write_text("0")
        try:
            done, trial = load(model, place / "results")
        finally:
            switch.write_text("1")
    assert trial.status is Status.OK, trial.reason
    assert any(f"{Path(device).name} counts nothing" in note for note in trial.notes)
    assert "block.read_bytes" not in trial.evidence
    assert done.manifest.environment.facts["block.iostats"] == 0


@needs_root
@needs("bindfs")
def test_behind_a_program_a_load_is_cold_as_far_as_linux_shows(place: Path) -> None:
    if not Path("/dev/fuse").exists():
        pytest.skip("this kernel has no FUSE: modprobe fuse")
    for name in ("from", "at"):
        (place / name).mkdir()
    write_model(place / "from/model.gguf", 2 * MIB)
    run("bindfs", str(place / "from"), str(place / "at"))
    try:
        done, trial = load(place / "at/model.gguf", place / "results")
    finally:
        run("umount", str(place / "at"))
    assert trial.status is Status.OK, trial.reason
    (note,) = trial.notes
    assert note.startswith("cold as far as Linux shows")
    assert f"fuse ({place / 'from'})" in note
    assert done.manifest.environment.facts["cache.unseen"] == f"fuse ({place / 'from'})"


@pytest.mark.alone
@needs_root
def test_an_image_that_stays_cached_below_makes_a_load_invalid(
    loadstone: Command, place: Path, as_nobody: tuple[str, ...]
) -> None:
    image = place / "image"
    with loop(image, size_bytes=64 * MIB) as device, mounted(device, place / "at") as at:
        model = write_model(at / "model.gguf", 32 * MIB)
        os.chown(model, NOBODY, NOBODY)
        os.sync()
        layer = f"the page cache of {image} below {Path(device).name}"
        said = ""
        # Somebody may drop all caches meanwhile; then the load is cold.
        for _ in range(5):
            if layer not in said:
                image.read_bytes()
                words = (*ONE_TRIAL, "--results", place / secrets.token_hex(4))
                done = loadstone("run", "--file", model, *words, before=as_nobody)
                lines = loadstone.trials(Path(words[-1]))
                assert lines, done.err
                said = lines[0].decode()
    assert layer in said, done.err
    # What others read of the disk meanwhile may have been the image: then it is only doubted.
    if "other I/O on the disk" not in said:
        assert done.code == 3
        assert '"status":"invalid"' in said
        assert "losetup --direct-io=on" in said


# The same by what the kernel's files would have told, for machines that are not this one.

USER: dict[str, Fact] = {"fs.type": "ext4", "block.name": "loop0", "user.is_root": False}
ROOT: dict[str, Fact] = {**USER, "user.is_root": True}
LOOP: dict[str, Fact] = {
    "disk.name": "vda",
    "image.fs_types": "ext4",
    "cache.below": "the page cache of /a.img below loop0",
}
PLAIN = FileExtents(plain_bytes=8 * MIB, hole_bytes=0, extents=1)
DROPPED = {"drop_caches": 1.0}
READ = {"block.read_bytes": 8.0 * MIB}
NO_DISK = {**READ, "disk.read_bytes": 0.0}


def file_of(extents: FileExtents = PLAIN, allocated_bytes: int = 8 * MIB) -> ModelFile:
    return ModelFile(
        path="/m",
        bytes=8 * MIB,
        allocated_bytes=allocated_bytes,
        inode=1,
        mtime_ns=1,
        checksums="/s",
        room=memory_room({"memory.available_bytes": 1 << 40}),
        crc32c=1,
        is_made=False,
        extents=extents,
    )


def notes_of(facts: dict[str, Fact], evidence: dict[str, float]) -> tuple[str, ...]:
    return notes(file_of(), facts, evidence, Outcome())


def test_what_the_lowest_disk_read_proves_a_load_cold() -> None:
    read = {**READ, "disk.read_bytes": 8.0 * MIB}
    assert not_from_device(file_of(), USER | LOOP, read) is None
    assert notes_of(USER | LOOP, read) == ()
    found = not_from_device(file_of(), USER | LOOP, NO_DISK)
    assert found is not None
    assert found[0] == (
        "the disk vda read only 0% of the file's bytes: the rest came from the page cache of "
        "/a.img below loop0"
    )


def test_an_image_on_what_may_compress_is_doubted_and_not_judged() -> None:
    facts = USER | LOOP | {"image.fs_types": "btrfs"}
    assert not_from_device(file_of(), facts, NO_DISK) is None
    (note,) = notes_of(facts, NO_DISK)
    assert note.startswith("cold but for the page cache of /a.img below loop0")
    assert notes_of(facts, NO_DISK | DROPPED) == ()


def test_a_disk_that_others_read_too_proves_nothing() -> None:
    busy = {**READ, "disk.read_bytes": 900.0 * MIB}
    assert not_from_device(file_of(), USER | LOOP, busy) is None
    shared, unproven = notes_of(USER | LOOP, busy)
    assert shared == "other I/O on the disk vda below"
    assert unproven.startswith("cold but for ")


def test_a_disk_that_counts_nothing_leaves_the_dropping_of_caches() -> None:
    assert notes_of(USER | LOOP, READ)[0].startswith("cold but for ")
    assert notes_of(ROOT | LOOP, READ | DROPPED) == ()


@pytest.mark.parametrize("evidence", [NO_DISK, {"block.read_bytes": 0.0}])
def test_root_is_never_told_to_be_root(evidence: dict[str, float]) -> None:
    for facts, dropped in ((ROOT, {}), (ROOT, DROPPED)):
        found = not_from_device(file_of(), facts | LOOP, evidence | dropped)
        assert found is not None
        assert "run as root" not in found[1]
    found = not_from_device(file_of(), USER | LOOP, evidence)
    assert found is not None
    assert "run as root" in found[1]


@pytest.mark.parametrize(
    ("extents", "kind"),
    [
        (FileExtents(plain_bytes=0, unwritten_bytes=8 * MIB), "ext4"),
        (FileExtents(plain_bytes=0, encoded_bytes=8 * MIB), "btrfs"),
        (FileExtents(plain_bytes=8 * MIB, is_dax=True), "xfs"),
        (UNKNOWN, "btrfs"),
        (PLAIN, "erofs"),
        (PLAIN, "bcachefs"),
    ],
)
def test_what_need_not_be_read_of_the_device_is_no_proof_of_a_cache(
    extents: FileExtents, kind: str
) -> None:
    facts = USER | {"fs.type": kind}
    assert not_from_device(file_of(extents), facts, {"block.read_bytes": 0.0}) is None


def test_the_part_that_is_on_the_device_is_judged_alone() -> None:
    half = file_of(FileExtents(plain_bytes=4 * MIB, unwritten_bytes=4 * MIB))
    assert not_from_device(half, USER, {"block.read_bytes": 4.0 * MIB}) is None
    assert not_from_device(half, USER, {"block.read_bytes": 2.0 * MIB}) is not None


def test_without_a_map_holes_are_those_that_stat_tells() -> None:
    sparse = file_of(UNKNOWN, allocated_bytes=4 * MIB)
    assert not_from_device(sparse, USER, {"block.read_bytes": 0.0}) is None
    assert content_notes(sparse)[0].startswith("sparse or compressed: 4 MiB are not on the device")
    assert content_notes(file_of(UNKNOWN)) == ()


def test_what_statx_calls_compressed_is_so_where_it_takes_fewer_blocks() -> None:
    """The attribute alone is a wish: btrfs and F2FS keep what does not get smaller as it is."""
    marked = FileExtents(plain_bytes=8 * MIB, hole_bytes=0, is_compressed=True)
    assert content_notes(file_of(marked)) == ()
    (note,) = content_notes(file_of(marked, allocated_bytes=MIB))
    assert note.startswith("compressed: 7 MiB are not on the device")


@pytest.mark.parametrize(
    ("extents", "beginning"),
    [
        (FileExtents(plain_bytes=MIB, hole_bytes=7 * MIB), "sparse: 7 MiB are not on the device"),
        (FileExtents(unwritten_bytes=3 * MIB), "3 MiB of it preallocated, never written"),
        (FileExtents(encoded_bytes=5 * MIB), "compressed: of 5 MiB"),
        (FileExtents(is_dax=True), "DAX: "),
    ],
)
def test_what_is_not_on_the_device_as_it_is_in_the_file_is_named(
    extents: FileExtents, beginning: str
) -> None:
    (note,) = content_notes(file_of(extents))
    assert note.startswith(beginning)
