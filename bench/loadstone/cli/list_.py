"""``loadstone list``: workloads and their parameters."""

import shutil
import sys
import textwrap

import click

from loadstone.model import Kind, Parameter, Value
from loadstone.units import format_bytes


@click.command(short_help="List the workloads, their parameters, values and defaults.")
@click.argument("name", required=False, metavar="[WORKLOAD]")
def command(name: str | None) -> None:
    """List the workloads, their parameters, values and defaults."""
    from loadstone.workloads import settable_parameters, workload, workloads

    for chosen in [workload(name)] if name else workloads().values():
        _print(f"{chosen.name}: {chosen.summary}", indent=2)
        for parameter in settable_parameters(chosen):
            _print(f"  {parameter.name:<12} {_values(parameter)}", indent=15)
            _print(f"  {'':<12} {parameter.help}", indent=15)
        metrics = ", ".join(f"{metric.name} ({metric.unit})" for metric in chosen.metrics)
        _print(f"  metrics: {metrics}", indent=4)
        click.echo("  default Cases:")
        for partial in chosen.default_cases():
            parameters, _ = chosen.complete(partial)
            _print(f"    {chosen.label(parameters)}", indent=6)


def _print(line: str, indent: int) -> None:
    """A line that a terminal's width breaks between words; in a pipe it stays one line."""
    if sys.stdout.isatty():
        width = max(indent + 1, shutil.get_terminal_size().columns)
        line = textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False)
    click.echo(line)


def _values(parameter: Parameter) -> str:
    kind = "text" if parameter.kind is Kind.CHOICE else parameter.kind
    values = " ".join(parameter.choices) if parameter.choices else f"<{kind}>"
    if parameter.default is None:
        return values
    return f"{values}   [{_shown(parameter, parameter.default)}]"


def _shown(parameter: Parameter, value: Value) -> str:
    if parameter.kind is Kind.SIZE:
        return format_bytes(int(value))
    if parameter.kind is Kind.FLAG:
        return "on" if value else "off"
    return str(value)
