"""Checks of the words of a command line that click does not make."""

from collections.abc import Iterator, Sequence

import click
from click.core import ParameterSource

from loadstone.errors import UsageError


def check_words(command: click.Command, context: click.Context, words: Sequence[str]) -> None:
    """Refuse an option that is given twice where one counts, and a ``~`` that no shell expanded.

    Args:
        context: of the command, whose words have not been parsed yet.

    Raises:
        UsageError: there is one.
        click.UsageError: the words are wrong in themselves.
    """
    said, _, order = command.make_parser(context).parse_args(args=list(words))
    if any(parameter.is_eager for parameter in order):
        # --help, and all that is answered at once.
        return
    for parameter in order:
        if _is_single(parameter) and order.count(parameter) > 1:
            name = max(parameter.opts, key=len)
            raise UsageError(f"{name} is given twice", remedy="give it once")
    for parameter in command.get_params(context):
        value, source = parameter.consume_value(context, said)
        if source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
            name = _name(parameter, source)
            for text in _texts(value):
                _require_no_tilde(name, text)


def _require_no_tilde(name: str, text: str) -> None:
    if text.startswith("~"):
        from loadstone.home import require_no_tilde

        require_no_tilde(name, text)


def _is_single(parameter: click.Parameter) -> bool:
    """Whether it has a value, of which only one counts; a flag given twice says the same."""
    return isinstance(parameter, click.Option) and not (
        parameter.multiple or parameter.count or parameter.is_flag
    )


def _name(parameter: click.Parameter, source: ParameterSource) -> str:
    if source is ParameterSource.ENVIRONMENT:
        return str(parameter.envvar)
    return max(parameter.opts, key=len) if isinstance(parameter, click.Option) else ""


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
