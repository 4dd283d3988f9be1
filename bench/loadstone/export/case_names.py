"""What programs call a Case: the same in every Run, so that they find it again."""

from collections import Counter
from collections.abc import Mapping

from loadstone.analysis import time_base
from loadstone.model import Case, Run

_ID_DIGITS = 4


def names(run: Run) -> Mapping[str, str]:
    """What programs call each Case, by its id: its label, in any Run that has the Case.

    Commands are shortened in labels, and Cases of a label belong apart: such a name ends in the
    beginning of the id.
    """
    cases = run.manifest.plan.cases
    plain = {case.id: _plain_name(case) for case in cases}
    alike = Counter(plain.values())
    return {id_: f"{name} {_mark(id_)}" if alike[name] > 1 else name for id_, name in plain.items()}


def names_by_clock(run: Run) -> Mapping[str, str]:
    """The same for programs that compare whatever shares a name: in the lab with its clock."""
    counted_by = time_base.clock_of(run.manifest.environment)
    tag = "" if counted_by is None else f" ({time_base.tag(counted_by)})"
    return {id_: f"{name}{tag}" for id_, name in names(run).items()}


def _plain_name(case: Case) -> str:
    """That is told by the Case alone, not by what else is in its Plan."""
    label = " ".join(case.label.split())
    return (
        f"{label.removesuffix(f' {_mark(case.id)}')} {_mark(case.id)}" if case.commands else label
    )


def _mark(id_: str) -> str:
    return f"#{id_[:_ID_DIGITS]}"
