"""Comparisons call what is there, and only that."""

import math
import re
from collections.abc import Collection, Mapping, Sequence

import msgspec
import numpy as np
import pytest
from scipy.stats import binom

from loadstone.analysis.compare import compare
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Case, Comparison, Effect, Input, Metric, Run, Status, Value, Verdict
from sample_runs import DELAY, SPEED, measured_run

LABELS = tuple(f"block {i}" for i in range(10))
STEADY = [100.0, 101.0, 99.5, 100.5, 99.0, 100.2, 99.8, 100.7]


def _run(
    name: str,
    figures: Mapping[str, Sequence[float]],
    metric: Metric = SPEED,
    hour: int = 0,
    grown: Collection[str] = (),
    facts: Mapping[str, Value] | None = None,
) -> Run:
    """A Run whose rounds are a minute each, from the given hour on.

    The labels in grown have one more parameter, and so another id.
    """
    cases = tuple(
        Case.of("model-load", label, {"block": label, "grown": label in grown}) for label in figures
    )
    own = [(case, figures[case.label]) for case in cases]
    return measured_run(own, metric, name, hour, facts)


def _of_one(
    base: Sequence[float], new: Sequence[float], metric: Metric = SPEED, new_hour: int = 1
) -> Effect:
    sides = _run("a", {"block 0": base}, metric), _run("b", {"block 0": new}, metric, new_hour)
    return compare(*sides).effects[0]


def _noisy(random: np.random.Generator, drift: str, effect: float = 1.0) -> dict[str, list[float]]:
    """Ten Cases of ten rounds: 3 % noise, one round in ten far too slow, and drift."""
    logs = 0.03 * random.standard_normal((10, 10))
    logs -= np.where(random.random((10, 10)) < 0.1, random.exponential(0.5, (10, 10)), 0)
    if drift == "the same in both":
        logs += np.linspace(0, -0.06, 10)
    if drift == "of its own":
        logs += random.normal(0, 0.06) * np.linspace(0, 1, 10)
    rows = effect * 1e9 * np.exp(logs)
    return {label: list(map(float, row)) for label, row in zip(LABELS, rows, strict=True)}


def _is_called(comparison: Comparison) -> bool:
    called = {Verdict.FASTER, Verdict.SLOWER}
    return any(effect.verdict in called for effect in comparison.effects)


@pytest.mark.parametrize("drift", ["none", "the same in both", "of its own"])
def test_a_compared_with_a_calls_a_difference_once_in_20_at_most(drift: str) -> None:
    random = np.random.default_rng(7)
    tries = 30
    pairs = (
        (_run("a", _noisy(random, drift)), _run("b", _noisy(random, drift), hour=1))
        for _ in range(tries)
    )
    called = sum(_is_called(compare(base, new)) for base, new in pairs)
    assert called <= binom.ppf(0.99, tries, 0.05)


def test_a_true_tenth_is_found_in_most_of_ten_noisy_cases_and_never_reversed() -> None:
    random = np.random.default_rng(8)
    base = _run("a", _noisy(random, "none"))
    new = _run("b", _noisy(random, "none", effect=1.1), hour=1)
    verdicts = [effect.verdict for effect in compare(base, new).effects]
    assert verdicts.count(Verdict.FASTER) >= 6
    assert Verdict.SLOWER not in verdicts
    back = [effect.verdict for effect in compare(new, base).effects]
    assert back.count(Verdict.SLOWER) >= 6


def test_the_primary_metric_decides_which_way_is_better() -> None:
    less = [0.9 * figure for figure in STEADY]
    assert _of_one(STEADY, less, SPEED).verdict is Verdict.SLOWER
    effect = _of_one(STEADY, less, DELAY)
    assert effect.verdict is Verdict.FASTER
    assert effect.ratio == pytest.approx(1 / 0.9)
    assert 1 < effect.low <= effect.ratio <= effect.high


def test_an_interval_within_the_threshold_is_the_same() -> None:
    effect = _of_one(STEADY, [1.002 * figure for figure in reversed(STEADY)])
    assert effect.verdict is Verdict.SAME
    assert effect.rounds_needed is None


def test_too_much_noise_is_inconclusive_and_says_how_many_rounds_would_do() -> None:
    effect = _of_one([80.0, 125.0, 100.0, 90.0, 110.0], [85.0, 120.0, 105.0, 92.0, 111.0])
    assert effect.verdict is Verdict.INCONCLUSIVE
    assert effect.rounds_needed is not None
    assert effect.rounds_needed > 5


def test_a_single_round_decides_nothing() -> None:
    for new in (100.0, 200.0):
        effect = _of_one([100.0], [new])
        assert effect.verdict is Verdict.INCONCLUSIVE
        assert effect.rounds_needed is None


def test_many_cases_are_corrected_for() -> None:
    five, more = STEADY[:5], [1.2 * figure for figure in STEADY[:5]]
    alone = compare(_run("a", {"block 0": five}), _run("b", {"block 0": more}, hour=1))
    assert [effect.verdict for effect in alone.effects] == [Verdict.FASTER]
    among = compare(
        _run("a", dict.fromkeys(LABELS, five)),
        _run("b", dict.fromkeys(LABELS, five) | {"block 0": more}, hour=1),
    )
    assert among.effects[0].p == pytest.approx(10 * alone.effects[0].p)
    assert among.effects[0].verdict is Verdict.INCONCLUSIVE


def test_a_change_that_drift_could_explain_is_withheld_with_a_warning() -> None:
    falling = [figure * 0.98**number for number, figure in enumerate(STEADY)]
    base, new = _run("a", {"block 0": falling}), _run("b", {"block 0": STEADY}, hour=1)
    comparison = compare(base, new)
    assert comparison.effects[0].verdict is Verdict.INCONCLUSIVE
    assert comparison.effects[0].rounds_needed is None
    drifted, withheld = comparison.warnings
    assert drifted.startswith("BASE drifted by -1")
    assert "block 0" in withheld


def test_interleaved_runs_are_paired_so_that_shared_drift_cancels() -> None:
    levels = [math.exp(-0.1 * number) for number in range(8)]
    base = [level * figure for level, figure in zip(levels, STEADY, strict=True)]
    new = [1.05 * level * figure for level, figure in zip(levels, STEADY[::-1], strict=True)]
    assert _of_one(base, new, new_hour=1).verdict is Verdict.INCONCLUSIVE
    assert _of_one(base, new, new_hour=0).verdict is Verdict.FASTER


def test_warm_ups_and_trials_that_did_not_end_well_do_not_count() -> None:
    good = _run("a", {"block 0": STEADY})
    spoilt = [
        msgspec.structs.replace(good.trials[0], metrics={"throughput": 1.0}, **change)
        for change in ({"warmup": True}, {"status": Status.INVALID}, {"status": Status.FAILED})
        for _ in range(20)
    ]
    worse = msgspec.structs.replace(good, trials=(*good.trials, *spoilt))
    new = _run("b", {"block 0": STEADY}, hour=1)
    assert compare(worse, new).effects == compare(good, new).effects


def test_cases_are_matched_by_label_only_where_no_id_is_shared() -> None:
    base = _run("a", {"block 0": STEADY, "block 1": STEADY})
    renamed = _run("b", {"block 0": STEADY}, hour=1, grown=["block 0"])
    assert [effect.label for effect in compare(base, renamed).effects] == ["block 0"]
    mixed = _run("b", {"block 0": STEADY, "block 1": STEADY}, hour=1, grown=["block 0"])
    assert [effect.label for effect in compare(base, mixed).effects] == ["block 1"]
    assert len(compare(base, mixed).unmatched) == 2


def test_a_case_that_one_run_skipped_is_unmatched_with_the_reason() -> None:
    base = _run("a", {"block 0": STEADY, "block 1": STEADY})
    new = _run("b", {"block 0": STEADY, "block 1": STEADY[:1]}, hour=1)
    skip = msgspec.structs.replace(
        new.trials[-1], status=Status.SKIPPED, reason="no udmabuf", metrics={}
    )
    new = msgspec.structs.replace(new, trials=(*new.trials[:-1], skip))
    assert compare(base, new).unmatched == ("block 1 (NEW: skipped, no udmabuf)",)
    assert compare(new, base).unmatched == ("block 1 (BASE: skipped, no udmabuf)",)


def test_a_figure_of_zero_has_no_ratio_and_says_so() -> None:
    base = _run("a", {"block 0": STEADY, "block 1": STEADY})
    new = _run("b", {"block 0": STEADY, "block 1": [0.0, *STEADY[1:]]}, hour=1)
    assert compare(base, new).unmatched == ("block 1 (NEW: throughput of zero has no ratio)",)


def test_nothing_in_common_is_an_error_that_names_both_runs_and_what_to_do() -> None:
    with pytest.raises(CannotMeasureError, match=r"^a and b have no measured Case.*same plan"):
        compare(_run("a", {"block 0": STEADY}), _run("b", {"block 1": STEADY}))
    with pytest.raises(CannotMeasureError, match=r"throughput in B/s and b measures delay in ns"):
        compare(_run("a", {"block 0": STEADY}), _run("b", {"block 0": STEADY}, DELAY))
    with pytest.raises(UsageError, match="negative"):
        compare(_run("a", {"block 0": STEADY}), _run("b", {"block 0": STEADY}), threshold=-0.1)


def test_only_evidence_that_moved_is_kept_most_moved_first() -> None:
    def with_evidence(run: Run, evidence: Mapping[str, float]) -> Run:
        trials = (msgspec.structs.replace(trial, evidence=evidence) for trial in run.trials)
        return msgspec.structs.replace(run, trials=tuple(trials))

    many = {f"counter{i}": 100.0 for i in range(20)}
    base = with_evidence(
        _run("a", {"block 0": STEADY}), {"flushes": 2, "ios": 100, "gone": 1, "zero": 0} | many
    )
    new = with_evidence(
        _run("b", {"block 0": STEADY}, hour=1),
        {"flushes": 1, "ios": 109, "come": 1, "zero": 0} | dict.fromkeys(many, 120.0),
    )
    evidence = compare(base, new).effects[0].evidence
    assert next(iter(evidence.items())) == ("flushes", (2, 1))
    assert len(evidence) == 8
    assert not {"ios", "gone", "come", "zero"} & set(evidence)


def test_warnings_name_what_else_differs_between_the_runs() -> None:
    base = _run("a", {"block 0": STEADY[:4]}, facts={"kernel.release": "6.1", "fs.type": "ext4"})
    new = _run(
        "b", {"block 0": STEADY}, hour=1, facts={"kernel.release": "6.6", "cpu.governor": "x"}
    )
    plan = msgspec.structs.replace(new.manifest.plan, input=Input(size_bytes=8192))
    manifest = msgspec.structs.replace(new.manifest, core="def", plan=plan)
    new = msgspec.structs.replace(new, manifest=manifest)
    assert compare(base, new).warnings == (
        "core: abc in BASE, def in NEW",
        "kernel.release: 6.1 in BASE, 6.6 in NEW",
        "fewer than 5 good rounds of block 0",
    )


TCG = {"clock.accelerator": "tcg", "clock.processor": "max,-erms,-fsrm"}
COUNTED: dict[str, Value] = {"clock.name": "instructions", "clock.ns_per_instruction": 1, **TCG}
EMULATED: dict[str, Value] = {"clock.name": "wall", **TCG}
VIRTUAL: dict[str, Value] = {"clock.name": "wall", "clock.accelerator": "kvm"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (COUNTED, EMULATED, r"counted instructions \(1 ns each.*wall time of an emulated"),
        (EMULATED, VIRTUAL, r"emulated processor.*wall time of a virtual machine \(KVM"),
        (COUNTED, {}, "counted instructions.*time of a real machine"),
        ({}, VIRTUAL, r"real machine.*virtual machine \(KVM"),
        (COUNTED, COUNTED | {"clock.ns_per_instruction": 2}, "1 ns each.*2 ns each"),
    ],
)
def test_runs_of_different_clocks_are_not_compared_and_both_are_named(
    before: dict[str, Value], after: dict[str, Value], words: str
) -> None:
    base = _run("a", {"block 0": STEADY}, facts=before)
    new = _run("b", {"block 0": STEADY}, hour=1, facts=after)
    with pytest.raises(CannotMeasureError, match=r"^a is .*, and b in .*--clock$") as caught:
        compare(base, new)
    assert re.search(words, str(caught.value))


def test_runs_of_one_clock_carry_it_into_the_comparison() -> None:
    base, new = (
        _run(name, {"block 0": STEADY}, hour=hour, facts=COUNTED)
        for hour, name in enumerate(("a", "b"))
    )
    clock = compare(base, new).clock
    assert clock is not None
    assert (clock.name, clock.ns_per_instruction) == ("instructions", 1)


def test_another_processor_or_storage_in_the_lab_is_warned_of_and_its_kernels_are_not() -> None:
    storage: dict[str, Value] = {"storage.profile": "ufs40", "storage.mbps": 4200}
    old: dict[str, Value] = {"kernel.release": "6.1.0-50-amd64", "lab.kernel": "bookworm"}
    later: dict[str, Value] = {"kernel.release": "7.3.4", "lab.kernel": "trixie-backports"}
    base = _run("a", {"block 0": STEADY}, facts=COUNTED | storage | old)
    changes: dict[str, Value] = {"clock.processor": "max", "storage.mbps": 2100}
    new = _run("b", {"block 0": STEADY}, hour=1, facts=COUNTED | storage | later | changes)
    comparison = compare(base, new)
    assert comparison.warnings == (
        "clock.processor: max,-erms,-fsrm in BASE, max in NEW",
        "storage.mbps: 4200 in BASE, 2100 in NEW",
    )
    assert comparison.base_kernel == "6.1.0-50-amd64 (bookworm)"
    assert comparison.new_kernel == "7.3.4 (trixie-backports)"


def test_one_kernel_s_name_for_two_releases_is_warned_of() -> None:
    base, new = (
        _run(
            name,
            {"block 0": STEADY},
            hour=hour,
            facts=COUNTED | {"lab.kernel": "bookworm", "kernel.release": f"6.1.{hour}"},
        )
        for hour, name in enumerate(("a", "b"))
    )
    assert compare(base, new).warnings == ("kernel.release: 6.1.0 in BASE, 6.1.1 in NEW",)
