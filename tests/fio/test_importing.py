"""Fio results as Runs: Cases, rounds, and Trials that do not count."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from fio.results import FIO_2, TWO_ENTRIES, WITH_BINS, again, changed, imported_of
from loadstone import api
from loadstone.analysis.summary import summarise
from loadstone.errors import RunError, UsageError
from loadstone.model import Status
from loadstone.report.facts import missing_trials
from loadstone.result_names import IMPORTED, IMPORTED_VERSION


def test_each_job_is_a_case_of_what_fio_says_of_it() -> None:
    plan = imported_of(WITH_BINS).plan
    assert [case.label for case in plan.cases] == [
        "r4k: randread 4KiB io_uring ×4",
        "r64k: randread 64KiB io_uring ×4",
    ]
    assert plan.cases[0].parameters == {
        "rw": "randread",
        "direction": "read",
        "bs": 4096,
        "iodepth": 4,
        "ioengine": "io_uring",
        "direct": False,
        "numjobs": 1,
        "size": 2 << 20,
    }
    assert (plan.workload, plan.rounds) == ("fio", 1)


def test_the_defaults_of_fio_are_said_and_entries_are_counted() -> None:
    scan, seek = imported_of(TWO_ENTRIES).plan.cases
    assert (scan.parameters["ioengine"], scan.parameters["direct"]) == ("psync", True)
    assert (seek.parameters["numjobs"], seek.parameters["iodepth"]) == (2, 1)


def test_a_size_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    def spelt(document: dict[str, Any]) -> None:
        document["global options"]["size"] = "2097152"
        options = document["jobs"][0]["job options"]
        options["blocksize"] = options.pop("bs").replace("4k", "4096")

    other = changed(WITH_BINS, tmp_path / "spelt.json", spelt)
    ids = [[case.id for case in imported_of(path).plan.cases] for path in (WITH_BINS, other)]
    assert ids[0] == ids[1]


def test_a_job_that_reads_and_writes_is_a_case_of_each(tmp_path: Path) -> None:
    def mixed(document: dict[str, Any]) -> None:
        document["global options"]["rw"] = "randrw"
        for job in document["jobs"]:
            job["write"] = job["read"]

    plan = imported_of(changed(WITH_BINS, tmp_path / "mix.json", mixed)).plan
    assert [case.label for case in plan.cases][:2] == [
        "r4k: randrw read 4KiB io_uring ×4",
        "r4k: randrw write 4KiB io_uring ×4",
    ]


def test_jobs_that_differ_in_their_names_alone_are_two_cases(tmp_path: Path) -> None:
    def alike(document: dict[str, Any]) -> None:
        document["jobs"][1]["job options"] = document["jobs"][0]["job options"]

    cases = imported_of(changed(WITH_BINS, tmp_path / "alike.json", alike)).plan.cases
    assert [case.parameters["job"] for case in cases] == ["r4k", "r64k"]


def test_several_files_are_rounds_and_one_file_twice_is_refused(tmp_path: Path) -> None:
    found = imported_of(WITH_BINS, again(tmp_path / "b.json"))
    assert found.plan.rounds == 2
    assert [trial.round for trial in found.trials] == [0, 0, 1, 1]
    copy = shutil.copy(WITH_BINS, tmp_path / "copy.json")
    with pytest.raises(UsageError, match="are the same fio run"):
        imported_of(WITH_BINS, Path(copy))


def test_a_job_behind_itself_in_one_file_is_rounds_too(tmp_path: Path) -> None:
    def repeated(document: dict[str, Any]) -> None:
        document["jobs"].append({**document["jobs"][0], "groupid": 2})

    found = imported_of(changed(WITH_BINS, tmp_path / "r.json", repeated))
    assert [trial.round for trial in found.trials] == [0, 0, 1]


def test_results_of_two_versions_are_no_rounds_of_one_run() -> None:
    with pytest.raises(
        UsageError, match=r"of fio-3\.39 and of fio-3\.25 are not rounds"
    ) as refused:
        imported_of(WITH_BINS, TWO_ENTRIES)
    assert "two Runs" in (refused.value.remedy or "")


def test_a_job_that_failed_is_a_failed_trial_without_figures(tmp_path: Path) -> None:
    def failed(document: dict[str, Any]) -> None:
        document["jobs"][0]["error"] = 5
        document["jobs"][1]["total_err"] = 3

    trials = imported_of(changed(WITH_BINS, tmp_path / "f.json", failed)).trials
    assert [trial.status for trial in trials] == [Status.FAILED, Status.FAILED]
    assert "Input/output error (EIO)" in (trials[0].reason or "")
    assert "3 operations failed" in (trials[1].reason or "")
    assert not trials[0].metrics


def test_a_job_that_did_nothing_is_invalid(tmp_path: Path) -> None:
    def idle(document: dict[str, Any]) -> None:
        del document["jobs"][0]["read"], document["jobs"][0]["job options"]

    trial = imported_of(changed(WITH_BINS, tmp_path / "i.json", idle)).trials[0]
    assert (trial.status, trial.reason) == (
        Status.INVALID,
        "fio did no read that took a millisecond",
    )


def test_a_block_size_that_the_figures_contradict_is_noted(tmp_path: Path) -> None:
    """With several [global] sections fio prints the last one for all jobs."""

    def other(document: dict[str, Any]) -> None:
        document["jobs"][1]["job options"]["bs"] = "4k"

    trial = imported_of(changed(WITH_BINS, tmp_path / "o.json", other)).trials[1]
    assert trial.notes == ("bs is not what fio says: an operation moved 65536 bytes",)


def test_a_time_that_no_clock_has_is_refused(tmp_path: Path) -> None:
    path = changed(FIO_2, tmp_path / "t.json", lambda document: document.update(timestamp_ms=-5))
    with pytest.raises(UsageError, match="-5 ms after 1970 is no time"):
        imported_of(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["jobs"][0]["job options"].update({"b\x1bs": "1"}),
        lambda document: document["jobs"][0]["job options"].update({"x": "y" * 5000}),
    ],
)
def test_options_that_fio_has_none_of_are_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(UsageError, match="is no option of fio"):
        imported_of(changed(WITH_BINS, tmp_path / "x.json", change))


def test_a_run_has_no_fact_of_the_machine_that_imports(tmp_path: Path) -> None:
    run = api.import_fio(WITH_BINS, results=tmp_path)
    manifest = run.manifest
    assert {name.partition(".")[0] for name in manifest.environment.facts} == {"fio", "imported"}
    assert manifest.environment.facts[IMPORTED] == "fio"
    assert manifest.environment.facts[IMPORTED_VERSION] == "3.39"
    assert (manifest.boot, manifest.boottime_ns, manifest.core) == ("", 0, "")
    assert {(trial.boot, trial.boottime_ns) for trial in run.trials} == {("", 0)}
    assert run.trials[0].started == "2026-11-27T19:28:33.263+00:00"


def test_two_imports_are_two_runs_that_compare_as_the_same(tmp_path: Path) -> None:
    files = [WITH_BINS, *(again(tmp_path / f"{n}.json", n * 60) for n in range(1, 6))]
    base, new = (api.import_fio(*files, results=tmp_path) for _ in range(2))
    assert base.id != new.id
    comparison = api.compare(base, new)
    assert {(effect.verdict, effect.ratio) for effect in comparison.effects} == {("same", 1.0)}
    assert not [warning for warning in comparison.warnings if "made before" in warning]
    assert [summary.trials for summary in summarise(base)] == [6, 6]


def test_cases_of_one_import_are_compared_by_an_option(tmp_path: Path) -> None:
    files = [WITH_BINS, *(again(tmp_path / f"{n}.json", n * 60) for n in range(1, 6))]
    comparison = api.compare(api.import_fio(*files, results=tmp_path), by="bs")
    (effect,) = comparison.effects
    assert effect.label == "r4k: randread 4KiB io_uring ×4: r4k: 4KiB → r64k: 64KiB"
    assert effect.verdict == "faster"
    assert "in one order in every round" in comparison.warnings[-1]


def test_a_run_of_other_versions_is_compared_with_a_warning(tmp_path: Path) -> None:
    def newer(document: dict[str, Any]) -> None:
        document["fio version"] = "fio-3.40"

    base = api.import_fio(WITH_BINS, results=tmp_path)
    new = api.import_fio(changed(WITH_BINS, tmp_path / "n.json", newer), results=tmp_path)
    assert "imported.version: 3.39 in BASE, 3.40 in NEW" in api.compare(base, new).warnings


def test_new_that_was_measured_first_is_told_by_the_clocks_of_fio(tmp_path: Path) -> None:
    first = api.import_fio(again(tmp_path / "later.json"), results=tmp_path)
    second = api.import_fio(WITH_BINS, results=tmp_path)
    (warning,) = [one for one in api.compare(first, second).warnings if "clocks of those" in one]
    assert "NEW was begun 2026-11-27 19:28:33 UTC, BASE 2026-11-27 19:29:33 UTC" in warning


def test_a_job_that_one_file_lacks_is_not_missing(tmp_path: Path) -> None:
    def fewer(document: dict[str, Any]) -> None:
        del document["jobs"][1]

    less = changed(WITH_BINS, tmp_path / "less.json", fewer)
    run = api.import_fio(WITH_BINS, less, results=tmp_path)
    assert [summary.trials for summary in summarise(run)] == [1, 2]
    assert missing_trials(run) == 0


def test_there_is_nothing_to_resume(tmp_path: Path) -> None:
    run = api.import_fio(FIO_2, results=tmp_path)
    with pytest.raises(RunError, match="nothing to resume: it was imported") as refused:
        api.resume(run.id, results=tmp_path)
    assert refused.value.remedy == "measure again with fio and import that"


def test_without_a_file_or_a_name_nothing_is_made(tmp_path: Path) -> None:
    for paths, name in (((), None), ((FIO_2,), " ")):
        with pytest.raises(UsageError, match="is empty"):
            api.import_fio(*paths, name=name, results=tmp_path / "results")
    assert not (tmp_path / "results").exists()
