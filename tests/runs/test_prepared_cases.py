"""Commands and Cases of model-load's in one Run: one file, the same rounds, figures of one sort."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

import loadstone
from commands import MIB, on_a_disk, write_model
from loadstone.export import find_format
from loadstone.model import Case, Run, Status
from loadstone.report import html, text
from loadstone.runs.prepared_cases import metrics_of
from loadstone.workloads import workload
from sample_runs import plan_of

LOADER = "echo loadstone: loading; cat {file} >/dev/null"
AXES = {"command": LOADER, "own": ["engine=mmap-copy", "engine=pread block=64KiB"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with on_a_disk(tmp_path_factory.mktemp("mixed")) as place:
        yield loadstone.run(
            "command",
            file=write_model(place / 'it\'s\n"one".gguf', 4 * MIB),
            axes=AXES,
            rounds=2,
            warmups=1,
            results=place / "results",
        )


def test_each_round_has_every_case_on_the_file_proven_cold(run: Run) -> None:
    cases = run.manifest.plan.cases
    assert [case.workload for case in cases] == ["command", "model-load", "model-load"]
    tried = [trial.case for trial in run.trials]
    for number in range(3):
        assert set(tried[3 * number : 3 * number + 3]) == {case.id for case in cases}
    for trial in run.trials:
        assert trial.status is Status.OK, trial.reason
        assert trial.evidence["cached_before_bytes"] == 0
        assert trial.evidence["file_bytes"] == 4 * MIB


def test_a_load_of_ours_leaves_the_programs_of_the_commands_cached(run: Run) -> None:
    if run.manifest.environment.facts.get("cache.below"):
        pytest.skip("the file's device has a cache below it: take another disk for TMPDIR")
    assert 0 in {
        trial.evidence["drop_caches"]
        for trial in run.trials
        if trial.case != run.manifest.plan.cases[0].id
    }


def test_what_loads_by_itself_has_all_figures_but_the_peak_of_a_whole_process(run: Run) -> None:
    command, *_ = run.manifest.plan.cases
    names = {metric.name for metric in run.manifest.metrics}
    assert run.manifest.metrics[0].name == "throughput"
    for trial in run.trials:
        found = trial.metrics
        assert found.keys() <= names
        assert found["loading_throughput"] == pytest.approx(4 * MIB / found["loading_ns"] * 1e9)
        if trial.case == command.id:
            assert found["loading_ns"] < found["ready_ns"]
        else:
            assert found["loading_ns"] == found["ready_ns"]
            assert found["loading_throughput"] == found["throughput"]
            assert "first_byte_ns" in found
            assert "peak_memory_bytes" not in found


def test_a_run_without_such_cases_has_the_metrics_of_its_workload() -> None:
    assert metrics_of(plan_of([Case.of("command", "c", {})])) == workload("command").metrics


def test_tables_reports_exports_and_comparisons_have_both(run: Run) -> None:
    out = io.StringIO()
    text.print_run(run, Console(file=out, width=160))
    assert "hold them against each other by loading_throughput" in " ".join(out.getvalue().split())
    page, table = html.render([run]), find_format("csv").render(run)
    for case in run.manifest.plan.cases:
        assert case.label.split()[0] in page
        assert case.workload in table
    compared = loadstone.compare(run, run, metric="loading_throughput")
    assert len(compared.effects) == 3


def test_a_run_that_was_cut_off_is_finished_on_a_file_that_is_made_once_for_both(
    place: Path,
) -> None:
    results = place / "results"
    begun = loadstone.run("command", size=2 * MIB, axes=AXES, rounds=2, warmups=0, results=results)
    lines = (begun.path / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (begun.path / "trials.jsonl").write_bytes(b"".join(lines[:4]))
    done = loadstone.resume(begun.id, results=results)
    assert [trial.case for trial in done.trials] == [trial.case for trial in begun.trials]
    for trial in done.trials:
        assert trial.status is Status.OK, trial.reason
    left = [path for path in results.rglob("*") if path.is_file()]
    assert {path.parent for path in left} <= {done.path, results / "runs"}, left
