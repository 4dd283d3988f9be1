"""The core over the module: every way of filling a dma-buf, verified by its checksums."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kernel_module.conftest import FILE_BYTES
from loadstone.model import Job, Outcome
from loadstone.targets.local import LocalTarget

pytestmark = pytest.mark.root

_LIMIT_S = 300


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """One for all tests: in a guest, a worker takes its time to start."""
    target = LocalTarget(tmp_path_factory.mktemp("target"))
    yield target
    target.close()


@pytest.fixture(scope="module")
def checksums(
    target: LocalTarget, plain_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("checksums") / "crc32c"
    assert _execute(target, "checksum", file=plain_model, output=path).error is None
    return path


def _execute(target: LocalTarget, operation: str, **options: object) -> Outcome:
    words = {name: str(value) for name, value in options.items()}
    return target.execute(Job(operation=operation, options=words, timeout_s=_LIMIT_S))


def _load(
    target: LocalTarget, model: Path, checksums: Path, options: Mapping[str, object]
) -> Outcome:
    always = {"file": model, "destination": "dma-buf", "checksums": checksums, "verify": "full"}
    outcome = _execute(target, "model-load", **always, **options)
    assert (outcome.error, outcome.crash) == (None, None), options
    assert outcome.values["verified_bytes"] == FILE_BYTES, options
    if options["io"] == "direct":
        assert outcome.values["cached_after_bytes"] == 0, options
    return outcome


@pytest.mark.parametrize("fill", ["serial", "overlapped", "async"])
@pytest.mark.parametrize("io", ["buffered", "direct"])
def test_every_way_of_the_kernel_is_verified_and_tells_its_parts(
    target: LocalTarget, plain_model: Path, checksums: Path, fill: str, io: str
) -> None:
    for buffers, overlap, depth in itertools.product((1, 3), (0, 5000), (1, 8)):
        options = {
            "engine": "kernel-fill",
            "block": 256 << 10,
            "fill": fill,
            "io": io,
            "buffers": buffers,
            "overlap": overlap,
            "depth": depth,
        }
        outcome = _load(target, plain_model, checksums, options)
        values = outcome.values
        pages = sum(
            count * values[f"kernel_chunks_order{order}"]
            for order, count in ((8, 256), (4, 16), (0, 1))
        )
        assert pages * 4096 >= FILE_BYTES, options
        assert all(values[f"kernel_{part}_ns"] > 0 for part in ("allocate", "read", "export"))
        assert 0 < values["first_byte_ns"] < values["ready_ns"], options
        named = [span.name for span in outcome.spans]
        assert [named.count(name) for name in ("allocate", "read", "export")] == [buffers] * 3


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "pread", "io": "direct"},
        {"engine": "pread", "io": "buffered", "overlap": 1 << 20},
        {"engine": "uring", "io": "direct", "buffers": 3},
        {"engine": "uring", "io": "direct", "fixed": "on", "overlap": 1 << 20},
        {"engine": "mmap-copy", "io": "buffered"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_user_space_fills_it_too_also_directly(
    target: LocalTarget, plain_model: Path, checksums: Path, options: dict[str, object]
) -> None:
    _load(target, plain_model, checksums, options)


def test_the_probe_finds_both(target: LocalTarget) -> None:
    values = _execute(target, "probe").values
    assert (values["kernel-fill"], values["dma-buf"]) == (0, 0)
