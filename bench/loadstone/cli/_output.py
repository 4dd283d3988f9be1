"""What verbs print on standard output, and the exit codes of Runs."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import DEFAULT_THRESHOLD
from loadstone.cli._streams import write_data
from loadstone.errors import CannotMeasureError, ExitCode, LoadstoneError
from loadstone.model import Run, Status
from loadstone.text import printable

if TYPE_CHECKING:
    from loadstone.runs.runner import Observer

_PROSE = 80
"""Columns of what is text and no table."""


def watch(quiet: bool) -> contextlib.AbstractContextManager["Observer"]:
    """Progress on standard error, or none."""
    if quiet:
        from loadstone.runs.runner import Silence

        return contextlib.nullcontext(Silence())
    from loadstone.report.progress import ProgressReport

    return ProgressReport()


def watch_each(
    names: Sequence[str], quiet: bool
) -> contextlib.AbstractContextManager["Mapping[str, Observer]"]:
    """Progress of several Runs at once on standard error, a line at a time, or none."""
    if quiet:
        from loadstone.runs.runner import Silence

        return contextlib.nullcontext({name: Silence() for name in names})
    from loadstone.report.progress import LineReport

    return contextlib.nullcontext({name: LineReport(name) for name in names})


def finish_each(
    ended: Mapping[str, Run | LoadstoneError], as_json: bool, quiet: bool = False
) -> ExitCode:
    """Print Runs that were made side by side, and give the exit code of the worst.

    Raises:
        LoadstoneError: what ended one of them early.
    """
    runs = [run for run in ended.values() if isinstance(run, Run)]
    if quiet:
        for run in runs:
            tell_wide(run)
    if runs:
        print_runs(runs, DEFAULT_THRESHOLD, as_json)
    errors = [error for error in ended.values() if isinstance(error, LoadstoneError)]
    code = max(exit_code_of(run) for run in runs) if runs else ExitCode.DONE
    if errors:
        for other in errors[1:]:
            errors[0].add_note(str(other))
        errors[0].exit_code = max(code, *(error.exit_code for error in errors))
        raise errors[0]
    return code


def finish(run: Run, as_json: bool, quiet: bool) -> ExitCode:
    """Print a Run that was made, and give its exit code."""
    if quiet:
        tell_wide(run)
    print_run(run, as_json)
    return exit_code_of(run)


def tell_wide(run: Run) -> None:
    """Say on standard error that intervals did not get as narrow as was wanted, if so.

    Where there is progress, that has said it.
    """
    from loadstone.analysis.stopping import Ending, stop_of
    from loadstone.plan.stop_rule import stop_words

    stop = stop_of(run)
    if stop is not None and stop.ending is not Ending.NARROW:
        click.echo(printable(stop_words(stop)), err=True)


def print_run(run: Run, as_json: bool) -> None:
    """Print a Run as a table or as JSON."""
    if as_json:
        from loadstone.report.json import run_json

        print_json(run_json(run))
        return
    from loadstone.published.file import built_in_postings
    from loadstone.report import text

    text.print_run(run, text.console(), built_in_postings())


def advise(run: Run, output: Path | None, as_json: bool) -> ExitCode:
    """Print what the Run of a race says, write a plan file that repeats it, and give the exit
    code of the Run.

    Raises:
        CannotMeasureError: a plan file is wanted, and no way could be measured.
        RunError: it cannot be written.
    """
    from loadstone.analysis.advice import advice_of
    from loadstone.plan.advised import write_plan
    from loadstone.report.advice import print_advice
    from loadstone.report.text import console

    advice = advice_of(run)
    assert advice is not None, "a race has advice"
    if as_json:
        print_json(advice)
    else:
        out = console(most=_PROSE)
        print_advice(advice, out)
        out.print(f"run: {run.path}", markup=False, soft_wrap=True)
    if output is not None:
        write_plan(output, run, advice)
    code = exit_code_of(run)
    is_advised = advice.best is not None
    return code if is_advised else max(code, ExitCode.NOT_MEASURED)


def print_runs(runs: list[Run], threshold: float, as_json: bool) -> None:
    """Print several Runs, and each but the first compared with the first."""
    from loadstone import api
    from loadstone.analysis.compare import NothingInCommonError
    from loadstone.published.changes import published_changes
    from loadstone.published.file import built_in_postings
    from loadstone.report import text
    from loadstone.report.json import RunsJson, comparison_json, run_json

    postings = built_in_postings()
    comparisons = []
    for run in runs[1:]:
        try:
            comparison = api.compare(runs[0], run, threshold)
        except CannotMeasureError as error:
            # The Runs themselves are worth showing all the same.
            click.echo(f"not compared: {printable(str(error))}", err=True)
            if not isinstance(error, NothingInCommonError):
                continue
            comparison = error.comparison
        comparisons.append((comparison, published_changes(comparison, runs[0], run, postings)))
    if as_json:
        print_json(
            RunsJson(
                runs=tuple(map(run_json, runs)),
                comparisons=tuple(
                    comparison_json(comparison, published) for comparison, published in comparisons
                ),
            )
        )
        return
    for run in runs:
        text.print_run(run, text.console(), postings)
    for comparison, published in comparisons:
        if not comparison.effects:
            continue  # That is said already, with the reasons.
        text.print_comparison(comparison, text.console(), published)


def load(text: str, results: Path) -> Run:
    """The Run that a text names; what has to be said of its place goes to standard error.

    Raises:
        RunError: there is none, or there are several.
    """
    from loadstone import api

    return api.load(text, results=results, say=note)


def note(text: str) -> None:
    """Say something on standard error that is no complaint."""
    click.echo(f"note: {printable(text)}", err=True)


def print_json(value: object) -> None:
    """Write a struct, or what JSON has, to standard output."""
    import msgspec

    write_data(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False) + "\n")


def exit_code_of(run: Run) -> ExitCode:
    """The exit code of a Run: FAILED where a Trial failed, NOT_MEASURED where none counts."""
    if any(trial.status is Status.FAILED for trial in run.trials):
        return ExitCode.FAILED
    is_measured = any(trial.status is Status.OK and not trial.warmup for trial in run.trials)
    return ExitCode.DONE if is_measured else ExitCode.NOT_MEASURED
