"""``gate`` and ``compare`` leave with what came of every Case; reports and exports show it."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from loadstone.cli import cli
from loadstone.cli._output import exit_code_of, finish_each
from loadstone.errors import CannotMeasureError, ExitCode, LoadstoneError
from loadstone.model import Case, Run, Status
from sample_runs import SPEED, measured_run, write_run

FAST, SLOW = (Case.of("model-load", label, {"engine": label}) for label in ("pread", "mmap"))
FIGURES = [100.0, 101.0, 99.5, 100.5, 99.0, 100.2]
CODES = {Status.FAILED: 4, Status.SKIPPED: 3, Status.INVALID: 3}


def _with_bad(run: Run, status: Status, cases: tuple[Case, ...] = (SLOW,)) -> Run:
    ids = {case.id for case in cases}
    return msgspec.structs.replace(
        run,
        trials=tuple(
            msgspec.structs.replace(
                trial, status=status, reason="wrong data arrived", remedy="look", metrics={}
            )
            if trial.case in ids
            else trial
            for trial in run.trials
        ),
    )


GOOD = measured_run([(FAST, FIGURES), (SLOW, FIGURES)], SPEED, "good")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_run(GOOD, tmp_path)
    for status in CODES:
        for name, cases in (("slow", (SLOW,)), ("all", (SLOW, FAST))):
            manifest = msgspec.structs.replace(GOOD.manifest, id=f"{status}-{name}")
            run = msgspec.structs.replace(GOOD, manifest=manifest)
            write_run(_with_bad(run, status, cases), tmp_path)
    return tmp_path


def _said(results: Path, *words: str) -> tuple[int, str, str]:
    arguments = [*words, "--results", str(results)]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if isinstance(done.exception, LoadstoneError):
        return int(done.exception.exit_code), done.stdout, str(done.exception)
    assert done.exception is None
    return int(done.return_value or 0), done.stdout, done.stderr


@pytest.mark.parametrize("status", CODES)
def test_a_case_that_was_not_measured_in_new_is_the_exit_code(
    results: Path, status: Status
) -> None:
    code, out, _ = _said(results, "gate", "good", f"{status}-slow")
    assert code == CODES[status]
    assert f"not compared: mmap (NEW: {status}, wrong data arrived)\n    → look" in out
    assert _said(results, "compare", "good", f"{status}-slow")[0] == code
    assert _said(results, "gate", f"{status}-slow", "good")[0] == 0
    assert _said(results, "gate", "good", "good")[0] == 0


@pytest.mark.parametrize("status", CODES)
def test_json_says_what_came_of_each_case(results: Path, status: Status) -> None:
    code, out, _ = _said(results, "compare", "good", f"{status}-slow", "--json")
    (case,) = json.loads(out)["incomplete"]
    assert code == CODES[status]
    assert (case["id"], case["label"], case["compared"]) == (SLOW.id, "mmap", False)
    assert case["base"]["outcome"] == "measured"
    assert case["new"] == {
        "outcome": str(status),
        "trials": 0,
        "failed": len(FIGURES) if status is Status.FAILED else 0,
        "reason": "wrong data arrived",
        "remedy": "look",
    }


@pytest.mark.parametrize("status", CODES)
def test_nothing_in_common_is_json_too(results: Path, status: Status) -> None:
    code, out, complaint = _said(results, "compare", "good", f"{status}-all", "--json")
    assert code == CODES[status] == _said(results, "gate", "good", f"{status}-all")[0]
    assert "no measured Case in common" in complaint
    said = json.loads(out)
    assert said["cases"] == []
    assert [case["new"]["outcome"] for case in said["incomplete"]] == [str(status)] * 2


def test_a_report_of_both_has_the_case_that_failed_next_to_where_it_did_not(results: Path) -> None:
    page = results / "both.html"
    assert _said(results, "report", "good", "failed-slow", "-o", str(page))[0] == 0
    overview = page.read_text().split('id="run-1"')[0]
    assert "Not measured alike" in overview
    assert "failed, wrong data arrived" in overview
    assert _said(results, "report", "good", "good", "-o", str(page))[0] == 0
    assert "Not measured alike" not in page.read_text()


@pytest.mark.parametrize("name", ["csv", "benchstat", "json"])
def test_an_export_names_what_has_no_figures_in_it(results: Path, name: str) -> None:
    code, _, err = _said(results, "export", "failed-slow", "--format", name)
    assert (code, err) == (0, "note: mmap: failed, wrong data arrived\n")
    assert _said(results, "export", "good", "--format", name)[2] == ""


def test_benchstat_is_given_how_many_trials_failed(results: Path) -> None:
    _, out, _ = _said(results, "export", "failed-slow", "--format", "benchstat")
    assert "Unit failed-count better=lower\n" in out
    assert f"BenchmarkModelLoad/mmap\t1\t{len(FIGURES)} failed-count\n" in out
    assert "failed-count" not in _said(results, "export", "good", "--format", "benchstat")[1]


def test_a_run_of_which_only_warm_ups_were_good_was_not_measured() -> None:
    invalid = _with_bad(GOOD, Status.INVALID, (SLOW, FAST))
    warmups = tuple(msgspec.structs.replace(trial, warmup=True) for trial in GOOD.trials)
    run = msgspec.structs.replace(invalid, trials=(*warmups, *invalid.trials))
    assert exit_code_of(run) is ExitCode.NOT_MEASURED
    assert exit_code_of(GOOD) is ExitCode.DONE


def test_of_several_targets_the_worst_is_the_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where another could not be measured at all: a failed Trial is not passed over."""
    failed = _with_bad(GOOD, Status.FAILED)
    assert finish_each({"a": GOOD, "b": failed}, as_json=True) is ExitCode.FAILED
    (comparison,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert [case["label"] for case in comparison["incomplete"]] == ["mmap"]
    with pytest.raises(LoadstoneError) as caught:
        finish_each({"a": failed, "b": CannotMeasureError("no phone", remedy="plug it in")}, True)
    assert caught.value.exit_code is ExitCode.FAILED


def test_targets_without_a_case_in_common_are_compared_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    skipped = _with_bad(GOOD, Status.SKIPPED, (SLOW, FAST))
    assert finish_each({"a": GOOD, "b": skipped}, as_json=True) is ExitCode.NOT_MEASURED
    said = capsys.readouterr()
    (comparison,) = json.loads(said.out)["comparisons"]
    assert (comparison["cases"], len(comparison["incomplete"])) == ([], 2)
    assert "not compared: " in said.err
