"""Go's benchmark format, which ``benchstat`` reads.

Source: golang.org/design/14313-benchmark-format, and the unit lines of golang.org/x/perf/benchfmt.
"""

import re
from collections.abc import Iterator, Mapping

from loadstone.analysis import time_base
from loadstone.analysis.coverage import coverage
from loadstone.export.figures import fact, figures
from loadstone.model import Case, Metric, Run

SUMMARY = "Go's benchmark format: benchstat BASE.txt NEW.txt (-col kernel for two kernels)"
SUFFIX = ".txt"

# benchstat makes a table of its own for each set of these, so only what forbids a comparison,
# or what is compared, may stand here: no Run's id.
_FACTS = {
    "cpu": "cpu.model",
    "kernel": "kernel.release",
    "fs": "fs.type",
    "storage": "storage.profile",
}


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
    known = {key: fact(run, name) for key, name in _FACTS.items()}
    counted_by = time_base.words(time_base.clock_of(run.manifest.environment))
    return {"clock": " ".join(counted_by.split())} | {
        key: text for key, text in known.items() if text
    }


def _results(run: Run) -> Iterator[str]:
    for case, trial in figures(run):
        pairs = [
            f"{_number(trial.metrics[metric.name])} {unit(metric)}"
            for metric in run.manifest.metrics
            if metric.name in trial.metrics
        ]
        if pairs:
            yield "\t".join((_name(case), "1", *pairs))


def _failures(run: Run) -> Iterator[str]:
    for case, found in zip(run.manifest.plan.cases, coverage(run, None).values(), strict=True):
        if found.state.failed:
            yield "\t".join((_name(case), "1", f"{found.state.failed} {_FAILED}"))


def _name(case: Case) -> str:
    """``BenchmarkModelLoad/LABEL``, where no space may stand."""
    workload = "".join(word.capitalize() for word in re.split(r"[\s_-]+", case.workload))
    return f"Benchmark{workload}/{'_'.join(case.label.split())}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
