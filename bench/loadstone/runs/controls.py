"""Controls: small work that is the same in every Run, done between its Trials.

What a unit of it takes is in the evidence of the Trial that follows, and tells whether two Runs
were made on a machine that was the same.
"""

import contextlib
from collections.abc import Iterator, Mapping

from loadstone.core.explain import describe
from loadstone.core.remote_files import stat_file
from loadstone.errors import CannotMeasureError, TargetLostError, UsageError
from loadstone.model import CoreError, Fact, Input, Job, Outcome, Plan, Step
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import (
    free_bytes,
    make_file,
    scratch_directory,
    scratch_file,
)
from loadstone.result_names import CONTROL_READ, CONTROLS
from loadstone.runs.conditions import TrialConditions
from loadstone.targets import Target

_FILE_BYTES = 16 << 20
# A small disk is the user's.
_ROOM = 16
_IN_A_ROUND = 3
_LIMIT_S = 60.0


class Controls:
    """Does the work at most three times a round, evenly between the Trials."""

    def __init__(
        self, target: Target, conditions: TrialConditions, job: Job, cases: int, reads: str
    ) -> None:
        self._target = target
        self._conditions = conditions
        self._job = job
        self._every = -(-cases // _IN_A_ROUND)
        self._round = -1
        self._trials = 0
        self.facts: Mapping[str, Fact] = {CONTROL_READ: reads}

    def measure(self, step: Step) -> Mapping[str, float]:
        """What a unit of each control takes now, in ns; nothing where it is not time for it.

        Raises:
            TargetLostError: the Target went away.
        """
        if step.warmup:
            return {}
        if step.round != self._round:
            self._round, self._trials = step.round, 0
        self._trials += 1
        if (self._trials - 1) % self._every:
            return {}
        outcome = self._conditions.execute(self._target.execute, self._job)
        if outcome.target_lost:
            raise TargetLostError(outcome.crash or "no answer", remedy=self._target.lost_remedy)
        return _figures(outcome)


class NoControls:
    """None where time is none of a machine's: instructions that are counted."""

    facts: Mapping[str, Fact] = {}

    def measure(self, step: Step) -> Mapping[str, float]:
        """Nothing."""
        del step
        return {}


@contextlib.contextmanager
def prepared_controls(
    target: Target, conditions: TrialConditions, plan: Plan, journal: Journal
) -> Iterator[Controls]:
    """The controls of a Run: of the processor, of memory, and where it can be done a direct read
    of a file that is made on the device that is measured.

    Raises:
        RunError: the journal cannot be written, or at the end the file would not go.
    """
    with contextlib.ExitStack() as stack:
        try:
            path, reads = _file(stack, target, plan.input, journal)
        except (CannotMeasureError, UsageError) as error:
            path, reads = None, f"none: {error.what}"
        yield Controls(target, conditions, _job(path), len(plan.cases), reads)


def _job(file: str | None) -> Job:
    options = {} if file is None else {"file": file}
    return Job(operation="control", options=options, timeout_s=_LIMIT_S)


def _file(
    stack: contextlib.ExitStack, target: Target, input: Input, journal: Journal
) -> tuple[str | None, str]:
    """A file for the control to read, which is removed when the stack is left, or None; and how
    it is read, or why not.

    Raises:
        CannotMeasureError, UsageError: it cannot be made.
    """
    directory = scratch_directory(target, input)
    if input.devices:
        return None, "none: devices are taken whole"
    if input.file is not None and _device(target, input.file) != _device(target, str(directory)):
        return None, "none: the file lies on another device than files can be made on"
    if free_bytes(target, directory) < _ROOM * _FILE_BYTES:
        return None, "none: the disk is nearly full"
    path = stack.enter_context(scratch_file(target, journal, "control", directory))
    make_file(target, path, _FILE_BYTES)
    error = target.execute(_job(path)).error
    return (None, f"none: {describe(error)}") if error else (path, "direct")


def _device(target: Target, path: str) -> tuple[int, int] | None:
    found = stat_file(target.execute, path)
    return None if isinstance(found, CoreError) else found.device


def _figures(outcome: Outcome) -> dict[str, float]:
    found = outcome.values
    return {
        name: found[f"{word}_ns"] / found[f"{word}_units"]
        for word, name in CONTROLS.items()
        if found.get(f"{word}_units")
    }
