"""``loadstone show``: a Run's table."""

from pathlib import Path

import click

from loadstone.cli._options import json_option, markdown_option, results_option
from loadstone.cli._output import load, print_run
from loadstone.cli._streams import write_data


@click.command(short_help="Show the table of a Run.")
@click.argument("run", default="last")
@results_option
@markdown_option
@json_option
def command(run: str, results: Path, as_json: bool, as_markdown: bool) -> None:
    """Show RUN: its path, its id or the beginning of it, `last` or `last~1`."""
    loaded = load(run, results)
    if not as_markdown:
        print_run(loaded, as_json)
        return
    from loadstone.report.markdown import run_markdown

    write_data(run_markdown(loaded))
