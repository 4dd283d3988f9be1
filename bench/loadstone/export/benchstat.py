"""Go's benchmark format, which ``benchstat`` reads.

Source: golang.org/design/14313-benchmark-format, and the unit lines of golang.org/x/perf/benchfmt.
"""

import re
from collections.abc import Iterator, Mapping

from loadstone.analysis.coverage import coverage
from loadstone.export.case_names import names
from loadstone.export.figures import clock_words, figures, setting
from loadstone.model import Case, Metric, Run

SUMMARY = "Go's benchmark format: benchstat BASE.txt NEW.txt (-col kernel for two kernels)"
SUFFIX = ".txt"

# Where Trials failed, benchstat shows how many: it passes over what has no figures.
_FAILED = "failed-count"


def render(run: Run) -> str:
    """Configuration lines, unit lines, a line a Trial, and one a Case of which Trials failed."""
    lines = [f"{key}: {value}" for key, value in _configuration(run).items()]
    lines += [f"Unit {unit(metric)} better={metric.better}" for metric in run.manifest.metrics]
    results, failures = [*_results(run)], [*_failures(run)]
    lines += [f"Unit {_FAILED} better=lower"] if failures else []
    return "\n".join([*lines, *results, *failures, ""])


def unit(metric: Metric) -> str:
    """A metric's name and unit as one word: two metrics in ns must not become one."""
    name = metric.name.removesuffix(f"_{metric.unit}").replace("_", "-")
    return f"{name}-{metric.unit}"


def _configuration(run: Run) -> Mapping[str, str]:
    """benchstat makes a table of its own for each set of these."""
    return {"clock": clock_words(run), **setting(run)}


def _results(run: Run) -> Iterator[str]:
    called = names(run)
    for case, trial in figures(run):
        pairs = [
            f"{_number(trial.metrics[metric.name])} {unit(metric)}"
            for metric in run.manifest.metrics
            if metric.name in trial.metrics
        ]
        if pairs:
            yield "\t".join((_name(case, called), "1", *pairs))


def _failures(run: Run) -> Iterator[str]:
    called = names(run)
    for case, found in zip(run.manifest.plan.cases, coverage(run, None).values(), strict=True):
        if found.state.failed:
            yield "\t".join((_name(case, called), "1", f"{found.state.failed} {_FAILED}"))


def _name(case: Case, called: Mapping[str, str]) -> str:
    """``BenchmarkModelLoad/NAME``, where no space may stand."""
    workload = "".join(word.capitalize() for word in re.split(r"[\s_-]+", case.workload))
    return f"Benchmark{workload}/{'_'.join(called[case.id].split())}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
