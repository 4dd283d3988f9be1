"""Makes Runs of the guests' Messages: one for each kernel, over all of its boots."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import msgspec

from loadstone.analysis.pairing import BOOT
from loadstone.errors import RunError
from loadstone.lab.protocol import (
    Message,
    Notice,
    RunCreated,
    StepEnded,
    StepStarted,
    StorageReady,
)
from loadstone.model import Environment, Fact, Manifest, Noun, Plan, Run, Step, Trial
from loadstone.runs import store
from loadstone.runs.moment import now
from loadstone.runs.runner import Observer


class Boot(Noun, frozen=True, kw_only=True):
    """One of a kernel's boots: its number, and the numbers of its first round and warm-up."""

    number: int = 0
    first_round: int = 0
    first_warmup: int = 0


class Collector:
    """Writes one Run from the Messages of one kernel's guests; a context that closes the Run.

    Every Trial is on disk before the next Message is read. Rounds are numbered on from those
    of the boot before, and a Trial starts by the host's clocks: a guest's run ahead whenever it
    is idle.
    """

    def __init__(
        self, target: str, plan: Plan, facts: Mapping[str, Fact], results: Path, observer: Observer
    ) -> None:
        self._target = target
        self._plan = plan
        self._facts = dict(facts)
        self._results = results
        self._observer = observer
        self._stack = ExitStack()
        self._writer: store.RunWriter | None = None
        self._started = now()
        self._boot = Boot()

    def __enter__(self) -> "Collector":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_boot(self, boot: Boot) -> None:
        """The Messages that follow are of this boot."""
        self._boot = boot

    def receive(self, message: Message) -> None:
        """Process a Message.

        Raises:
            RunError: the Run cannot be written, or the guest has another core than the Run.
        """
        match message:
            case Notice(text=text):
                self._observer.say(text)
            case StorageReady(facts=facts) if self._writer is None:
                self._facts |= facts
            case RunCreated(manifest=manifest, steps=steps):
                self._observer.begin(self._run_of(manifest).path, steps)
            case StepStarted(step=step):
                self._started = now()
                self._observer.starting(self._numbered(step))
            case StepEnded(step=step, trial=trial):
                self._end(self._numbered(step), trial)

    def run(self) -> Run | None:
        """The Run so far; None before the first boot has created it."""
        return store.load(self._writer.path) if self._writer else None

    def _run_of(self, manifest: Manifest) -> store.RunWriter:
        if self._writer is None:
            environment = Environment(
                target=self._target, facts={**manifest.environment.facts, **self._facts}
            )
            self._writer = self._stack.enter_context(
                store.create(
                    self._results,
                    plan=msgspec.structs.replace(self._plan, input=manifest.plan.input),
                    metrics=manifest.metrics,
                    environment=environment,
                    loadstone=manifest.loadstone,
                    core=manifest.core,
                )
            )
        elif self._writer.manifest.core != manifest.core:
            raise RunError(
                f"{self._writer.path.name}: loadstone was rebuilt between two boots",
                remedy="run it again, and do not rebuild loadstone while it runs",
            )
        return self._writer

    def _end(self, step: Step, trial: Trial | None) -> None:
        if trial is not None:
            assert self._writer is not None
            self._writer.append(
                msgspec.structs.replace(
                    trial,
                    started=self._started.clock_text,
                    boot=self._started.boot,
                    boottime_ns=self._started.boottime_ns,
                    round=step.round,
                    evidence={**trial.evidence, BOOT: self._boot.number},
                )
            )
        self._observer.ended(step, trial)

    def _numbered(self, step: Step) -> Step:
        first = self._boot.first_warmup if step.warmup else self._boot.first_round
        return msgspec.structs.replace(step, round=step.round + first)
