"""Trials of calibration: builds Jobs, evaluates Outcomes."""

from collections.abc import Mapping

from loadstone.environment.calibration import MICROBENCHMARKS, cost_ns, mean_cost_ns
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.targets import Target
from loadstone.workloads.calibration.errors import RULES
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "calibrate"


class PreparedCalibration:
    """calibration with a name for its file; see ``loadstone.workloads.Prepared``."""

    def __init__(self, target: Target, input: Input, directory: str | None, file: str) -> None:
        self.path = directory
        self.input = input
        self.facts: Mapping[str, Value] = {}
        self._target = target
        self._file = file
        self._samples = target.samples(directory)

    def skip_reason(self, case: Case) -> Finding | None:
        del case
        return None

    def job(self, case: Case) -> Job:
        # A Trial that was killed has left its file.
        self._target.remove_file(self._file)
        options = core_options(case.parameters)
        if MICROBENCHMARKS[str(case.parameters["effect"])].needs_file:
            options["file"] = self._file
        return Job(operation=OPERATION, options=options, samples=self._samples)

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome) | {"mean_cost_ns": mean_cost_ns(outcome)}
        return measured({"cost_ns": cost_ns(outcome)}, evidence)
