"""fio's json+, read by the program that fio ships for it."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from export.real_runs import real_run
from export.runs import rendered, run_with
from loadstone.core.histogram import percentile
from loadstone.errors import CannotMeasureError
from loadstone.export import find_format, notes
from loadstone.export.fio_latencies import bins_of
from loadstone.export.fio_options import job_options
from loadstone.model import Case, Histogram, Run, Value

DISK = real_run("folio-write-2fb5")
LOADED = real_run("three-ways")
# Made by fio 3.33 of 256 writes: its bins below 3 µs.
FIO_BINS_NS = (2064, 2096, 2128, 2160, 2192, 2224, 2256, 2288, 2320, 2352, 2384, 2416, 2544, 2640)


def document_of(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(rendered("fio", run))
    return document


def counted(run: Run) -> list[Any]:
    """The Trials that count, in the order of Plan and rounds."""
    return sorted(
        (one for one in run.trials if one.status == "ok" and not one.warmup),
        key=lambda one: ([case.id for case in run.manifest.plan.cases].index(one.case), one.round),
    )


def test_fios_own_program_makes_tables_of_the_latencies_and_finds_them_right(
    tmp_path: Path,
) -> None:
    program = shutil.which("fio_jsonplus_clat2csv")
    if program is None:
        pytest.skip("no fio_jsonplus_clat2csv; apt-get install fio")
    pytest.importorskip("six", reason="pip install six")
    (tmp_path / "run.json").write_text(rendered("fio", DISK))
    for words in ([], ["--validate"]):
        done = subprocess.run(
            [sys.executable, program, "run.json", "out.csv", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.count("validated") == len(counted(DISK)) == 5
    for number, trial in enumerate(counted(DISK)):
        (writes,) = (one for one in trial.histograms if one.name == "write")
        with (tmp_path / f"out_job{number}.csv").open() as stream:
            lines = list(csv.DictReader(stream, skipinitialspace=True))
        counts = {int(one["nsec"]): int(one["write_clat_ns_count"]) for one in lines}
        assert sum(counts.values()) == writes.count
        assert min(counts) == pytest.approx(writes.min_ns, rel=1 / 64)
        assert max(counts) == pytest.approx(writes.max_ns, rel=1 / 64)


def test_a_job_is_a_trial_in_the_names_and_units_of_fio() -> None:
    document = document_of(DISK)
    assert document["fio version"] == "fio-3.33"
    assert document["loadstone"]["clock"] == "time of a real machine"
    trials = counted(DISK)
    assert [job["groupid"] for job in document["jobs"]] == list(range(5))
    for job, trial in zip(document["jobs"], trials, strict=True):
        assert job["jobname"] == "4KiB fresh of 256KiB"
        options = job["job options"]
        assert (options["rw"], options["bs"]) == ("write", "4096")
        write = job["write"]
        assert write["io_bytes"] == trial.evidence["bytes"]
        assert write["bw_bytes"] == round(trial.metrics["throughput"])
        assert write["iops"] == pytest.approx(64 / trial.metrics["write_ns"] * 1e9)
        latencies = next(one for one in trial.histograms if one.name == "write")
        assert write["clat_ns"]["mean"] == latencies.sum_ns / latencies.count
        assert write["clat_ns"]["percentile"]["90.000000"] == percentile(latencies, 0.9)
        assert "99.000000" not in write["clat_ns"]["percentile"], "of 64 it is the slowest alone"
        assert sum(write["clat_ns"]["bins"].values()) == write["total_ios"] == 64
        assert job["read"]["total_ios"] == job["trim"]["clat_ns"]["N"] == 0
        assert job["sync"]["lat_ns"]["N"] == job["sync"]["total_ios"] == 1
        cpu_ns = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] * 1e6
        spent = trial.evidence["user_ns"] + trial.evidence["system_ns"]
        assert cpu_ns == pytest.approx(spent)
    assert document["jobs"][0]["job_start"] / 1000 == pytest.approx(1795640427, abs=3600)


def test_a_job_of_the_lab_is_another_one_by_its_options() -> None:
    lab, real = document_of(real_run("dm-verity")), document_of(DISK)
    assert {job["job options"]["clocksource"] for job in lab["jobs"]} == {"wall:tcg"}
    assert all("clocksource" not in job["job options"] for job in real["jobs"])


def test_what_was_not_counted_is_no_zero() -> None:
    bare = tuple(
        msgspec.structs.replace(
            one, evidence={k: v for k, v in one.evidence.items() if "faults" not in k}
        )
        for one in DISK.trials
    )
    (job, *_) = document_of(msgspec.structs.replace(DISK, trials=bare))["jobs"]
    assert "majf" not in job
    assert "ctx" in job


def test_bins_are_those_that_fio_counts_in() -> None:
    alike = bins_of(histogram({ours: 1 for one in FIO_BINS_NS for ours in (one - 16, one)}))
    assert alike == dict.fromkeys(FIO_BINS_NS, 2)
    assert bins_of(histogram({5: 1, 127: 2, 128: 3, 1 << 40: 4})) == {
        **{5: 1, 127: 2, 129: 3},
        17_112_760_320: 4,
    }


def histogram(buckets: dict[int, int]) -> Histogram:
    total = sum(bound * count for bound, count in buckets.items())
    return Histogram(
        name="read",
        count=sum(buckets.values()),
        min_ns=min(buckets),
        max_ns=max(buckets),
        sum_ns=total,
        buckets=buckets,
    )


@pytest.mark.parametrize(
    ("parameters", "direction", "options"),
    [
        (
            {"engine": "uring", "io": "direct", "block": 65536, "depth": 8, "threads": 2},
            "read",
            "rw=read bs=65536 iodepth=8 numjobs=2 direct=1 ioengine=io_uring",
        ),
        ({"pattern": "random", "block": 4096}, "read", "rw=randread bs=4096"),
        ({"engine": "sendfile", "io": "buffered"}, "read", "rw=read ioengine=sendfile"),
        ({"size": 512, "sync": "every:16"}, "write", "rw=write bs=512 fsync=16"),
        ({"sync": "end"}, "write", "rw=write end_fsync=1"),
        ({"sync": "fdatasync"}, "write", "rw=write fdatasync=1"),
        ({"sync": "none"}, "write", "rw=write"),
    ],
)
def test_parameters_that_fio_has_are_options_of_the_job(
    parameters: dict[str, Value], direction: str, options: str
) -> None:
    found = job_options(Case.of("w", "l", parameters), direction)
    assert found == dict(pair.split("=") for pair in options.split())


def test_cases_without_latencies_are_named() -> None:
    first, second, *_ = LOADED.manifest.plan.cases
    bare = tuple(
        msgspec.structs.replace(one, histograms=()) if one.case == second.id else one
        for one in LOADED.trials
    )
    run = msgspec.structs.replace(LOADED, trials=bare)
    assert notes(find_format("fio"), [run])[-1] == (
        f"{second.label}: no latencies of reads or writes, so fio has no job for it"
    )
    assert {job["jobname"] for job in document_of(run)["jobs"]} == {first.label}
    assert "no latencies" not in " ".join(notes(find_format("fio"), [LOADED]))


def test_a_run_without_any_latencies_is_no_result_of_fio() -> None:
    with pytest.raises(CannotMeasureError, match=r"no latencies of reads or writes.*csv or json"):
        rendered("fio", run_with())
