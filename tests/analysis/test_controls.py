"""What a Comparison of one Run with one makes of the controls of both."""

import msgspec
import pytest

from analysis.runs import STEADY, run_with, with_controls
from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Comparison, Verdict
from loadstone.analysis.controls import machine_change
from loadstone.model import Better, Metric, Run
from sample_runs import DELAY, SPEED, measured_run

SLOWER = [figure * 0.85 for figure in STEADY]
FASTER = [figure * 1.25 for figure in STEADY]
COUNT = Metric(name="amplification", unit="B/B", better=Better.LOWER)


def held(new: list[float], base_ns: list[float], new_ns: list[float]) -> Comparison:
    """A comparison of one Case, which stood at STEADY, with the direct reads of both Runs."""
    base = with_controls(run_with("a", {"x": STEADY}), read=base_ns)
    return compare(base, with_controls(run_with("b", {"x": new}, hour=1), read=new_ns))


def verdict(comparison: Comparison) -> Verdict:
    (effect,) = comparison.effects
    return effect.verdict


def test_on_a_machine_that_is_the_same_a_change_is_called() -> None:
    comparison = held(SLOWER, STEADY, STEADY)
    assert verdict(comparison) is Verdict.SLOWER
    assert comparison.warnings == ()


def test_what_the_machine_could_have_done_is_not_called() -> None:
    comparison = held(SLOWER, STEADY, [figure / 0.82 for figure in STEADY])
    assert verdict(comparison) is Verdict.INCONCLUSIVE
    assert comparison.warnings == (
        "the machine changed between these Runs: its own direct read -18% [-19%, -17%]",
        "not called, as the machine could explain it: x; measure both in one Run (--knob, or "
        "loadstone ab), or several Runs of each by lot",
    )


def test_what_goes_beyond_the_machine_is_called() -> None:
    comparison = held(SLOWER, STEADY, [figure / 0.95 for figure in STEADY])
    assert verdict(comparison) is Verdict.SLOWER
    assert comparison.warnings == (
        "the machine changed between these Runs: its own direct read -5% [-6%, -4%]",
    )


def test_a_machine_that_became_slower_explains_nothing_that_became_faster() -> None:
    assert verdict(held(FASTER, STEADY, [figure / 0.7 for figure in STEADY])) is Verdict.FASTER


def test_the_same_figures_on_another_machine_are_not_the_same() -> None:
    assert verdict(held(STEADY, STEADY, STEADY)) is Verdict.SAME
    assert verdict(held(STEADY, STEADY, SLOWER)) is Verdict.INCONCLUSIVE


def test_the_same_on_a_machine_that_changed_by_less_than_counts_is_the_same() -> None:
    comparison = held(STEADY, STEADY, [figure / 0.985 for figure in STEADY])
    assert verdict(comparison) is Verdict.SAME


def test_a_control_that_only_scatters_holds_nothing_back() -> None:
    noisy = [60.0, 150.0, 90.0, 130.0, 75.0, 110.0, 140.0, 70.0]
    comparison = held(SLOWER, noisy, noisy[::-1])
    assert verdict(comparison) is Verdict.SLOWER
    assert not comparison.controls[0].is_seen


def test_each_control_counts() -> None:
    base = with_controls(run_with("a", {"x": STEADY}), cpu=STEADY, memory=STEADY, read=STEADY)
    slow = [figure / 0.8 for figure in STEADY]
    for name in ("cpu", "memory", "read"):
        figures = {"cpu": STEADY, "memory": STEADY, "read": STEADY} | {name: slow}
        new = with_controls(run_with("b", {"x": SLOWER}, hour=1), **figures)
        assert verdict(compare(base, new)) is Verdict.INCONCLUSIVE


def moved_machine(metric: Metric, **facts: str) -> tuple[Run, Run]:
    base, new = (
        run_with(name, {"x": STEADY}, metric, hour, facts=facts if hour else None)
        for hour, name in enumerate("ab")
    )
    return with_controls(base, cpu=STEADY), with_controls(new, cpu=SLOWER)


@pytest.mark.parametrize(("metric", "is_held"), [(SPEED, True), (DELAY, True), (COUNT, False)])
def test_what_takes_no_time_is_as_it_is_on_any_machine(metric: Metric, is_held: bool) -> None:
    assert bool(machine_change(*moved_machine(metric), metric).controls) == is_held


def test_two_machines_are_not_taken_for_one_that_changed() -> None:
    assert not machine_change(*moved_machine(SPEED, **{"cpu.model": "another"}), SPEED).controls
    base, new = moved_machine(SPEED)
    manifest = new.manifest
    elsewhere = msgspec.structs.replace(manifest.environment, target="adb:X")
    new = msgspec.structs.replace(
        new, manifest=msgspec.structs.replace(manifest, environment=elsewhere)
    )
    assert not machine_change(base, new, SPEED).controls


def test_runs_that_were_interleaved_are_paired_and_need_none() -> None:
    case = run_with("a", {"x": STEADY}).manifest.plan.cases[0]
    base, new = (
        with_controls(measured_run([(case, figures)], SPEED, name), cpu=figures)
        for name, figures in (("a", STEADY), ("b", SLOWER))
    )
    assert verdict(compare(base, new)) is Verdict.SLOWER


def test_runs_of_before_there_were_controls_are_compared_with_a_word() -> None:
    def old(run: Run) -> Run:
        environment = msgspec.structs.replace(run.manifest.environment, facts={})
        manifest = msgspec.structs.replace(run.manifest, environment=environment)
        return msgspec.structs.replace(run, manifest=manifest)

    base, new = old(run_with("a", {"x": STEADY})), run_with("b", {"x": SLOWER}, hour=1)
    comparison = compare(base, new)
    assert verdict(comparison) is Verdict.SLOWER
    assert comparison.warnings == (
        "BASE has no controls, as an older loadstone made no such: a step of the machine between "
        "the Runs would be called a change",
    )
