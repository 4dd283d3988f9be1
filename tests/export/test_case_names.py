"""What programs call a Case is the same in every Run that has it."""

from export.runs import COUNTED, FAST, rendered, run_with
from loadstone.export.case_names import names, names_by_clock
from loadstone.model import Case
from loadstone.plan.knobs import with_knobs
from sample_runs import manifest_of, plan_of, run_of

LONG = "[echo what a label cuts out is in the middle: {}, and that is what differs]"
PLAIN = Case.of("model-load", "pread", {"engine": "pread"})


def names_of(*cases: Case) -> list[str]:
    return list(names(run_of(manifest_of(plan_of(cases)), ())).values())


def test_a_case_is_called_by_its_label_on_one_line() -> None:
    assert names_of(PLAIN, Case.of("model-load", "two\nlines", {})) == ["pread", "two lines"]


def test_a_command_is_told_by_its_case_alone_whatever_else_the_plan_has() -> None:
    both = with_knobs([PLAIN], {"turbo": [LONG.format(1), LONG.format(2)]})
    (alone,) = with_knobs([PLAIN], {"turbo": [LONG.format(1)]})
    assert both[0].label != alone.label, "the label itself depends on the Plan"
    assert both[0].id == alone.id
    assert names_of(alone) == names_of(*both)[:1]
    assert len(set(names_of(*both))) == 2


def test_two_cases_of_one_label_keep_their_figures_apart() -> None:
    alike = [Case.of("model-load", "pread", {"engine": "pread", "verify": v}) for v in ("a", "b")]
    called = names_of(*alike)
    assert len(set(called)) == 2
    assert [name.split(" #")[0] for name in called] == ["pread", "pread"]
    run = run_with(cases=(alike[0], alike[1]))
    assert len({line.split()[0] for line in rendered("benchstat", run).splitlines()[-6:]}) == 2


def test_in_the_lab_a_name_has_its_clock_for_those_who_compare_by_names() -> None:
    assert names_by_clock(run_with())[FAST.id] == FAST.label
    assert names_by_clock(run_with(COUNTED))[FAST.id] == f"{FAST.label} (instructions:1ns)"
