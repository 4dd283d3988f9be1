"""A Run that another program has measured: kept like any other, and never resumed."""

from contextlib import ExitStack
from pathlib import Path

from loadstone._version import __version__
from loadstone.errors import RunError
from loadstone.model import Environment, Metric, Noun, Plan, Run, Trial
from loadstone.result_names import IMPORTED
from loadstone.runs import store
from loadstone.runs.results_directory import results_lock

TARGET = "elsewhere"
"""The name of the Target of such a Run: nothing is known of it but the facts."""


class ImportedRun(Noun, frozen=True, kw_only=True):
    """All that a Run has which another program measured."""

    plan: Plan
    metrics: tuple[Metric, ...]
    environment: Environment
    trials: tuple[Trial, ...]


def keep(imported: ImportedRun, results: Path) -> Run:
    """Write it below a results directory: whole, or not at all.

    Raises:
        RunError: it cannot be written.
    """
    with results_lock(results), ExitStack() as undo:
        writer = store.create(
            results,
            plan=imported.plan,
            metrics=imported.metrics,
            environment=imported.environment,
            loadstone=__version__,
            core="",
        )
        undo.callback(store.discard, writer.path)
        with writer:
            for trial in imported.trials:
                writer.append(trial)
        undo.pop_all()
    return store.load(writer.path)


def refuse_to_resume(run: Run) -> None:
    """Say of an imported Run that it lacks nothing which could be measured here.

    Raises:
        RunError: it is one.
    """
    if run.manifest.environment.is_imported:
        program = run.manifest.environment.facts[IMPORTED]
        raise RunError(
            f"{run.id}: there is nothing to resume: it was imported, {program} measured it",
            remedy=f"measure again with {program} and import that",
        )
