"""``loadstone list``: workloads and their parameters."""

import click

from loadstone.model import Kind, Parameter, Value
from loadstone.units import format_bytes


@click.command()
@click.argument("name", required=False, metavar="[WORKLOAD]")
def command(name: str | None) -> None:
    """List the workloads, their parameters, values and defaults."""
    from loadstone.workloads import workload, workloads

    for chosen in [workload(name)] if name else workloads().values():
        click.echo(f"{chosen.name}: {chosen.summary}")
        for parameter in chosen.parameters:
            click.echo(f"  {parameter.name:<12} {_values(parameter)}")
            click.echo(f"  {'':<12} {parameter.help}")
        metrics = ", ".join(f"{metric.name} ({metric.unit})" for metric in chosen.metrics)
        click.echo(f"  metrics: {metrics}")
        click.echo("  default Cases:")
        for partial in chosen.default_cases():
            parameters, _ = chosen.complete(partial)
            click.echo(f"    {chosen.label(parameters)}")


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
