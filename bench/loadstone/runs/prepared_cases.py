"""What the Cases of a Plan need on a Target: of its Workload, and of that one's companion."""

import contextlib
from collections.abc import Iterator, Mapping

import msgspec

from loadstone.model import (
    Case,
    Companion,
    Finding,
    Input,
    Job,
    Metric,
    Outcome,
    Plan,
    Status,
    Value,
)
from loadstone.provision.journal import Journal
from loadstone.targets import Say, Target
from loadstone.workloads import Prepared, workload


def metrics_of(plan: Plan) -> tuple[Metric, ...]:
    """The metrics of a Plan's Trials, that which Cases are ranked by first."""
    names = dict.fromkeys([plan.workload, *(case.workload for case in plan.cases)])
    found: dict[str, Metric] = {}
    for metric in (metric for name in names for metric in workload(name).metrics):
        found.setdefault(metric.name, metric)
    return tuple(found.values())


@contextlib.contextmanager
def prepared_cases(plan: Plan, target: Target, journal: Journal, say: Say) -> Iterator[Prepared]:
    """What the Plan's Workload prepared; Cases of its companion are on the same file."""
    chosen = workload(plan.workload)
    own = [case for case in plan.cases if case.workload == chosen.name]
    others = [case for case in plan.cases if case.workload != chosen.name]
    with chosen.prepare(target, plan.input, own, journal, say) as prepared:
        if not others or chosen.companion is None:
            yield prepared
            return
        input = msgspec.structs.replace(prepared.input, file=prepared.path, size_bytes=None)
        other = workload(chosen.companion.workload)
        with other.prepare(target, input, others, journal, say) as beside:
            yield _PreparedTogether(prepared, beside, chosen.companion)


class _PreparedTogether:
    """See ``loadstone.workloads.Prepared``."""

    def __init__(self, prepared: Prepared, beside: Prepared, companion: Companion) -> None:
        self.path: str | None = prepared.path
        self.input: Input = prepared.input
        self.facts: Mapping[str, Value] = {**beside.facts, **prepared.facts}
        self._prepared = prepared
        self._beside = beside
        self._companion = companion

    def skip_reason(self, case: Case) -> Finding | None:
        return self._of(case).skip_reason(case)

    def job(self, case: Case) -> Job:
        job = self._of(case).job(case)
        if not self._is_other(case):
            return job
        options = {**self._companion.job_options, **job.options}
        return msgspec.structs.replace(job, options=options)

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        found = self._of(case).evaluate(case, outcome)
        if not self._is_other(case) or found.status is not Status.OK:
            return found
        known = found.metrics
        same = {own: known[name] for own, name in self._companion.metrics.items() if name in known}
        return msgspec.structs.replace(found, metrics={**known, **same})

    def _of(self, case: Case) -> Prepared:
        return self._beside if self._is_other(case) else self._prepared

    def _is_other(self, case: Case) -> bool:
        return case.workload == self._companion.workload
