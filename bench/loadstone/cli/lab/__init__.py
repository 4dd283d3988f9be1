"""``loadstone lab``: one module a sub-verb."""

import click

from loadstone.cli._verbs import Verbs


@click.group(cls=Verbs)
def command() -> None:
    """Compare kernels in virtual machines, on simulated storage."""
