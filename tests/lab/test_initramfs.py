"""What a guest's kernel starts with: an archive that cpio reads, its modules in their order."""

import gzip
import lzma
import os
import re
import subprocess
from pathlib import Path

import pytest

from commands import needs
from loadstone.errors import CannotMeasureError
from loadstone.lab.initramfs import InitConfig, write_initramfs

BOOT = InitConfig(covered=("/var/tmp", "/var/log"))
BUILT_IN = {"echo", "[", "printf", "local"}
DEP = """\
kernel/virtio/virtio_pci.ko: kernel/virtio/virtio_ring.ko kernel/virtio/virtio.ko
kernel/virtio/virtio_ring.ko: kernel/virtio/virtio.ko
kernel/virtio/virtio.ko:
kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.gz
kernel/net/9p/9pnet.ko.gz:
kernel/fs/overlayfs/overlay.ko:
kernel/drivers/sound/unrelated.ko:
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A tree of them, each file holding its own name, packed as its ending says."""
    tree = tmp_path / "modules"
    for line in DEP.splitlines():
        file = tree / line.partition(":")[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        data = file.name.encode()
        match file.suffix:
            case ".xz":
                data = lzma.compress(data)
            case ".gz":
                data = gzip.compress(data)
        file.write_bytes(data)
    (tree / "modules.dep").write_text(DEP)
    return tree


def unpacked(modules: Path, boot: InitConfig = BOOT) -> Path:
    """The files of an initramfs, as busybox's cpio takes them out."""
    place = modules.parent / "out"
    place.mkdir()
    archive = modules.parent / "initramfs"
    write_initramfs(archive, modules, boot)
    with archive.open("rb") as stream:
        command = ["busybox", "cpio", "-i", "-d", "bin/*", "modules/*", "*.sh", "init"]
        subprocess.run(command, cwd=place, stdin=stream, check=True)
    return place


def told(place: Path, words: str) -> list[str]:
    """What the shell of a guest makes of what it is told of its boot."""
    command = ["busybox", "sh", "-c", f". ./boot.sh; {words}"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_module_comes_behind_those_that_it_needs_and_no_other_is_there(modules: Path) -> None:
    place = unpacked(modules)
    assert told(place, "printf '%s\\n' $modules") == [
        "virtio.ko",
        "virtio_ring.ko",
        "virtio_pci.ko",
        "9pnet.ko",
        "9p.ko",
    ]
    assert len(list((place / "modules").iterdir())) == 5


def test_modules_are_unpacked(modules: Path) -> None:
    place = unpacked(modules)
    assert (place / "modules/9p.ko").read_bytes() == b"9p.ko.xz"
    assert (place / "modules/9pnet.ko").read_bytes() == b"9pnet.ko.gz"
    assert (place / "modules/virtio.ko").read_bytes() == b"virtio.ko"


def test_overlayfs_is_there_only_where_a_directory_is_made_writable(modules: Path) -> None:
    boot = InitConfig(covered=(), writable="/lib")
    place = unpacked(modules, boot)
    assert (place / "modules/overlay.ko").exists()
    assert told(place, 'echo "$writable"') == ["/lib"]


def test_a_kernel_with_all_built_in_needs_none(tmp_path: Path) -> None:
    place = unpacked(tmp_path / "none")
    assert not (place / "modules").exists()
    assert told(place, 'echo "<$modules>"') == ["<>"]


def test_what_a_guest_covers_is_told(modules: Path) -> None:
    assert told(unpacked(modules), "echo $covered") == ["/var/tmp /var/log"]


def test_the_programs_that_init_calls_are_those_that_it_brings(modules: Path) -> None:
    place = unpacked(modules)
    assert os.access(place / "init", os.X_OK)
    brought = {path.name for path in (place / "bin").iterdir()}
    known = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    called = set(re.findall(r"^\s*(?:until port=\$\()?(\w+)", (place / "init").read_text(), re.M))
    assert {"mount", "insmod", "ln"} <= called
    assert called & set(known.stdout.split()) - BUILT_IN <= brought
    assert "switch_root" in brought


def test_a_module_that_is_not_there_is_named(modules: Path) -> None:
    (modules / "kernel/fs/9p/9p.ko.xz").unlink()
    with pytest.raises(CannotMeasureError, match=r"9p\.ko\.xz: No such file"):
        write_initramfs(modules.parent / "initramfs", modules, BOOT)


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".xz", b"no module"),
        (".gz", b"no module"),
        (".gz", gzip.compress(b"a module that was cut off", mtime=0)[:20]),
        pytest.param(".zst", b"no module", marks=needs("zstd")),
    ],
)
def test_a_damaged_module_is_named_with_the_remedy(modules: Path, suffix: str, data: bytes) -> None:
    (modules / "modules.dep").write_text(DEP.replace("9p.ko.xz", f"9p.ko{suffix}"))
    (modules / f"kernel/fs/9p/9p.ko{suffix}").write_bytes(data)
    with pytest.raises(CannotMeasureError, match=rf"uncompress .*9p\.ko\{suffix}: .+") as raised:
        write_initramfs(modules.parent / "initramfs", modules, BOOT)
    assert raised.value.remedy == "install or fetch the kernel again"
