"""``loadstone layout``: what a directory would take under each compressed layout."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import json_option, page_option, quiet_option, results_option
from loadstone.cli._output import print_json
from loadstone.errors import UsageError

if TYPE_CHECKING:
    from loadstone.layout.image import Opened
    from loadstone.layout.survey import LayoutSummary, Say
    from loadstone.targets import Target


@click.command(short_help="Say what a directory would take under each compressed layout.")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|IMAGE|FILE...")
@click.option(
    "--algorithm",
    "algorithms",
    metavar="NAME[:LEVEL],…",
    help="lz4, lz4hc or zstd, or several.  [default: lz4]",
)
@click.option(
    "--sizes-only",
    is_flag=True,
    help="Read no data: what inline data and inline tail would save.",
)
@click.option(
    "--no-mount",
    "is_mounted",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Count an image of a file system as the one file that it is.",
)
@page_option
@results_option
@json_option
@quiet_option
def command(
    paths: tuple[str, ...],
    algorithms: str | None,
    sizes_only: bool,
    is_mounted: bool,
    output: Path | None,
    results: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what files would take under each layout of a compressed or read-only file system.

    They are read once, and only read: F2FS clusters of 16 KiB to 1 MiB, EROFS pclusters of 4 KiB to
    1 MiB without and with tail packing, and what was proposed: dynamic clusters, fixed outputs of a
    block and of a segment, inline tail. With what random and sequential reads would read. Of an
    image (EROFS, F2FS, ext4, SquashFS) it is the files in it, which root's read-only mount shows.
    """
    if sizes_only and algorithms:
        raise UsageError("--sizes-only compresses nothing", remedy="leave it or --algorithm out")
    from loadstone import targets
    from loadstone.layout.algorithm import parse_algorithms
    from loadstone.layout.image import images_among
    from loadstone.layout.survey import survey

    chosen = () if sizes_only else parse_algorithms(algorithms or "lz4")
    images = images_among(paths) if is_mounted else {}
    with (
        targets.connect("local", results) as target,
        _opened(paths, images, target, results) as opened,
        _progress(quiet) as say,
    ):
        found = opened.as_named(survey(target, opened.paths, chosen, say))
    _show(found, output, as_json)


@contextlib.contextmanager
def _opened(
    paths: tuple[str, ...], images: dict[str, str], target: "Target", results: Path
) -> "Iterator[Opened]":
    """What is looked at for the paths; without images that is themselves."""
    from loadstone.layout.image import Opened, opened_images

    if not images:
        yield Opened(paths=paths, images={})
        return
    from loadstone.provision.journal import Journal
    from loadstone.runs.results_directory import results_lock

    with (
        results_lock(results),
        Journal(results) as journal,
        opened_images(paths, images, journal, target.scratch()) as opened,
    ):
        yield opened


@contextlib.contextmanager
def _progress(quiet: bool) -> "Iterator[Say]":
    """How much was read so far, on standard error, if that is a terminal."""
    if quiet:
        yield _say_nothing
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from loadstone.units import format_bytes_rounded

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def say(files: int, size_bytes: int) -> None:
            words = f"{files:,} files, {format_bytes_rounded(size_bytes)}"
            bar.update(task, description=words)

        yield say


def _say_nothing(files: int, size_bytes: int) -> None:
    del files, size_bytes


def _show(found: "LayoutSummary", output: Path | None, as_json: bool) -> None:
    from loadstone.report import text
    from loadstone.report.directory_layout.html import write_layouts
    from loadstone.report.directory_layout.text import print_layouts

    if output is not None:
        write_layouts(found, output)
    if as_json:
        print_json(found)
        return
    print_layouts(found, text.console())
    if output is not None:
        click.echo(output)
