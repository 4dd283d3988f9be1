"""Every command that ``loadstone`` has, groups and what is in them."""

from collections.abc import Iterator

import click

from loadstone.cli import cli


def _verbs(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _verbs(command, *path, name)


VERBS = dict(_verbs(cli))
"""By the words that lead to it."""
