"""What lies in an image of a file system, and images that nothing shows the files of."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from commands import MIB, Command, needs_root
from erofs import damage, make_image, needs_erofs, needs_mkfs_erofs
from file_systems import needs_f2fs
from loadstone.errors import UsageError
from loadstone.layout.image import kind_of
from loadstone.layout.survey import LayoutSummary

pytestmark = pytest.mark.usefixtures("nothing_is_left")

_SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@pytest.fixture
def tree(place: Path) -> Path:
    """A directory: a text, and a name that is no UTF-8."""
    tree = place / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "text").write_bytes(b"".join(b"line %d of a text\n" % one for one in range(9000)))
    Path(os.fsdecode(bytes(tree) + b"/below/\xff")).write_bytes(os.urandom(5000))
    return tree


def looked_at(loadstone: Command, *words: str | Path) -> LayoutSummary:
    done = loadstone("layout", "--json", *words)
    assert (done.code, done.err) == (0, "")
    return msgspec.json.decode(done.out, type=LayoutSummary)


def made(image: Path, tree: Path, kind: str) -> Path:
    """An image of one of the kinds."""
    if kind == "erofs":
        return make_image(image, tree, "-zlz4")
    program = {"ext4": "mkfs.ext4", "squashfs": "mksquashfs", "f2fs": "mkfs.f2fs"}[kind]
    if shutil.which(program, path=_SBIN) is None:
        pytest.skip(f"no {program} here: apt-get install e2fsprogs squashfs-tools f2fs-tools")
    commands: dict[str, list[str | Path]] = {
        "ext4": ["mkfs.ext4", "-q", "-d", tree, image],
        "squashfs": ["mksquashfs", tree, image, "-quiet", "-no-progress"],
        "f2fs": ["mkfs.f2fs", "-q", image],
    }
    if kind != "squashfs":
        image.touch()
        os.truncate(image, 64 * MIB)
    environment = {**os.environ, "PATH": _SBIN}
    subprocess.run(commands[kind], check=True, capture_output=True, env=environment)
    if kind == "f2fs":
        point = image.with_name("point")
        point.mkdir()
        subprocess.run(["mount", "-o", "loop", image, point], check=True)
        shutil.copytree(tree, point, dirs_exist_ok=True)
        subprocess.run(["umount", point], check=True)
    return image


@needs_root
@needs_erofs
@needs_mkfs_erofs
@pytest.mark.root
@pytest.mark.parametrize(
    "kind", ["erofs", "ext4", "squashfs", pytest.param("f2fs", marks=needs_f2fs)]
)
def test_its_files_are_looked_at_and_it_stays_as_it_is(
    loadstone: Command, place: Path, tree: Path, kind: str
) -> None:
    image = made(place / "an image", tree, kind)
    image.chmod(0o400)
    before = image.read_bytes()
    assert kind_of(image) == kind
    found, there = looked_at(loadstone, image), looked_at(loadstone, tree)
    assert found.paths == (str(image),)
    assert (found.files, found.file_bytes) == (there.files, there.file_bytes)
    rows = [[one.stored_bytes for one in each.algorithms[0].layouts] for each in (found, there)]
    assert rows[0] == rows[1]
    assert image.read_bytes() == before
    both = looked_at(loadstone, image, tree / "text", "--sizes-only")
    assert both.paths == (str(image), str(tree / "text"))
    assert both.files == 3
    alone = looked_at(loadstone, image, "--no-mount", "--sizes-only")
    assert (alone.files, alone.directories, alone.file_bytes) == (1, 0, len(before))


@needs_root
@needs_erofs
@needs_mkfs_erofs
@pytest.mark.root
def test_what_cannot_be_mounted_is_said(
    loadstone: Command, place: Path, tree: Path, as_nobody: tuple[str, ...]
) -> None:
    image = make_image(place / "image", tree)
    done = loadstone("layout", image, before=as_nobody)
    assert done.code == 3
    assert done.complaint.startswith(f"{image} is an image of erofs, and mounting it")
    assert "run as root; --no-mount counts" in done.complaint
    assert looked_at(loadstone, image, "--no-mount").files == 1
    # Of a feature that no kernel has.
    damage(image, 1024 + 80, b"\x00\x00\x00\x40")
    done = loadstone("layout", image)
    assert done.code == 3
    assert done.complaint.startswith(f"{image} is an image of erofs, and cannot be mounted: mount ")
    assert "see dmesg for what erofs says" in done.complaint


@needs_root
@needs_erofs
@needs_mkfs_erofs
@pytest.mark.root
def test_what_cannot_be_read_of_it_is_told_by_its_name(
    loadstone: Command, place: Path, tree: Path
) -> None:
    (tree / "text").write_bytes(b"".join(b"%d " % one for one in range(400_000)))
    image = make_image(place / "image", tree, "-zlz4")
    damage(image, MIB // 4096 * 4096, b"\xff" * 4096 * 8)
    found = looked_at(loadstone, image)
    assert found.files == 1
    (unseen,) = found.unseen
    assert unseen.example == f"{image}/text"


def test_androids_sparse_images_are_told_from_others(place: Path) -> None:
    image = place / "super.img"
    image.write_bytes(b"\x3a\xff\x26\xed" + bytes(4092))
    with pytest.raises(UsageError, match="sparse images") as caught:
        kind_of(image)
    assert "simg2img" in (caught.value.remedy or "")
    image.write_bytes(bytes(8192))
    assert kind_of(image) is None
    assert kind_of(place) is None
    assert kind_of(place / "absent") is None
