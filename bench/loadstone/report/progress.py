"""How a Run goes on, on standard error: a bar on a terminal, a line a round elsewhere."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from loadstone.model import Status, Step, Trial
from loadstone.text import printable

_NARROW = 60


class ProgressReport:
    """An Observer (``loadstone.runs.runner.Observer``) for people; a context manager."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._bar = Progress(
            *_columns(self._console.width),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("preparing", total=None)
        self._last: Step | None = None
        self._reported: set[str] = set()

    def __enter__(self) -> "ProgressReport":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        self._console.print(escape(text))

    def begin(self, path: Path, steps: int) -> None:
        self.say(f"run {path.name}: {steps} Trials")
        self._bar.update(self._task, total=steps, completed=0)

    def expect(self, steps: int) -> None:
        self._bar.update(self._task, total=self._bar.tasks[0].completed + steps)

    def starting(self, step: Step) -> None:
        if not self._console.is_terminal and _is_new_round(self._last, step):
            self.say(_round_name(step))
        self._last = step
        self._bar.update(self._task, description=f"{_round_name(step)}: {escape(step.case.label)}")

    def ended(self, step: Step, trial: Trial | None) -> None:
        self._bar.advance(self._task)
        if (line := _complaint(step, trial)) and line not in self._reported:
            self._reported.add(line)
            self.say(line)


def _columns(width: int) -> Iterator[ProgressColumn]:
    """Of a Step its whole name, in several lines where there is no room; a bar where there is."""
    yield TextColumn("{task.description}", table_column=Column(overflow="fold"))
    if width > _NARROW:
        yield BarColumn(bar_width=min(24, width // 8), table_column=Column(no_wrap=True))
    for figure in (MofNCompleteColumn, TimeElapsedColumn, TimeRemainingColumn):
        yield figure(table_column=Column(no_wrap=True))


class LineReport:
    """An Observer for one of several Runs that go on side by side: lines, each with its name."""

    def __init__(self, name: str) -> None:
        self._name = printable(name)
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._last: Step | None = None
        self._reported: set[str] = set()

    def say(self, text: str) -> None:
        self._console.print(escape(f"{self._name}: {text}"))

    def begin(self, path: Path, steps: int) -> None:
        self.say(f"run {path.name}: {steps} Trials")

    def expect(self, steps: int) -> None: ...

    def starting(self, step: Step) -> None:
        if _is_new_round(self._last, step):
            self.say(_round_name(step))
        self._last = step

    def ended(self, step: Step, trial: Trial | None) -> None:
        if (line := _complaint(step, trial)) and line not in self._reported:
            self._reported.add(line)
            self.say(line)


def _is_new_round(last: Step | None, step: Step) -> bool:
    return last is None or (last.warmup, last.round) != (step.warmup, step.round)


def _complaint(step: Step, trial: Trial | None) -> str | None:
    if trial is None or trial.status is Status.OK:
        return None
    return f"{trial.status} {step.case.label}: {trial.reason}"


def _round_name(step: Step) -> str:
    return f"{'warm-up' if step.warmup else 'round'} {step.round + 1}"
