"""What a user's own pytest suite gets from the plugin: real pytest runs of real Cases."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import loadstone

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.native

# As-is, so that nothing hangs on what file system pytest's temporary directory is on.
PREAMBLE = """
import functools
import msgspec
import pytest
from loadstone.runs import runner
from loadstone.model import Status

CASE = dict(file="model.gguf", engine="pread", io="buffered", cache="as-is")

def doctor_trials(monkeypatch, change):
    real = runner.run_plan
    def run_plan(*words):
        run = real(*words)
        trials = tuple(change(trial) for trial in run.trials)
        return msgspec.structs.replace(run, trials=trials)
    monkeypatch.setattr(runner, "run_plan", run_plan)

def spoil(trial, status, rounds):
    if trial.warmup or trial.round not in rounds:
        return trial
    why = dict(reason="so it is", remedy="mend it")
    return msgspec.structs.replace(trial, status=Status(status), **why)
"""


REPORT = "--benchmark-json=report.json"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("LOADSTONE_RESULTS", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    (pytester.path / "model.gguf").write_bytes(os.urandom(1 << 20))
    return pytester


def run_suite(suite: pytest.Pytester, tests: str, *words: str) -> pytest.RunResult:
    suite.makepyfile(test_it=PREAMBLE + tests)
    return suite.runpytest_subprocess("-rsw", *words)


def recorded(suite: pytest.Pytester) -> list[dict[str, Any]]:
    """The benchmarks that the report of the last ``run_suite(…, REPORT)`` has."""
    report = suite.path / "report.json"
    return list(json.loads(report.read_text())["benchmarks"]) if report.exists() else []


def timed(suite: pytest.Pytester, tests: str, *words: str) -> list[dict[str, Any]]:
    """What pytest-benchmark makes of a suite."""
    run_suite(suite, tests, REPORT, *words)
    return recorded(suite)


def test_what_is_recorded_is_the_cores_own_time_to_the_last_bit(suite: pytest.Pytester) -> None:
    (benchmark,) = timed(
        suite, "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, rounds=7)"
    )
    run = loadstone.load(benchmark["extra_info"]["run"])
    ready_s = [trial.metrics["ready_ns"] / 1e9 for trial in run.trials if not trial.warmup]
    assert len(ready_s) == 7
    assert benchmark["stats"]["data"] == ready_s
    assert benchmark["stats"]["min"] == min(ready_s)
    assert benchmark["stats"]["max"] == max(ready_s)
    assert benchmark["stats"]["rounds"] == 7
    assert benchmark["options"]["timer"] == "loadstone's core"


def test_warm_ups_are_run_and_not_recorded(suite: pytest.Pytester) -> None:
    (benchmark,) = timed(
        suite,
        "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, rounds=2, warmups=3)",
    )
    run = loadstone.load(benchmark["extra_info"]["run"])
    assert sum(trial.warmup for trial in run.trials) == 3
    assert benchmark["stats"]["rounds"] == 2


def test_extra_info_tells_the_case_and_what_is_behind_its_figures(suite: pytest.Pytester) -> None:
    (benchmark,) = timed(
        suite, "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, rounds=3)"
    )
    info = benchmark["extra_info"]
    run = loadstone.load(info["run"])
    (case,) = run.manifest.plan.cases
    assert (info["case"], info["label"]) == (case.id, case.label)
    assert info["parameters"] == case.parameters
    counted = [trial for trial in run.trials if not trial.warmup]
    throughput = info["metrics"]["throughput"]
    assert throughput["unit"] == "B/s"
    assert throughput["rounds"] == [trial.metrics["throughput"] for trial in counted]
    assert info["evidence"]["file_bytes"] == 1 << 20
    assert info["environment"]["kernel.release"] == os.uname().release
    middle = sorted(counted, key=lambda trial: trial.metrics["ready_ns"])[1]
    assert [span["name"] for span in info["spans"]] == [span.name for span in middle.spans]
    assert [span["end_ns"] for span in info["spans"]] == [span.end_ns for span in middle.spans]


def test_the_fixture_returns_the_case_in_figures(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        """
def test_load(loadstone_benchmark):
    case = loadstone_benchmark(**CASE, rounds=4)
    assert case.trials == 4
    assert case.metrics["throughput"].low <= case.metrics["throughput"].high
    assert case.evidence["file_bytes"] == 1 << 20
""",
    )
    result.assert_outcomes(passed=1)


def test_without_parameters_it_is_the_workloads_default_case(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        """
from loadstone.workloads import workload

class Asked(Exception):
    pass

def test_load(loadstone_benchmark, monkeypatch):
    def run_plan(plan, *_):
        (case,) = plan.cases
        assert case.parameters == workload("model-load").complete({})[0]
        raise Asked
    monkeypatch.setattr(runner, "run_plan", run_plan)
    with pytest.raises(Asked):
        loadstone_benchmark(file="model.gguf")
""",
    )
    result.assert_outcomes(passed=1)


def test_a_plan_file_is_good_for_a_test_where_it_has_one_case(suite: pytest.Pytester) -> None:
    plan = 'workload = "model-load"\nfile = "model.gguf"\n[set]\ncache = "as-is"\n'
    (suite.path / "one.toml").write_text(f'{plan}engine = "pread"\nio = "buffered"\n')
    (suite.path / "two.toml").write_text(f'{plan}engine = ["pread", "mmap"]\n')
    result = run_suite(
        suite,
        """
def test_one(loadstone_benchmark):
    assert loadstone_benchmark("one.toml").case.parameters["engine"] == "pread"

def test_two(loadstone_benchmark):
    loadstone_benchmark("two.toml")
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["two.toml has 2 Cases, and a test times one; parametrize*"])


def test_pytest_benchmark_compares_two_saved_runs(suite: pytest.Pytester) -> None:
    tests = """
@pytest.mark.parametrize("engine", ["pread", "mmap-copy"])
def test_load(loadstone_benchmark, engine):
    loadstone_benchmark(**{**CASE, "engine": engine}, rounds=3)
"""
    storage = f"--benchmark-storage={suite.path / 'saved'}"
    for name in ("before", "after"):
        run_suite(suite, tests, storage, f"--benchmark-save={name}").assert_outcomes(passed=2)
    files = sorted((suite.path / "saved").rglob("*.json"))
    assert [path.name for path in files] == ["0001_before.json", "0002_after.json"]
    words = [sys.executable, "-m", "pytest_benchmark", "--storage", str(suite.path / "saved")]
    words += ["compare", "--csv", str(suite.path / "compared"), "0001", "0002"]
    done = subprocess.run(words, cwd=suite.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for engine in ("pread", "mmap-copy"):
        for saved in ("0001_before", "0002_after"):
            assert f"test_load[{engine}] ({saved})" in done.stdout
    rows = (suite.path / "compared.csv").read_text()
    saved_stats = json.loads(files[0].read_text())["benchmarks"][0]["stats"]
    assert str(saved_stats["median"]) in rows


def test_a_regression_beyond_the_limit_fails_the_session(suite: pytest.Pytester) -> None:
    tests = """
SLOWER = {slower}
def test_load(loadstone_benchmark, monkeypatch):
    def slow(trial):
        metrics = {{**trial.metrics, "ready_ns": trial.metrics["ready_ns"] * SLOWER}}
        return msgspec.structs.replace(trial, metrics=metrics)
    doctor_trials(monkeypatch, slow)
    loadstone_benchmark(**CASE)
"""
    assert run_suite(suite, tests.format(slower=1), "--benchmark-save=a").ret == 0
    held = ("--benchmark-compare", "--benchmark-compare-fail=median:99%")
    slower = run_suite(suite, tests.format(slower=1000), *held)
    assert slower.ret != 0
    assert "Performance has regressed" in slower.stdout.str() + slower.stderr.str()
    assert run_suite(suite, tests.format(slower=0.001), *held).ret == 0


def test_a_case_that_cannot_be_measured_is_a_skip_with_reason_and_remedy(
    suite: pytest.Pytester,
) -> None:
    result = run_suite(
        suite,
        "def test_load(loadstone_benchmark): "
        "loadstone_benchmark(file='model.gguf', engine='sendfile', destination='anon')",
    )
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*sendfile cannot fill destination anon*it takes memfd*"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("file='missing.gguf'", "*missing.gguf*No such file*"),
        ("file='model.gguf', engine='warp'", "*'warp' is not one of its values*"),
        ("file='model.gguf', speed=3", "*speed: no such parameter*"),
        ("'page-flip', file='model.gguf'", "*page-flip: no such workload*"),
        ("file='model.gguf', rounds=0", "*rounds: 0 is out of range*"),
        ("file='model.gguf', engine=['pread', 'mmap']", "*is not one of its values*"),
        ("file_size='much'", "*'much' is not a size*"),
    ],
)
def test_a_wrong_request_fails_in_one_line_and_records_nothing(
    call: str, words: str, suite: pytest.Pytester
) -> None:
    tests = f"def test_load(loadstone_benchmark): loadstone_benchmark({call})"
    result = run_suite(suite, tests, REPORT)
    assert recorded(suite) == []
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([words])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*not used at all*")


def test_a_failed_trial_fails_the_test_and_records_nothing(suite: pytest.Pytester) -> None:
    tests = """
def test_load(loadstone_benchmark, monkeypatch):
    doctor_trials(monkeypatch, lambda trial: spoil(trial, "failed", [1]))
    loadstone_benchmark(**CASE)
"""
    result = run_suite(suite, tests, REPORT)
    assert recorded(suite) == []
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["a Trial failed: so it is; mend it"])
    result.stdout.no_fnmatch_line("*Min*Max*")


def test_invalid_trials_are_left_out_and_said(suite: pytest.Pytester) -> None:
    tests = """
def test_load(loadstone_benchmark, monkeypatch):
    doctor_trials(monkeypatch, lambda trial: spoil(trial, "invalid", [1, 3]))
    loadstone_benchmark(**CASE, rounds=5)
"""
    result = run_suite(suite, tests, REPORT)
    (benchmark,) = recorded(suite)
    run = loadstone.load(benchmark["extra_info"]["run"])
    ready_s = [trial.metrics["ready_ns"] / 1e9 for trial in run.trials if not trial.warmup]
    assert benchmark["stats"]["data"] == [ready_s[0], ready_s[2], ready_s[4]]
    assert benchmark["extra_info"]["invalid"] == 2
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*2 invalid Trials were left out: so it is; mend it*"])


def test_a_file_that_stays_cached_is_never_timed_as_cold(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        """
import mmap
def test_load(loadstone_benchmark):
    with open("model.gguf", "rb") as file:
        held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        assert any(held[::4096])
        loadstone_benchmark(**{**CASE, "cache": "cold"}, rounds=2)
""",
    )
    outcomes = result.parseoutcomes()
    assert "passed" not in outcomes
    told = result.stdout.str()
    assert "no Trial was valid" in told or "which is memory: never cold" in told
    result.stdout.no_fnmatch_line("*Min*Max*")


def test_parameters_without_meaning_are_warned_of(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite, "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, depth=4)"
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*depth has no meaning for engine pread*"])


def test_a_second_case_in_one_test_is_refused(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        """
def test_load(loadstone_benchmark):
    loadstone_benchmark(**CASE)
    loadstone_benchmark(**CASE)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*one Case a test*"])


def test_a_timer_that_is_not_the_cores_is_refused(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        """
def test_hidden(request):
    request.getfixturevalue("loadstone_benchmark")(**CASE)
""",
    )
    result.assert_outcomes(errors=0, failed=1)
    result.stdout.fnmatch_lines(["*must be an argument of the test*"])


def test_benchmarks_own_marks_and_its_fixture_work_beside(suite: pytest.Pytester) -> None:
    benchmarks = timed(
        suite,
        """
@pytest.mark.benchmark(group="loads")
def test_load(benchmark, loadstone_benchmark):
    loadstone_benchmark(**CASE, rounds=2)
    assert benchmark.extra_info["workload"] == "model-load"

def test_other(benchmark):
    benchmark(sum, [1])

def test_own(benchmark, loadstone_benchmark):
    benchmark(sum, [1])
""",
    )
    groups = {benchmark["name"]: benchmark["group"] for benchmark in benchmarks}
    assert groups == {"test_load": "loads", "test_other": None, "test_own": None}
    assert all(benchmark["stats"]["min"] > 0 for benchmark in benchmarks)


@pytest.mark.parametrize(
    ("option", "passed", "skipped"),
    [("--benchmark-only", 1, 1), ("--benchmark-skip", 1, 1), ("--benchmark-disable", 2, 0)],
)
def test_the_options_of_pytest_benchmark_hold(
    option: str, passed: int, skipped: int, suite: pytest.Pytester
) -> None:
    tests = """
def test_load(loadstone_benchmark):
    case = loadstone_benchmark(**CASE, rounds=9)
    print("trials:", case.trials)

def test_other():
    print("other ran")
"""
    result = run_suite(suite, tests, option, "-s")
    result.assert_outcomes(passed=passed, skipped=skipped)
    expected = {
        "--benchmark-only": "*trials: 9*",
        "--benchmark-skip": "*other ran*",
        "--benchmark-disable": "*trials: 1*",
    }
    result.stdout.fnmatch_lines([expected[option]])


def test_profiling_does_not_change_the_times(suite: pytest.Pytester) -> None:
    (benchmark,) = timed(
        suite,
        "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, rounds=2)",
        "--benchmark-cprofile=tottime",
    )
    run = loadstone.load(benchmark["extra_info"]["run"])
    ready_s = [trial.metrics["ready_ns"] / 1e9 for trial in run.trials if not trial.warmup]
    assert benchmark["stats"]["data"] == ready_s


def test_without_pytest_benchmark_only_its_tests_are_skipped(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        """
def test_load(loadstone_benchmark):
    loadstone_benchmark(**CASE)

def test_other():
    pass
""",
        "-p",
        "no:benchmark",
    )
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*needs pytest-benchmark: pip install*"])


def test_where_pytest_benchmark_is_not_installed_the_suite_still_runs(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile(
        sitecustomize="""
import sys
sys.modules["pytest_benchmark"] = None
"""
    )
    suite.makepyfile(test_it="def test_other(): pass\ndef test_load(loadstone_benchmark): pass")
    words = ["-p", "loadstone.pytest_plugin", "-rs"]
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(suite.path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=suite.path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "needs pytest-benchmark" in done.stdout


def test_under_xdist_the_case_runs_once_and_no_time_is_kept(suite: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pip install pytest-xdist")
    result = run_suite(
        suite,
        """
def test_load(loadstone_benchmark):
    assert loadstone_benchmark(**CASE, rounds=9).trials == 1

def test_other():
    pass
""",
        "-n",
        "2",
    )
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*Min*Max*")


def test_runs_land_beside_pytests_own_data_and_nothing_else_is_left(
    suite: pytest.Pytester,
) -> None:
    tests = "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, rounds=1)"
    (benchmark,) = timed(suite, tests)
    results = suite.path / ".pytest_cache" / "d" / "loadstone"
    assert Path(benchmark["extra_info"]["run"]).parent == results / "runs"
    left = {path.name for path in results.rglob("*") if path.is_file()}
    assert left == {"manifest.json", "trials.jsonl"}
    assert list(suite.path.rglob("loadstone-*")) == []


def test_loadstone_results_says_where_runs_land(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADSTONE_RESULTS", "elsewhere")
    tests = "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, rounds=1)"
    (benchmark,) = timed(suite, tests)
    assert Path(benchmark["extra_info"]["run"]).parent == suite.path / "elsewhere" / "runs"


def test_a_file_is_made_and_removed_where_none_is_given(suite: pytest.Pytester) -> None:
    (benchmark,) = timed(
        suite,
        "def test_load(loadstone_benchmark): loadstone_benchmark("
        "file_size='1MiB', engine='pread', io='buffered', cache='as-is', rounds=1)",
        "-p",
        "no:cacheprovider",
    )
    assert benchmark["extra_info"]["evidence"]["file_bytes"] == 1 << 20
    assert list(suite.path.rglob("loadstone-*")) == []


def test_the_plugin_imports_nothing_heavy_when_pytest_starts() -> None:
    program = """
import sys
import pytest
before = set(sys.modules)
import loadstone.pytest_plugin
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "loadstone" in loaded
    assert not {"numpy", "scipy", "rich", "click", "jinja2", "pytest_benchmark"} & loaded


def test_rounds_are_added_until_the_interval_is_narrow(suite: pytest.Pytester) -> None:
    (benchmark,) = timed(
        suite,
        "def test_load(loadstone_benchmark):"
        " loadstone_benchmark(**CASE, rounds=12, until='50%', limit='1m')",
    )
    run = loadstone.load(benchmark["extra_info"]["run"])
    rule = run.manifest.plan.until
    assert rule is not None
    assert (rule.within, rule.limit_s) == (0.5, 60)
    assert len(benchmark["stats"]["data"]) >= 12


def test_a_width_that_is_none_fails_the_test(suite: pytest.Pytester) -> None:
    test = "def test_load(loadstone_benchmark): loadstone_benchmark(**CASE, until='2')"
    result = run_suite(suite, test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*until: '2' is no percentage*"])


def test_where_one_trial_is_wanted_none_are_added(suite: pytest.Pytester) -> None:
    result = run_suite(
        suite,
        "def test_load(loadstone_benchmark):"
        " assert loadstone_benchmark(**CASE, rounds=12, until='2%').trials == 1",
        "--benchmark-disable",
    )
    result.assert_outcomes(passed=1)
