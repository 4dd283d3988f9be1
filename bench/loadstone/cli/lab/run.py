"""``loadstone lab run``: one Plan in guests of several kernels."""

from pathlib import Path
from typing import Any

import click

from loadstone.cli._options import (
    json_option,
    option,
    plan_options,
    quiet_option,
    request_of,
    results_option,
    threshold_option,
)
from loadstone.cli._output import exit_code_of, print_runs, watch
from loadstone.cli.lab._options import GUEST, find_kernels, guest_options, module_option
from loadstone.errors import ExitCode
from loadstone.text import printable


@click.command(short_help="Time the Cases in a guest of each kernel, and compare.")
@plan_options
@click.option(
    "--kernel",
    "names",
    multiple=True,
    required=True,
    metavar="KERNEL",
    help="A fetched kernel, VMLINUZ[:MODULES_DIR], or a build tree; repeat it to compare.",
)
@module_option
@option(
    "--boots",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Boots of each kernel, in turns; the rounds are divided among them.",
)
@option(
    "--limit",
    "limit_s",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one boot's share of the Plan may take.",
)
@guest_options
@threshold_option
@results_option
@json_option
@quiet_option
def command(
    names: tuple[str, ...],
    modules: tuple[Path, ...],
    boots: int,
    limit_s: float,
    threshold: float,
    results: Path,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> ExitCode:
    """Time the Cases of WHAT in a guest of each KERNEL, and compare the later ones with the first.

    WHAT and its options are those of `loadstone run`. Files are made on --storage, inside the
    guest; a --file is copied there. Figures are by --clock: a count of instructions is a cost
    model that repeats to a fraction of a percent, not time.
    """
    from loadstone.lab.experiment import run_lab
    from loadstone.lab.setup import lab_plan, make_setup

    guest = {name: options.pop(name) for name in GUEST}
    request = request_of(**options)
    with watch(quiet) as observer:
        kernels = find_kernels(names, modules, observer.say)
        plan, remarks = lab_plan(request)
        for remark in remarks:
            observer.say(remark)
        setup = make_setup(kernels, say=observer.say, boots=boots, limit_s=limit_s, **guest)

        def show_console_line(line: str) -> None:
            if verbose:
                observer.say(printable(line))

        runs = run_lab(kernels, plan, setup, results, observer, show_console_line)
    print_runs(runs, threshold, as_json)
    return max(map(exit_code_of, runs))
