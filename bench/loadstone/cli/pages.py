"""``loadstone pages``: what compressed memory would make of live processes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import (
    access_options,
    json_option,
    option,
    page_option,
    quiet_option,
    results_option,
    target_option,
)
from loadstone.cli._output import print_json
from loadstone.cli._streams import write_data
from loadstone.errors import UsageError
from loadstone.targets.access import Access

if TYPE_CHECKING:
    from loadstone.pages.look import Algorithm, Bounds
    from loadstone.pages.survey import Say, Survey
    from loadstone.targets import Target


@click.command(short_help="Say what compressed memory would make of live processes.")
@click.argument("processes", nargs=-1, metavar="[PID|NAME]...")
@click.option("--all", "wants_all", is_flag=True, help="Every process that has memory of its own.")
@click.option(
    "--algorithm",
    "algorithms",
    default="lz4",
    show_default=True,
    metavar="NAME[:LEVEL],…",
    help="lz4 or zstd; with several, what a change would bring.",
)
@click.option("--all-pages", is_flag=True, help="Look at every page, however long it takes.")
@click.option(
    "--most-pages",
    type=click.IntRange(1, 1 << 24),
    metavar="N",
    help="Pages of a process to look at, drawn at random.  [default: 32768]",
)
@click.option(
    "--most-seconds",
    type=click.FloatRange(0.001, 86400),
    metavar="S",
    help="Time for each process.  [default: 2]",
)
@option(
    "--seed", type=click.IntRange(0, (1 << 63) - 1), default=1, metavar="N", help="Of the draw."
)
@click.option(
    "--kernel",
    "by_kernel",
    is_flag=True,
    help="Have a zram device of our own compress the same pages (root).",
)
@page_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the counts as CSV, and nothing else.")
@target_option
@access_options
@results_option
@json_option
@quiet_option
def command(
    processes: tuple[str, ...],
    wants_all: bool,
    algorithms: str,
    all_pages: bool,
    most_pages: int | None,
    most_seconds: float | None,
    seed: int,
    by_kernel: bool,
    output: Path | None,
    as_csv: bool,
    target: str,
    access: Access,
    results: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what compressed memory (zram) would make of live processes, page by page.

    A process is named by its PID, or by its name, which several may have. It is only read: a
    random sample of its anonymous pages is compressed, where the process runs, and counted by
    how small they become. ZHP are pages that would be stored whole, ZSP become less than half a
    page, ZMP lie between. Pages that are swapped are never read. Memory that processes share is
    looked at once, and has rows of its own.
    """
    if bool(processes) == wants_all:
        raise UsageError(
            "name processes, or say --all", remedy="a PID, or a name such as those of `ps -e`"
        )
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of the same", remedy="leave one out")
    bounds = _bounds(all_pages, most_pages, most_seconds, seed)
    chosen = _algorithms(algorithms)
    from loadstone import targets

    with targets.connect(target, results, access) as connected:
        found = _survey(connected, processes, chosen, bounds, by_kernel, results, quiet)
    _show(found, output, as_csv, as_json)


def _bounds(
    all_pages: bool, most_pages: int | None, most_seconds: float | None, seed: int
) -> "Bounds":
    from loadstone.pages.look import DEFAULT_MOST_PAGES, DEFAULT_MOST_S, Bounds

    if not all_pages:
        return Bounds(
            most_pages=most_pages or DEFAULT_MOST_PAGES,
            most_s=most_seconds or DEFAULT_MOST_S,
            seed=seed,
        )
    if most_pages is not None or most_seconds is not None:
        raise UsageError("--all-pages has no bounds", remedy="leave it or them out")
    return Bounds(most_pages=None, seed=seed)


def _algorithms(text: str) -> "tuple[Algorithm, ...]":
    from loadstone.pages.look import Algorithm
    from loadstone.text import did_you_mean, printable

    known = ("lz4", "zstd")
    found = []
    for word in text.split(","):
        name, colon, level = word.partition(":")
        if name not in known:
            raise UsageError(
                f"--algorithm {printable(name)}: no such algorithm{did_you_mean(name, known)}",
                remedy=f"take one of {', '.join(known)}",
            )
        if colon and not (level.isdecimal() and int(level)):
            raise UsageError(
                f"--algorithm {printable(word)}: {printable(level)!r} is no level",
                remedy=f"write {name}:3, or {name}",
            )
        found.append(Algorithm(name=name, level=int(level or 0)))
    if len(set(found)) < len(found):
        raise UsageError(f"--algorithm {text}: one is given twice", remedy="leave it out once")
    return tuple(found)


def _survey(
    target: "Target",
    words: tuple[str, ...],
    algorithms: "tuple[Algorithm, ...]",
    bounds: "Bounds",
    by_kernel: bool,
    results: Path,
    quiet: bool,
) -> "Survey":
    from loadstone.pages.processes import find_processes, user_processes
    from loadstone.pages.survey import survey
    from loadstone.provision.journal import Journal
    from loadstone.runs.results_directory import results_lock

    meant = find_processes(target, words) if words else user_processes(target)
    with contextlib.ExitStack() as stack:
        journal = None
        if by_kernel:
            stack.enter_context(results_lock(results))
            journal = stack.enter_context(Journal(results, target.name, target.execute))
        say = stack.enter_context(_progress(len(meant) * len(algorithms), quiet))
        return survey(target, meant, algorithms, bounds, journal, say)


@contextlib.contextmanager
def _progress(steps: int, quiet: bool) -> "Iterator[Say]":
    """A bar on standard error, if that is a terminal."""
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=steps)

        def say(text: str) -> None:
            bar.update(task, advance=1, description=escape(text))

        yield say


def _show(found: "Survey", output: Path | None, as_csv: bool, as_json: bool) -> None:
    from loadstone.pages.summary import summarise_pages
    from loadstone.report import text
    from loadstone.report.process_pages.csv import render_csv
    from loadstone.report.process_pages.html import write_pages
    from loadstone.report.process_pages.text import print_pages

    summary = summarise_pages(found)
    if output is not None:
        write_pages(summary, output)
    if as_json:
        print_json(summary)
    elif as_csv:
        write_data(render_csv(found))
    else:
        print_pages(summary, text.console())
        if output is not None:
            click.echo(output)
