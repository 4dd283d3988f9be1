"""Cases within one Run: who is compared with whom, and what is paired."""

from collections.abc import Sequence

import msgspec
import pytest

from loadstone.analysis.comparison import Design, Effect, Verdict
from loadstone.analysis.within_run import compare_within
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Case, Run, Status, Value
from loadstone.plan.knobs import with_knobs
from sample_runs import SPEED, measured_run


def case_of(label: str, **parameters: Value) -> Case:
    return Case.of("model-load", label, parameters)


def run_of(cases: Sequence[Case], figures: Sequence[Sequence[float]]) -> Run:
    return measured_run(list(zip(cases, figures, strict=True)), SPEED, "a", 0, None)


def two(base: Sequence[float], new: Sequence[float]) -> Effect:
    cases = [case_of("pread", overlap=0), case_of("pread overlap", overlap=1)]
    (effect,) = compare_within(run_of(cases, [base, new]), "overlap").effects
    return effect


def test_each_value_is_compared_with_the_first_where_all_else_is_alike() -> None:
    cases = [
        case_of("a depth 1", engine="a", depth=1),
        case_of("b depth 1", engine="b", depth=1),
        case_of("a depth 4", engine="a", depth=4),
        case_of("b depth 4", engine="b", depth=4),
        case_of("a depth 8", engine="a", depth=8),
    ]
    run = run_of(cases, [[float(100 + number)] * 8 for number in range(5)])
    by_depth = compare_within(run, "depth")
    assert [effect.label for effect in by_depth.effects] == [
        "a depth 1: 1 → 4",
        "a depth 1: 1 → 8",
        "b depth 1: 1 → 4",
    ]
    assert [round(effect.ratio, 3) for effect in by_depth.effects] == [1.02, 1.04, 1.02]
    assert (by_depth.design, by_depth.by) == (Design.WITHIN_RUN, "depth")
    by_engine = compare_within(run, "engine")
    assert [effect.label for effect in by_engine.effects] == [
        "a depth 1: a → b",
        "a depth 4: a → b",
    ]


def test_a_default_that_no_label_names_goes_by_its_value() -> None:
    cases = [case_of("pread", fixed=False), case_of("pread fixed", fixed=True)]
    (effect,) = compare_within(run_of(cases, [[1.0] * 6, [2.0] * 6]), "fixed").effects
    assert effect.label == "pread: fixed off → fixed"


def test_of_two_commands_the_words_are_told_that_differ() -> None:
    path = "/sys/devices/system/cpu/intel_pstate/no_turbo"
    pairs = {
        (f"[echo 1 > {path}]", f"[echo 0 > {path}]"): "[echo 1 > /sys/…/no_turbo]: 1 → 0",
        ("[touch F1]", "[touch F2]"): "[touch F1]: F1 → F2",
        ("[stop; sync]", "[start]"): "[stop; sync]: stop; sync → start",
        ("[a b]", "[b a]"): "[a b]: knob.k [a b] → knob.k [b a]",
    }
    for commands, expected in pairs.items():
        cases = with_knobs([case_of("pread", engine="pread")], {"k": commands})
        (effect,) = compare_within(run_of(cases, [[1.0] * 6, [2.0] * 6]), "knob.k").effects
        assert effect.label == f"pread k {expected}"


def test_commands_that_are_shortened_alike_are_told_by_their_ids() -> None:
    commands = [f"[echo {'a' * 20}{one}{'b' * 20}]" for one in "xy"]
    cases = with_knobs([case_of("pread", engine="pread")], {"k": commands})
    (effect,) = compare_within(run_of(cases, [[1.0] * 6, [2.0] * 6]), "knob.k").effects
    first, second = (case.id[:4] for case in cases)
    assert effect.label.endswith(f"#{first}: #{first} → #{second}")


def test_figures_are_paired_by_round() -> None:
    """What meets a whole round, a factor of two, hides nothing."""
    rounds = [100.0, 200.0, 50.0, 100.0, 400.0, 25.0, 100.0, 50.0]
    effect = two(rounds, [1.05 * figure for figure in rounds])
    assert effect.verdict is Verdict.FASTER
    assert effect.ratio == pytest.approx(1.05)


def test_a_case_that_was_not_measured_is_named_and_the_others_compared() -> None:
    cases = [case_of(f"depth {depth}", depth=depth) for depth in (1, 2, 4)]
    run = run_of(cases, [[1.0] * 6, [2.0] * 6, [4.0] * 6])
    trials = tuple(
        msgspec.structs.replace(one, status=Status.SKIPPED, reason="no ring", metrics={})
        if one.case == cases[1].id
        else one
        for one in run.trials
    )
    found = compare_within(msgspec.structs.replace(run, trials=trials), "depth")
    assert [effect.label for effect in found.effects] == ["depth 1: 1 → 4"]
    (incomplete,) = found.incomplete
    assert incomplete.label == "depth 1: 1 → 2"
    assert incomplete.new.reason == "no ring"


def test_what_cannot_be_compared_says_why() -> None:
    run = run_of([case_of("a", depth=1, block=1), case_of("b", depth=2, block=2)], [[1.0]] * 2)
    with pytest.raises(UsageError, match=r"--by dept: .* no such parameter \(did you mean 'depth'"):
        compare_within(run, "dept")
    with pytest.raises(
        CannotMeasureError, match="no two Cases of a differ in depth alone"
    ) as caught:
        compare_within(run, "depth")
    assert "--set depth=V1,V2" in str(caught.value.remedy)
