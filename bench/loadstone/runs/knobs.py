"""Sets the knobs of a Case right before each of its Trials, and sees that they stay."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from loadstone.core.explain import skipped_by
from loadstone.errors import CannotMeasureError, TrialFailedError
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.plan.knobs import command_lines, first_commands
from loadstone.provision.command_knob import CommandKnob, kept_commands
from loadstone.provision.journal import Journal
from loadstone.provision.knob import Knob, kept_knobs
from loadstone.targets import Say, Target
from loadstone.workloads import Prepared

_AnyKnob = Knob | CommandKnob


@contextlib.contextmanager
def prepared_with_knobs(
    prepared: Prepared, target: Target, journal: Journal, cases: Sequence[Case]
) -> Iterator[Prepared]:
    """What a Workload prepared, with the knobs of its Cases; they are put back at the end.

    Each value is tried once: one that the kernel refuses, or a command that fails, is a skip.

    Raises:
        CannotMeasureError: there is no such tunable here.
    """
    names = list(dict.fromkeys(name for case in cases for name in case.knobs))
    if not names:
        yield prepared
        return
    commands = first_commands(cases)
    tunables = [name for name in names if name not in commands]
    with (
        kept_commands(journal, commands) as command_knobs,
        kept_knobs(target, journal, tunables, prepared.path) as kernel_knobs,
    ):
        knobs: dict[str, _AnyKnob] = {**command_knobs, **kernel_knobs}
        settings = dict.fromkeys(item for case in cases for item in case.knobs.items())
        refused: dict[tuple[str, str], Finding] = {}
        for name, value in settings:
            # A command's first value is the first here, too.
            knob = knobs[name]
            if isinstance(knob, CommandKnob) and (name, knob.put_back) in refused:
                refused[name, value] = _cannot_put_back(refused[name, knob.put_back])
            elif found := _refusal(target, knob, value):
                refused[name, value] = found
                if isinstance(knob, CommandKnob) and value == knob.put_back:
                    knob.entry.remove()
        yield _PreparedWithKnobs(prepared, target, knobs, refused)


def tell_commands(cases: Sequence[Case], target: Target, say: Say) -> None:
    """Say which commands of the user's will be run, where, and as whom."""
    if first_commands(cases):
        for line in command_lines(cases, f"on {target.name} as {target.user_name()}"):
            say(line)


def _refusal(target: Target, knob: _AnyKnob, value: str) -> Finding | None:
    try:
        knob.set(target, value)
    except CannotMeasureError as error:
        return skipped_by(error)
    return None


def _cannot_put_back(first: Finding) -> Finding:
    """What is found of a command that was not tried, as the first one failed."""
    reason = f"not run, as the first command, which is to be run after it, failed: {first.reason}"
    return msgspec.structs.replace(first, reason=reason)


class _PreparedWithKnobs:
    """See ``loadstone.workloads.Prepared``."""

    def __init__(
        self,
        prepared: Prepared,
        target: Target,
        knobs: Mapping[str, _AnyKnob],
        refused: Mapping[tuple[str, str], Finding],
    ) -> None:
        self.path: str | None = prepared.path
        self.input: Input = prepared.input
        self.facts: Mapping[str, Value] = prepared.facts
        self._prepared = prepared
        self._target = target
        self._knobs = knobs
        self._refused = refused

    def skip_reason(self, case: Case) -> Finding | None:
        refused = (self._refused.get(item) for item in case.knobs.items())
        return next(filter(None, refused), None) or self._prepared.skip_reason(case)

    def job(self, case: Case) -> Job:
        """The Job; what the Workload sets up for it may depend on the knobs.

        Raises:
            TrialFailedError: a command failed.
        """
        for name, value in case.knobs.items():
            self._set(self._knobs[name], value)
        return self._prepared.job(case)

    def _set(self, knob: _AnyKnob, value: str) -> None:
        try:
            knob.set(self._target, value)
        except CannotMeasureError as error:
            if isinstance(knob, CommandKnob):
                raise TrialFailedError(error.what, remedy=error.remedy) from error
            raise

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        found = self._prepared.evaluate(case, outcome)
        if found.status is not Status.OK:
            return found
        for name, value in case.knobs.items():
            other = self._knobs[name].other_value(self._target, value)
            if other is not None:
                return msgspec.structs.replace(
                    found,
                    status=Status.INVALID,
                    reason=f"{name} was not {value} any more after the Trial, but {other}",
                    remedy=f"end what sets {name}; where the Workload does, use its parameter",
                )
        return found
