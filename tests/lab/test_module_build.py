"""Building modules out of tree: real make and compiler, a tree that stands for a kernel's."""

from pathlib import Path

import pytest

from commands import needs
from lab.archive import write_image, write_module
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.kernels import Kernel
from loadstone.lab.module_build import build

R = "6.6.6-own"

pytestmark = needs("gcc", "make", "modinfo")

# What a kernel's Makefile does for M=, as far as it matters here.
_MAKEFILE = """\
include $(M)/Kbuild
modules: $(addprefix $(M)/,$(obj-m:.o=.ko))
%.ko: %.c
\tgcc -c -o $@ $<
"""
_SOURCE = """\
#include "magic.h"
const char info[] __attribute__((section(".modinfo"), used)) = "vermagic=" MAGIC "\\0depends=";
"""


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "cache"
    monkeypatch.setenv("LOADSTONE_CACHE", str(path))
    return path


@pytest.fixture
def kernel(place: Path) -> Kernel:
    """A kernel whose modules have a ``build`` beside them."""
    modules = place / "lib/modules" / R
    (modules / "build").mkdir(parents=True)
    (modules / "build/Makefile").write_text(_MAKEFILE)
    image = write_image(place / "vmlinuz", R)
    return Kernel(name="own", release=R, image=image, modules=modules, architecture="x86_64")


@pytest.fixture
def sources(place: Path) -> Path:
    """A Kbuild directory, with what an earlier build left in it."""
    directory = place / "my module"
    directory.mkdir()
    (directory / "Kbuild").write_text("obj-m := my-module.o\n")
    (directory / "my-module.c").write_text(_SOURCE)
    (directory / "magic.h").write_text(f'#define MAGIC "{R} SMP"\n')
    write_module(directory / "stale.ko", "1.2.3")
    (directory / ".stale.o.cmd").write_text("savedcmd_stale.o := true\n")
    return directory


def texts(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def no_say(text: str) -> None:
    del text


def test_a_directory_is_built_in_a_copy_and_nothing_is_left(
    kernel: Kernel, sources: Path, cache: Path
) -> None:
    before, said = texts(sources), list[str]()
    (module,) = build(sources, kernel, said.append).files
    assert (module.name, module.suffix) == ("my_module", ".ko")
    assert module.content.startswith(b"\x7fELF")
    assert texts(sources) == before
    assert said == [f"building {sources} for {R}"]
    assert not list((cache / "builds").iterdir())


def test_the_hash_is_of_the_sources_alone(kernel: Kernel, sources: Path, place: Path) -> None:
    first = build(sources, kernel, no_say).sources
    moved = sources.rename(place / "other")
    (moved / "stale.ko").unlink()
    assert build(moved, kernel, no_say).sources == first
    (moved / "magic.h").write_text(f'#define MAGIC "{R} "\n')
    assert build(moved, kernel, no_say).sources != first


def test_what_does_not_compile_is_told_with_the_compilers_words(
    kernel: Kernel, sources: Path, cache: Path
) -> None:
    (sources / "my-module.c").write_text("int number = nothing;\n")
    with pytest.raises(CannotMeasureError) as raised:
        build(sources, kernel, no_say)
    assert f"my module does not build for {R} (make: exit code 2)" in raised.value.what
    assert any("‘nothing’" in line or "'nothing'" in line for line in raised.value.details)
    assert not list((cache / "builds").iterdir())


def test_a_directory_without_a_kbuild_is_refused(kernel: Kernel, place: Path) -> None:
    (place / "empty").mkdir()
    with pytest.raises(UsageError, match="neither a Kbuild nor a Makefile; write a Kbuild"):
        build(place / "empty", kernel, no_say)


def test_a_kbuild_without_a_module_is_refused(kernel: Kernel, place: Path) -> None:
    (place / "none").mkdir()
    (place / "none/Kbuild").write_text("# obj-m := x.o\n")
    with pytest.raises(UsageError, match=r"none builds no module for .*; write `obj-m"):
        build(place / "none", kernel, no_say)


def test_a_whole_kernels_source_is_refused(kernel: Kernel, place: Path) -> None:
    (place / "linux/scripts").mkdir(parents=True)
    (place / "linux/Makefile").touch()
    (place / "linux/Kconfig").touch()
    with pytest.raises(UsageError, match="is a whole kernel's source; name the directory of one"):
        build(place / "linux", kernel, no_say)


def test_sources_that_cannot_be_copied_are_told(kernel: Kernel, sources: Path) -> None:
    (sources / "lost.h").symlink_to("/nowhere/lost.h")
    with pytest.raises(UsageError, match=r"cannot copy .*lost\.h.*; name a directory of sources"):
        build(sources, kernel, no_say)


def test_a_kernel_without_headers_is_told_with_the_remedy(kernel: Kernel, sources: Path) -> None:
    assert kernel.modules is not None
    (kernel.modules / "build/Makefile").unlink()
    with pytest.raises(UsageError, match=r"leads to no headers to build .* with; install"):
        build(sources, kernel, no_say)


def test_what_a_killed_build_left_is_removed_by_the_next(
    kernel: Kernel, sources: Path, cache: Path
) -> None:
    (cache / "builds/.partial-killed/copy").mkdir(parents=True)
    build(sources, kernel, no_say)
    assert not list((cache / "builds").iterdir())
