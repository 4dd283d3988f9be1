"""The agents as files: what a device's kernel asks of them, and what they compute."""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from loadstone.core import native
from native.job_lines import EMULATORS, ROOT, need_emulator

pytestmark = pytest.mark.native

_COMPILERS = {
    "aarch64": "aarch64-linux-gnu-gcc",
    "armv7": "arm-linux-gnueabihf-gcc",
    "x86_64": "x86_64-linux-gnu-gcc",
}
_PT_LOAD, _PT_INTERP, _PT_DYNAMIC = 1, 3, 2
_MACHINES = {"aarch64": 183, "armv7": 40, "x86_64": 62}
_BYTES_MOST = 1_700_000


class Segment(NamedTuple):
    """What the kernel reads of a segment."""

    kind: int
    offset: int
    address: int
    align: int


def _segments(program: bytes) -> list[Segment]:
    is_wide = program[4] == 2
    start, size, count = (
        (struct.unpack_from("<Q", program, 32)[0], *struct.unpack_from("<HH", program, 54))
        if is_wide
        else (struct.unpack_from("<I", program, 28)[0], *struct.unpack_from("<HH", program, 42))
    )
    segments = []
    for at in range(start, start + size * count, size):
        if is_wide:
            kind, _, offset, address, _, _, _, align = struct.unpack_from("<IIQQQQQQ", program, at)
        else:
            kind, offset, address, _, _, _, _, align = struct.unpack_from("<IIIIIIII", program, at)
        segments.append(Segment(kind, offset, address, align))
    return segments


@pytest.mark.parametrize("architecture", EMULATORS)
def test_an_agent_is_small_static_and_fit_for_pages_of_16_kib(
    built_agents: Path, architecture: str
) -> None:
    program = (built_agents / f"loadstone-agent-{architecture}").read_bytes()
    assert struct.unpack_from("<H", program, 18) == (_MACHINES[architecture],)
    assert len(program) < _BYTES_MOST
    segments = _segments(program)
    assert not {segment.kind for segment in segments} & {_PT_INTERP, _PT_DYNAMIC}
    loads = [segment for segment in segments if segment.kind == _PT_LOAD]
    assert len(loads) > 1
    for segment in loads:
        assert segment.align % 16384 == 0
        assert segment.offset % segment.align == segment.address % segment.align


def test_agents_that_are_there_are_not_built_again(built_agents: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built_agents.iterdir()}
    done = subprocess.run([ROOT / ".ci" / "agents"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert {path: path.stat().st_mtime_ns for path in built_agents.iterdir()} == before


@pytest.mark.parametrize("architecture", EMULATORS)
def test_payloads_are_the_same_on_every_architecture(
    built_agents: Path, architecture: str, tmp_path: Path
) -> None:
    emulator, compiler = need_emulator(architecture), _COMPILERS[architecture]
    library = built_agents.parent / f"agent-{architecture}" / "libloadstone_core.a"
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}: apt-get install gcc-{compiler.removesuffix('-gcc')}")
    program = tmp_path / "payload"
    source = Path(__file__).with_name("payload.c")
    words = ("-std=gnu11", "-static", f"-I{ROOT / 'native' / 'include'}", "-o", str(program))
    subprocess.run([compiler, *words, str(source), str(library)], check=True)
    command = [emulator, str(program)] if emulator else [str(program)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = ("random", "zero", "same-filled", "text", "pointer", "fp16", "half", "bf16", "int4")
    sums = [native.crc32c(native.payload_of(name, 5, 1 << 18)) for name in names]
    assert told.splitlines() == [f"{crc} {crc}" for crc in sums]
