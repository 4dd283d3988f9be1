"""A Run or a Comparison as a table in GitHub-flavoured Markdown: for a pull request or a mail."""

from collections.abc import Iterator, Sequence

from loadstone.analysis import time_base
from loadstone.analysis.comparison import Comparison, Effect, IncompleteCase, Verdict
from loadstone.analysis.coverage import in_words
from loadstone.analysis.summary import CaseSummary, summarise
from loadstone.errors import with_remedy
from loadstone.model import Run, Status
from loadstone.published.changes import PublishedByLabel
from loadstone.report import facts, figures
from loadstone.report.comparison_lines import ABOUT, change, change_bounds, needed, side_lines
from loadstone.report.hints import hints
from loadstone.report.markdown_text import inline, prose, table
from loadstone.report.published import change_lines
from loadstone.report.reasons import reasons
from loadstone.report.run_line import run_line

_EFFECT_HEADINGS = (
    ("case", False),
    ("metric", False),
    ("change", True),
    ("95 % interval", True),
    ("p", True),
    ("verdict", False),
    ("what moved", False),
)


def run_markdown(run: Run) -> str:
    """What ``show`` prints of a Run, in Markdown."""
    summaries = summarise(run)
    measured = figures.measured(run, summaries)
    above = ["run " + inline(run.id), inline(run_line(run)), *map(inline, facts.lab_lines(run))]
    blocks = [_lines(above)]
    if measured:
        blocks.append(_figures(run, measured))
    below = [*_troubles(run), *_fastest(run, measured)]
    below += [f"note: {prose(hint)}" for hint in hints(run, summaries)]
    if (missing := facts.missing_trials(run)) > 0:
        below.append(f"note: not complete, Trials of the Plan that were not carried out: {missing}")
    return _document([*blocks, _lines(below)])


def comparison_markdown(
    comparison: Comparison, runs: Sequence[Run], published: PublishedByLabel | None = None
) -> str:
    """What ``compare`` prints, in Markdown.

    Args:
        runs: those that were compared; of each a line says where it was measured.
    """
    above = [inline(line) for line in side_lines(comparison)]
    machines = dict.fromkeys(run_line(run) for run in runs)
    above += [f"measured: {inline(line)}" for line in machines]
    if comparison.clock is not None:
        above.append(f"clock: {inline(time_base.words(comparison.clock))}")
    below = [inline(line) for line in change_lines(comparison, published or {})]
    below += map(_incomplete, comparison.incomplete)
    below += [f"note: {prose(warning)}" for warning in comparison.warnings]
    rows = [_effect_row(effect) for effect in comparison.effects]
    return _document([_lines(above), table(_EFFECT_HEADINGS, rows), inline(ABOUT), _lines(below)])


def _document(blocks: Sequence[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lines(lines: Sequence[str]) -> str:
    """Each begins with a word of ours, so that none of them is a heading or another list."""
    return "\n".join(f"- {line}" for line in lines)


def _figures(run: Run, measured: Sequence[CaseSummary]) -> str:
    headings = [(heading, True) for heading in figures.headings(run)]
    rows = [
        [summary.case.label, *figures.cells(run, summary), "; ".join(figures.notes(summary))]
        for summary in measured
    ]
    cells = [[inline(cell) for cell in row] for row in rows]
    return table([("case", False), *headings, ("notes", False)], cells)


def _fastest(run: Run, measured: Sequence[CaseSummary]) -> Iterator[str]:
    if not measured or not figures.is_ranked(run):
        return
    first = measured[0]
    text = f"fastest: **{inline(first.case.label)}**, {inline(figures.headline(run, first))}"
    rivals = figures.rivals(run, measured)
    yield text + (f"; within its interval: {inline(', '.join(rivals))}" if rivals else "")


def _troubles(run: Run) -> Iterator[str]:
    for status in (Status.SKIPPED, Status.FAILED, Status.INVALID):
        for (reason, remedy), labels in reasons(run, status).items():
            cases, why = inline(", ".join(labels)), prose(with_remedy(reason, remedy))
            yield f"{status.value} {cases}: {why}"


def _effect_row(effect: Effect) -> list[str]:
    is_called = effect.verdict in (Verdict.FASTER, Verdict.SLOWER)
    verdict = f"**{effect.verdict.value}**" if is_called else effect.verdict.value
    meaning = figures.meaning(effect)
    moved = [*figures.moved_counters(effect), *([meaning] if meaning else [])]
    cells = (effect.label, effect.metric, change(effect), change_bounds(effect), f"{effect.p:.3f}")
    return [*map(inline, cells), verdict + needed(effect), inline("; ".join(moved))]


def _incomplete(case: IncompleteCase) -> str:
    words = "failed in part" if case.is_compared else "not compared"
    remedies = dict.fromkeys(state.remedy for state in (case.base, case.new) if state.remedy)
    return f"{words}: {prose('; '.join((in_words(case), *remedies)))}"
