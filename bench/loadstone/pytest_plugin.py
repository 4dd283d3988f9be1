"""A pytest plugin that times Cases with pytest-benchmark.

A test asks for the fixture ``loadstone_benchmark`` and calls it once::

    def test_load(loadstone_benchmark):
        loadstone_benchmark("model-load", file="model.gguf", engine="uring", rounds=5)

The Case is run as a Run of its own. The times that the core took around its Trials' timed
regions are then handed to pytest-benchmark as its rounds. pytest loads this module at every
start, so what it needs of Loadstone is imported when a test calls the fixture.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from loadstone.analysis.summary import CaseSummary
    from loadstone.model import Plan, Run, Trial, Value
    from loadstone.plan.request import Request

_Number = TypeVar("_Number", int, float)

_FIXTURE = "loadstone_benchmark"
_PYTEST_BENCHMARK = ("benchmark", "pytest_benchmark.plugin")


class Benchmark(Protocol):
    """What is used of pytest-benchmark's ``BenchmarkFixture`` (4 and 5)."""

    disabled: bool
    extra_info: dict[str, Any]

    def pedantic(
        self, target: Callable[[], None], *, setup: Callable[[], None], rounds: int
    ) -> object:
        """Call ``setup`` and time ``target``, so many times."""


class ReplayClock:
    """A timer that shows times which were taken before; between replays, real time.

    It stands at 0 when a round begins, so that the difference which pytest-benchmark makes is
    the time itself, to the last bit.
    """

    __name__ = "loadstone's core"

    def __init__(self) -> None:
        self._shown_s: float | None = None

    def __call__(self) -> float:
        return perf_counter() if self._shown_s is None else self._shown_s

    def replay(self, benchmark: Benchmark, times_s: Sequence[float]) -> None:
        """Have ``benchmark`` record these times, one a round."""
        following = iter(times_s)
        try:
            benchmark.pedantic(
                # Its profiler (--benchmark-cprofile) calls once more than there are rounds.
                lambda: self._show(next(following, 0.0)),
                setup=lambda: self._show(0.0),
                rounds=len(times_s),
            )
        finally:
            self._shown_s = None

    def _show(self, time_s: float) -> None:
        self._shown_s = time_s


_CLOCK = ReplayClock()


class CaseBenchmark:
    """Times one Case for one test; what the fixture ``loadstone_benchmark`` hands out."""

    def __init__(self, benchmark: Benchmark, node: pytest.Item, results: Path) -> None:
        self._benchmark = benchmark
        self._node = node
        self._results = results
        self._is_used = False

    def __call__(
        self,
        workload: str = "model-load",
        *,
        file: str | Path | None = None,
        directory: str | Path | None = None,
        file_size: str | int | None = None,
        rounds: int = 5,
        warmups: int = 1,
        until: str | float | None = None,
        limit: str | float | None = None,
        target: str = "local",
        **parameters: "Value",
    ) -> "CaseSummary":
        """Run one Case and hand its times to pytest-benchmark.

        A Case that cannot be measured here skips the test. A failed Trial (wrong data, a crash)
        fails it. An invalid one (the cache was not cold) is left out, with a warning; the test
        fails where that leaves none. Where pytest-benchmark is disabled (``--benchmark-disable``,
        xdist), one Trial is run and no time is kept.

        Args:
            workload: its name.
            file, directory, file_size: ``file``, ``directory`` and ``size`` of ``loadstone.run``.
            rounds, warmups: Trials that count, and Trials before them that do not.
            until, limit: those of ``loadstone.run``; ``rounds`` must be 10 then, or more.
            target: where to run.
            parameters: those of the Case, by name; the others are at their defaults.

        Returns:
            The Case in figures: medians with their intervals, evidence, notes.
        """
        from loadstone.plan.request import Request
        from loadstone.units import parse_bytes, parse_duration, parse_share

        if self._is_used:
            pytest.fail(f"{_FIXTURE} times one Case a test; parametrize it for more", False)
        self._is_used = True
        request = Request(
            what=workload,
            axes=tuple(_axis_text(name, value) for name, value in parameters.items()),
            file=None if file is None else str(file),
            directory=None if directory is None else str(directory),
            size_bytes=self._read("file_size", file_size, parse_bytes),
            rounds=rounds,
            warmups=warmups,
            until=self._read("until", until, parse_share),
            limit_s=self._read("limit", limit, parse_duration),
        )
        return self._record(self._run(request, target))

    def _read(
        self, name: str, said: "str | _Number | None", parse: "Callable[[str], _Number]"
    ) -> "_Number | None":
        from loadstone.errors import UsageError

        try:
            return parse(said) if isinstance(said, str) else said
        except UsageError as error:
            raise self._failure(f"{name}: {error}") from None

    def _run(self, request: "Request", target: str) -> "Run":
        from loadstone import targets
        from loadstone.errors import CannotMeasureError, LoadstoneError
        from loadstone.runs import runner

        try:
            plan = self._plan(request)
            with targets.connect(target, self._results) as connected:
                return runner.run_plan(plan, connected, self._results, runner.Silence())
        except CannotMeasureError as error:
            raise pytest.skip.Exception(str(error)) from None
        except LoadstoneError as error:
            raise self._failure(str(error)) from None

    def _plan(self, request: "Request") -> "Plan":
        import msgspec

        from loadstone.errors import UsageError
        from loadstone.plan.request import make_plan
        from loadstone.workloads import make_cases, workload

        plan, remarks = make_plan(request)
        if not request.axes and request.what == plan.workload:
            cases, _ = make_cases(workload(plan.workload), [{}])
            plan = msgspec.structs.replace(plan, cases=cases)
        # pytest-benchmark 4 does not know today's xdist workers for what they are.
        if self._benchmark.disabled or hasattr(self._node.config, "workerinput"):
            plan = msgspec.structs.replace(plan, rounds=1, warmups=0, until=None)
        if len(plan.cases) != 1:
            raise UsageError(
                f"{request.what} has {len(plan.cases)} Cases, and a test times one",
                remedy="parametrize the test, one Case each",
            )
        for remark in remarks:
            self._warn(remark)
        return plan

    def _record(self, run: "Run") -> "CaseSummary":
        from loadstone.analysis.summary import counted_trials, summarise

        (summary,) = summarise(run)
        if summary.skipped is not None:
            pytest.skip(_with_remedy(summary.skipped, summary.remedy))
        trials = counted_trials(run)[summary.case.id]
        self._refuse_bad(run, len(trials))
        self._benchmark.extra_info.update(_extra_info(run, summary, trials))
        _CLOCK.replay(self._benchmark, [_timed_ns(trial) / 1e9 for trial in trials])
        return summary

    def _refuse_bad(self, run: "Run", counted: int) -> None:
        failed = [trial for trial in run.trials if trial.status == "failed"]
        invalid = [trial for trial in run.trials if trial.status == "invalid" and not trial.warmup]
        if failed:
            raise self._failure(
                f"a Trial failed: {_with_remedy(failed[0].reason, failed[0].remedy)}"
            )
        why = _with_remedy(invalid[0].reason, invalid[0].remedy) if invalid else ""
        if not counted:
            raise self._failure(f"no Trial was valid: {why}")
        if invalid:
            self._warn(f"{len(invalid)} invalid Trials were left out: {why}")

    def _warn(self, text: str) -> None:
        self._node.warn(pytest.PytestWarning(f"{_FIXTURE}: {text}"))

    def _failure(self, text: str) -> BaseException:
        """The failure of the test; pytest-benchmark is used once, as it warns otherwise."""

        def refuse() -> NoReturn:
            raise _RefusedError

        with contextlib.suppress(_RefusedError):
            self._benchmark.pedantic(refuse, setup=lambda: None, rounds=1)
        return pytest.fail.Exception(text, pytrace=False)


class _RefusedError(Exception):
    """There is nothing to time."""


class WithBenchmark:
    """The plugin where pytest-benchmark is there."""

    @pytest.hookimpl
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Give the tests that time Cases their clock, added to what their own marks say."""
        if _FIXTURE in getattr(item, "fixturenames", ()):
            own = item.get_closest_marker("benchmark")
            options = {**(own.kwargs if own else {}), "timer": _CLOCK}
            item.add_marker(pytest.mark.benchmark(**options), append=False)

    @pytest.fixture(name=_FIXTURE)
    def loadstone_benchmark(
        self, request: pytest.FixtureRequest, benchmark: Benchmark
    ) -> CaseBenchmark:
        """Times one Case with pytest-benchmark; see ``CaseBenchmark``."""
        mark = request.node.get_closest_marker("benchmark")
        if mark is None or mark.kwargs.get("timer") is not _CLOCK:
            pytest.fail(
                f"{_FIXTURE} must be an argument of the test, and no other timer be set",
                pytrace=False,
            )
        return CaseBenchmark(benchmark, request.node, _results(request))


class WithoutBenchmark:
    """The plugin where pytest-benchmark is missing or turned off."""

    @pytest.fixture(name=_FIXTURE)
    def loadstone_benchmark(self) -> NoReturn:
        """Skips the test."""
        pytest.skip(
            f"{_FIXTURE} needs pytest-benchmark: pip install 'loadstone[pytest]', and no "
            "-p no:benchmark"
        )


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixture, in the form that fits what is installed."""
    has_benchmark = any(map(config.pluginmanager.hasplugin, _PYTEST_BENCHMARK))
    plugin = WithBenchmark() if has_benchmark else WithoutBenchmark()
    config.pluginmanager.register(plugin, _FIXTURE)


def _results(request: pytest.FixtureRequest) -> Path:
    """Where the Runs go: to pytest's cache of this project, on its disk."""
    said = os.environ.get("LOADSTONE_RESULTS")
    if said:
        from loadstone.home import require_no_tilde

        require_no_tilde("LOADSTONE_RESULTS", said)
        return Path(said).absolute()
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    if cache is not None:
        return cache.mkdir("loadstone")
    temporary: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    return temporary.mktemp("loadstone")


def _axis_text(name: str, value: "Value") -> str:
    text = str(value).replace(",", "\\,")
    return f"{name}={text}"


def _timed_ns(trial: "Trial") -> float:
    from loadstone.core.evidence import timed_ns

    elapsed_ns = timed_ns({**trial.evidence, **trial.metrics})
    assert elapsed_ns is not None, "a Trial that counts has a timed region"
    return elapsed_ns


def _with_remedy(reason: str | None, remedy: str | None) -> str:
    from loadstone.errors import with_remedy

    return with_remedy(str(reason), remedy)


def _extra_info(run: "Run", summary: "CaseSummary", trials: "Sequence[Trial]") -> dict[str, object]:
    import msgspec

    in_order = sorted(trials, key=_timed_ns)
    columns = {
        metric.name: {
            "unit": metric.unit,
            "better": metric.better,
            "rounds": [trial.metrics[metric.name] for trial in trials],
        }
        for metric in run.manifest.metrics
        if all(metric.name in trial.metrics for trial in trials)
    }
    info = {
        "case": summary.case.id,
        "label": summary.case.label,
        "workload": summary.case.workload,
        "parameters": summary.case.parameters,
        "run": str(run.path),
        "loadstone": run.manifest.loadstone,
        "invalid": summary.invalid,
        "notes": summary.notes,
        "metrics": columns,
        "evidence": summary.evidence,
        "spans": in_order[(len(in_order) - 1) // 2].spans,
        "environment": run.manifest.environment.facts,
    }
    builtins: dict[str, object] = msgspec.to_builtins(info)
    return builtins
