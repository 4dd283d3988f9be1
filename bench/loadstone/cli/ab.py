"""``loadstone ab``: two sets of options in one Run, compared."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadstone.cli._options import (
    access_options,
    conditions_options,
    fio_options,
    json_option,
    plan_options,
    quiet_option,
    request_of,
    results_option,
    stop_options,
    target_option,
    threshold_option,
)
from loadstone.cli._output import exit_code_of, print_json, print_run, tell_wide, watch
from loadstone.errors import ExitCode, UsageError
from loadstone.targets.access import Access

if TYPE_CHECKING:
    from loadstone.model import Run
    from loadstone.plan.request import Side

_OPTIONS = ("--set", "--knob")
# Quotes within a command are the shell's that runs it.
_COMMANDS = re.compile(r"(?<!\S)--knob[\s=]\s*(?P<name>[\w.-]+)=(?=\[)")


class _WithSides(click.Command):
    """Takes a word that begins like an option, and is none, for an argument: a side."""

    ignore_unknown_options = True


@click.command(cls=_WithSides, short_help="Two sets of options in one Run, compared.")
@click.argument("a")
@click.argument("b")
@plan_options
@fio_options
@stop_options
@target_option
@access_options
@conditions_options
@threshold_option
@results_option
@json_option
@quiet_option
def command(
    a: str,
    b: str,
    target: str,
    access: Access,
    threshold: float,
    results: Path,
    as_json: bool,
    quiet: bool,
    **said: Any,
) -> ExitCode:
    """Time WHAT with the options A and with the options B in one Run, and compare B with A.

    A and B are each one text of --set KEY=VALUE and --knob NAME=VALUE, in quotes; all other options
    hold for both:

    \b
    loadstone ab "--set engine=pread" "--set engine=uring" --file model.gguf
    loadstone ab "--knob read_ahead_kb=128" "--knob read_ahead_kb=8192"
    loadstone ab "--knob turbo=[turbo on]" "--knob turbo=[turbo off]"

    Every round has both, one right after the other, in an order that turns from round to round.
    `loadstone compare last --by ab` shows it again.
    """
    from loadstone import api

    sides = _side("A", a), _side("B", b)
    request = request_of(**said)
    with watch(quiet) as observer:
        run = api.start_pairs(
            request, *sides, target=target, results=results, observer=observer, access=access
        )
    if quiet:
        tell_wide(run)
    _print(run, threshold, as_json)
    return exit_code_of(run)


def _side(name: str, text: str) -> "Side":
    from loadstone.plan.request import Side

    found: dict[str, list[str]] = {option: [] for option in _OPTIONS}
    for option, value in _options(name, text):
        found[option].append(value)
    return Side(axes=tuple(found["--set"]), knobs=tuple(found["--knob"]))


def _options(name: str, text: str) -> list[tuple[str, str]]:
    """The options in the text of a side, which is quoted as for a shell, but for commands."""
    from loadstone.plan.knobs import end_of_commands

    found, at = [], 0
    while (knob := _COMMANDS.search(text, at)) is not None:
        found += _quoted_options(name, text[at : knob.start()])
        at = end_of_commands(text, knob.end())
        found.append(("--knob", text[knob.start("name") : at]))
    return found + _quoted_options(name, text[at:])


def _quoted_options(name: str, text: str) -> list[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{name}: {text}: {error}", remedy="quote it as for a shell") from None
    found = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in _OPTIONS:
            raise UsageError(
                f"{name}: {word}: a side has only {' and '.join(_OPTIONS)}",
                remedy="write what holds for both outside of the quotes",
            )
        value = value if equals else next(rest, "")
        if not value:
            raise UsageError(f"{name}: {option}: has no value", remedy=f"write {option} NAME=VALUE")
        found.append((option, value))
    return found


def _print(run: "Run", threshold: float, as_json: bool) -> None:
    from loadstone import api
    from loadstone.analysis.within_run import PAIRS
    from loadstone.report import text
    from loadstone.report.json import RunsJson, comparison_json, run_json

    if not as_json:
        print_run(run, as_json=False)
    comparison = api.compare(run, threshold=threshold, by=PAIRS)
    if as_json:
        print_json(RunsJson(runs=(run_json(run),), comparisons=(comparison_json(comparison),)))
    else:
        text.print_comparison(comparison, text.console())
