"""``loadstone run --fio``: job files of fio, as the command takes them."""

import json
from pathlib import Path

from commands import Command

JOBS = """[global]
filename=${FIO_MODEL}
group_reporting
[ring]
ioengine=io_uring
iodepth=4
bs=64k
[calls]
stonewall
bs=256k
numjobs=2
"""


def test_the_jobs_of_a_file_are_run(loadstone: Command, model: Path) -> None:
    path = loadstone.place / "jobs.fio"
    path.write_text(JOBS.replace("numjobs=2\n", ""))
    once = ("--rounds", "1", "--warmups", "0", "--json")
    done = loadstone("run", "--fio", path, *once, env={"FIO_MODEL": str(model)})
    assert done.code == 0, done.err
    assert "group_reporting: ignored: it is about what fio prints" in done.err
    cases = {case["label"]: case for case in json.loads(done.out)["cases"]}
    assert set(cases) == {"uring buffered → anon 64KiB×4", "pread buffered → anon 256KiB"}
    assert all(case["trials"] == 1 for case in cases.values())


def test_what_deviates_is_exit_code_2_and_nothing_is_made(loadstone: Command, model: Path) -> None:
    path = loadstone.place / "jobs.fio"
    path.write_text(f"{JOBS}rate=1m\n")
    place = {"FIO_MODEL": str(model)}
    done = loadstone("run", "--fio", path, env=place)
    assert (done.code, done.out) == (2, "")
    assert (
        f"{path}:11: [calls] numjobs: in fio each of 2 jobs reads the whole file" in done.complaint
    )
    assert f"    {path}:12: [calls] rate: no workload of Loadstone has it" in done.err
    assert not loadstone.results.exists()
    words = ("--section", "calls", "--fio-accept", "numjobs", "--fio-accept", "rate")
    planned = loadstone("plan", "--fio", path, *words, env=place)
    assert planned.code == 0, planned.err
    assert "pread buffered → anon 256KiB 2 threads" in planned.out
    assert "note: numjobs: accepted: " in planned.out


def test_options_for_jobs_need_a_job_file(loadstone: Command) -> None:
    done = loadstone("plan", "--section", "a")
    assert done.code == 2
    assert done.complaint == "--section: there is no job file; name one: --fio JOB.fio"
