"""The core declares the kernel module's ioctl in words of its own: both must mean the same."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from native.job_lines import ROOT

pytestmark = pytest.mark.native

_COMPILERS = {
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    "x86_64-linux-gnu-gcc": "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
}
_KERNEL = ROOT / "native" / "kernel" / "loadstone_fill.h"
_CORE = ROOT / "native" / "src" / "load" / "kernel_fill.h"
_FIELD = re.compile(r"^\t(?:__)?\w+ (\w+)(?:\[\d+\])?;", re.MULTILINE)
_CONSTANT = re.compile(r"\bL(?:S_KERNEL|OADSTONE)_FILL_([A-Z]+)\b")


def _fields(header: Path, name: str) -> list[str]:
    text = header.read_text()
    body = text[text.index(f"struct {name} {{") :]
    return _FIELD.findall(body[: body.index("};")])


def _constants(header: Path) -> set[str]:
    return set(_CONSTANT.findall(header.read_text())) - {"H", "DEVICE"}


def _assertions() -> list[str]:
    fields = _fields(_KERNEL, "loadstone_fill")
    pairs = [
        ("sizeof(struct loadstone_fill)", "sizeof(struct ls_kernel_fill)"),
        ("(unsigned int)LOADSTONE_FILL", "(unsigned int)LS_KERNEL_FILL"),
    ]
    pairs += [
        (f"{of}(struct loadstone_fill{by}{field})", f"{of}(struct ls_kernel_fill{by}{field})")
        for field in fields
        for of, by in (("offsetof", ", "), ("SIZE", ", "))
    ]
    pairs += [
        (f"(int)LOADSTONE_FILL_{constant}", f"(int)LS_KERNEL_FILL_{constant}")
        for constant in sorted(_constants(_KERNEL))
    ]
    return [f'_Static_assert({ours} == {core}, "{ours}");' for ours, core in pairs]


def test_both_headers_name_the_same_fields_and_constants() -> None:
    fields = _fields(_KERNEL, "loadstone_fill")
    assert len(fields) > 20
    assert fields == _fields(_CORE, "ls_kernel_fill")
    assert len(_constants(_KERNEL)) == 4
    assert _constants(_KERNEL) == _constants(_CORE)


@pytest.mark.parametrize("compiler", _COMPILERS)
def test_sizes_offsets_and_numbers_agree(compiler: str, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}: apt-get install {_COMPILERS[compiler]}")
    source = tmp_path / "abi.c"
    lines = [
        "#include <stddef.h>",
        f'#include "{_KERNEL}"',
        f'#include "{_CORE}"',
        "#define SIZE(type, field) sizeof(((type *)0)->field)",
        *_assertions(),
    ]
    source.write_text("\n".join(lines) + "\n")
    command = [compiler, "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_module_stands_apart_and_every_source_of_it_says_so() -> None:
    sources = [path for path in _KERNEL.parent.iterdir() if path.suffix in {".c", ".h"}]
    assert len(sources) > 5
    for path in sources:
        assert "SPDX-License-Identifier: GPL-2.0-only" in path.read_text().splitlines()[0]
    for folder in ("src", "agent", "include"):
        for path in (ROOT / "native" / folder).rglob("*.[ch]"):
            assert not re.search(r"#include.*loadstone_fill", path.read_text()), path
