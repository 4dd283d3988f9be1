"""An image with its hash trees: where they lie, and the table over them."""

from pathlib import Path

import pytest

from commands import MIB, needs
from devices import run
from loadstone.errors import UsageError
from loadstone.model import Input
from loadstone.provision.device_mapper import MappedDevice
from loadstone.provision.verity_image import (
    DATA_BLOCK_BYTES,
    Fec,
    Layout,
    Tree,
    layout_of,
    verity_table,
)

IMAGE_BYTES = 4 * MIB


HASH_BLOCKS = (512, 1024, 2048, 4096)


@needs("veritysetup")
@pytest.mark.parametrize("hash_block", HASH_BLOCKS)
@pytest.mark.parametrize("blocks", [2, 15, 16, 17, 128, 129, 1024, 2049, 16384])
def test_a_tree_takes_what_veritysetup_writes(tmp_path: Path, blocks: int, hash_block: int) -> None:
    layout = Layout(file=None, image_bytes=blocks * DATA_BLOCK_BYTES, hash_blocks=HASH_BLOCKS)
    assert written_tree(tmp_path, layout, hash_block) == layout.tree_bytes(hash_block)


@needs("veritysetup")
def test_an_image_of_one_block_needs_no_tree_and_has_room_for_one(tmp_path: Path) -> None:
    """Its root is the hash of the block itself; a device of no size could not be made."""
    layout = Layout(file=None, image_bytes=DATA_BLOCK_BYTES, hash_blocks=(4096,))
    assert written_tree(tmp_path, layout, 4096) == 0
    assert layout.tree_bytes(4096) == 4096


def written_tree(directory: Path, layout: Layout, hash_block: int) -> int:
    """How large a file veritysetup makes of the hashes of an image."""
    data, hashes = directory / "data", directory / "hashes"
    with data.open("wb") as image:
        image.truncate(layout.image_bytes)
    run(
        *("veritysetup", "format", "--no-superblock", "--format=1", "--hash=sha256"),
        *(f"--hash-block-size={hash_block}", f"--data-block-size={DATA_BLOCK_BYTES}"),
        *(f"--data-blocks={layout.image_bytes // DATA_BLOCK_BYTES}", str(data), str(hashes)),
    )
    return hashes.stat().st_size


def test_trees_lie_behind_the_image_and_behind_each_other() -> None:
    layout = layout_of(Input(size_bytes=3 * MIB + 5), [4096, 512, 4096])
    assert layout.image_bytes == 3 * MIB + 4096
    assert layout.hash_blocks == (512, 4096)
    assert layout.tree_start(512) == layout.image_bytes
    assert layout.tree_start(4096) == layout.image_bytes + layout.tree_room(512)
    assert layout.device_bytes == layout.tree_start(4096) + layout.tree_bytes(4096)


def test_the_image_of_a_file_is_the_file_in_whole_blocks(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(bytes(5000))
    layout = layout_of(Input(file=str(file)), [4096])
    assert (layout.file, layout.image_bytes) == (str(file), 8192)
    with pytest.raises(UsageError, match="No such file or directory"):
        layout_of(Input(file=str(tmp_path / "none")), [4096])


def test_a_verity_table_is_what_the_kernel_documents() -> None:
    """Documentation/admin-guide/device-mapper/verity.rst, construction parameters."""
    layout = Layout(file=None, image_bytes=IMAGE_BYTES, hash_blocks=(1024,))
    tree = Tree(device=mapped("/dev/dm-1", "252:1"), root="ab" * 32, block_bytes=1024)
    words = verity_table(layout, mapped("/dev/dm-0", "252:0"), tree, ()).split()
    assert words[:3] == ["0", str(IMAGE_BYTES // 512), "verity"]
    assert words[3:12] == ["1", "252:0", "252:1", "4096", "1024", "1024", "0", "sha256", "ab" * 32]
    assert len(words) == 13
    optional = verity_table(layout, mapped("", "7:1"), tree, ("try_verify_in_tasklet",))
    assert optional.endswith(" 1 try_verify_in_tasklet")


def mapped(path: str, number: str) -> MappedDevice:
    return MappedDevice(name="loadstone-none", path=path, number=number, table="", mode="")


@needs("veritysetup")
@pytest.mark.parametrize("roots", [2, 8, 24])
@pytest.mark.parametrize("blocks", [2, 128, 1000, 2049])
def test_fec_takes_what_veritysetup_writes(tmp_path: Path, blocks: int, roots: int) -> None:
    layout = layout_of(
        Input(size_bytes=blocks * DATA_BLOCK_BYTES), [DATA_BLOCK_BYTES], fec_roots=[0, roots]
    )
    assert layout.fec_roots == (roots,)
    data, hashes, fec = (tmp_path / name for name in ("data", "hashes", "fec"))
    data.write_bytes(bytes(layout.image_bytes))
    run(
        *("veritysetup", "format", "--no-superblock", "--format=1", "--hash=sha256"),
        *(f"--fec-device={fec}", f"--fec-roots={roots}", str(data), str(hashes)),
    )
    assert fec.stat().st_size == layout.fec_bytes(roots)


def test_fec_lies_behind_the_tree_and_is_in_the_table() -> None:
    layout = layout_of(Input(size_bytes=MIB), [DATA_BLOCK_BYTES], fec_roots=[24, 2])
    assert layout.fec_covered_blocks == 256 + 3
    assert layout.fec_start(2) == layout.image_bytes + 3 * DATA_BLOCK_BYTES
    assert layout.fec_start(24) == layout.fec_start(2) + layout.fec_bytes(2)
    assert layout.device_bytes == layout.fec_start(24) + layout.fec_bytes(24)
    data, hashes, fec = (
        MappedDevice(name="", path="", number=f"253:{number}", table="", mode="")
        for number in range(3)
    )
    tree = Tree(device=hashes, root="ab", block_bytes=4096)
    table = verity_table(layout, data, tree, ("ignore_zero_blocks",), Fec(device=fec, roots=24))
    assert table.startswith("0 2048 verity 1 253:0 253:1 4096 4096 256 0 sha256 ab ")
    assert table.endswith(
        " 9 ignore_zero_blocks use_fec_from_device 253:2 fec_roots 24 fec_blocks 259 fec_start 0"
    )
