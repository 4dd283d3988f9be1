"""What overlapping allocation and reading gains over mapping the file and copying out of it.

In huge pages alone: in small ones both spend most of their time on faults.
"""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from perf.conftest import execute, keep, take_pairs

# The published gain, 1520.8 to 520.0 ms (Huan Yang, 2024-07-30, v2, 1 GB), is 65 % off the time;
# the article claims 65 % in throughput, which is less.
GAIN = 1.65


def throughput(model: Path, **options: object) -> float:
    values = execute("model-load", file=model, **options).values
    assert values["cached_before_bytes"] == 0
    return values["file_bytes"] / values["ready_ns"]


@pytest.mark.usefixtures("default_read_ahead")
@pytest.mark.parametrize("destination", ["thp", "memfd-thp"])
def test_the_overlapped_load_beats_map_and_copy_cold(
    benchmark: BenchmarkFixture, model: Path, destination: str
) -> None:
    def overlapped() -> float:
        return throughput(
            model, engine="uring", io="direct", destination=destination, overlap=32 << 20
        )

    def copied() -> float:
        return throughput(model, engine="mmap-copy", io="buffered", destination=destination)

    pairs = keep(benchmark, lambda: take_pairs(overlapped, copied, at_least=GAIN), unit="GB/s")
    assert pairs.ratio >= GAIN
