"""Runs, Cases and Jobs of folio-write, as its tests have them."""

from pathlib import Path

import pytest

import loadstone
from commands import MIB
from loadstone.model import Case, Input, Run, Value
from loadstone.targets.local import LocalTarget
from loadstone.workloads.folio_write.place import FsInstance, FsSpec
from loadstone.workloads.folio_write.trials import PreparedWrite

PARAMETERS: dict[str, Value] = {
    "size": 4096,
    "total": MIB,
    "engine": "pwrite",
    "depth": 1,
    "pattern": "fresh",
    "sync": "end",
    "io": "buffered",
    "threads": 1,
    "prealloc": "none",
    "payload": "random",
    "fs": "dir",
    "mkfs": "defaults",
    "mount": "defaults",
}


# What is done on file systems made for the Run, or hurts one: nothing of it may stay.
TIDY = pytest.mark.usefixtures("nothing_is_left")


def run_writes(place: Path, **axes: object) -> Run:
    return loadstone.run(
        "folio-write",
        directory=place,
        axes={"total": MIB, **axes},  # type: ignore[dict-item]
        rounds=2,
        warmups=0,
        results=place / "results",
    )


def prepared_in(place: Path) -> PreparedWrite:
    file = str(place / "loadstone-write")
    places = {FsSpec(): FsInstance(directory=str(place), file=file, samples=())}
    return PreparedWrite(LocalTarget(place), Input(), str(place), places)


def case_of(**changes: str | int) -> Case:
    return Case.of("folio-write", "x", PARAMETERS | changes)
