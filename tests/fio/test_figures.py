"""The figures of fio, in units that are ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from fio.results import FIO_2, TWO_ENTRIES, WITH_BINS, changed
from loadstone.core.histogram import percentile
from loadstone.errors import UsageError
from loadstone.fio.figures import figures_of
from loadstone.fio.result_file import read_result


def entry(path: Path, number: int = 0) -> dict[str, Any]:
    """What fio itself printed of a job's reads."""
    reads: dict[str, Any] = json.loads(path.read_text())["jobs"][number]["read"]
    return reads


def test_rates_are_in_bytes_and_latencies_in_ns() -> None:
    job = read_result(TWO_ENTRIES).jobs[0]
    found, printed = figures_of([job], "read"), entry(TWO_ENTRIES)
    assert found.metrics["throughput"] == printed["bw_bytes"]
    assert found.metrics["iops"] == printed["iops"]
    assert found.metrics["clat_mean_ns"] == printed["clat_ns"]["mean"]
    assert found.metrics["clat_p50_ns"] == printed["clat_ns"]["percentile"]["50.000000"]
    assert found.evidence["fio.io_bytes"] == 2 << 20
    assert not found.notes


def test_a_percentile_that_is_the_slowest_operation_alone_is_left_out() -> None:
    # 32 operations.
    assert "clat_p99_ns" not in figures_of([read_result(TWO_ENTRIES).jobs[0]], "read").metrics
    # 512 of them.
    metrics = figures_of([read_result(WITH_BINS).jobs[0]], "read").metrics
    assert "clat_p99_ns" in metrics
    assert "clat_p999_ns" not in metrics


def test_fio_2_has_kib_per_second_and_microseconds() -> None:
    found, printed = figures_of([read_result(FIO_2).jobs[0]], "read"), entry(FIO_2)
    assert found.metrics["throughput"] == printed["bw"] * 1024
    assert found.metrics["clat_p50_ns"] == printed["clat"]["percentile"]["50.000000"] * 1000
    assert found.metrics["throughput"] == pytest.approx(
        (2 << 20) / (printed["runtime"] / 1000), 1e-3
    )
    assert found.notes == ("latencies in whole µs, as fio 2 has them",)


def test_bytes_without_kbytes_beside_them_are_kib(tmp_path: Path) -> None:
    """fio up to 2.20."""

    def older(document: dict[str, Any]) -> None:
        reads = document["jobs"][0]["read"]
        reads["io_bytes"] = reads.pop("io_kbytes")

    job = read_result(changed(FIO_2, tmp_path / "older.json", older)).jobs[0]
    assert figures_of([job], "read").evidence["fio.io_bytes"] == 2 << 20


def test_entries_of_one_job_are_added_up_and_have_no_percentiles() -> None:
    jobs = read_result(TWO_ENTRIES).jobs[1:]
    found = figures_of(jobs, "read")
    printed = [entry(TWO_ENTRIES, number) for number in (1, 2)]
    assert found.metrics["throughput"] == sum(one["bw_bytes"] for one in printed)
    means = [one["clat_ns"]["mean"] for one in printed]
    assert min(means) <= found.metrics["clat_mean_ns"] <= max(means)
    assert "clat_p50_ns" not in found.metrics
    assert found.notes[0].startswith("no percentiles")


def test_bins_become_a_histogram_of_the_same_percentiles() -> None:
    for job in read_result(WITH_BINS).jobs:
        found = figures_of([job], "read")
        (histogram,) = found.histograms
        assert histogram.count == job.read.total_ios
        assert job.read.clat_ns is not None
        for text in ("50.000000", "90.000000"):
            ours = percentile(histogram, float(text) / 100)
            assert ours == pytest.approx(job.read.clat_ns.percentile[text], rel=0.02)


def test_entries_with_bins_have_joint_percentiles() -> None:
    job = read_result(WITH_BINS).jobs[0]
    once, twice = (figures_of([job] * count, "read") for count in (1, 2))
    assert twice.metrics["clat_p50_ns"] == pytest.approx(once.metrics["clat_p50_ns"], rel=0.02)
    # There are 1024 now.
    assert "clat_p999_ns" in twice.metrics


def test_cpu_time_is_by_all_that_was_moved() -> None:
    job = read_result(TWO_ENTRIES).jobs[0]
    cpu_s = (job.usr_cpu + job.sys_cpu) / 100 * job.job_runtime / 1000
    metrics = figures_of([job], "read").metrics
    assert metrics["cpu_per_gb"] == pytest.approx(cpu_s / ((2 << 20) / 1e9))
    # It did not say for how long that was.
    assert "cpu_per_gb" not in figures_of([read_result(FIO_2).jobs[0]], "read").metrics


def test_what_fio_sampled_is_evidence(tmp_path: Path) -> None:
    def sampled(document: dict[str, Any]) -> None:
        document["jobs"][0]["read"] |= {"bw_samples": 9, "bw_dev": 2.5, "bw_min": 1, "bw_max": 4}

    job = read_result(changed(TWO_ENTRIES, tmp_path / "s.json", sampled)).jobs[0]
    evidence = figures_of([job], "read").evidence
    assert evidence["fio.bw_stddev_per_s_bytes"] == 2560
    assert evidence["fio.bw_samples"] == 9


@pytest.mark.parametrize("value", [-1, 1e999])
def test_what_nothing_can_have_measured_is_refused(tmp_path: Path, value: float) -> None:
    def damaged(document: dict[str, Any]) -> None:
        document["jobs"][0]["read"]["bw_bytes"] = value

    path = changed(TWO_ENTRIES, tmp_path / "d.json", damaged)
    path.write_text(path.read_text().replace("Infinity", "1e999"))
    with pytest.raises(UsageError, match="no figure that a fio has measured"):
        figures_of([read_result(path).jobs[0]], "read")
