"""What the harness itself takes: memory, time before the first word, time around a Trial."""

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from pytest_benchmark.fixture import BenchmarkFixture

import loadstone
from perf.conftest import CACHED_BYTES, keep, take_pairs

LIMIT_BYTES = 100 << 20
LOADSTONE = [sys.executable, "-m", "loadstone.cli"]


def elapsed(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - start


def test_help_answers_within_a_few_starts_of_python(benchmark: BenchmarkFixture) -> None:
    """200 ms where Python itself takes 13 to start."""
    pairs = keep(
        benchmark,
        lambda: take_pairs(
            lambda: elapsed([*LOADSTONE, "--help"]), lambda: elapsed([sys.executable, "-c", "pass"])
        ),
        unit="s",
    )
    assert pairs.ratio <= 15


def test_a_trial_is_wrapped_in_no_more_than_a_few_starts_of_python(
    benchmark: BenchmarkFixture, cached_model: Path, tmp_path: Path
) -> None:
    """50 ms where Python itself takes 20 to start; cache dropping and verification aside."""
    run = benchmark.pedantic(
        lambda: loadstone.run(file=cached_model, axes={"engine": "pread"}, results=tmp_path),
        rounds=1,
    )
    overhead_s = statistics.median(trial.overhead_ns for trial in run.trials) / 1e9
    start_s = statistics.median(elapsed([sys.executable, "-c", "pass"]) for _ in range(11))
    benchmark.extra_info |= {"overhead_s": overhead_s, "start_of_python_s": start_s}
    assert overhead_s <= 2.5 * start_s


def test_beside_the_destination_it_takes_little_memory(
    benchmark: BenchmarkFixture, cached_model: Path, tmp_path: Path
) -> None:
    words = ["run", "--file", str(cached_model), "--set", "engine=pread", "--rounds", "10"]
    peak_bytes = benchmark.pedantic(
        lambda: peak_pss_bytes([*LOADSTONE, *words, "--quiet", "--results", str(tmp_path)]),
        rounds=1,
    )
    benchmark.extra_info["beside_destination_bytes"] = peak_bytes - CACHED_BYTES
    assert peak_bytes > CACHED_BYTES, "the destination was never seen"
    assert peak_bytes - CACHED_BYTES <= LIMIT_BYTES


def peak_pss_bytes(words: list[str]) -> int:
    """The most memory that a command and its descendants held at once, shared pages once."""
    command = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    peak = 0
    try:
        while command.poll() is None:
            peak = max(peak, sum(pss_bytes(psutil.Process(command.pid))))
            time.sleep(0.002)
    finally:
        command.kill()
        command.wait()
    assert command.returncode == 0
    return peak


def pss_bytes(process: psutil.Process) -> Iterator[int]:
    """Of a process and its descendants; those that end meanwhile hold nothing."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                yield member.memory_full_info().pss
