"""What is worth knowing about a Run before its figures are trusted."""

from collections.abc import Iterator, Sequence

from loadstone.analysis.stats import Interval
from loadstone.analysis.stopping import Ending, stop_of
from loadstone.analysis.summary import CaseSummary
from loadstone.core.evidence import timed_ns
from loadstone.doctor.system_state import system_states
from loadstone.errors import with_remedy
from loadstone.model import Run
from loadstone.plan.stop_rule import stop_words
from loadstone.result_names import IMPORTED
from loadstone.workloads import workloads

_UNSTEADY = 0.10
_STOLEN = 0.02


def hints(run: Run, summaries: Sequence[CaseSummary]) -> list[str]:
    """Sentences on unsteady figures, their likely causes, and what to do."""
    is_imported = run.manifest.environment.is_imported
    found = [] if is_imported else list(_system_states(run, summaries))
    stop = stop_of(run)
    if stop is not None and stop.ending is not Ending.NARROW:
        goes_on = stop.found and stop.ending is Ending.EARLY and not run.manifest.plan.input.erase
        remedy = f"`loadstone resume {run.id}` goes on" if goes_on else None
        found.insert(0, with_remedy(stop_words(stop), remedy))
    unsteady = [summary for summary in summaries if _spread(summary, run) > _UNSTEADY]
    if unsteady:
        found.insert(
            0,
            f"{len(unsteady)} of {sum(1 for s in summaries if s.trials)} Cases are unsteady "
            f"(interval wider than ±{_UNSTEADY:.0%}): "
            + (
                "import more runs of it"
                if is_imported
                else "more --rounds, or fix the causes below"
            ),
        )
    found += _companion_note(run)
    if is_imported:
        found.append(_imported(run))
    return found


def _imported(run: Run) -> str:
    known = run.manifest.environment.facts
    return (
        f"each run of {known[IMPORTED]} is one figure, whatever it sampled within; several files "
        "of the same jobs, imported together, are as many rounds"
    )


def _companion_note(run: Run) -> list[str]:
    """What to know where Cases of two Workloads are compared."""
    plan = run.manifest.plan
    chosen = workloads().get(plan.workload)
    if chosen is None or chosen.companion is None:
        return []
    others = [case for case in plan.cases if case.workload == chosen.companion.workload]
    return [chosen.companion.note] if others and len(others) < len(plan.cases) else []


def _spread(summary: CaseSummary, run: Run) -> float:
    interval = primary(run, summary)
    if interval is None or not interval.median:
        return 0.0
    return (interval.high - interval.low) / 2 / interval.median


def primary(run: Run, summary: CaseSummary) -> Interval | None:
    """The Case's interval of the metric that Cases are ranked by."""
    return summary.metrics.get(run.manifest.metrics[0].name) if run.manifest.metrics else None


def _system_states(run: Run, summaries: Sequence[CaseSummary]) -> Iterator[str]:
    for state in system_states(run.manifest.environment.facts):
        if state.problem is not None:
            yield with_remedy(state.problem, state.remedy)
    yield from _disturbance(summaries)


def _disturbance(summaries: Sequence[CaseSummary]) -> Iterator[str]:
    shares = [
        summary.evidence["cpu.steal_ns"] / elapsed_ns
        for summary in summaries
        if "cpu.steal_ns" in summary.evidence and (elapsed_ns := timed_ns(summary.evidence))
    ]
    if shares and max(shares) > _STOLEN:
        yield f"the hypervisor stole up to {max(shares):.0%} of a CPU's time during Trials"
