"""``loadstone schema``: JSON Schemas of what is on disk and in ``--json``."""

import click

from loadstone.cli._output import print_json


@click.command(short_help="Print the JSON Schema of what is on disk and in --json.")
@click.argument("name", required=False, metavar="[NAME]")
def command(name: str | None) -> None:
    """Print the JSON Schema of a document by NAME; without NAME, list them."""
    from loadstone.report.schemas import DOCUMENTS, schema_of

    if name is not None:
        print_json(schema_of(name))
        return
    from loadstone.report import text
    from loadstone.report.table import Kind, TableColumn, print_table

    columns = (TableColumn(kind=Kind.WORD), TableColumn(kind=Kind.REMARK))
    rows = [(document.name, document.summary) for document in DOCUMENTS]
    print_table(text.console(), columns, rows)
