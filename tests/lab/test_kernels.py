"""What ``--kernel`` may name, and what virtme-run is given."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import needs
from lab.archive import MODULE, RELEASE, SUITE, Archive, write_image, write_module
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.cache import cache_directory
from loadstone.lab.debian import fetch
from loadstone.lab.kernels import Kernel, find_kernel, stage

R = "6.6.6-own"

pytestmark = needs("gcc", "depmod", "modinfo")


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "cache"
    monkeypatch.setenv("LOADSTONE_CACHE", str(path))
    return path


def depmod(root: Path, release: str = R) -> None:
    subprocess.run(["/usr/sbin/depmod", "-b", root, release], check=True)


def installed(root: Path, release: str = R) -> Path:
    """A root with a kernel and its modules; the image's path."""
    write_module(root / "lib/modules" / release / MODULE, release)
    depmod(root, release)
    return write_image(root / f"boot/vmlinuz-{release}", release)


def built(tree: Path, suffix: str = ".o") -> Path:
    """A tree as a kernel's build leaves it."""
    write_image(tree / "arch/x86/boot/bzImage", R)
    (tree / "include/config").mkdir(parents=True)
    (tree / "include/config/kernel.release").write_text(f"{R}\n")
    write_module(tree / "fs/test.ko", R)
    (tree / "modules.order").write_text(f"fs/test{suffix}\n")
    (tree / "modules.builtin").write_text("kernel/fs/builtin.ko\n")
    (tree / "modules.builtin.modinfo").write_bytes(b"builtin.file=fs/builtin\0")
    return tree


def contents(path: Path) -> dict[str, tuple[int, int]]:
    return {
        str(name): (name.lstat().st_mtime_ns, name.lstat().st_size)
        for name in (path, *path.rglob("*"))
    }


def refusal(text: str, architecture: str | None = None) -> str:
    with pytest.raises(UsageError) as raised:
        find_kernel(text, architecture=architecture)
    words = str(raised.value)
    assert words.startswith(f"--kernel {text}: ")
    assert "\n" not in words
    return words.removeprefix(f"--kernel {text}: ")


@pytest.mark.parametrize("name", [SUITE, RELEASE])
def test_a_fetched_kernel_goes_by_its_suite_and_by_its_release(archive: Archive, name: str) -> None:
    stock = fetch(SUITE, mirror=archive.mirror, keyring=archive.keyring, architecture="x86_64")
    assert find_kernel(name, architecture="x86_64") == Kernel(
        name=name,
        release=RELEASE,
        image=stock.image,
        modules=stock.modules,
        architecture="x86_64",
        suite=SUITE,
        package=f"linux-image-{RELEASE}",
        version="1",
    )


def test_a_suite_means_its_newest_kernel_that_is_here(archive: Archive) -> None:
    for version, release in (("9", "9.9.9-test"), ("10", "9.9.10-test")):
        archive.add(version, release=release)
        fetch(SUITE, mirror=archive.mirror, keyring=archive.keyring, architecture="x86_64")
    assert find_kernel(SUITE, architecture="x86_64").release == "9.9.10-test"
    assert find_kernel("9.9.9-test", architecture="x86_64").version == "9"


def test_a_suite_that_was_not_fetched_is_told_with_the_command() -> None:
    assert refusal("trixie") == "not fetched yet; fetch it: loadstone lab kernels fetch trixie"


@pytest.mark.parametrize("name", ["nosuch", "6.1.0", "", ":", "x\ty", "n" * 5000])
def test_an_unknown_name_is_told_what_there_is(name: str) -> None:
    words = refusal(name)
    assert words.startswith("no such file, and no fetched kernel has that name (fetched: none); ")
    assert "trixie-backports" in words


@pytest.mark.parametrize("name", ["/nosuch/vmlinuz", "./bookworm", "/nosuch:none", "/a\0b"])
def test_a_path_that_is_not_there_is_told(name: str) -> None:
    assert refusal(name) == "no such file or directory; check the path"


@pytest.mark.parametrize("name", ["plain", "with space", "with:colon", "a, b:none", "none"])
def test_an_image_with_its_modules_beside_it_is_enough(place: Path, name: str) -> None:
    image = installed(place / name)
    kernel = find_kernel(str(image))
    assert kernel.image == image
    assert kernel.release == R
    assert kernel.modules == place / name / "lib/modules" / R
    assert kernel.package is None
    assert find_kernel(f"{image}:none").modules is None
    assert find_kernel(f"{image}:{kernel.modules}").modules == kernel.modules
    assert find_kernel(f"{image}:{place / name}").modules == kernel.modules


def test_an_image_among_its_modules_is_enough(place: Path) -> None:
    image = installed(place / "usr")
    inside = image.rename(place / "usr/lib/modules" / R / "vmlinuz")
    assert find_kernel(str(inside)).modules == inside.parent


def test_a_relative_path_is_taken_from_here(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = installed(place)
    monkeypatch.chdir(image.parent)
    kernel = find_kernel(f"{image.name}:../lib/modules/{R}")
    assert kernel.image == image
    assert kernel.modules is not None
    assert kernel.modules.is_absolute()
    assert find_kernel(f"./{image.name}").image == image


def test_an_image_without_modules_is_told_how_to_name_them(place: Path) -> None:
    image = write_image(place / "vmlinuz", R)
    words = refusal(str(image))
    assert words.startswith(f"no modules of {R} next to it nor in /lib/modules/{R}; ")
    assert f"{image}:MODULES_DIR" in words
    assert f"{image}:none" in words


def test_a_modules_directory_that_is_not_there_is_told(place: Path) -> None:
    image = write_image(place / "vmlinuz", R)
    assert refusal(f"{image}:/nosuch") == "/nosuch is no directory of modules; check the path"


def test_modules_of_another_version_are_refused(place: Path) -> None:
    image = write_image(place / "vmlinuz", R)
    modules = installed(place / "other", "6.1.0-other").parents[1] / "lib/modules/6.1.0-other"
    expected = f"{modules} has modules of 6.1.0-other, and the kernel is {R}; name the kernel and "
    assert refusal(f"{image}:{modules}").startswith(expected)
    renamed = modules.rename(modules.with_name(R))
    assert f"{renamed} has modules of 6.1.0-other, and the kernel is {R}; " in refusal(
        f"{image}:{renamed}"
    )


def test_a_directory_without_modules_and_of_another_name_is_refused(place: Path) -> None:
    image = write_image(place / "vmlinuz", R)
    (place / "empty").mkdir()
    assert refusal(f"{image}:{place}/empty").startswith(f"{place}/empty has no modules of {R}")


def test_a_module_that_is_none_is_told(place: Path) -> None:
    image = installed(place)
    (place / "lib/modules" / R / MODULE).write_bytes(b"hello")
    assert "is no readable module: " in refusal(str(image))


@pytest.mark.parametrize("name", ["root", "my root"])
def test_modules_without_modules_dep_are_told_with_the_command(place: Path, name: str) -> None:
    image = installed(place / name)
    dep = place / name / "lib/modules" / R / "modules.dep"
    dep.unlink()
    words = refusal(str(image))
    command = words.partition("has no modules.dep; run ")[2]
    assert command
    subprocess.run(["sh", "-c", f"PATH=$PATH:/usr/sbin; {command}"], check=True)
    assert dep.exists()
    assert find_kernel(str(image)).modules == dep.parent


@pytest.mark.parametrize("suffix", [".ko", ".o"])
@pytest.mark.parametrize("name", ["tree", "my tree, with: colons"])
def test_a_build_tree_is_staged_by_links_and_left_as_it_was(
    place: Path, name: str, suffix: str
) -> None:
    tree = built(place / name, suffix)
    before = contents(tree)
    kernel = find_kernel(str(tree), architecture="x86_64")
    assert kernel.release == R
    assert find_kernel(str(tree / "arch/x86/boot/bzImage")).modules == tree
    image = stage(kernel, place / "stage")
    assert image == place / f"stage/boot/vmlinuz-{R}"
    assert image.samefile(tree / "arch/x86/boot/bzImage")
    modules = place / "stage/lib/modules" / R
    assert (modules / "kernel/fs/test.ko").samefile(tree / "fs/test.ko")
    assert (modules / "modules.order").read_text() == "kernel/fs/test.ko\n"
    assert (modules / "modules.dep").read_text() == "kernel/fs/test.ko:\n"
    assert (modules / "modules.builtin.bin").stat().st_size > 0
    assert contents(tree) == before


def test_a_tree_that_was_not_built_is_told_what_to_make(place: Path) -> None:
    tree = built(place / "my tree")
    (tree / "fs/test.ko").unlink()
    assert "has no fs/test.ko; build the modules: make -C '" in refusal(str(tree), "x86_64")
    (tree / "modules.order").unlink()
    assert f"or write {tree}:none" in refusal(str(tree), "x86_64")
    assert find_kernel(f"{tree}:none", architecture="x86_64").modules is None
    assert "has no arch/arm64/boot/Image; build it" in refusal(str(tree), "aarch64")
    (tree / "include/config/kernel.release").unlink()
    assert "without include/config/kernel.release" in refusal(str(tree), "x86_64")


def test_a_tree_of_two_builds_is_refused(place: Path) -> None:
    tree = built(place / "tree")
    (tree / "include/config/kernel.release").write_text("6.6.7\n")
    assert "is half built: its image is 6.6.6-own, its modules 6.6.7" in refusal(
        str(tree), "x86_64"
    )


def test_an_installed_kernel_is_staged_by_two_links(place: Path) -> None:
    before = installed(place / "my root")
    kept = contents(place / "my root")
    kernel = find_kernel(str(before))
    image = stage(kernel, place / "stage")
    assert image.read_bytes() == before.read_bytes()
    assert (place / "stage/lib/modules" / R / "modules.dep").is_file()
    assert contents(place / "my root") == kept


def test_a_kernel_with_all_built_in_is_staged_with_no_modules(place: Path) -> None:
    kernel = find_kernel(f"{write_image(place / 'vmlinuz', R)}:none")
    stage(kernel, place / "stage")
    assert list((place / "stage/lib/modules").iterdir()) == []


def test_a_place_that_is_taken_is_told(place: Path) -> None:
    kernel = find_kernel(f"{write_image(place / 'vmlinuz', R)}:none")
    stage(kernel, place / "stage")
    with pytest.raises(CannotMeasureError, match=r"cannot stage .*File exists \(EEXIST\)"):
        stage(kernel, place / "stage")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"LOADSTONE_CACHE": "/a b"}, "/a b"),
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/home/me"}, "/xdg/loadstone"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.cache/loadstone"),
        ({"HOME": "/home/me"}, "/home/me/.cache/loadstone"),
    ],
)
def test_the_cache_is_where_the_user_or_the_desktop_says(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], expected: str
) -> None:
    for name in ("LOADSTONE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert str(cache_directory()) == expected


@pytest.mark.lab
@pytest.mark.parametrize("suite", ["bookworm", "trixie-backports"])
def test_a_real_kernel_is_found_by_each_of_its_names(
    kernels: Callable[[str], Kernel], place: Path, suite: str
) -> None:
    stock = kernels(suite)
    assert stock.modules is not None
    for text in (str(stock.image), f"{stock.image}:{stock.modules}"):
        own = find_kernel(text)
        assert (own.release, own.modules) == (stock.release, stock.modules)
    image = stage(stock, place / "stage")
    words = f"-d {place}/stage -S {stock.release} -n -v -a ext4 null_blk".split()
    command = ["/usr/sbin/modprobe", *words]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert re.search(r"jbd2\.ko.*\n(.*\n)*.*ext4\.ko", told.stdout)
    assert image.samefile(stock.image)


@pytest.mark.lab
def test_a_tree_of_a_real_kernels_parts_has_the_modules_in_their_order(
    kernels: Callable[[str], Kernel], place: Path
) -> None:
    stock = kernels("bookworm")
    assert stock.modules is not None
    tree = place / "tree"
    (tree / "arch/x86/boot").mkdir(parents=True)
    (tree / "arch/x86/boot/bzImage").symlink_to(stock.image)
    (tree / "include/config").mkdir(parents=True)
    (tree / "include/config/kernel.release").write_text(f"{stock.release}\n")
    order = (stock.modules / "modules.order").read_text()
    (tree / "modules.order").write_text(re.sub("^kernel/", "", order, flags=re.MULTILINE))
    shutil.copytree(stock.modules / "kernel", tree, dirs_exist_ok=True, copy_function=os.symlink)
    for name in ("modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(stock.modules / name, tree / name)
    stage(find_kernel(str(tree), architecture="x86_64"), place / "stage")
    staged = place / "stage/lib/modules" / stock.release
    for name in ("modules.dep", "modules.alias", "modules.builtin.bin"):
        assert (staged / name).read_bytes() == (stock.modules / name).read_bytes(), name
