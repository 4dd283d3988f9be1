"""``loadstone import``: fio results, as the command takes and shows them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from commands import Command
from export.runs import rendered
from fio.results import TWO_ENTRIES, WITH_BINS, again, changed
from loadstone.runs.store import load

JOBS = """[global]
filename=data
size=256k
[scan]
rw=read
bs=64k
ioengine=psync
[seek]
stonewall
rw=randread
bs=4k
ioengine=io_uring
iodepth=4
[both]
stonewall
rw=randrw
ioengine=libaio
numjobs=2
group_reporting
"""


def test_verbs_take_an_imported_run_as_any_other(loadstone: Command) -> None:
    done = loadstone("import", WITH_BINS, "--name", "before")
    assert (done.code, done.err) == (0, "")
    head, *_ = done.out.splitlines()
    assert head == "fio; measured by fio 3.39 at 2026-11-27 19:28:33 UTC; 1 rounds"
    assert "r64k: randread 64KiB io_uring ×4" in done.out
    assert "each run of fio is one figure" in done.out
    assert "None" not in done.out
    (run,) = loadstone.results.glob("runs/*-before-*")
    assert loadstone("gate", "last", "--by", "bs").code == 3
    page = loadstone.place / "run.html"
    assert loadstone("report", "last", "-o", page).code == 0
    assert "measured by fio 3.39" in page.read_text()
    for name in ("csv", "json", "benchstat", "pyperf"):
        assert "r64k" in rendered(name, load(run)), name
    before = {path: path.read_bytes() for path in run.iterdir()}
    resumed = loadstone("resume")
    assert (resumed.code, resumed.out) == (2, "")
    assert "nothing to resume: it was imported, fio measured it" in resumed.complaint
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_a_failed_job_is_exit_code_4(loadstone: Command, tmp_path: Path) -> None:
    path = changed(
        TWO_ENTRIES, tmp_path / "f.json", lambda document: document["jobs"][0].update(error=28)
    )
    done = loadstone("import", path)
    assert (done.code, done.err) == (4, "")
    assert "failed scan: read 64KiB psync direct\n" in done.out
    assert "fio ended the job with No space left on device (ENOSPC)" in done.out


def test_what_is_no_result_leaves_nothing_behind(loadstone: Command, tmp_path: Path) -> None:
    done = loadstone("import", WITH_BINS, tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.complaint == (
        f"cannot read {tmp_path}: Is a directory (EISDIR); "
        "name the file that fio wrote with --output"
    )
    assert not loadstone.results.exists()


def test_a_run_that_cannot_be_written_whole_is_not_there(
    loadstone: Command, tmp_path: Path
) -> None:
    files = [again(tmp_path / f"{number}.json", number) for number in range(6)]
    # There is room for the manifest.
    done = loadstone("import", *files, before=("prlimit", "--fsize=6000"))
    assert done.code == 2
    assert "File too large (EFBIG)" in done.complaint
    assert not loadstone.results.exists()


@pytest.mark.skipif(shutil.which("fio") is None, reason="fio is not installed: apt install fio")
@pytest.mark.parametrize("kind", ["json", "json+"])
def test_what_the_real_fio_prints_is_imported(
    loadstone: Command, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "data").write_bytes(bytes(256 << 10))
    (tmp_path / "jobs.fio").write_text(JOBS)
    # Its warnings go where its results go.
    words = ("fio", f"--output-format={kind}", "jobs.fio")
    printed = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "printed.json").write_bytes(b"fio: a warning\n" + printed)
    done = loadstone("import", tmp_path / "printed.json", "--json")
    assert (done.code, done.err) == (0, "")
    cases = json.loads(done.out)["cases"]
    jobs = {job["jobname"]: job for job in json.loads(printed[printed.index(b"{") :])["jobs"]}
    assert {case["label"].partition(":")[0] for case in cases} == jobs.keys()
    assert {(one["parameters"]["rw"], one["parameters"]["direction"]) for one in cases} == {
        ("read", "read"),
        ("randread", "read"),
        ("randrw", "read"),
        ("randrw", "write"),
    }
    for case in cases:
        found = jobs[case["label"].partition(":")[0]][case["parameters"]["direction"]]
        assert case["metrics"]["throughput"]["median"] == found["bw_bytes"]
        figure = found["clat_ns"]["percentile"]["50.000000"]
        assert case["metrics"]["clat_p50_ns"]["median"] == figure
