"""What the kill storm kills: a short command of every workload, and what else sets things up."""

import os
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from loadstone.programs import find_program

MODEL_BYTES = 8 << 20
_SHORT = ("--rounds", "2", "--warmups", "0", "--quiet")


class Subject(NamedTuple):
    """A command to kill; ``programs`` are what it needs, ``makes_run`` whether it leaves a Run."""

    name: str
    words: tuple[str, ...]
    programs: tuple[str, ...] = ()
    makes_run: bool = True


def _run(what: str, *axes: str) -> tuple[str, ...]:
    settings = (word for axis in axes for word in ("--set", axis))
    return ("run", what, *_SHORT, *settings)


def _writes(fs: str) -> Subject:
    words = _run("folio-write", f"fs={fs}", "size=4k,64k", "total=1m")
    return Subject(f"folio-write-{fs}", words, (f"mkfs.{fs}",))


HERE = (
    Subject("calibration", _run("calibration", "effect=syscall,minor-fault,write,read-mmap")),
    Subject(
        "model-load",
        (*_run("model-load", "engine=pread,uring,mmap,sendfile"), "--size", str(MODEL_BYTES)),
    ),
    Subject(
        "model-load-overlapped",
        (
            *_run("model-load", "engine=uring", "destination=anon,memfd,udmabuf"),
            *("--set", "overlap=0,1m", "--set", "fixed=on", "--set", "cache=warm"),
            *("--size", str(MODEL_BYTES)),
        ),
    ),
    Subject("folio-write-dir", _run("folio-write", "size=4k,64k", "total=1m", "sync=end,every:16")),
    *(_writes(fs) for fs in ("ext4", "xfs", "btrfs")),
    Subject(
        "erofs-read",
        (
            *_run("erofs-read", "pcluster=4k,64k", "pattern=sequential,random", "total=1m"),
            *("--size", str(MODEL_BYTES)),
        ),
        ("mkfs.erofs",),
    ),
    Subject(
        "compression",
        (
            *_run("compression", "file_system=squashfs,btrfs", "total=1m"),
            *("--size", str(MODEL_BYTES)),
        ),
        ("mksquashfs", "mkfs.btrfs"),
    ),
    Subject("doctor", ("doctor",), makes_run=False),
)
"""On any machine; file systems of their own need root and their mkfs."""

ON_DEVICES = (
    Subject("dm-flush", _run("dm-flush", "segments=1,8", "writes=8"), ("losetup",)),
    Subject(
        "dm-verity",
        (*_run("dm-verity", "pattern=random", "cache=cold"), "--size", str(MODEL_BYTES)),
        ("veritysetup",),
    ),
    Subject(
        "page-classes",
        _run("page-classes", "class=zero,text", "path=block,swap", "total=4m"),
        ("modprobe",),
    ),
)
"""On devices of device-mapper, of zram where the machine swaps on nothing else, and on F2FS."""

SLOW_ON_DEVICES = (
    Subject(
        "inline-tail",
        (*_run("inline-tail", "phase=copy,read"), "--size", str(MODEL_BYTES)),
        ("mkfs.f2fs",),
    ),
    Subject(
        "erofs-read-reserve",
        (
            *_run("erofs-read", "reserved_pages=0,64", "trace=on", "total=1m"),
            *("--size", str(MODEL_BYTES)),
        ),
        ("mkfs.erofs", "modprobe"),
    ),
    Subject(
        "dm-verity-fec",
        (*_run("dm-verity-fec", "damage=suspended", "read=readahead"), "--size", str(MODEL_BYTES)),
        ("veritysetup",),
    ),
    Subject(
        "zoned-gc",
        _run("zoned-gc", "fs=f2fs,zonefs", "device=192m", "total=64m"),
        ("mkfs.f2fs", "modprobe"),
    ),
    Subject(
        "virtual-ab",
        (
            *_run("virtual-ab", "state=updated,merging", "piece=4k", "total=1m"),
            *("--size", str(MODEL_BYTES)),
        ),
        ("veritysetup",),
    ),
    Subject(
        "f2fs-read",
        (
            *_run("f2fs-read", "immutable=off,on", "pattern=sequential,random", "total=1m"),
            *("--size", str(MODEL_BYTES)),
        ),
        ("mkfs.f2fs",),
    ),
)
"""Besides, where there is time for many kills: a Trial of theirs takes long in a guest."""


def those_that_run_here(subjects: Iterable[Subject]) -> list[Subject]:
    """Those whose programs are here, which are all root's; skips where there are none."""
    found = [
        one
        for one in subjects
        if not one.programs or (os.geteuid() == 0 and all(map(find_program, one.programs)))
    ]
    if not found:
        pytest.skip("none of them can be carried out here: run as root, with their programs")
    return found
