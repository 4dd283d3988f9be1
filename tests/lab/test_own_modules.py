"""What ``--module`` may name, and the tree that a guest loads it from."""

import lzma
import subprocess
from pathlib import Path

import pytest

from commands import needs
from lab.archive import write_image
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.initramfs import InitConfig, write_initramfs
from loadstone.lab.kernels import Kernel, OwnModule
from loadstone.lab.module_file import read_module
from loadstone.lab.own_modules import own_facts, stage_own, with_modules

R = "6.6.6-own"

pytestmark = needs("gcc", "depmod", "modinfo")


def write(path: Path, depends: str = "", text: str = "") -> Path:
    """An object file that modinfo takes for a module."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name.partition(".")[0].replace("-", "_")
    info = f'"vermagic={R} \\0name={name}\\0depends={depends}\\0{text}"'
    source = f'const char info[] __attribute__((section(".modinfo"), used)) = {info};\n'
    compiler = ["gcc", "-x", "c", "-c", "-o", str(path), "-"]
    subprocess.run(compiler, input=source.encode(), check=True)
    return path


@pytest.fixture
def kernel(place: Path) -> Kernel:
    """With the stock modules ``dm-verity``, which needs ``dm-bufio``, and ``loop`` built in."""
    modules = place / "root/lib/modules" / R
    write(modules / "kernel/dm-bufio.ko")
    write(modules / "kernel/dm-verity.ko", "dm-bufio")
    (modules / "modules.order").touch()
    (modules / "modules.builtin").write_text("kernel/drivers/block/loop.ko\n")
    # depmod finds what a module needs by its symbols, and these have none.
    bufio = "kernel/dm-bufio.ko"
    (modules / "modules.dep").write_text(f"{bufio}:\nkernel/dm-verity.ko: {bufio}\n")
    image = write_image(place / "vmlinuz", R)
    return Kernel(name="own", release=R, image=image, modules=modules, architecture="x86_64")


def no_say(text: str) -> None:
    del text


def staged(kernel: Kernel, root: Path) -> set[str]:
    assert kernel.modules is not None
    stage_own(kernel, kernel.modules, root)
    return {path.name for path in (root / "lib/modules" / R).glob("*.ko*")}


def test_a_module_comes_with_what_it_needs_and_goes_before_the_stock_one(
    kernel: Kernel, place: Path
) -> None:
    mine = write(place / "mine/dm-verity.ko", "dm-bufio", "version=mine")
    own = with_modules(kernel, [mine], no_say)
    assert staged(own, place / "tree") == {"dm_verity.ko", "dm-bufio.ko"}
    tree = place / "tree/lib/modules" / R
    assert (tree / "dm_verity.ko").read_bytes() == mine.read_bytes()
    assert not (tree / "dm_verity.ko").is_symlink()
    assert (tree / "modules.dep.bin").stat().st_size > 0


def test_of_two_modules_of_ones_own_one_may_need_the_other(kernel: Kernel, place: Path) -> None:
    mine = [write(place / "a/dm-bufio.ko"), write(place / "b/dm-verity.ko", "dm-bufio")]
    own = with_modules(kernel, mine, no_say)
    assert staged(own, place / "tree") == {"dm_verity.ko", "dm_bufio.ko"}


def test_it_is_named_and_hashed_in_the_environment(kernel: Kernel, place: Path) -> None:
    mine = write(place / "mine/my-driver.ko")
    (module,) = with_modules(kernel, [mine], no_say).own
    facts = own_facts(with_modules(kernel, [mine], no_say))
    assert facts == {
        "lab.modules": f"my_driver {module.file.sha256[:12]}",
        "lab.module.my_driver": module.file.sha256,
        "lab.module.my_driver.sources": None,
    }
    write(mine, text="version=2")
    assert own_facts(with_modules(kernel, [mine], no_say)) != facts


def test_a_compressed_module_is_taken_as_it_is(kernel: Kernel, place: Path) -> None:
    plain = write(place / "mine/my-driver.ko")
    packed = place / "mine/my-driver.ko.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes(), check=lzma.CHECK_CRC32))
    own = with_modules(kernel, [packed], no_say)
    assert staged(own, place / "tree") == {"my_driver.ko.xz"}


def test_without_modules_of_ones_own_nothing_is_made(kernel: Kernel, place: Path) -> None:
    assert with_modules(kernel, [], no_say) is kernel
    assert staged(kernel, place / "tree") == set()
    assert not (place / "tree").exists()


def test_an_initramfs_has_ones_own_module_instead_of_the_kernels(place: Path) -> None:
    modules = place / R
    write(modules / "9p.ko")
    (modules / "modules.dep").write_text("9p.ko:\n")
    mine = write(place / "mine/9p.ko", text="version=mine")
    write_initramfs(place / "initramfs", modules, InitConfig(covered=()), {"9p": mine})
    assert mine.read_bytes() in (place / "initramfs").read_bytes()
    assert (modules / "9p.ko").read_bytes() not in (place / "initramfs").read_bytes()


def refusal(kernel: Kernel, *paths: Path) -> str:
    with pytest.raises((UsageError, CannotMeasureError)) as raised:
        with_modules(kernel, paths, no_say)
    assert str(raised.value).startswith("--module: ")
    assert raised.value.remedy
    return raised.value.what


def test_what_cannot_be_loaded_is_told_before_anything_boots(kernel: Kernel, place: Path) -> None:
    good = write(place / "mine/good.ko")
    assert "No such file" in refusal(kernel, place / "nowhere.ko")
    (place / "notes.txt").touch()
    assert "notes.txt is no FILE.ko" in refusal(kernel, place / "notes.txt")
    (place / "text.ko").write_text("hello\n")
    assert "text.ko is no readable module" in refusal(kernel, place / "text.ko")
    assert "two modules are named good" in refusal(kernel, good, write(place / "other/good.ko"))
    assert f"loop is built into {R}" in refusal(kernel, write(place / "mine/loop.ko"))


def test_a_kernel_named_without_modules_takes_none(kernel: Kernel, place: Path) -> None:
    none = Kernel(name="x:none", release=R, image=kernel.image, modules=None, architecture="x86_64")
    assert "x:none is a kernel without modules" in refusal(none, write(place / "mine/good.ko"))


def test_a_module_that_the_kernel_lacks_is_told(kernel: Kernel, place: Path) -> None:
    lost = read_module(write(place / "mine/lost.ko", "nosuch"))
    own = Kernel(
        name="own",
        release=R,
        image=kernel.image,
        modules=kernel.modules,
        architecture="x86_64",
        own=(OwnModule(file=lost),),
    )
    with pytest.raises(CannotMeasureError, match="lost needs the module nosuch, which"):
        staged(own, place / "tree")
