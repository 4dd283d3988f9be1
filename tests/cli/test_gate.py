"""``gate`` and ``compare`` leave with what came of every Case; reports and exports show it."""

import json
from pathlib import Path
from xml.etree import ElementTree

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


def test_cases_of_one_run_are_compared_by_a_parameter(tmp_path: Path) -> None:
    slower = [1.2 * figure for figure in FIGURES]
    write_run(measured_run([(FAST, slower), (SLOW, FIGURES)], SPEED, "run"), tmp_path)
    words = ["run", "--by", "engine", "--results", str(tmp_path)]
    done = CliRunner().invoke(cli, ["compare", *words, "--json"])
    said = json.loads(done.stdout)
    assert (said["design"], said["by"]) == ("within one Run", "engine")
    assert [one["label"] for one in said["cases"]] == ["pread: pread → mmap"]
    assert said["cases"][0]["verdict"] == "slower"
    told = CliRunner().invoke(cli, ["compare", *words])
    assert "each value of engine against the first; paired by round" in told.stdout
    gated = CliRunner().invoke(cli, ["gate", *words], standalone_mode=False)
    assert gated.return_value is ExitCode.REGRESSION


def test_thresholds_go_by_metric_and_case_and_junit_has_a_line_for_each(tmp_path: Path) -> None:
    slower = [0.95 * figure for figure in FIGURES]
    write_run(GOOD, tmp_path)
    write_run(measured_run([(FAST, slower), (SLOW, slower)], SPEED, "new", 1), tmp_path)
    limits, junit = tmp_path / "limits.toml", tmp_path / "gate.xml"
    words = ["gate", "good", "new", "--results", str(tmp_path), "--thresholds", str(limits)]

    def gated(text: str) -> ExitCode:
        limits.write_text(text)
        command = [*words, "--junit", str(junit)]
        done = CliRunner().invoke(cli, command, standalone_mode=False)
        assert isinstance(done.return_value, ExitCode), done.exception
        return done.return_value

    assert gated("[throughput]\nthreshold = 0.1\n") is ExitCode.DONE
    assert gated("[throughput.cases]\n'pre*' = 0.1\n") is ExitCode.REGRESSION
    suite = ElementTree.parse(junit).getroot()[0]  # what was just written
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        **{"tests": "2", "failures": "1"},
        **{"errors": "0", "skipped": "0"},
    }
    failures = {case.get("name"): case.find("failure") for case in suite}
    assert failures["pread"] is None
    assert failures["mmap"] is not None
    assert "slower: -5.0%" in str(failures["mmap"].get("message"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "limits.toml:1: names no metric"),
        ("throughput = 3\n", "limits.toml:1: throughput: is no table"),
        ("[throughput]\nthreshold = 3\n", "limits.toml:2: threshold: 3 is no share"),
        ("[throughput]\ntreshold = 0.1\n", "limits.toml:2: treshold: no such key"),
        ("[throughput.cases]\n'a*' = true\n", "limits.toml:2: a*: True is no share"),
        ("[speed]\n", "speed: good has no such metric"),
    ],
)
def test_what_is_no_file_of_thresholds_is_refused(
    tmp_path: Path, text: str, complaint: str
) -> None:
    write_run(GOOD, tmp_path)
    write_run(measured_run([(FAST, FIGURES)], SPEED, "new", 1), tmp_path)
    limits = tmp_path / "limits.toml"
    limits.write_text(text)
    words = ["gate", "good", "new", "--results", str(tmp_path), "--thresholds", str(limits)]
    done = CliRunner().invoke(cli, words)
    assert complaint in str(done.exception)
    also = CliRunner().invoke(cli, [*words, "--metric", "throughput"])
    assert "leave --metric and --threshold out" in str(also.exception)


def test_several_runs_are_compared_with_several(tmp_path: Path) -> None:
    for side, factor in (("a", 1.0), ("b", 1.2)):
        for number in range(4):
            figures = [factor * (figure + number) for figure in FIGURES]
            write_run(measured_run([(FAST, figures)], SPEED, f"{side}{number}", number), tmp_path)
    sides = ("a0", "a1", "a2", "a3", "--", "b0", "b1", "b2", "b3")
    words = ["compare", "--results", str(tmp_path), "--json", *sides]
    said = json.loads(CliRunner().invoke(cli, words).stdout)
    assert said["design"] == "several Runs against several"
    assert (said["base"], said["new"]) == ("a0 a1 a2 a3", "b0 b1 b2 b3")
    assert [one["verdict"] for one in said["cases"]] == ["faster"]
    gated = ["gate", "--results", str(tmp_path), "b0", "b1", "b2", "b3", "--", *sides[:4]]
    done = CliRunner().invoke(cli, gated, standalone_mode=False)
    assert done.return_value is ExitCode.REGRESSION
    unclear = CliRunner().invoke(cli, ["compare", "--results", str(tmp_path), "a0", "a1", "b0"])
    assert "3 Runs are named, and which of them are NEW is not" in str(unclear.exception)


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
