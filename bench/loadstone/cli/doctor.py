"""``loadstone doctor``: what can be measured here."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import access_options, json_option, option, results_option
from loadstone.cli._output import print_json
from loadstone.errors import ExitCode, UsageError
from loadstone.targets.access import Access
from loadstone.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from loadstone.doctor.diagnosis import Diagnosis
    from loadstone.doctor.probes import Check


@click.command(short_help='Say what can be measured here; each "no" with its remedy.')
@option(
    "--file", metavar="FILE", help="Model file to try; only read. Without: a small one is made."
)
@option(
    "--target",
    default="local",
    show_default=True,
    metavar="T",
    help="Where to look: local, adb:SERIAL, or lab.",
)
@access_options
@results_option
@json_option
def command(
    file: str | None, target: str, access: Access, results: Path, as_json: bool
) -> ExitCode:
    """Say what can be measured here; each "no" with its reason and its remedy.

    Exits with 0 if model-load can be measured in at least one way, else with 3. For the target
    `lab`: what its guests need of this machine, and 0 if one can be started.
    """
    if target == "lab":
        return _lab(file, as_json)
    from loadstone import targets
    from loadstone.doctor.diagnosis import diagnose
    from loadstone.plan.request import Request, require_whole_paths

    if not targets.is_this_machine(target):
        require_whole_paths(Request(file=file), target)
    with targets.connect(target, results, access) as connected:
        diagnosis = diagnose(connected, file, results)
    if as_json:
        print_json(diagnosis)
    else:
        _print(diagnosis)
    return ExitCode.DONE if diagnosis.can_load else ExitCode.NOT_MEASURED


def _lab(file: str | None, as_json: bool) -> ExitCode:
    from loadstone.lab.needs import can_boot, needs

    if file is not None:
        raise UsageError(
            "--file has no meaning with --target lab: files are made inside",
            remedy="leave it out",
        )
    checks = needs()
    if as_json:
        from loadstone.report.json import LabDiagnosis

        print_json(LabDiagnosis(target="lab", can_boot=can_boot(checks), checks=tuple(checks)))
    else:
        _print_lab(checks)
    return ExitCode.DONE if can_boot(checks) else ExitCode.NOT_MEASURED


def _print_lab(checks: "Sequence[Check]") -> None:
    from loadstone.lab.needs import can_boot
    from loadstone.report import text

    out = text.console()
    out.print("lab, on this machine; nothing is booted for this")
    _print_checks(checks, out)
    verdict = "can be started" if can_boot(checks) else "[red]cannot be started[/]"
    met = sum(check.is_met for check in checks)
    out.print(f"{met} of {len(checks)} are met; a guest {verdict} here")


def _print(diagnosis: "Diagnosis") -> None:
    from rich.markup import escape

    from loadstone.report import text

    out = text.console()
    made = " (a small one, made for this and removed)" if diagnosis.is_made else ""
    out.print(escape(printable(f"{diagnosis.target}, file {diagnosis.path}{made}")))
    _print_checks(diagnosis.checks, out)
    met = sum(check.is_met for check in diagnosis.checks)
    verdict = "can be measured here" if diagnosis.can_load else "[red]cannot be measured here[/]"
    out.print(f"{met} of {len(diagnosis.checks)} are met; model-load {verdict}")


def _print_checks(checks: "Sequence[Check]", out: "Console") -> None:
    from rich.text import Text

    from loadstone.report.table import Kind, TableColumn, fit, print_rows

    columns = (
        TableColumn(kind=Kind.WORD),
        TableColumn(kind=Kind.NAME),
        TableColumn(kind=Kind.REMARK),
    )
    groups = {
        group: [_row(names, check) for names, check in _merged(members)]
        for group, members in groupby(checks, key=lambda check: check.group)
    }
    layout = fit(columns, [row for rows in groups.values() for row in rows], out.width)
    for group, rows in groups.items():
        out.print(Text(f"   {group}", style="bold"))
        print_rows(out, layout, rows)


def _row(names: "Sequence[str]", check: "Check") -> "tuple[str | Text, ...]":
    from rich.text import Text

    mark = Text("✓", style="green") if check.is_met else Text("–", style="yellow")
    words = [check.detail] if check.is_met else [check.reason or "", f"→ {check.remedy}"]
    return mark, "\n".join(map(printable, names)), "\n".join(map(printable, words))


def _merged(checks: "Iterator[Check]") -> "Iterator[tuple[list[str], Check]]":
    """Neighbours that lack the same for the same reason take one row."""
    for _, same in groupby(checks, key=lambda check: check.reason or check.name):
        members = list(same)
        yield [check.name for check in members], members[0]
