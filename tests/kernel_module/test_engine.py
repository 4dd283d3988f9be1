"""The workload over the module: every way of filling a dma-buf, verified by the core."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands import Command, Done
from kernel_module.conftest import MIB, device_of

pytestmark = pytest.mark.root

# In a guest without KVM a process of Python's takes long to start.
_LIMIT_S = 300
_LOAD = ("run", "model-load", "--rounds", "1", "--json", f"--size={6 * MIB + 4321}", "--dir")


def _run(loadstone: Command, *words: str | Path) -> Done:
    process = loadstone.start(*words)
    out, err = process.communicate(timeout=_LIMIT_S)
    return Done(process.returncode, out, err)


def _cases(loadstone: Command, place: Path, *axes: str) -> dict[str, dict[str, Any]]:
    """The evidence and metrics of the Cases, by label; all of them were measured and verified."""
    words = [word for axis in axes for word in ("--set", axis)]
    done = _run(loadstone, *_LOAD, place, *words)
    assert done.code == 0, done.err
    cases = json.loads(done.out)["cases"]
    assert [(case["label"], case["skipped"], case["failed"]) for case in cases] == [
        (case["label"], None, 0) for case in cases
    ]
    return {case["label"]: case for case in cases}


def test_every_way_of_the_kernel_is_verified_and_tells_its_parts(
    loadstone: Command, tmp_path: Path
) -> None:
    with device_of("engine", "ext4", tmp_path / "engine") as device:
        cases = _cases(
            loadstone,
            device.place,
            "engine=kernel-fill",
            "fill=serial,overlapped,async",
            "io=buffered,direct",
            "buffers=1,3",
            "overlap=0,2m",
            "block=256k",
        )
    assert len(cases) == 24
    for label, case in cases.items():
        evidence = case["evidence"]
        assert evidence["verified_bytes"] == 6 * MIB + 4321, label
        pages = (
            evidence["kernel_chunks_order8"] * 256
            + evidence["kernel_chunks_order4"] * 16
            + evidence["kernel_chunks_order0"]
        )
        assert pages * 4096 >= 6 * MIB + 4321, label
        assert (evidence["cached_after_bytes"] == 0) == ("direct" in label), label
        parts = ("allocate", "read", "export")
        assert all(evidence[f"kernel_{part}_ns"] > 0 for part in parts), label
        assert case["metrics"]["first_byte_ns"]["median"] < case["metrics"]["ready_ns"]["median"]


def test_user_space_fills_it_too_also_directly(loadstone: Command, tmp_path: Path) -> None:
    with device_of("engine", "ext4", tmp_path / "engine") as device:
        cases = _cases(
            loadstone,
            device.place,
            "engine=pread,uring,mmap-copy",
            "destination=dma-buf",
            "overlap=0,2m",
            "fixed=off,on",
        )
    assert len(cases) == 8
    assert {label.split()[0] for label in cases} == {"pread", "uring", "mmap-copy"}


def test_the_doctor_finds_both(loadstone: Command) -> None:
    done = _run(loadstone, "doctor", "--json")
    met = {check["name"]: check["is_met"] for check in json.loads(done.out)["checks"]}
    assert met["kernel-fill → dma-buf"]
    assert met["dma-buf"]
