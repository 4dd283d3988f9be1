"""Many Runs as one HTML page: each a row with its headline, to be sorted and narrowed down."""

import hashlib
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote_from_bytes

from markupsafe import Markup

from loadstone._version import __version__
from loadstone.analysis import time_base
from loadstone.analysis.summary import CaseSummary, summarise
from loadstone.errors import LoadstoneError
from loadstone.model import Noun, Run, Status
from loadstone.report import facts, figures
from loadstone.report.hints import primary
from loadstone.report.html import template
from loadstone.workloads import workloads


class Headline(Noun, frozen=True, kw_only=True):
    """The figure that a Run is known by: its best Case's, or its first's where none is best.

    ``value`` is in the metric's own unit; only figures of one ``kind`` can be ordered by it.
    """

    label: str
    cases: str
    metric: str
    text: str
    bounds: str
    rounds: int
    value: float
    kind: str


class IndexRow(Noun, frozen=True, kw_only=True):
    """A Run; ``link`` is where its own report is, seen from the page, if there is one."""

    name: str
    link: str | None
    begun: str
    target: str
    machine: str
    kernel: str
    clock: str | None
    workload: str
    headline: Headline | None
    remarks: tuple[str, ...]


class Unread(Noun, frozen=True, kw_only=True):
    """What was named and could not be read as a Run, and why."""

    name: str
    reason: str
    remedy: str | None


class Group(Noun, frozen=True, kw_only=True):
    """How many Runs of each workload a machine has."""

    machine: str
    workloads: tuple[tuple[str, int], ...]


def unread(name: str, error: LoadstoneError) -> Unread:
    """The entry of what is no Run that can be read."""
    return Unread(name=name, reason=error.what, remedy=error.remedy)


def index_row(run: Run, directory: Path) -> IndexRow:
    """The row of a Run, of which no more than its figures need to have been read.

    Args:
        directory: where the page will be.
    """
    environment = run.manifest.environment
    clock = time_base.clock_of(environment)
    return IndexRow(
        name=run.path.name,
        link=_link(run, directory),
        begun=run.manifest.created.replace("T", " ").split("+")[0][:19],
        target=environment.target,
        machine=_machine(run),
        kernel=str(environment.facts.get("kernel.release") or "unknown"),
        clock=time_base.title(clock).split(" (")[0] if clock else None,
        workload=run.manifest.plan.workload,
        headline=_headline(run),
        remarks=tuple(_remarks(run)),
    )


def render_index(rows: Sequence[IndexRow], left_out: Sequence[Unread]) -> str:
    """The page as the text of an HTML file: by machine and workload, the newest first."""
    script = files("loadstone.report").joinpath("templates", "index.js").read_text("utf-8")
    newest = sorted(rows, key=lambda row: (row.begun, row.name), reverse=True)
    return template("index.html.j2").render(
        rows=sorted(newest, key=lambda row: (row.target, row.machine, row.workload)),
        groups=_groups(rows),
        left_out=left_out,
        has_clock=any(row.clock for row in rows),
        script=Markup(script),
        # The only script that the page may run, whatever a Run says.
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=__version__,
    )


def _groups(rows: Sequence[IndexRow]) -> list[Group]:
    counts = Counter((row.target, row.machine, row.workload) for row in rows)
    machines = sorted({key[:2] for key in counts})
    return [
        Group(
            machine=", ".join(machine),
            workloads=tuple(
                (key[2], count) for key, count in sorted(counts.items()) if key[:2] == machine
            ),
        )
        for machine in machines
    ]


def _link(run: Run, directory: Path) -> str | None:
    name = f"{run.path.name}.html"
    if not (directory / name).is_file():
        return None
    # What has a colon before any slash would be taken for another protocol.
    return f"./{quote_from_bytes(os.fsencode(name))}"


def _machine(run: Run) -> str:
    known = run.manifest.environment.facts
    if model := known.get("phone.model"):
        return " ".join(filter(None, (str(known.get("phone.manufacturer") or ""), str(model))))
    return f"{known.get('cpu.model') or 'unknown CPU'} × {known.get('cpu.count') or '?'}"


def _headline(run: Run) -> Headline | None:
    measured = figures.measured(run, summarise(run))
    if not measured:
        return None
    is_ranked = figures.is_ranked(run)
    shown = measured[0] if is_ranked else _first(run, measured)
    metric, interval = run.manifest.metrics[0], primary(run, shown)
    assert interval is not None, "it is one of those measured"
    tag = time_base.tag(time_base.clock_of(run.manifest.environment))
    is_known = figures.has_interval(shown)
    bounds = figures.bounds(interval, metric) if is_known else "too few rounds"
    which = "best" if is_ranked else "first"
    return Headline(
        label=shown.case.label,
        cases=f"{which} of {len(measured)} Cases" if len(measured) > 1 else "",
        metric=metric.name,
        text=figures.headline(run, shown),
        bounds=bounds,
        rounds=shown.trials,
        value=interval.median,
        kind=f"{metric.name} {metric.unit} {tag}",
    )


def _first(run: Run, measured: Sequence[CaseSummary]) -> CaseSummary:
    order = {case.id: place for place, case in enumerate(run.manifest.plan.cases)}
    return min(measured, key=lambda summary: order[summary.case.id])


def _remarks(run: Run) -> list[str]:
    """What to know before the headline is trusted."""
    remarks = []
    workload = run.manifest.plan.workload
    if workload not in workloads():
        remarks.append(
            f"workload {workload} is not known to this Loadstone {__version__}: made by "
            f"{run.manifest.loadstone}"
        )
    if (missing := facts.missing_trials(run)) > 0:
        remarks.append(f"cut off: {missing} Trials of its Plan were not carried out")
    for status in (Status.FAILED, Status.INVALID, Status.SKIPPED):
        if of_it := [trial for trial in run.trials if trial.status is status]:
            reasons = dict.fromkeys(trial.reason or "no reason given" for trial in of_it)
            more = f", and {len(reasons) - 1} more reasons" if len(reasons) > 1 else ""
            remarks.append(f"{len(of_it)} {status.value}: {next(iter(reasons))}{more}")
    return remarks
