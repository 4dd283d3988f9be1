"""``loadstone lab kernels``: lists, fetches and removes kernels."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from loadstone.cli._options import json_option, option, quiet_option
from loadstone.cli._output import print_json
from loadstone.cli._verbs import Group
from loadstone.errors import UsageError

if TYPE_CHECKING:
    from loadstone.lab.cache import StockKernel


@click.group(cls=Group, invoke_without_command=True, short_help="List, fetch and remove kernels.")
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the kernels that were fetched, and the suites whose kernel can be."""
    if ctx.invoked_subcommand is not None:
        return
    from loadstone.lab.cache import cache_directory, stock_kernels
    from loadstone.lab.packages import SUITES

    rows = _rows(stock_kernels())
    here = {row["suite"] for row in rows}
    if as_json:
        suites = [
            {"name": name, "series": series, "is_here": name in here}
            for name, series in SUITES.items()
        ]
        print_json({"cache": str(cache_directory()), "kernels": rows, "suites": suites})
        return
    _print(rows, {name: series for name, series in SUITES.items() if name not in here})


@command.command(short_help="Fetch the newest kernel of each suite NAME by apt.")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option(
    "--headers",
    "with_headers",
    is_flag=True,
    help="Their headers and compiler too, for `lab run --module`; NAME may be a fetched release "
    "[all that were fetched].",
)
@option("--mirror", metavar="URL", help="Debian archive to fetch from [the machine's own source].")
@option(
    "--keyring",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keys that apt trusts [Debian's own].",
)
@quiet_option
def fetch(
    names: tuple[str, ...],
    with_headers: bool,
    mirror: str | None,
    keyring: Path | None,
    quiet: bool,
) -> None:
    """Fetch the newest kernel of each suite NAME by apt; the machine's own apt is not changed."""
    from loadstone.lab import debian
    from loadstone.lab.headers import fetch_headers

    with _Progress(quiet) as progress:
        for name in names or _all_suites(with_headers):
            kernel = debian.fetched(name) if with_headers else None
            if kernel is None:
                kernel = debian.fetch(
                    name, mirror=mirror, keyring=keyring, on_progress=progress.update
                )
                progress.end()
                click.echo(f"{name}: {kernel.release} ({kernel.version}) in {kernel.directory}")
            if with_headers:
                headers = fetch_headers(
                    kernel, mirror=mirror, keyring=keyring, on_progress=progress.update
                )
                progress.end()
                click.echo(f"{name}: headers of {kernel.release} in {headers.directory}")


def _all_suites(with_headers: bool) -> list[str]:
    """The suites of the fetched kernels, where none has to be named.

    Raises:
        UsageError: one has to be, or there are none.
    """
    from loadstone.lab.cache import stock_kernels

    if not with_headers:
        raise UsageError(
            "no kernel to fetch is named",
            remedy="name suites: loadstone lab kernels fetch bookworm trixie-backports",
        )
    suites = list(dict.fromkeys(kernel.suite for kernel in stock_kernels()))
    if not suites:
        raise UsageError(
            "no kernel was fetched yet whose headers could be",
            remedy="name a suite: loadstone lab kernels fetch --headers NAME",
        )
    return suites


@command.command(short_help="Remove kernels that were fetched.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def remove(names: tuple[str, ...]) -> None:
    """Remove kernels that were fetched: NAME is a suite (all of it) or a release."""
    from loadstone.lab import debian

    for name in names:
        gone = debian.remove(name)
        for kernel in gone:
            click.echo(f"removed {kernel.suite} {kernel.release} ({kernel.version})")
        if not gone:
            click.echo(f"removed the package lists of {name}")


class _Progress:
    """Progress of a fetch on standard error: a bar on a terminal, else a line per step."""

    def __init__(self, quiet: bool) -> None:
        import sys

        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, visible=False)
        self._last = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def update(self, text: str, percent: float | None) -> None:
        if text != self._last and not self._console.is_terminal:
            self._console.print(text, markup=False)
        self._last = text
        total = None if percent is None else 100
        self._bar.update(
            self._task, description=text, total=total, completed=percent or 0, visible=True
        )

    def end(self) -> None:
        self._bar.update(self._task, visible=False)


def _rows(kernels: "Sequence[StockKernel]") -> list[dict[str, Any]]:
    """The kernels as printed: the newest of a suite by the suite's name, others by release."""
    from loadstone.lab.headers import headers_of

    rows = []
    named: set[str] = set()
    for kernel in kernels:
        headers = headers_of(kernel)
        rows.append(
            {
                "name": kernel.release if kernel.suite in named else kernel.suite,
                "suite": kernel.suite,
                "release": kernel.release,
                "package": kernel.package,
                "version": kernel.version,
                "architecture": kernel.architecture,
                "size_bytes": kernel.size_bytes(),
                "path": str(kernel.directory),
                "headers": str(headers.directory) if headers else None,
                "headers_bytes": headers.size_bytes() if headers else None,
            }
        )
        named.add(kernel.suite)
    return rows


def _print(rows: list[dict[str, Any]], others: dict[str, str]) -> None:
    from loadstone.report import text
    from loadstone.report.table import Kind, TableColumn, print_table
    from loadstone.text import printable

    out = text.console()
    if rows:
        columns = (
            TableColumn(heading="name", kind=Kind.NAME),
            TableColumn(heading="release", kind=Kind.NAME),
            TableColumn(heading="version", kind=Kind.NAME, spare=1),
            TableColumn(heading="size"),
            TableColumn(heading="headers"),
            TableColumn(heading="path", kind=Kind.REMARK),
        )
        words = ("name", "release", "version", "size_bytes", "headers_bytes", "path")
        shown = [
            row
            | {
                "size_bytes": _size(row["size_bytes"]),
                "headers_bytes": _size(row["headers_bytes"]),
            }
            for row in rows
        ]
        print_table(out, columns, [[printable(row[word]) for word in words] for row in shown])
    else:
        out.print("no kernel was fetched yet")
    if others:
        names = ", ".join(f"{name} ({series})" for name, series in others.items())
        out.print(f"available: {names}: loadstone lab kernels fetch NAME")


def _size(size_bytes: int | None) -> str:
    from loadstone.units import format_bytes_rounded

    return "no" if size_bytes is None else format_bytes_rounded(size_bytes)
