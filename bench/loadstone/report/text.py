"""A Run, a Comparison or a Plan as text for a terminal."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from loadstone.analysis import time_base
from loadstone.analysis.advice import advice_of
from loadstone.analysis.comparison import Comparison, Effect, IncompleteCase, Verdict
from loadstone.analysis.coverage import in_words
from loadstone.analysis.summary import CaseSummary, summarise
from loadstone.model import Plan, Run, Status
from loadstone.plan.knobs import command_lines
from loadstone.plan.order import conditions_words, order
from loadstone.plan.stop_rule import rule_words
from loadstone.published.changes import PublishedByLabel
from loadstone.published.figures import vs_published
from loadstone.published.posting import Posting
from loadstone.report import facts, figures
from loadstone.report import published as published_report
from loadstone.report.advice import print_advice
from loadstone.report.comparison_lines import ABOUT, change, change_bounds, needed, side_lines
from loadstone.report.hints import hints
from loadstone.report.reasons import reasons
from loadstone.report.run_line import run_line
from loadstone.report.table import Kind, TableColumn, print_table, print_wrapped
from loadstone.text import printable

_WIDE = 160
_UNKNOWN = 80
_HEIGHT = 25
_SHADES = {Status.SKIPPED: "yellow", Status.FAILED: "red", Status.INVALID: "red"}
_COLOURS = {
    Verdict.FASTER: "green",
    Verdict.SLOWER: "red",
    Verdict.SAME: "cyan",
    Verdict.INCONCLUSIVE: "yellow",
}


def console(stream: TextIO | None = None, most: int | None = None) -> Console:
    """A console for figures: as wide as the terminal, and wide where there is none.

    Args:
        most: how wide it is at most.
    """
    stream = stream if stream is not None else sys.stdout
    width = _width(stream) if most is None else min(_width(stream), most)
    # Without a height rich takes a dumb terminal for one of 80 columns.
    return Console(file=stream, width=width, height=_HEIGHT, highlight=False)


def _width(stream: TextIO) -> int:
    """Of a terminal what ``COLUMNS`` says, else what it tells itself."""
    # Elsewhere COLUMNS may be nobody's wish: readline sets it in every process that loads it.
    if not stream.isatty():
        return _WIDE
    if (said := os.environ.get("COLUMNS", "")).isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _UNKNOWN
    except (OSError, ValueError):
        return _UNKNOWN


def print_run(run: Run, out: Console, postings: Sequence[Posting] = ()) -> None:
    """The table of a Run, what was skipped and why, the fastest, and what to keep in mind.

    Args:
        postings: what is published; that a Case has some is said in one line.
    """
    summaries = summarise(run)
    measured = figures.measured(run, summaries)
    out.print(escape(printable(run_line(run))))
    for line in facts.lab_lines(run):
        out.print(escape(printable(line)))
    if measured:
        _print_figures(run, measured, out)
    _print_troubles(run, out)
    if advice := advice_of(run):
        print_advice(advice, out, has_reasons=False)
    elif measured and figures.is_ranked(run):
        out.print(fastest(run, measured))
    for hint in hints(run, summaries):
        out.print(f"[yellow]note:[/] {escape(hint)}")
    if more := published_report.hint(vs_published(run, postings)):
        out.print(f"[yellow]note:[/] {more}")
    out.print(f"run: {escape(str(run.path))}")


def fastest(run: Run, measured: Sequence[CaseSummary]) -> str:
    """The fastest Case, and those whose intervals overlap with it."""
    first = measured[0]
    text = f"fastest: [bold]{escape(first.case.label)}[/], {figures.headline(run, first)}"
    if rivals := figures.rivals(run, measured):
        text += f"; within its interval: {escape(', '.join(rivals))}"
    return text


def print_comparison(
    comparison: Comparison, out: Console, published: PublishedByLabel | None = None
) -> None:
    """The table of a Comparison, with the evidence that moved, and what is published of it."""
    for line in side_lines(comparison):
        out.print(escape(printable(line)))
    if comparison.clock is not None:
        out.print(escape(printable(f"clock: {time_base.words(comparison.clock)}")))
    print_table(out, _EFFECT_COLUMNS, [_effect_row(effect) for effect in comparison.effects])
    out.print(ABOUT)
    for line in published_report.change_lines(comparison, published or {}):
        out.print(escape(printable(line)))
    for case in comparison.incomplete:
        _print_incomplete(case, out)
    for warning in comparison.warnings:
        out.print(f"[yellow]note:[/] {escape(warning)}")


def _print_incomplete(case: IncompleteCase, out: Console) -> None:
    """A Case that was not measured, or failed in part, and what to do about it."""
    colour = "red" if case.new.failed else "yellow"
    words = "failed in part" if case.is_compared else "not compared"
    out.print(f"[{colour}]{words}:[/] {escape(printable(in_words(case)))}")
    for remedy in dict.fromkeys(state.remedy for state in (case.base, case.new) if state.remedy):
        print_wrapped(out, f"→ {printable(remedy)}", 4, 6)


_EFFECT_COLUMNS = (
    TableColumn(heading="case", kind=Kind.NAME),
    TableColumn(heading="metric", kind=Kind.WORD, spare=1),
    TableColumn(heading="change", kind=Kind.WORD),
    TableColumn(heading="95 % interval", kind=Kind.WORD),
    TableColumn(heading="p", kind=Kind.WORD, spare=2),
    TableColumn(heading="verdict", kind=Kind.WORDS),
    TableColumn(heading="what moved", kind=Kind.REMARK),
)


def _effect_row(effect: Effect) -> tuple[str | Text, ...]:
    verdict = Text(effect.verdict, style=_COLOURS[effect.verdict])
    return (
        printable(effect.label),
        effect.metric,
        change(effect),
        change_bounds(effect),
        f"{effect.p:.3f}",
        Text().append_text(verdict).append(needed(effect)),
        _moved(effect),
    )


def print_plan(plan: Plan, remarks: Iterable[str], out: Console) -> None:
    """The Cases and their order."""
    more = " or more" if plan.until else ""
    input = plan.input.file or ", ".join(plan.input.devices) or "what it makes itself"
    out.print(
        f"{escape(plan.name)}: {len(plan.cases)} Cases × {plan.rounds} rounds{more} "
        f"+ {plan.warmups} warm-up, seed {plan.seed}, on {escape(input)}"
    )
    if plan.until:
        out.print(escape(f"rounds are added {rule_words(plan.until)}"))
    for words in conditions_words(plan.conditions):
        out.print(escape(printable(words)))
    for line in command_lines(plan.cases, "on the target, as who runs it"):
        print_wrapped(out, line.strip(), len(line) - len(line.lstrip()), 6)
    for case in plan.cases:
        print_wrapped(out, f"{case.id}  {printable(case.label)}", 2, 12)
    out.print("in this order:")
    for step in order(plan):
        name = "warm-up" if step.warmup else "round"
        print_wrapped(out, f"{name} {step.round + 1}: {printable(step.case.label)}", 2, 4)
    if plan.until:
        print_wrapped(out, f"and so on {rule_words(plan.until)}", 2, 4)
    for remark in remarks:
        out.print(f"[yellow]note:[/] {escape(remark)}")


def _print_figures(run: Run, measured: Sequence[CaseSummary], out: Console) -> None:
    own, interval, *others, trials = figures.headings(run)
    print_table(
        out,
        (
            TableColumn(heading="case", kind=Kind.NAME),
            TableColumn(heading=own),
            TableColumn(heading=interval),
            # A workload names its telling ones first.
            *(TableColumn(heading=name, spare=number) for number, name in enumerate(others, 2)),
            TableColumn(heading=trials, spare=1),
            TableColumn(heading="notes", kind=Kind.REMARK),
        ),
        [
            (
                printable(summary.case.label),
                *figures.cells(run, summary),
                printable("; ".join(figures.notes(summary))),
            )
            for summary in measured
        ],
    )


def _print_troubles(run: Run, out: Console) -> None:
    for status in (Status.SKIPPED, Status.FAILED, Status.INVALID):
        for (reason, remedy), labels in reasons(run, status).items():
            out.print(f"[{_SHADES[status]}]{status}[/] {escape(', '.join(labels))}")
            print_wrapped(out, printable(reason), 4)
            if remedy:
                print_wrapped(out, f"→ {printable(remedy)}", 4, 6)


def _moved(effect: Effect) -> str:
    """The counters that moved, one line each, and what that means."""
    counters = figures.moved_counters(effect)
    meaning = figures.meaning(effect)
    mark = "= " if effect.cause else ""
    return "\n".join([*counters, *([f"{mark}{meaning}"] if meaning else [])])
